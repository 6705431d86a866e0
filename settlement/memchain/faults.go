package memchain

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// Method names a call of the chain, for counting and for faults.
type Method string

// The methods of settlement.Chain.
const (
	SubmitBatch    Method = "SubmitBatch"
	BatchAnchor    Method = "BatchAnchor"
	NextEpoch      Method = "NextEpoch"
	Lane           Method = "Lane"
	Stake          Method = "Stake"
	Claimable      Method = "Claimable"
	TxStatus       Method = "TxStatus"
	SettleVoucher  Method = "SettleVoucher"
	LaneCost       Method = "LaneCost"
	Punished       Method = "Punished"
	SignerOf       Method = "SignerOf"
	SubmitEvidence Method = "SubmitEvidence"
)

// ErrInjected is what a call returns that was told to fail.
var ErrInjected = errors.New("injected chain fault")

type faultKind int

const (
	noFault faultKind = iota
	failCall
	dropTx
	loseAnswer
)

type rule struct {
	call int // the nth call of its method, from 1
	kind faultKind
}

// faults counts calls and says which of them go wrong.
type faults struct {
	mu    sync.Mutex // guards all below
	calls map[Method]int
	rules map[Method][]rule
	down  bool
}

// FailCall makes the nth call of m from now (1 is the next) return ErrInjected without doing anything.
func (c *Chain) FailCall(m Method, nth int) { c.faults.add(m, nth, failCall) }

// DropTx lets the nth call of m from now answer with a transaction that is never mined.
func (c *Chain) DropTx(m Method, nth int) { c.faults.add(m, nth, dropTx) }

// LoseAnswer lets the nth call of m from now take effect and return ErrInjected all the same.
func (c *Chain) LoseAnswer(m Method, nth int) { c.faults.add(m, nth, loseAnswer) }

// SetDown makes every call fail, or work again.
func (c *Chain) SetDown(down bool) {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.down = down
}

// Heal ends every fault that was set, also those of calls to come.
func (c *Chain) Heal() {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	c.faults.down = false
	clear(c.faults.rules)
}

// MineBlocks adds n empty blocks, so that what is mined gets deeper.
func (c *Chain) MineBlocks(n uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	c.state.height += n
}

// Reorg takes the newest n transactions (at most the last 16) and all that came after them out of the chain. They
// are mined again after the usual delay when requeue is set, and forgotten otherwise. The head stays as high.
func (c *Chain) Reorg(n int, requeue bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	height := c.state.height
	for ; n > 0 && len(c.mined) > 0; n-- {
		last := c.mined[len(c.mined)-1]
		c.mined = c.mined[:len(c.mined)-1]
		c.state = last.before
		last.tx.state = settlement.TxUnknown
		if requeue {
			last.tx.state, last.tx.mineAt = settlement.TxPending, time.Now().Add(c.cfg.MineDelay)
		}
	}
	c.state.height = height
}

// Reset starts the chain anew, with nothing on it, and returns what brings the old one back.
func (c *Chain) Reset() (restore func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mine()
	old, txs, mined := c.state, c.txs, c.mined
	c.started++
	c.state, c.txs, c.mined = newState(c.started), make(map[common.Hash]*transaction), nil
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.state, c.txs, c.mined = old, txs, mined
	}
}

// Calls returns how often m was called.
func (c *Chain) Calls(m Method) int {
	c.faults.mu.Lock()
	defer c.faults.mu.Unlock()
	return c.faults.calls[m]
}

func (f *faults) add(m Method, nth int, kind faultKind) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.rules[m] = append(f.rules[m], rule{f.calls[m] + nth, kind})
}

// before counts a call and says whether it fails at once.
func (f *faults) before(m Method) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.calls[m]++
	if f.down || f.find(m) == failCall {
		return ErrInjected
	}
	return nil
}

// after returns the fault of a sending call that has been let in.
func (f *faults) after(m Method) faultKind {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.find(m)
}

// find returns the fault of the call of m that was counted last. Callers hold mu.
func (f *faults) find(m Method) faultKind {
	for _, r := range f.rules[m] {
		if r.call == f.calls[m] {
			return r.kind
		}
	}
	return noFault
}

// enter counts a call and, unless it is to fail, returns with mu held and all due transactions mined.
func (c *Chain) enter(ctx context.Context, m Method) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := c.faults.before(m); err != nil {
		return err
	}
	c.mu.Lock()
	c.mine()
	return nil
}
