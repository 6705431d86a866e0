package node

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"flotilla/node/backend"
)

// breakLedger puts a pipe in the place of a node's open ledger log: it takes what is written, and the kernel refuses to sync it.
func breakLedger(t *testing.T, dir string) {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	drained := make(chan struct{})
	go func() {
		_, _ = io.Copy(io.Discard, r)
		close(drained)
	}()
	t.Cleanup(func() { // the ledger has closed its end by then
		_ = w.Close()
		<-drained
		_ = r.Close()
	})
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range open {
		fd, _ := strconv.Atoi(e.Name())
		at, _ := os.Readlink("/proc/self/fd/" + e.Name())
		if strings.HasPrefix(at, filepath.Join(dir, "ledger")+"/") && strings.HasSuffix(at, ".log") {
			if err := syscall.Dup3(int(w.Fd()), fd, syscall.O_CLOEXEC); err != nil {
				t.Fatal(err)
			}
			return
		}
	}
	t.Fatalf("no ledger is open in %s", dir)
}

// TestFailingDiskEndsTheNode: an operator whose disk does not take its receipts stops, with an error that says what to do. Before, it
// went on to take orders, made each answer, and could not charge for it.
func TestFailingDiskEndsTheNode(t *testing.T) {
	w := newWorld(t)
	key := testKey(t)
	op := &OperatorConfig{Stake: 50_000_000}
	srv := httptest.NewServer(http.HandlerFunc(fiveTokens))
	t.Cleanup(srv.Close)
	b, err := backend.New(srv.URL, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	op.Models = []ServedModel{{Model: worldModel, BackendModel: worldModel, Backend: b, Price: Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000}, MaxContext: 2048}}
	cfg := w.onChain(Config{DataDir: t.TempDir(), Key: key, Bootstrap: w.gateway.Addrs(), Operator: op})
	n, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), worldWait)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	w.waitServing(1)
	if status, body := w.chat(); status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	breakLedger(t, cfg.DataDir)
	_, _ = w.chat()
	if err := <-done; err == nil || !strings.Contains(err.Error(), "the disk did not take") {
		t.Errorf("Run: %v", err)
	}
	_ = n.Close() // whose error is the disk's too
}
