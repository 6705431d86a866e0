// Package openai is the gateway's HTTP surface: OpenAI's chat completions, as unmodified clients expect them, over any
// Completer. It parses only what routing needs, forwards the rest byte for byte both ways, and never takes a cut answer
// for a whole one.
package openai

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Config of the HTTP surface.
type Config struct {
	// Completer answers. Required.
	Completer Completer
	// Keys checks API keys. Required: an open gateway spends its owner's money for anyone.
	Keys KeyCheck
	// Gate holds callers to their keys' limits; nil sets none.
	Gate Gate
	// Refused hears the code of each request that was refused before the gate admitted it; nil: nobody does. The codes are few.
	Refused func(code string)
	// Embeddings is served under /v1/embeddings; nil serves none.
	Embeddings *EmbeddingModel
	// Feedback keeps what callers say of answers; nil takes none.
	Feedback FeedbackTaker
	// ModelID is the id, as in the Completer's list, of a model that a client names in whatever spelling; nil: its own.
	ModelID func(name string) string
	// Generations finds the records of answers; nil knows none.
	Generations Generations
	// KeyStatus tells a key what it may do and has spent; nil tells nothing.
	KeyStatus KeyStatusFinder
	// Page serves / and /page/ to people; nil serves none. It looks after its own access.
	Page http.Handler
	// MaxBodyBytes bounds a request body. Default 8 MiB: a 1 MiB prompt, or a few images.
	MaxBodyBytes int64
	// MaxInFlight bounds requests under way, and with it memory; more get 503 at once. Default 1024.
	MaxInFlight int
	// MaxConns bounds a Server's connections; beyond it the one that is quiet for longest is closed. Default 8192, or a quarter
	// of the files that the process may have open.
	MaxConns int
	// BodyTimeout bounds reading a request body. Default 30 s.
	BodyTimeout time.Duration
	// WriteTimeout bounds one write to a client, so that one that stops reading does not hold an operator. Default 30 s.
	WriteTimeout time.Duration
	// KeepAlive is the quiet time after which a stream gets a comment line. Default 10 s: proxies cut at 30 to 60 s.
	KeepAlive time.Duration
	// Upgrades bounds what a key may spend on dearer models than the cheapest capable. Default: no bound.
	Upgrades UpgradeLimits
	// UpgradeBook counts them, by Upgrades unless a key has limits of its own. Default: a new one.
	UpgradeBook *UpgradeBook
	// Tracer makes a span of each request with a key; nil makes none.
	Tracer trace.Tracer
	// Logger gets one line a request, without prompts, answers or keys. Default: none.
	Logger *slog.Logger
}

func (c *Config) setDefaults() {
	c.MaxBodyBytes = cmp.Or(c.MaxBodyBytes, 8<<20)
	c.MaxInFlight = cmp.Or(c.MaxInFlight, 1024)
	c.MaxConns = cmp.Or(c.MaxConns, defaultMaxConns())
	c.BodyTimeout = cmp.Or(c.BodyTimeout, 30*time.Second)
	c.WriteTimeout = cmp.Or(c.WriteTimeout, 30*time.Second)
	c.KeepAlive = cmp.Or(c.KeepAlive, 10*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.UpgradeBook == nil {
		c.UpgradeBook = NewUpgradeBook(c.Upgrades)
	}
	if c.ModelID == nil {
		c.ModelID = func(name string) string { return name }
	}
	if c.Keys == nil {
		c.Keys = func(string) (KeyInfo, error) { return KeyInfo{}, errUnknownKey }
	}
}

type handler struct {
	cfg    Config
	slots  chan struct{} // one token per request under way
	opened time.Time

	sessions *sessions
	upgrades *UpgradeBook

	indexSends indexSends
}

// NewHandler returns the HTTP surface. Without Keys every request that needs one is refused.
func NewHandler(cfg Config) http.Handler {
	cfg.setDefaults()
	return &handler{cfg: cfg, slots: make(chan struct{}, cfg.MaxInFlight), opened: time.Now(), sessions: newSessions(), upgrades: cfg.UpgradeBook}
}

// route is one address: its method, whether it is open to callers without a key, who take no slot either, and what serves it.
type route struct {
	method string
	name   string // of many addresses: what they have in common; else empty
	open   bool
	serve  func(*handler, *exchange)
}

func findRoute(path string) (route, bool) {
	switch path {
	case "/v1/chat/completions":
		return route{method: http.MethodPost, serve: (*handler).serveChat}, true
	case textRoute:
		return route{method: http.MethodPost, serve: (*handler).serveCompletions}, true
	case responsesRoute:
		return route{method: http.MethodPost, serve: (*handler).serveResponses}, true
	case messagesRoute:
		return route{method: http.MethodPost, serve: (*handler).serveMessages}, true
	case countRoute:
		return route{method: http.MethodPost, serve: (*handler).serveCount}, true
	case embeddingsRoute:
		return route{method: http.MethodPost, serve: (*handler).serveEmbeddings}, true
	case "/v1/route":
		return route{method: http.MethodPost, serve: (*handler).serveRoute}, true
	case "/v1/feedback":
		return route{method: http.MethodPost, serve: (*handler).serveFeedback}, true
	case "/v1/models", "/v1/models/user":
		return route{method: http.MethodGet, serve: (*handler).serveModels}, true
	case "/v1/models/count":
		return route{method: http.MethodGet, serve: (*handler).serveModelCount}, true
	case "/v1/embeddings/models":
		return route{method: http.MethodGet, serve: (*handler).serveEmbeddingModels}, true
	case "/v1/receipts":
		return route{method: http.MethodGet, serve: (*handler).serveReceipts}, true
	case "/v1/generation":
		return route{method: http.MethodGet, serve: (*handler).serveGeneration}, true
	case "/v1/key", "/v1/auth/key": // the latter is OpenRouter's older address, which clients still ask
		return route{method: http.MethodGet, serve: (*handler).serveKey}, true
	case "/v1/credits":
		return route{method: http.MethodGet, serve: (*handler).serveCredits}, true
	case "/healthz": // who is full is alive: a restart for it would cut all that is under way
		return route{method: http.MethodGet, open: true, serve: (*handler).serveHealth}, true
	case "/readyz":
		return route{method: http.MethodGet, open: true, serve: (*handler).serveReady}, true
	}
	switch {
	case strings.HasPrefix(path, modelsPrefix) && strings.HasSuffix(path, endpointsSuffix) && len(path) > len(modelsPrefix+endpointsSuffix):
		return route{method: http.MethodGet, name: modelsPrefix + "{id}" + endpointsSuffix, serve: (*handler).serveEndpoints}, true
	case strings.HasPrefix(path, oneModelPrefix) && len(path) > len(oneModelPrefix):
		return route{method: http.MethodGet, name: oneModelPrefix + "{id}", serve: (*handler).serveOneModel}, true
	case strings.HasPrefix(path, modelsPrefix) && len(path) > len(modelsPrefix):
		return route{method: http.MethodGet, name: modelsPrefix + "{id}", serve: (*handler).serveModel}, true
	case strings.HasPrefix(path, receiptsRoute) && strings.HasSuffix(path, indexSuffix):
		return route{method: http.MethodGet, name: receiptsRoute + "{id}" + indexSuffix, serve: (*handler).serveReceiptIndex}, true
	case strings.HasPrefix(path, receiptsRoute) && len(path) > len(receiptsRoute):
		return route{method: http.MethodGet, name: receiptsRoute + "{id}", serve: (*handler).serveReceipt}, true
	}
	return route{}, false
}

// ServeHTTP is the one way in: every route gets a request id, the key check, the in-flight bound, its key's limits, panic
// containment and a log line. (A mux of net/http would answer unknown paths and methods in plain text and redirect unclean paths.)
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h.cfg.Page != nil && (r.URL.Path == "/" || strings.HasPrefix(r.URL.Path, "/page/")) {
		h.cfg.Page.ServeHTTP(w, r)
		return
	}
	r, openRouter := underOpenRouter(r)
	x := &exchange{h: h, w: w, r: r, rc: http.NewResponseController(w), start: time.Now(), id: newRequestID(), openRouter: openRouter, anthropic: forAnthropic(r)}
	w.Header().Set("X-Request-Id", x.id)
	if x.anthropic {
		w.Header().Set("Request-Id", x.id)
	}
	// A keep-alive connection still has the deadline of the answer before this one.
	x.writeDeadline(0)
	// Stays for all that is not read to its end: after the answer net/http reads some of an unread body, and without a
	// deadline a client that sends it slowly holds a goroutine for ever.
	x.readDeadline(h.cfg.BodyTimeout)
	defer x.finish()
	if x.crossOrigin() {
		return
	}
	rt, ok := findRoute(r.URL.Path)
	if !ok {
		x.fail(errUnknownURL(clip(r.Method, 20), r.URL.Path))
		return
	}
	if r.Method != rt.method && (rt.method != http.MethodGet || r.Method != http.MethodHead) {
		w.Header().Set("Allow", rt.method)
		x.fail(&APIError{Status: http.StatusMethodNotAllowed, Code: "method_not_allowed", NoRetry: true, Message: fmt.Sprintf("%s takes %s, not %s", clip(x.path(), 200), rt.method, clip(r.Method, 20))})
		return
	}
	if !rt.open {
		key, api := h.authenticate(r)
		if api != nil {
			x.fail(api)
			return
		}
		x.key = key
		x.beginTrace(cmp.Or(rt.name, r.URL.Path))
		select {
		case h.slots <- struct{}{}:
			defer func() { <-h.slots }()
		default:
			x.fail(errOverloaded())
			return
		}
		defer markServing(r)()
		if !x.enter() {
			return
		}
	}
	rt.serve(h, x)
}

func errOverloaded() *APIError {
	return &APIError{Status: http.StatusServiceUnavailable, Code: "overloaded", RetryAfter: time.Second, Message: "the gateway is serving as many requests as it can"}
}

// requestIDPrefix starts the x-request-id of every answer.
const requestIDPrefix = "req_"

// requestIDBytes are behind it, in hex.
const requestIDBytes = 16

func newRequestID() string {
	var b [requestIDBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return requestIDPrefix + hex.EncodeToString(b[:])
}

// readBody reads the whole body before anything is answered: an answer that starts earlier makes net/http close the
// inbound body, which cuts up to 3 % of streams (golang/go#40747), and reading to the end is what lets net/http notice
// that the client has left.
func (x *exchange) readBody() ([]byte, *APIError) {
	if encoding := x.r.Header.Get("Content-Encoding"); encoding != "" && !strings.EqualFold(encoding, "identity") {
		x.w.Header().Set("Accept-Encoding", "identity")
		return nil, &APIError{Status: http.StatusUnsupportedMediaType, Code: "unsupported_encoding", NoRetry: true, Message: "the request body is compressed (Content-Encoding): send it as it is"}
	}
	limit := x.h.cfg.MaxBodyBytes
	if x.r.ContentLength > limit {
		x.w.Header().Set("Connection", "close")
		return nil, x.h.tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, limit))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		x.readDeadline(0) // from now on net/http only reads to notice that the client has left
		return body, nil
	case errors.As(err, &over):
		return nil, x.h.tooLarge()
	}
	x.w.Header().Set("Connection", "close") // what is left of the body would be taken for a request
	x.cut = true
	var broken net.Error
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF): // a client that has only closed its sending half still reads; to one that is gone it does no harm
		return nil, &APIError{Status: http.StatusBadRequest, Code: "body_incomplete", Message: "the request body is shorter than its headers say"}
	case !errors.As(err, &broken):
		return nil, &APIError{Status: http.StatusBadRequest, Code: "invalid_body", NoRetry: true, Message: "the request body is not encoded as its headers say"}
	case !errors.Is(err, os.ErrDeadlineExceeded):
		return nil, &APIError{Status: statusClientGone, Code: "client_gone", Message: "the client left"}
	}
	return nil, &APIError{Status: http.StatusRequestTimeout, Code: "body_timeout", NoRetry: true, Message: "the request body did not arrive whole in time"}
}

func (h *handler) tooLarge() *APIError {
	return &APIError{Status: http.StatusRequestEntityTooLarge, Code: "request_too_large", NoRetry: true, Message: fmt.Sprintf("the request body is larger than %d bytes", h.cfg.MaxBodyBytes)}
}

// recoverPanic turns a panic into a 500, or cuts the connection if the answer has begun: a clean end would look whole.
func (x *exchange) recoverPanic(v any) {
	if v == http.ErrAbortHandler {
		panic(v)
	}
	what := fmt.Sprintf("%T", v) // not its text, which may hold a prompt; the runtime's own texts do not
	if err, ok := v.(runtime.Error); ok {
		what = err.Error()
	}
	x.h.cfg.Logger.Error("panic while serving", "request_id", x.id, "path", clip(x.path(), 200), "panic", what, "stack", string(debug.Stack()))
	x.outcome = "panic"
	if x.status != 0 {
		panic(http.ErrAbortHandler)
	}
	x.fail(&APIError{Status: http.StatusInternalServerError, Code: "internal_error", NoRetry: true, Message: "internal error of the gateway"})
}

// gone says whether the client has left.
func (x *exchange) gone() bool { return errors.Is(x.r.Context().Err(), context.Canceled) }

// clip bounds what a client sent before it is shown or logged.
func clip(s string, n int) string {
	if len(s) > n {
		s = s[:n] + "…"
	}
	return strings.ToValidUTF8(strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return -1
		}
		return r
	}, s), "")
}
