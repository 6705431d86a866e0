package node

import (
	"context"
	"strings"
	"sync"
	"testing"

	"flotilla/p2p"
)

// An operator that restarts knows none of the prices it signed before. A gateway whose order cites one of them fetches
// the new price from the operator itself and orders again: the client notices nothing.
func TestRestartedOperatorsNewPriceIsFetched(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator().Operator
	var restart sync.Once
	op.fleet.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		restart.Do(func() {
			op.prices.mu.Lock()
			clear(op.prices.offers)
			op.prices.mu.Unlock()
			if err := op.announce(ctx, op.cfg.Models, op.now()); err != nil {
				t.Error(err)
			}
		})
		return op.Serve(ctx, in)
	}, p2p.InferLimits{})
	status, body := w.chat()
	if status != 200 || !strings.Contains(body, "[DONE]") {
		t.Fatalf("status %d: %s", status, body)
	}
	if got := len(w.receipts()); got != 1 {
		t.Errorf("%d receipts, want the one of the second order", got)
	}
}
