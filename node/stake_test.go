package node

import (
	"bytes"
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// stakeChain has one operator, and what it has staked.
type stakeChain struct {
	Chain
	self common.Address

	mu    sync.Mutex // guards all below
	stake settlement.Stake
	ever  bool
	added []settlement.Amount
}

func (c *stakeChain) StakedOperators(context.Context) ([]common.Address, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stake.Amount == c.stake.Thawing {
		return nil, nil
	}
	return []common.Address{c.self}, nil
}

func (c *stakeChain) Stake(context.Context, common.Address) (settlement.Stake, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stake, nil
}

func (c *stakeChain) Lane(context.Context, common.Address, common.Address) (settlement.Lane, error) {
	return settlement.Lane{}, nil
}

func (c *stakeChain) HasStaked(context.Context, common.Address) (bool, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ever, nil
}

func (c *stakeChain) AddStake(_ context.Context, a settlement.Amount) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.added, c.ever = append(c.added, a), true
	c.stake.Amount += a
	return nil
}

// Stake that a reorganisation took out is put back, once; stake that its owner takes out, or that was slashed, is not, and that is said once.
func TestStakeThatIsGone(t *testing.T) {
	for name, c := range map[string]struct {
		left settlement.Stake
		ever bool
		want settlement.Amount
		told string
	}{
		"a reorganisation": {want: 50},
		"withdrawn":        {ever: true, told: "withdrawn or slashed"},
		"thaws":            {left: settlement.Stake{Amount: 50, Thawing: 50}, ever: true, told: "thaws"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chain := &stakeChain{self: common.Address{1}, stake: settlement.Stake{Amount: 50}, ever: true}
				var text bytes.Buffer
				log := slog.New(slog.NewTextHandler(&text, nil))
				view := newChainView(chain, chain.self, time.Second, log)
				o := &Operator{cfg: OperatorConfig{Stake: 50}, self: chain.self, chain: chain, log: log}
				ctx, stop := context.WithCancel(t.Context())
				done := make(chan error, 2)
				go func() { done <- view.Run(ctx) }()
				go func() { done <- o.keepStake(ctx, view) }()
				pass := func() {
					time.Sleep(time.Minute + time.Millisecond)
					synctest.Wait()
				}
				pass()
				chain.mu.Lock()
				chain.stake, chain.ever = c.left, c.ever
				chain.mu.Unlock()
				pass()
				stop()
				for range 2 {
					if err := <-done; err != nil {
						t.Error(err)
					}
				}
				if c.want == 0 && (len(chain.added) > 0 || strings.Count(text.String(), "stake of this account is gone") != 1 || !strings.Contains(text.String(), c.told)) {
					t.Errorf("added %v, log:\n%s", chain.added, text.String())
				}
				if c.want > 0 && (len(chain.added) != 1 || chain.added[0] != c.want) {
					t.Errorf("added %v, want %v once", chain.added, c.want)
				}
			})
		})
	}
}
