package memchain

import (
	"context"
	"encoding/binary"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
)

// transaction is something sent. It takes effect when a call finds that its time has come, so the chain
// needs no goroutine.
type transaction struct {
	mineAt  time.Time
	apply   func() error // nil once it is mined
	dropped bool
	failed  bool
	order   uint64
}

// SubmitBatch implements settlement.Chain.
func (c *Chain) SubmitBatch(ctx context.Context, b settlement.Batch, sig settlement.Signature) (common.Hash, error) {
	if err := c.enter(ctx, SubmitBatch); err != nil {
		return common.Hash{}, err
	}
	defer c.mu.Unlock()
	if err := b.Validate(); err != nil {
		return common.Hash{}, fmt.Errorf("submit batch: %w", err)
	}
	if c.anchors[anchorKey{b.Payer, b.Epoch}] == (anchor{b.ReceiptsRoot, b.ReceiptCount}) {
		return common.Hash{}, settlement.ErrAlreadySettled
	}
	if err := c.checkSigner(b.Payer, b.Digest(c.cfg.Domain), sig); err != nil {
		return common.Hash{}, err
	}
	return c.send(SubmitBatch, func() error { return c.applyBatch(b) })
}

// SettleVoucher implements settlement.Chain.
func (c *Chain) SettleVoucher(ctx context.Context, v settlement.Voucher, sig settlement.Signature) (common.Hash, error) {
	if err := c.enter(ctx, SettleVoucher); err != nil {
		return common.Hash{}, err
	}
	defer c.mu.Unlock()
	if err := c.checkSigner(v.Payer, v.Digest(c.cfg.Domain), sig); err != nil {
		return common.Hash{}, err
	}
	return c.send(SettleVoucher, func() error {
		c.pay(v.Payer, v.Payee, v.ValueAggregate)
		return nil
	})
}

// TxStatus implements settlement.Chain.
func (c *Chain) TxStatus(ctx context.Context, tx common.Hash) (settlement.TxState, error) {
	if err := c.enter(ctx, TxStatus); err != nil {
		return settlement.TxUnknown, err
	}
	defer c.mu.Unlock()
	switch t := c.txs[tx]; {
	case t == nil || t.dropped:
		return settlement.TxUnknown, nil
	case t.apply != nil:
		return settlement.TxPending, nil
	case t.failed:
		return settlement.TxReverted, nil
	default:
		return settlement.TxMined, nil
	}
}

func (c *Chain) checkSigner(payer common.Address, digest common.Hash, sig settlement.Signature) error {
	signer, err := settlement.Recover(digest, sig)
	if err != nil || signer != payer {
		return fmt.Errorf("%w: payer %s, signer %s", ErrInvalidSigner, payer, signer)
	}
	return nil
}

// send queues a transaction, unless a fault says otherwise. Callers hold mu.
func (c *Chain) send(m Method, apply func() error) (common.Hash, error) {
	c.sent++
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], c.sent)
	hash := crypto.Keccak256Hash([]byte("memchain transaction"), seed[:])
	t := &transaction{mineAt: time.Now().Add(c.cfg.MineDelay), apply: apply, order: c.sent}
	c.txs[hash] = t
	switch c.faults.after(m) {
	case dropTx:
		t.dropped, t.apply = true, nil
	case loseAnswer:
		c.mine()
		return common.Hash{}, ErrInjected
	}
	c.mine()
	return hash, nil
}

// mine applies, in the order of sending, what is due. Callers hold mu.
func (c *Chain) mine() {
	for {
		var next *transaction
		for _, t := range c.txs {
			if t.apply != nil && !t.mineAt.After(time.Now()) && (next == nil || t.order < next.order) {
				next = t
			}
		}
		if next == nil {
			return
		}
		next.failed = next.apply() != nil
		next.apply = nil
	}
}

// applyBatch is the contract's settleBatch. Callers hold mu.
func (c *Chain) applyBatch(b settlement.Batch) error {
	if b.Epoch != c.settled[b.Payer]+1 {
		return fmt.Errorf("%w: %d, want %d", ErrEpochMismatch, b.Epoch, c.settled[b.Payer]+1)
	}
	c.settled[b.Payer] = b.Epoch
	c.anchors[anchorKey{b.Payer, b.Epoch}] = anchor{b.ReceiptsRoot, b.ReceiptCount}
	for _, l := range b.Lanes {
		c.pay(b.Payer, l.Payee, l.ValueAggregate)
	}
	return nil
}

// pay moves min(new in the total, escrow, room under the stake's cap) from the lane to the payee's
// credit; what is clipped stays owed. Callers hold mu.
func (c *Chain) pay(payer, payee common.Address, total settlement.Amount) {
	lane, op := c.lane(payer, payee), c.operator(payee)
	owed := total.SubFloor(lane.Collected)
	epoch := time.Now().Unix() / int64(c.cfg.EpochLength/time.Second)
	if op.paidEpoch != epoch {
		op.paid, op.paidEpoch = 0, epoch
	}
	limit := uint64(op.bonded) / bps * c.cfg.CapBPS // whole parts first: no overflow for any stake in tests
	limit += uint64(op.bonded) % bps * c.cfg.CapBPS / bps
	paid := min(owed, lane.Balance, settlement.Amount(limit).SubFloor(op.paid))
	lane.Balance -= paid
	lane.Collected += paid
	op.paid += paid
	op.claimable += paid
}
