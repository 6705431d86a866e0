package ethchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// SubmitBatch implements settlement.Chain. It returns when the node has the transaction. The root is
// looked up first, so a batch that is anchored is never sent again; asking again for a batch that is pending returns
// its transaction, also when a former process has sent it; and should two transactions with one batch ever be on their
// way, the contract admits one and refuses the other.
func (c *Chain) SubmitBatch(ctx context.Context, b settlement.Batch, sig settlement.Signature) (common.Hash, error) {
	if c.sender == nil {
		return common.Hash{}, fmt.Errorf("submit batch: %w", ErrReadOnly)
	}
	if err := b.Validate(); err != nil {
		return common.Hash{}, fmt.Errorf("submit batch: %w", err)
	}
	if err := c.checkDue(ctx, b); err != nil {
		return common.Hash{}, err
	}
	tx, err := c.sender.sendOnce(ctx, &c.domain.Contract, c.contract.PackSettleBatch(toSolidity(b), sig))
	if errors.Is(err, settlement.ErrEpochConflict) { // what was pending a moment ago may have been this batch
		if due := c.checkDue(ctx, b); due != nil {
			return common.Hash{}, due
		}
	}
	if err != nil {
		return common.Hash{}, fmt.Errorf("submit batch %d of %s: %w", b.Epoch, b.Payer, err)
	}
	return tx.Hash(), nil
}

// checkDue returns nil when the batch's epoch is the next one on chain.
func (c *Chain) checkDue(ctx context.Context, b settlement.Batch) error {
	at, err := c.BatchAnchor(ctx, b.Payer, b.Epoch)
	if err != nil {
		return fmt.Errorf("submit batch: %w", err)
	}
	if at.Root == b.ReceiptsRoot && at.Count == b.ReceiptCount {
		return fmt.Errorf("submit batch %d of %s: %w", b.Epoch, b.Payer, settlement.ErrAlreadySettled)
	}
	if at.Root != (common.Hash{}) {
		return fmt.Errorf("submit batch %d of %s: %w: root on chain %s, batch has %s",
			b.Epoch, b.Payer, settlement.ErrEpochConflict, at.Root, b.ReceiptsRoot)
	}
	next, err := c.NextEpoch(ctx, b.Payer)
	if err != nil {
		return fmt.Errorf("submit batch: %w", err)
	}
	if b.Epoch > next {
		return fmt.Errorf("submit batch %d of %s: epoch %d is due first", b.Epoch, b.Payer, next)
	}
	return nil
}

func toSolidity(b settlement.Batch) bindings.SettlementBatch {
	lanes := make([]bindings.LaneTotal, len(b.Lanes))
	for i, lane := range b.Lanes {
		lanes[i] = bindings.LaneTotal{Payee: lane.Payee, ValueAggregate: wei(lane.ValueAggregate)}
	}
	return bindings.SettlementBatch{
		Payer: b.Payer, Epoch: b.Epoch, ReceiptCount: b.ReceiptCount, ReceiptsRoot: b.ReceiptsRoot, Lanes: lanes,
	}
}

// SettleVoucher implements settlement.Chain. It returns when the node has the transaction. A voucher
// that pays nothing new is accepted and pays nothing.
func (c *Chain) SettleVoucher(ctx context.Context, v settlement.Voucher, sig settlement.Signature) (common.Hash, error) {
	if c.sender == nil {
		return common.Hash{}, fmt.Errorf("settle voucher: %w", ErrReadOnly)
	}
	data := c.contract.PackSettleVoucher(bindings.Voucher{
		Payer: v.Payer, Payee: v.Payee, ValueAggregate: wei(v.ValueAggregate), ReceiptCount: v.ReceiptCount,
	}, sig)
	tx, err := c.sender.sendOnce(ctx, &c.domain.Contract, data)
	if err != nil {
		return common.Hash{}, fmt.Errorf("settle voucher of %s for %s: %w", v.Payer, v.Payee, err)
	}
	return tx.Hash(), nil
}
