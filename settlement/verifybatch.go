package settlement

import (
	"context"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// VerifyBatch checks one batch from the chain and the bundle alone: that the payer signed these lane totals over
// these receipts, that the chain holds the batch under its epoch, and that it has paid every lane of it. As with
// Verify all checks are made, and what can not be checked is reported, never passed over. Of opts it uses Domain.
func VerifyBatch(ctx context.Context, b BatchBundle, chain ChainReader, opts VerifyOptions) Report {
	v := &batchVerification{
		checklist: checklist{Report{Batch: &BatchRef{b.Batch.Payer, b.Batch.Epoch}}}, bundle: b, chain: chain,
	}
	v.checkDomain(b.Domain, opts.Domain)
	v.checkForm()
	// A batch says no time. The contract has looked at that: CheckBatchRoot fails for what it refused. So here it counts
	// whether the key was ever the payer's.
	v.checkPayer(ctx, CheckBatchSignature, "payer signature of batch", v.chain, b.Batch.Payer, b.Batch.Digest(b.Domain), b.PayerSig, 0)
	v.checkTree()
	v.checkAnchor(ctx)
	v.checkLanes(ctx)
	return v.report
}

// batchVerification is one run of VerifyBatch.
type batchVerification struct {
	checklist
	bundle BatchBundle
	chain  ChainReader
}

func (v *batchVerification) checkForm() {
	b := v.bundle.Batch
	err := b.Validate()
	if err == nil && int(b.ReceiptCount) != len(v.bundle.Digests) {
		err = fmt.Errorf("%w: it counts %d receipts and comes with %d digests", ErrNotInBatch, b.ReceiptCount, len(v.bundle.Digests))
	}
	v.judge(CheckBatchForm, fmt.Sprintf("epoch %d, %d receipts, %d lanes in order", b.Epoch, b.ReceiptCount, len(b.Lanes)), err)
}

// checkTree builds the tree over the digests that came with the batch.
func (v *batchVerification) checkTree() {
	tree, err := NewMerkleTree(v.bundle.Digests)
	if err == nil && tree.Root() != v.bundle.Batch.ReceiptsRoot {
		err = fmt.Errorf("%w: the digests lead to root %s, the batch says %s", ErrNotInBatch, tree.Root(), v.bundle.Batch.ReceiptsRoot)
	}
	v.judge(CheckReceiptsRoot, fmt.Sprintf("%d digests lead to root %s", len(v.bundle.Digests), v.bundle.Batch.ReceiptsRoot), err)
}

// checkAnchor compares the batch with the event by which the chain settled that epoch.
func (v *batchVerification) checkAnchor(ctx context.Context) {
	if v.chain == nil {
		v.cannot(CheckBatchRoot, "no chain was given", nil)
		return
	}
	b := v.bundle.Batch
	a, err := v.chain.BatchAnchor(ctx, b.Payer, b.Epoch)
	if err != nil {
		v.cannot(CheckBatchRoot, "ask the chain for the batch", err)
		return
	}
	v.judge(CheckBatchRoot, a.evidence(b.Epoch), a.compare(b.Payer, b.Epoch, b.ReceiptsRoot, b.ReceiptCount))
}

// checkLanes: the chain has paid every lane at least the batch's total. A later batch may have paid more.
func (v *batchVerification) checkLanes(ctx context.Context) {
	if v.chain == nil {
		v.cannot(CheckLaneTotal, "no chain was given", nil)
		return
	}
	if len(v.bundle.Batch.Lanes) > MaxBatchLanes {
		v.cannot(CheckLaneTotal, fmt.Sprintf("%d lanes are too many to ask for", len(v.bundle.Batch.Lanes)), nil)
		return
	}
	var total Amount
	var short error
	for _, lane := range v.bundle.Batch.Lanes {
		has, err := v.chain.Lane(ctx, v.bundle.Batch.Payer, lane.Payee)
		if err != nil {
			v.cannot(CheckLaneTotal, fmt.Sprintf("ask the chain for the lane to %s", lane.Payee), err)
			return
		}
		total += lane.ValueAggregate // for people: wraps only beyond all money there is
		if has.Collected < lane.ValueAggregate && short == nil {
			short = fmt.Errorf("%w: %s was paid %v of %v", ErrLaneUncovered, lane.Payee, has.Collected, lane.ValueAggregate)
		}
	}
	v.judge(CheckLaneTotal, fmt.Sprintf("%d lanes, %v in all, each paid in full", len(v.bundle.Batch.Lanes), total), short)
}

// compare says whether the chain holds a batch with that root and count there.
func (a Anchor) compare(payer common.Address, epoch uint64, root common.Hash, count uint32) error {
	switch {
	case a.Root == (common.Hash{}):
		return fmt.Errorf("%w: the chain has no batch %d of %s", ErrNotInBatch, epoch, payer)
	case a.Root != root || a.Count != count:
		return fmt.Errorf("%w: batch %d on chain has root %s over %d receipts, the bundle says %s over %d",
			ErrNotInBatch, epoch, a.Root, a.Count, root, count)
	}
	return nil
}

// evidence says in words what the chain holds.
func (a Anchor) evidence(epoch uint64) string {
	return fmt.Sprintf("batch %d of %d receipts, root %s, by transaction %s in block %d, %d deep", epoch, a.Count, a.Root, a.Tx, a.Block, a.Depth)
}
