// Package admin serves what a node tells and lets its owner do: the state of settlement, evidence against operators,
// batch files and metrics. It has no keys of its own: it listens on loopback only, refuses requests that a web page
// on the same machine could make, and moves no money but what the node would move anyway.
//
//	GET  /settlement        state of settlement
//	POST /settlement/now    bring everything pending on chain now, and wait for it
//	GET  /evidence          provable faults that this node has seen
//	POST /dispute           bring the evidence that is not punished yet on chain, and wait for it
//	GET  /batches/EPOCH     one settled batch, as 'flotilla verify' reads it
//	GET  /metrics           the same figures for Prometheus
//	GET  /index             what a gateway's routing index holds
//	GET  /index/health      what its rows are worth
//	GET  /index/export      the index as a file; /index/generations/ID an earlier generation
//	POST /index/rows        append the rows of the index file in the body; /index/rows/SOURCE in place of those of that source
//	POST /index/remove      remove outcomes: {"source":…,"model":…,"rows":[…],"index_id":…}, all that are given
//	POST /index/forget-generations remove all generations but the newest, with the rows that are not in that
//	GET  /feedback          what users said of answers
//	POST /feedback/review   accept, reject or take back: {"receipts":[…],"state":…,"weight":…}
//	GET  /keys              a gateway's API keys and what they have spent
//	POST /keys              make one: {"name":…,"budget_micro_usd":…,"reset":…,…}; the answer has its secret
//	GET  /requests          the request log, newest first: ?key=&model=&operator=&status=&since=&until=&limit=&cursor=
//	GET  /                  the gateway's page, with the requests of all keys (package page)
//	POST /keys/revoke       refuse one from now on: {"id":…,"forget":…}
package admin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Header must be on every POST. A web page cannot send it to another origin without asking first, and nobody here
// answers such a question.
const Header = "X-Flotilla-Admin"

const (
	headerTimeout = 5 * time.Second
	readTimeout   = 10 * time.Second // most bodies are empty; see uploadTimeout
	// actTimeout is how long a POST may wait for the chain: settling and disputing take a few blocks each.
	actTimeout     = 5 * time.Minute
	maxHeaderBytes = 16 << 10
)

// ErrNotFound: there is no such batch.
var ErrNotFound = errors.New("not found")

// ErrBadRequest: what was sent cannot be done; nothing has changed.
var ErrBadRequest = errors.New("bad request")

// ErrAway: what was asked for is in a database that does not answer now.
var ErrAway = errors.New("try again later")

// awayRetry is when that may be tried again.
const awayRetry = 2 * time.Second

// ErrNotHere: a node of this role does not do that.
var ErrNotHere = errors.New("not a task of this node")

// Source is the node behind the pages. Methods are called concurrently; results are sent as JSON.
type Source interface {
	SettlementStatus(ctx context.Context) (any, error)
	SettleNow(ctx context.Context) error
	Evidence(ctx context.Context) (any, error)
	Dispute(ctx context.Context) (any, error)
	Batch(ctx context.Context, epoch uint64) (any, error)
	OtherNodes(ctx context.Context) (any, error)
	Indexes
	Feedbacks
	APIKeys
	Requests
}

// Listen opens the listener. An address that is not loopback is refused: there is no key to ask for.
func Listen(addr string) (net.Listener, error) {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("listen for administration at %q: %w", addr, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("listen for administration at %q: want a loopback address such as 127.0.0.1:8421: these pages ask for no key", addr)
	}
	ln, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("listen for administration: %w", err)
	}
	return ln, nil
}

// Serve answers on ln until ctx ends; it closes ln and waits for what is under way.
func Serve(ctx context.Context, ln net.Listener, source Source, page http.Handler, metrics *prometheus.Registry, log *slog.Logger) error {
	srv := &http.Server{
		Handler: Handler(source, page, metrics, log), ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, MaxHeaderBytes: maxHeaderBytes,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve administration: %w", err)
	case <-ctx.Done():
	}
	end, cancel := context.WithTimeout(context.WithoutCancel(ctx), headerTimeout)
	defer cancel()
	err := srv.Shutdown(end)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}
	if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, serveErr)
	}
	if err != nil {
		return fmt.Errorf("shut administration down: %w", err)
	}
	return nil
}

// Handler serves the pages; page is the gateway's own for people, nil on a node that has none.
func Handler(source Source, page http.Handler, metrics *prometheus.Registry, log *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	if page != nil {
		mux.Handle("GET /{$}", page)
		mux.Handle("GET /page/", page)
	}
	mux.HandleFunc("GET /settlement", read(source.SettlementStatus))
	mux.HandleFunc("GET /nodes", read(source.OtherNodes))
	mux.HandleFunc("GET /evidence", read(source.Evidence))
	mux.HandleFunc("GET /batches/{epoch}", func(w http.ResponseWriter, r *http.Request) {
		epoch, err := strconv.ParseUint(r.PathValue("epoch"), 10, 64)
		if err != nil {
			fail(w, http.StatusBadRequest, errors.New("a batch is named by its epoch: 1, 2, 3 …"))
			return
		}
		read(func(ctx context.Context) (any, error) { return source.Batch(ctx, epoch) })(w, r)
	})
	mux.HandleFunc("POST /settlement/now", act(func(ctx context.Context) (any, error) {
		if err := source.SettleNow(ctx); err != nil {
			return nil, err
		}
		return source.SettlementStatus(ctx)
	}))
	mux.HandleFunc("POST /dispute", act(source.Dispute))
	indexPages(mux, source)
	feedbackPages(mux, source)
	keyPages(mux, source)
	requestPages(mux, source)
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{
		ErrorHandling: promhttp.ContinueOnError, // one figure that cannot be read takes the others from nobody
		ErrorLog:      slog.NewLogLogger(log.Handler(), slog.LevelWarn), Registry: metrics,
	}))
	return local(mux)
}

// local refuses requests that were sent under another name than this machine's: a page whose name was made to point
// here (DNS rebinding) would otherwise read everything.
func local(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if h, _, err := net.SplitHostPort(r.Host); err == nil {
			host = h
		}
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			fail(w, http.StatusForbidden, errors.New("ask by a loopback address"))
			return
		}
		next.ServeHTTP(w, r)
	})
}

func read(get func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := get(r.Context())
		answer(w, v, err)
	}
}

func act(do func(context.Context) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get(Header) == "" {
			fail(w, http.StatusForbidden, fmt.Errorf("set the header %s: 1", Header))
			return
		}
		ctx, cancel := context.WithTimeout(r.Context(), actTimeout)
		defer cancel()
		v, err := do(ctx)
		answer(w, v, err)
	}
}

func answer(w http.ResponseWriter, v any, err error) {
	switch {
	case errors.Is(err, ErrNotFound), errors.Is(err, ErrNotHere):
		fail(w, http.StatusNotFound, err)
		return
	case errors.Is(err, ErrBadRequest):
		fail(w, http.StatusBadRequest, err)
		return
	case errors.Is(err, ErrAway):
		w.Header().Set("Retry-After", strconv.Itoa(int(awayRetry.Seconds())))
		fail(w, http.StatusServiceUnavailable, err)
		return
	case err != nil:
		fail(w, http.StatusInternalServerError, err)
		return
	}
	raw, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		fail(w, http.StatusInternalServerError, fmt.Errorf("write answer: %w", err))
		return
	}
	send(w, http.StatusOK, raw)
}

// Failure is the body of an answer that is none.
type Failure struct {
	Error string `json:"error"`
}

func fail(w http.ResponseWriter, status int, err error) {
	raw, _ := json.Marshal(Failure{err.Error()}) // a string always marshals
	send(w, status, raw)
}

func send(w http.ResponseWriter, status int, body []byte) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n')) // a client that left is told nothing
}
