package node

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/node/backend"
	"flotilla/settlement"
)

// poorChain lets nobody stake, once it has been asked who has, which it answers only when the asker gives up.
type poorChain struct {
	chainFor
	opened atomic.Bool
	asked  chan struct{}
	left   atomic.Bool // the asker gave up
}

func (c *poorChain) StakedOperators(ctx context.Context) ([]common.Address, error) {
	if c.opened.CompareAndSwap(false, true) { // by Open
		return nil, nil
	}
	close(c.asked)
	<-ctx.Done()
	c.left.Store(true)
	return nil, ctx.Err()
}

var errPoor = errors.New("no money")

func (c *poorChain) AddStake(context.Context, settlement.Amount) error {
	<-c.asked
	return errPoor
}

// A node that cannot go on ends what it has started before Run returns: its owner closes the ledger then.
func TestRunWaitsForWhatItStarted(t *testing.T) {
	w := newEmptyWorld(t)
	key := testKey(t)
	server, err := backend.New("http://127.0.0.1:1", backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	cfg := w.onChain(Config{DataDir: t.TempDir(), Key: key, Operator: &OperatorConfig{Stake: 1, Models: []ServedModel{
		{Model: worldModel, BackendModel: worldModel, Backend: server, Price: Price{InputPerMTok: 1}},
	}}})
	chain := &poorChain{chainFor: chainFor{w.mem, w, crypto.PubkeyToAddress(key.PublicKey)}, asked: make(chan struct{})}
	cfg.Chain = chain
	n, err := Open(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), worldWait)
	defer cancel()
	if err := n.Run(ctx); !errors.Is(err, errPoor) {
		t.Errorf("Run: %v", err)
	}
	if !chain.left.Load() {
		t.Error("Run has returned, and the chain is still being asked")
	}
	if err := n.Close(); err != nil {
		t.Error(err)
	}
}
