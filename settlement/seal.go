package settlement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/ethereum/go-ethereum/common"
)

// The life of a batch in the ledger: sealed → submitted → settled. Each arrow is one durable
// transaction; between two of them the chain is asked what is true (see Settler.Recover).

// MaxBatchReceipts bounds one batch: its record (about 170 bytes per receipt) must stay below Badger's
// transaction limit. More receipts wait for the next batch.
const MaxBatchReceipts = 4096

// SealedBatch is a batch with the receipts it was made of, in the order of their leaves.
type SealedBatch struct {
	Batch    Batch         `json:"batch"`
	State    State         `json:"state"` // StateSealed, StateSubmitted or StateSettled
	Tx       common.Hash   `json:"tx"`    // zero until submitted, and when the chain's answer was lost
	Receipts []ReceiptID   `json:"receipts"`
	Digests  []common.Hash `json:"digests"`
	Counts   []uint64      `json:"counts"` // cumulative receipts per lane, beside Batch.Lanes
}

// holds says whether the receipt is in the batch. Receipts are sorted.
func (s *SealedBatch) holds(id ReceiptID) bool {
	_, found := slices.BinarySearchFunc(s.Receipts, id, ReceiptID.Compare)
	return found
}

// openBatch returns the batch that is in flight, or nil, and the epoch of the newest batch that is
// settled, or 0. There is at most one in flight, and it is the newest.
func openBatch(txn *badger.Txn) (open *SealedBatch, settled uint64, err error) {
	opts := badger.DefaultIteratorOptions
	opts.Prefix, opts.Reverse, opts.PrefetchSize = []byte(prefixBatch), true, 1
	it := txn.NewIterator(opts)
	defer it.Close()
	it.Seek(epochKey(^uint64(0)))
	if !it.Valid() {
		return nil, 0, nil
	}
	var newest SealedBatch
	if err := readItem(it.Item(), &newest); err != nil {
		return nil, 0, err
	}
	if newest.State == StateSettled {
		return nil, newest.Batch.Epoch, nil
	}
	return &newest, newest.Batch.Epoch - 1, nil
}

// OpenBatch returns the batch that is sealed or submitted and not settled, or nil.
func (l *Ledger) OpenBatch() (*SealedBatch, error) {
	var open *SealedBatch
	err := l.view(func(txn *badger.Txn) (err error) {
		open, _, err = openBatch(txn)
		return err
	})
	return open, err
}

// Batch returns the ledger's batch of that epoch. ErrUnknownReceipt when there is none.
func (l *Ledger) Batch(epoch uint64) (*SealedBatch, error) {
	var b SealedBatch
	err := l.view(func(txn *badger.Txn) error { return readRecord(txn, epochKey(epoch), &b) })
	if err != nil {
		return nil, fmt.Errorf("look up batch %d: %w", epoch, orUnknown(err))
	}
	return &b, nil
}

// Seal fixes the pending receipts, sorted by id, as the batch of epoch: root, lane totals and order of
// leaves are durable when it returns, so that whatever is sent to the chain can be rebuilt bit by bit.
// It returns nil when there is nothing pending, and the batch in flight when there is one already: only
// one is in flight at a time.
//
// A crash before it returns leaves the receipts pending; after it, a sealed batch that Recover submits.
func (l *Ledger) Seal(ctx context.Context, epoch uint64) (*SealedBatch, error) {
	var sealed *SealedBatch
	err := l.update(ctx, func(tx *stagedTx) error {
		open, settled, err := openBatch(tx.txn)
		if err != nil || open != nil {
			sealed = open
			return err
		}
		if epoch <= settled {
			return fmt.Errorf("%w: the chain wants epoch %d, this ledger has settled %d", ErrEpochConflict, epoch, settled)
		}
		pending, ids, err := pendingReceipts(tx.txn)
		if err != nil || len(ids) == 0 {
			sealed = nil
			return err
		}
		if sealed, err = l.buildBatch(tx, epoch, ids, pending); err != nil {
			return err
		}
		return tx.put(epochKey(epoch), sealed)
	})
	if err != nil {
		return nil, fmt.Errorf("seal batch %d: %w", epoch, err)
	}
	return sealed, nil
}

// pendingReceipts returns the first MaxBatchReceipts pending receipts in order of id.
func pendingReceipts(txn *badger.Txn) (pending []pendingRecord, ids []ReceiptID, err error) {
	payees := make(map[common.Address]bool) // at most MaxBatchLanes
	err = scanTxn(txn, []byte(prefixPending), true, func(item *badger.Item) (bool, error) {
		var p pendingRecord
		if err := readItem(item, &p); err != nil {
			return false, err
		}
		if !payees[p.Payee] && len(payees) == MaxBatchLanes {
			return true, nil // its lane waits for the next batch
		}
		payees[p.Payee] = true
		pending = append(pending, p)
		ids = append(ids, ReceiptID(item.Key()[len(prefixPending):]))
		return len(ids) < MaxBatchReceipts, nil
	})
	return pending, ids, err
}

// buildBatch computes root and lane totals: what earlier batches settled on the lane plus what is here.
func (l *Ledger) buildBatch(tx *stagedTx, epoch uint64, ids []ReceiptID, pending []pendingRecord) (*SealedBatch, error) {
	s := &SealedBatch{State: StateSealed, Receipts: ids}
	lanes := make(map[common.Address]*outLane)
	for _, p := range pending {
		s.Digests = append(s.Digests, p.Digest)
		lane := lanes[p.Payee]
		if lane == nil {
			lane = new(outLane)
			if err := tx.get(addressKey(prefixOut, p.Payee), lane); err != nil {
				return nil, err
			}
			lanes[p.Payee] = lane
		}
		lane.Settled += p.Amount // at most Total, which did not overflow
		lane.SettledCount++
	}
	tree, err := NewMerkleTree(s.Digests)
	if err != nil {
		return nil, err
	}
	s.Batch = Batch{Payer: l.self, Epoch: epoch, ReceiptCount: tree.Count(), ReceiptsRoot: tree.Root()}
	for payee, lane := range lanes {
		s.Batch.Lanes = append(s.Batch.Lanes, LaneTotal{Payee: payee, ValueAggregate: lane.Settled})
	}
	slices.SortFunc(s.Batch.Lanes, func(a, b LaneTotal) int { return bytes.Compare(a.Payee[:], b.Payee[:]) })
	for _, lane := range s.Batch.Lanes {
		s.Counts = append(s.Counts, lanes[lane.Payee].SettledCount)
	}
	return s, s.Batch.Validate()
}

// MarkSubmitted notes the transaction that carries the batch in flight. A crash before it leaves the
// batch sealed and perhaps sent: Recover looks on the chain before it sends again.
func (l *Ledger) MarkSubmitted(ctx context.Context, epoch uint64, txHash common.Hash) error {
	err := l.update(ctx, func(tx *stagedTx) error {
		var s SealedBatch
		if err := tx.get(epochKey(epoch), &s); err != nil {
			return err
		}
		if s.State == StateSettled {
			return nil
		}
		s.State, s.Tx = StateSubmitted, txHash
		return tx.put(epochKey(epoch), s)
	})
	if err != nil {
		return fmt.Errorf("mark batch %d submitted: %w", epoch, err)
	}
	return nil
}

// MarkSettled gives every receipt of the batch its Inclusion and takes it out of the backlog, then closes
// the batch. It must be called only when the chain holds the batch. A crash in between leaves some
// receipts with their Inclusion and the batch still open; calling it again finishes the rest and changes
// nothing that was done.
func (l *Ledger) MarkSettled(ctx context.Context, epoch uint64) error {
	s, err := l.Batch(epoch)
	if err != nil {
		return fmt.Errorf("mark batch %d settled: %w", epoch, err)
	}
	if s.State == StateSettled {
		return nil
	}
	tree, err := NewMerkleTree(s.Digests)
	if err != nil {
		return fmt.Errorf("mark batch %d settled: %w", epoch, err)
	}
	const perCommit = 256 // some 1.2 KiB each: a commit stays well below Badger's limit
	for from := 0; from < len(s.Receipts); from += perCommit {
		to := min(from+perCommit, len(s.Receipts))
		err := l.update(ctx, func(tx *stagedTx) error { return s.stageInclusions(tx, tree, from, to) })
		if err != nil {
			return fmt.Errorf("store inclusions of batch %d: %w", epoch, err)
		}
	}
	var counted error
	err = l.updateThen(ctx, func(tx *stagedTx) error { return s.stageSettled(tx) }, func() { counted = l.recount() })
	if err = errors.Join(err, counted); err != nil {
		return fmt.Errorf("mark batch %d settled: %w", epoch, err)
	}
	return nil
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
	done := *s
	done.State = StateSettled
	return tx.put(epochKey(s.Batch.Epoch), done)
}
