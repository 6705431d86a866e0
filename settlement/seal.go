package settlement

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

// The life of a batch in the ledger: sealed → submitted → settled. Each arrow is one durable
// transaction; between two of them the chain is asked what is true (see Settler.Recover).
//
// A batch is stored as its head, which each arrow replaces, and its receipts, which are written once, with the first head.

// MaxBatchReceipts bounds one batch. More receipts wait for the next one.
const MaxBatchReceipts = 16 << 10

// SealedBatch is a batch with the receipts it was made of, in the order of their leaves.
type SealedBatch struct {
	Batch     Batch         `json:"batch"`
	State     State         `json:"state"` // StateSealed, StateSubmitted or StateSettled
	Tx        common.Hash   `json:"tx"`    // zero until submitted, and when the chain's answer was lost
	Receipts  []ReceiptID   `json:"-"`     // sorted
	Digests   []common.Hash `json:"-"`
	Counts    []uint64      `json:"counts"` // cumulative receipts per lane, beside Batch.Lanes
	SealedAt  time.Time     `json:"sealedAt"`
	SettledAt time.Time     `json:"settledAt"` // zero until settled
}

// batchReceipts are a batch's receipts as they are stored, some 140 bytes each.
type batchReceipts struct {
	Receipts []ReceiptID   `json:"receipts"`
	Digests  []common.Hash `json:"digests"`
}

// batches is what a ledger keeps in memory of its batches.
type batches struct {
	open    *SealedBatch // in flight, or nil; never changed, only replaced
	settled uint64       // epoch of the newest settled batch, 0 before the first
	last    time.Time    // when that was settled
}

// holds says whether the receipt is in the batch.
func (s *SealedBatch) holds(id ReceiptID) bool {
	_, found := slices.BinarySearchFunc(s.Receipts, id, ReceiptID.Compare)
	return found
}

// OpenBatch returns the batch that is sealed or submitted and not settled, or nil. It must not be changed.
func (l *Ledger) OpenBatch() *SealedBatch { return l.batchState().open }

func (l *Ledger) batchState() batches {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.batches
}

func (l *Ledger) setBatchState(b batches) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.batches = b
}

// Batch returns the ledger's batch of that epoch. ErrUnknownReceipt when there is none.
func (l *Ledger) Batch(epoch uint64) (*SealedBatch, error) {
	var b SealedBatch
	err := l.view(func(snap reader) error { return readBatch(snap, epochKey(prefixBatch, epoch), &b) })
	if err != nil {
		return nil, fmt.Errorf("look up batch %d: %w", epoch, orUnknown(err))
	}
	return &b, nil
}

// readBatch reads a head and its receipts.
func readBatch(snap reader, head []byte, b *SealedBatch) error {
	var of batchReceipts
	if err := readRecord(snap, head, b); err != nil {
		return err
	}
	if err := readRecord(snap, epochKey(prefixLeaves, b.Batch.Epoch), &of); err != nil {
		return err
	}
	b.Receipts, b.Digests = of.Receipts, of.Digests
	if len(b.Receipts) != int(b.Batch.ReceiptCount) || len(b.Digests) != len(b.Receipts) {
		return fmt.Errorf("read batch %d: %w: %d receipts and %d digests, want %d of each", b.Batch.Epoch, ErrCorrupt,
			len(b.Receipts), len(b.Digests), b.Batch.ReceiptCount)
	}
	return nil
}

// loadBatches finds the batch in flight.
func (l *Ledger) loadBatches() error {
	var state batches
	err := l.view(func(snap reader) error {
		var head []byte
		err := durable.ScanBack(snap, []byte(prefixBatch), func(e entry) (bool, error) {
			head = bytes.Clone(e.Key)
			return false, nil
		})
		if err != nil || head == nil {
			return err
		}
		var newest SealedBatch
		if err := readBatch(snap, head, &newest); err != nil {
			return err
		}
		state = batches{settled: newest.Batch.Epoch, last: newest.SettledAt}
		if newest.State != StateSettled {
			state.open, state.settled = &newest, newest.Batch.Epoch-1
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("load newest batch: %w", err)
	}
	l.setBatchState(state)
	return nil
}

// Seal fixes the pending receipts of lanes (nil: of all), sorted by id, as the batch of epoch: root, lane
// totals and order of leaves are durable when it returns, so that whatever is sent to the chain can be
// rebuilt bit by bit. It returns nil when there is nothing to seal, and the batch in flight when there is one
// already: only one is in flight at a time.
//
// A crash before it returns leaves the receipts pending or a sealed batch that Recover submits.
func (l *Ledger) Seal(ctx context.Context, epoch uint64, lanes []common.Address) (*SealedBatch, error) {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	sealed, err := l.seal(ctx, epoch, lanes)
	if err != nil {
		return nil, fmt.Errorf("seal batch %d: %w", epoch, err)
	}
	return sealed, nil
}

func (l *Ledger) seal(ctx context.Context, epoch uint64, lanes []common.Address) (*SealedBatch, error) {
	state := l.batchState()
	if state.open != nil {
		return state.open, nil
	}
	if epoch <= state.settled {
		return nil, fmt.Errorf("%w: epoch %d is asked for, this ledger has settled %d", ErrEpochConflict, epoch, state.settled)
	}
	var s *SealedBatch
	err := l.view(func(snap reader) error {
		pending, ids, err := pendingReceipts(snap, lanes)
		if err != nil || len(ids) == 0 {
			return err
		}
		s, err = l.buildBatch(snap, epoch, ids, pending)
		return err
	})
	if err != nil || s == nil {
		return nil, err
	}
	leavesAt := epochKey(prefixLeaves, epoch)
	leaves, err := encodeRecord(leavesAt, batchReceipts{s.Receipts, s.Digests}) // here, not in the committer: it is a megabyte at most
	if err != nil {
		return nil, err
	}
	state.open = s
	err = l.updateThen(ctx, func(tx *stagedTx) error {
		tx.putRow(leavesAt, leaves)
		return tx.put(epochKey(prefixBatch, epoch), s)
	}, func() { l.setBatchState(state) })
	if err != nil {
		return nil, err
	}
	return s, nil
}

// pendingReceipts returns the first MaxBatchReceipts pending receipts of lanes (nil: of all) in order of id.
func pendingReceipts(snap reader, lanes []common.Address) (pending []pendingRecord, ids []ReceiptID, err error) {
	chosen := make(map[common.Address]bool, len(lanes))
	for _, payee := range lanes {
		chosen[payee] = true
	}
	payees := make(map[common.Address]bool) // at most MaxBatchLanes
	err = durable.Scan(snap, []byte(prefixPending), nil, func(e entry) (bool, error) {
		var p pendingRecord
		if err := readEntry(e, &p); err != nil {
			return false, err
		}
		if (lanes != nil && !chosen[p.Payee]) || (!payees[p.Payee] && len(payees) == MaxBatchLanes) {
			return true, nil // its lane waits for a later batch
		}
		payees[p.Payee] = true
		pending = append(pending, p)
		ids = append(ids, ReceiptID(e.Key[len(prefixPending):]))
		return len(ids) < MaxBatchReceipts, nil
	})
	return pending, ids, err
}

// buildBatch computes root and lane totals: what earlier batches settled on the lane plus what is here.
func (l *Ledger) buildBatch(snap reader, epoch uint64, ids []ReceiptID, pending []pendingRecord) (*SealedBatch, error) {
	s := &SealedBatch{State: StateSealed, Receipts: ids, SealedAt: time.Now().UTC()}
	lanes := make(map[common.Address]*outLane)
	for _, p := range pending {
		s.Digests = append(s.Digests, p.Digest)
		lane := lanes[p.Payee]
		if lane == nil {
			lane = new(outLane)
			if err := readRecord(snap, addressKey(prefixOut, p.Payee), lane); err != nil {
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

// markSubmitted notes the transaction that carries the batch in flight. A crash before it leaves the
// batch sealed and perhaps sent: Recover looks on the chain before it sends again.
func (l *Ledger) markSubmitted(ctx context.Context, epoch uint64, txHash common.Hash) error {
	l.sealing.Lock()
	defer l.sealing.Unlock()
	state := l.batchState()
	if state.open == nil || state.open.Batch.Epoch != epoch {
		return fmt.Errorf("mark batch %d submitted: %w", epoch, errNotInFlight)
	}
	sent := *state.open
	sent.State, sent.Tx = StateSubmitted, txHash
	state.open = &sent
	err := l.updateThen(ctx, func(tx *stagedTx) error { return tx.put(epochKey(prefixBatch, epoch), sent) }, func() { l.setBatchState(state) })
	if err != nil {
		return fmt.Errorf("mark batch %d submitted: %w", epoch, err)
	}
	return nil
}

// errNotInFlight is a programmer's error: only the settler drives batches.
var errNotInFlight = errors.New("that batch is not in flight")
