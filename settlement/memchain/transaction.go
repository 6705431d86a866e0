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
	order  uint64
	mineAt time.Time
	apply  func(*state) error
	state  settlement.TxState // TxUnknown once it is dropped
}

// minedTx is a transaction with what the chain was before it.
type minedTx struct {
	tx     *transaction
	before state
}

// maxReorg is how many transactions can be taken out again.
const maxReorg = 16

// SubmitBatch implements settlement.Chain.
func (c *Chain) SubmitBatch(ctx context.Context, b settlement.Batch, sig settlement.Signature) (common.Hash, error) {
	if err := c.enter(ctx, SubmitBatch); err != nil {
		return common.Hash{}, err
	}
	defer c.mu.Unlock()
	if err := b.Validate(); err != nil {
		return common.Hash{}, fmt.Errorf("submit batch: %w", err)
	}
	if a := c.state.anchors[anchorKey{b.Payer, b.Epoch}]; a.Root == b.ReceiptsRoot && a.Count == b.ReceiptCount {
		return common.Hash{}, settlement.ErrAlreadySettled
	}
	if err := c.checkSigner(b.Payer, b.Digest(c.cfg.Domain), sig); err != nil {
		return common.Hash{}, err
	}
	return c.send(SubmitBatch, func(s *state, tx common.Hash) error { return s.settleBatch(c.cfg, b, tx) })
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
	return c.send(SettleVoucher, func(s *state, _ common.Hash) error {
		s.pay(c.cfg, v.Payer, v.Payee, v.ValueAggregate)
		return nil
	})
}

// SubmitEvidence implements settlement.Chain. As on a real chain, a proof that would revert is told before it is
// sent.
func (c *Chain) SubmitEvidence(ctx context.Context, e settlement.Evidence, bountyTo common.Address) (common.Hash, error) {
	if err := c.enter(ctx, SubmitEvidence); err != nil {
		return common.Hash{}, err
	}
	defer c.mu.Unlock()
	charge, err := e.Check(c.cfg.Domain)
	if err != nil {
		return common.Hash{}, err
	}
	trial := c.state.clone()
	if err := trial.slash(c.cfg, charge, bountyTo); err != nil {
		return common.Hash{}, err
	}
	return c.send(SubmitEvidence, func(s *state, _ common.Hash) error { return s.slash(c.cfg, charge, bountyTo) })
}

// TxStatus implements settlement.Chain.
func (c *Chain) TxStatus(ctx context.Context, tx common.Hash) (settlement.TxState, error) {
	if err := c.enter(ctx, TxStatus); err != nil {
		return settlement.TxUnknown, err
	}
	defer c.mu.Unlock()
	if t := c.txs[tx]; t != nil {
		return t.state, nil
	}
	return settlement.TxUnknown, nil
}

func (c *Chain) checkSigner(payer common.Address, digest common.Hash, sig settlement.Signature) error {
	signer, err := settlement.Recover(digest, sig)
	if err != nil || (signer != payer && !c.state.signers[signer].SignsFor(payer, uint64(time.Now().Unix()))) {
		return fmt.Errorf("%w: payer %s, signer %s", ErrInvalidSigner, payer, signer)
	}
	return nil
}

// send queues a transaction, unless a fault says otherwise. Callers hold mu.
func (c *Chain) send(m Method, apply func(*state, common.Hash) error) (common.Hash, error) {
	c.sent++
	var seed [8]byte
	binary.BigEndian.PutUint64(seed[:], c.sent)
	hash := crypto.Keccak256Hash([]byte("memchain transaction"), seed[:])
	c.txs[hash] = &transaction{
		order: c.sent, mineAt: time.Now().Add(c.cfg.MineDelay), state: settlement.TxPending,
		apply: func(s *state) error { return apply(s, hash) },
	}
	switch c.faults.after(m) {
	case dropTx:
		c.txs[hash].state = settlement.TxUnknown
	case loseAnswer:
		c.mine()
		return common.Hash{}, ErrInjected
	}
	c.mine()
	return hash, nil
}

// mine puts what is due into blocks of one transaction, in the order of sending. Callers hold mu.
func (c *Chain) mine() {
	for {
		var next *transaction
		for _, t := range c.txs {
			if t.state == settlement.TxPending && !t.mineAt.After(time.Now()) && (next == nil || t.order < next.order) {
				next = t
			}
		}
		if next == nil {
			return
		}
		if len(c.mined) == maxReorg {
			c.mined = c.mined[1:]
		}
		c.mined = append(c.mined, minedTx{next, c.state.clone()})
		c.state.height++
		next.state = settlement.TxMined
		if next.apply(&c.state) != nil {
			next.state = settlement.TxReverted
		}
	}
}
