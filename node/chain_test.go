package node

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// remoteChain has many operators, and an answer to each question takes a while.
type remoteChain struct {
	Chain
	operators []common.Address
	scan, ask time.Duration
}

func (c *remoteChain) wait(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func (c *remoteChain) StakedOperators(ctx context.Context) ([]common.Address, error) {
	return c.operators, c.wait(ctx, c.scan)
}

func (c *remoteChain) Stake(ctx context.Context, op common.Address) (settlement.Stake, error) {
	return settlement.Stake{Amount: settlement.Amount(op[19]) + 1}, c.wait(ctx, c.ask)
}

func (c *remoteChain) Lane(ctx context.Context, _, _ common.Address) (settlement.Lane, error) {
	return settlement.Lane{Balance: 5}, c.wait(ctx, c.ask)
}

// Anybody may stake a millionth of a dollar from a thousand accounts: that must not keep nodes from seeing the chain, nor
// may a long history keep one from starting.
func TestViewOfManyOperatorsOnARemoteChain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &remoteChain{scan: 2 * time.Minute, ask: 100 * time.Millisecond}
		for i := range uint32(1000) {
			chain.operators = append(chain.operators, common.BytesToAddress(binary.BigEndian.AppendUint32(nil, i)))
		}
		view := newChainView(chain, common.Address{1}, time.Second, slog.New(slog.DiscardHandler))
		start := time.Now()
		if err := view.Refresh(t.Context()); err != nil {
			t.Fatalf("after %v: %v", time.Since(start), err)
		}
		last := chain.operators[999] // ends in 0xe7
		if n := len(view.Operators()); n != 1000 || view.Stake(last) != 0xe8 || view.Lane(last).Balance != 5 {
			t.Fatalf("%d operators, the last with a stake of %d and a lane of %d", n, view.Stake(last), view.Lane(last).Balance)
		}
		chain.scan = time.Hour // hangs
		if err := view.Refresh(t.Context()); err == nil || len(view.Operators()) != 1000 {
			t.Fatalf("a chain that hangs: %v, and %d operators are left", err, len(view.Operators()))
		}
	})
}

// stalledChain answers for one operator at once, and for the others late.
type stalledChain struct {
	remoteChain
	quick   common.Address
	deposit settlement.Amount
}

func (c *stalledChain) Lane(ctx context.Context, _, op common.Address) (settlement.Lane, error) {
	lane := settlement.Lane{Balance: c.deposit}
	if op == c.quick {
		return lane, nil
	}
	return lane, c.wait(ctx, c.ask)
}

func (c *stalledChain) Stake(context.Context, common.Address) (settlement.Stake, error) {
	return settlement.Stake{Amount: 1}, nil
}

// A look at the chain that began before a deposit and ends after it does not hide it: the lane would be funded twice.
func TestViewShowsADeposit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		funded, other := common.Address{1}, common.Address{2}
		chain := &stalledChain{quick: funded, remoteChain: remoteChain{operators: []common.Address{funded, other}, ask: 10 * time.Second}}
		view := newChainView(chain, common.Address{9}, time.Second, slog.New(slog.DiscardHandler))
		old := make(chan error, 1)
		go func() { old <- view.Refresh(t.Context()) }()
		time.Sleep(5 * time.Second)
		synctest.Wait()
		chain.deposit, chain.ask = 100, 0
		if err := view.refreshLane(t.Context(), funded); err != nil {
			t.Fatal(err)
		}
		if err := <-old; err != nil || view.Lane(funded).Balance != 100 {
			t.Errorf("the lane has %d, %v", view.Lane(funded).Balance, err)
		}
	})
}

// downChain answers nothing until it is up.
type downChain struct {
	remoteChain
	up atomic.Bool
}

func (c *downChain) StakedOperators(context.Context) ([]common.Address, error) {
	if !c.up.Load() {
		return nil, errors.New("connection refused")
	}
	return nil, nil
}

// A chain that is away for a day is told once, and that it is back.
func TestViewTellsOnceThatTheChainIsAway(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var chain downChain
		var log bytes.Buffer
		view := newChainView(&chain, common.Address{1}, 15*time.Second, slog.New(slog.NewTextHandler(&log, nil)))
		ctx, cancel := context.WithTimeout(t.Context(), 25*time.Hour)
		defer cancel()
		time.AfterFunc(24*time.Hour, func() { chain.up.Store(true) })
		if err := view.Run(ctx); err != nil {
			t.Fatal(err)
		}
		if text := log.String(); strings.Count(text, "gives no answer") != 1 || strings.Count(text, "answers again") != 1 {
			t.Errorf("want one line for each, got:\n%s", text)
		}
	})
}
