package settlement_test

import (
	"testing"
	"time"

	"pgregory.net/rapid"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// TestSettlerUnderAnything lets receipts, settling, restarts and every fault of the chain happen in any order. When
// the faults are over, every receipt is settled once and every operator paid its sum.
func TestSettlerUnderAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		c := newChaos(t, uint64(rapid.IntRange(1, 3).Draw(rt, "confirmations")))
		defer func() { closeLedger(t, c.ledger) }()
		rt.Repeat(map[string]func(*rapid.T){
			"accept":  func(*rapid.T) { c.accept(t) },
			"settle":  func(*rapid.T) { c.step(t) },
			"mine":    func(rt *rapid.T) { c.f.chain.MineBlocks(rapid.Uint64Range(1, 3).Draw(rt, "blocks")) },
			"restart": func(rt *rapid.T) { c.restart(t, rapid.IntRange(0, 4).Draw(rt, "reopen") == 0) },
			"fault":   c.fault,
			"reorg":   func(rt *rapid.T) { c.reorg(t, rt) },
			"down":    func(rt *rapid.T) { c.f.chain.SetDown(rapid.Bool().Draw(rt, "down")) },
		})
		c.heal(t)
		checkSettledOnce(t, c.f, c.ledger, c.receipts)
	})
}

// chaos is a gateway whose chain and process fail.
type chaos struct {
	f        *fixture
	dir      string
	cfg      settlement.SettlerConfig
	ledger   *settlement.Ledger
	settler  *settlement.Settler
	receipts int
}

func newChaos(t *testing.T, confirmations uint64) *chaos {
	c := &chaos{
		f: newFixture(t, 2), dir: t.TempDir(),
		cfg: settlement.SettlerConfig{MaxAge: time.Nanosecond, RetryWait: time.Nanosecond, Confirmations: confirmations}, // all is due at once
	}
	c.open(t)
	return c
}

func (c *chaos) open(t *testing.T) {
	t.Helper()
	l := openLedger(t, c.dir, settlement.LedgerOptions{Key: c.f.gateway.key}.Unsynced())
	l.SmallCommits(2)
	c.ledger, c.settler = l, settlement.NewSettler(l, c.f.chain, c.cfg)
}

// restart forgets what the settler keeps in memory and, at times, what the ledger does: opening one takes 40 ms.
func (c *chaos) restart(t *testing.T, reopen bool) {
	c.settler = settlement.NewSettler(c.ledger, c.f.chain, c.cfg)
	if reopen {
		closeLedger(t, c.ledger)
		c.open(t)
	}
}

func (c *chaos) accept(t *testing.T) {
	c.receipts++
	c.f.accept(t, c.ledger, c.receipts%2, uint64(c.receipts))
}

// step is one round of settling. Its error is the fault of the moment; what it leaves behind is checked at the end.
func (c *chaos) step(t *testing.T) {
	if err := c.settler.Step(t.Context()); err != nil {
		t.Logf("settling waits: %v", err)
	}
}

func (c *chaos) fault(rt *rapid.T) {
	m := rapid.SampledFrom([]memchain.Method{memchain.SubmitBatch, memchain.BatchAnchor, memchain.NextEpoch, memchain.TxStatus, memchain.LaneCost}).Draw(rt, "method")
	inject := rapid.SampledFrom([]func(*memchain.Chain, memchain.Method, int){
		(*memchain.Chain).FailCall, (*memchain.Chain).DropTx, (*memchain.Chain).LoseAnswer,
	}).Draw(rt, "fault")
	inject(c.f.chain, m, rapid.IntRange(1, 3).Draw(rt, "nth"))
}

// reorg takes out one or two transactions, but never the first batch: without any batch in place a chain can not be
// told from a fresh one (see TestChainReset).
func (c *chaos) reorg(t *testing.T, rt *rapid.T) {
	n, requeue := rapid.IntRange(1, 2).Draw(rt, "transactions"), rapid.Bool().Draw(rt, "requeue")
	if next, err := c.f.chain.NextEpoch(t.Context(), c.f.gateway.addr); err == nil && next > uint64(n)+1 {
		c.f.chain.Reorg(n, requeue)
	}
}

// heal ends the faults and settles until nothing is left.
func (c *chaos) heal(t *testing.T) {
	c.f.chain.Heal()
	for range 500 {
		c.step(t)
		c.f.chain.MineBlocks(1)
		next, err := c.f.chain.NextEpoch(t.Context(), c.f.gateway.addr)
		st, statusErr := c.settler.Status()
		if err == nil && statusErr == nil && st.Pending.Receipts == 0 && next == st.SettledEpoch+1 {
			return
		}
	}
	st, err := c.settler.Status()
	t.Errorf("not settled after all faults were over: %+v (%v)", st, err)
}
