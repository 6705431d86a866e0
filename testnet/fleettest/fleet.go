// Package fleettest runs a whole fleet for tests that look at it from outside: chain, gateway and operators are real, and route
// with the index of the binary. Only the model servers are scripted (node/backend/scripted).
package fleettest

import (
	"context"
	"net/http/httptest"
	"testing"
	"time"

	"flotilla/node/backend/scripted"
	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/index"
	"flotilla/testnet"
)

// patience bounds how long a fleet may take to be ready.
const patience = time.Minute

// ModelServer starts a scripted model server and returns its URL.
func ModelServer(t *testing.T, models ...string) string {
	t.Helper()
	srv := httptest.NewServer(scripted.New(models...))
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	return srv.URL
}

// Fleet is a running testnet. Stop ends it before the test does.
type Fleet struct {
	*testnet.Net
	Stop func()
}

// Start runs the fleet of cfg and returns when it can be asked. Its folder, address, blocks and router are set here.
func Start(t *testing.T, cfg testnet.Config) *Fleet {
	t.Helper()
	cfg.Dir, cfg.HTTPListen, cfg.BlockEvery, cfg.Router = t.TempDir(), "127.0.0.1:0", 200*time.Millisecond, router(t)
	n, err := testnet.Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	served := make(chan error, 1)
	go func() { served <- n.Run(ctx) }()
	f := &Fleet{Net: n}
	f.Stop = func() {
		f.Stop = func() {}
		cancel()
		if err := <-served; err != nil {
			t.Errorf("run fleet: %v", err)
		}
		if err := n.Close(); err != nil {
			t.Errorf("close fleet: %v", err)
		}
	}
	t.Cleanup(func() { f.Stop() })
	ready, ended := context.WithTimeout(t.Context(), patience)
	defer ended()
	if err := n.WaitReady(ready); err != nil {
		t.Fatal(err)
	}
	return f
}

func router(t *testing.T) *routing.Router {
	t.Helper()
	embedder, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	ix, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: form.Join(embedder), Index: ix})
	if err != nil {
		t.Fatal(err)
	}
	return r
}
