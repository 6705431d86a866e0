package node

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"flotilla/node/access"
	"flotilla/node/admin"
	"flotilla/node/postgres/pgtest"
	"flotilla/node/requestlog"
)

// sharedConfig is of a gateway whose keys and request log are in a database that it reaches over a link.
func (w *world) sharedConfig() (Config, *pgtest.Link) {
	cluster := pgtest.Start(w.t)
	link := pgtest.NewLink(w.t, cluster)
	cfg := w.gatewayConfig()
	cfg.Gateway.Store = link.URL(cluster.Database())
	return cfg, link
}

// The owner who asks while the database stalls is told to come again.
func TestAdministrationWhileTheDatabaseStalls(t *testing.T) {
	w := newEmptyWorld(t)
	cfg, link := w.sharedConfig()
	n := w.open(cfg)
	w.gateway = n
	key := w.newKey(access.Terms{Name: "limited", Budget: 1000})
	pages := admin.Handler(owner{n}, n.ownerPage, prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	link.Stall(true)
	var asks sync.WaitGroup
	for _, ask := range []struct{ method, path, body string }{
		{"GET", "/requests", ""}, {"GET", "/page/data/requests?open=req_1", ""}, {"GET", "/page/data/spend", ""},
		{"POST", "/keys", `{"name":"more"}`}, {"POST", "/keys/revoke", `{"id":"` + string(key.ID) + `"}`}, {"GET", "/keys", ""},
	} {
		asks.Go(func() {
			r := httptest.NewRequest(ask.method, "http://127.0.0.1"+ask.path, strings.NewReader(ask.body))
			if ask.body == "" {
				r.Body, r.ContentLength = http.NoBody, 0
			}
			r.Header.Set(admin.Header, "1")
			got := httptest.NewRecorder()
			pages.ServeHTTP(got, r)
			body := got.Body.String()
			if got.Code != http.StatusServiceUnavailable || got.Header().Get("Retry-After") == "" {
				t.Errorf("%s %s: %d, Retry-After %q: %s", ask.method, ask.path, got.Code, got.Header().Get("Retry-After"), body)
			}
		})
	}
	asks.Wait()
	link.Stall(false)
}

// A gateway that is stopped while the database stalls ends soon, and what its keys are still to be charged is charged when it is back.
func TestStopWhileTheDatabaseStalls(t *testing.T) {
	w := newEmptyWorld(t)
	cfg, link := w.sharedConfig()
	n, err := Open(t.Context(), w.onChain(cfg))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- errors.Join(n.Run(ctx), n.Close()) }()
	w.gateway = n
	key := w.newKey(access.Terms{Name: "limited", Budget: 1000})
	h, err := n.keys.Hold(t.Context(), key.ID, access.Receipt{1}, 500)
	if err != nil {
		t.Fatal(err)
	}
	link.Stall(true)
	if err := h.Charge(300); err != nil {
		t.Fatal(err)
	}
	n.requests.Add(requestlog.Record{ID: "req_1", At: time.Now()})
	began := time.Now()
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 15*time.Second { // 5 s on a quiet machine; it was 17 to 19
		t.Errorf("it ended after %v", took)
	}
	link.Stall(false)
	w.gateway = w.open(cfg)
	st, err := w.gateway.keys.Status(t.Context(), key.ID)
	if err != nil || st.Spent != 300 || st.Held != 0 || st.Receipts != 1 {
		t.Errorf("spent %s, held %s in %d receipts: %v", st.Spent, st.Held, st.Receipts, err)
	}
}
