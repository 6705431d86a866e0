package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// markSettled gives every receipt of the batch in flight its Inclusion and takes it out of the backlog, then
// closes the batch. It must be called only when the chain of that origin holds the batch, in transaction txHash. A crash in
// between leaves some receipts with their Inclusion and the batch still open; calling it again finishes the
// rest and changes nothing that was done.
func (l *Ledger) markSettled(ctx context.Context, epoch uint64, txHash, origin common.Hash) error {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	state := l.batchState()
	if state.open == nil || state.open.Batch.Epoch != epoch {
		return fmt.Errorf("mark batch %d settled: %w", epoch, errNotInFlight)
	}
	s := *state.open
	s.State, s.Tx, s.SettledAt = StateSettled, txHash, time.Now().UTC()
	tree, err := NewMerkleTree(s.Digests)
	if err != nil {
		return fmt.Errorf("mark batch %d settled: %w", epoch, err)
	}
	for from := 0; from < len(s.Receipts); from += l.inclusions {
		to := min(from+l.inclusions, len(s.Receipts))
		err := l.update(ctx, func(tx *stagedTx) error { return s.stageInclusions(tx, tree, from, to) })
		if err != nil {
			return fmt.Errorf("store inclusions of batch %d: %w", epoch, err)
		}
	}
	state.open, state.settled, state.last = nil, epoch, s.SettledAt
	var counted error
	err = l.updateThen(ctx, func(tx *stagedTx) error { return errors.Join(s.stageSettled(tx), tx.put([]byte(keyOrigin), origin)) }, func() {
		l.setBatchState(state)
		counted = l.recount()
	})
	if err = errors.Join(err, counted); err != nil {
		return fmt.Errorf("mark batch %d settled: %w", epoch, err)
	}
	return nil
}

// settledOn returns the origin of the chain on which batches were settled; zero when that is not known.
func (l *Ledger) settledOn() (origin common.Hash, _ error) {
	err := l.view(func(snap reader) error { return orZero(readRecord(snap, []byte(keyOrigin), &origin)) })
	if err != nil {
		return origin, fmt.Errorf("look up where batches were settled: %w", err)
	}
	return origin, nil
}

// stageInclusions stages the inclusions of receipts from … to-1 and removes them from the pending ones.
func (s *SealedBatch) stageInclusions(tx *stagedTx, tree *MerkleTree, from, to int) error {
	for i := from; i < to; i++ {
		proof, err := tree.Proof(uint32(i))
		if err != nil {
			return err
		}
		err = tx.put(idKey(prefixInclude, s.Receipts[i]), Inclusion{
			Epoch: s.Batch.Epoch, Index: uint32(i), Count: tree.Count(), Root: tree.Root(), Proof: proof, Tx: s.Tx,
		})
		if err != nil {
			return err
		}
		tx.del(idKey(prefixPending, s.Receipts[i]))
	}
	return nil
}

// stageSettled raises the lanes' settled totals to the batch's and closes it.
func (s *SealedBatch) stageSettled(tx *stagedTx) error {
	for i, t := range s.Batch.Lanes {
		var lane outLane
		if err := tx.get(addressKey(prefixOut, t.Payee), &lane); err != nil {
			return err
		}
		lane.Settled, lane.SettledCount = t.ValueAggregate, s.Counts[i]
		if err := tx.put(addressKey(prefixOut, t.Payee), lane); err != nil {
			return err
		}
	}
	return tx.put(epochKey(prefixBatch, s.Batch.Epoch), s)
}
