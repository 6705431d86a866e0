package settlement

import (
	"context"
	"encoding/binary"
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/durable"
)

// Hooks for tests in package settlement_test.

// CommitStage is where a commit hook is called.
type CommitStage = commitStage

// The stages of a commit.
const (
	BeforeCommit = beforeCommit
	AfterCommit  = afterCommit
)

// SetCommitHook makes the committer call hook around every commit. Call it before the ledger is used.
func (l *Ledger) SetCommitHook(hook func(CommitStage) error) { l.hook = hook }

// EncodeRecord and DecodeRecord frame records as the ledger does.
var (
	EncodeRecord = encodeRecord
	DecodeRecord = decodeRecord
)

// NewSealedBatch returns an empty record to decode into.
func NewSealedBatch() *SealedBatch { return new(SealedBatch) }

// HashOneByOne makes trees as on a processor without AVX2, until the returned function is called.
func HashOneByOne() (restore func()) {
	was := keccak4Enabled
	keccak4Enabled = false
	return func() { keccak4Enabled = was }
}

// WithDefaults, RipeLanes and Due are the settler's decisions.
func (c SettlerConfig) WithDefaults() SettlerConfig { return c.withDefaults() }

func (c SettlerConfig) RipeLanes(lanes map[common.Address]Backlog, cost Amount, now time.Time) ([]common.Address, int) {
	return c.ripeLanes(lanes, cost, now)
}

// Due is due after a look at lookedAt that left so many receipts waiting.
func (c SettlerConfig) Due(b Backlog, lookedAt time.Time, left int, now time.Time) (time.Duration, bool) {
	return c.due(b, look{lookedAt, left}, now)
}

// Owner is the account that the ledger signs for.
func (l *Ledger) Owner() common.Address { return l.self }

// SmallCommits makes the ledger store a batch's inclusions n receipts at a time. Call it before it is used.
func (l *Ledger) SmallCommits(n int) { l.inclusions = n }

// SetFormat makes the ledger look like one of another version.
func (l *Ledger) SetFormat(ctx context.Context, format int) error {
	return l.update(ctx, func(tx *stagedTx) error {
		return tx.put([]byte(keyMeta), ledgerMeta{Format: format, Owner: l.self, Domain: l.domain})
	})
}

// Step is one round of Run.
func (s *Settler) Step(ctx context.Context) error {
	_, _, err := s.cycle(ctx)
	return err
}

// Unsynced makes commits not wait for the disk.
func (o LedgerOptions) Unsynced() LedgerOptions {
	o.noSync = true
	return o
}

// OnFiles keeps the ledger on another file system than the machine's.
func (o LedgerOptions) OnFiles(files durable.Files) LedgerOptions {
	o.files = files
	return o
}

// Unseal forgets the batch in flight, so that a benchmark can seal the same receipts again.
func (l *Ledger) Unseal(ctx context.Context) error {
	state := l.batchState()
	epoch := state.open.Batch.Epoch
	state.open = nil
	return l.updateThen(ctx, func(tx *stagedTx) error {
		tx.del(epochKey(prefixBatch, epoch))
		return nil
	}, func() { l.setBatchState(state) })
}

// MarkSubmitted is markSubmitted.
func (l *Ledger) MarkSubmitted(ctx context.Context, epoch uint64, txHash common.Hash) error {
	return l.markSubmitted(ctx, epoch, txHash)
}

// HeldVoucher is the newest voucher that this payee holds of payer; without a signature when there is none.
func (l *Ledger) HeldVoucher(payer common.Address) (Voucher, Signature, error) {
	lane, err := l.inLane(payer)
	return lane.Voucher, lane.VoucherSig, err
}

// OpenOrderBytes is how many bytes the rows of open orders have.
func (l *Ledger) OpenOrderBytes() (n int, err error) {
	err = l.scan([]byte(prefixOrder), func(e entry) (bool, error) {
		n += len(e.Key) + len(e.Value)
		return true, nil
	})
	return n, err
}

// FillEvidence keeps as many faults as there is room for, of which one is punished.
func (l *Ledger) FillEvidence(ctx context.Context) error {
	return l.update(ctx, func(tx *stagedTx) error {
		for i := range maxEvidence {
			id := common.BytesToHash(binary.BigEndian.AppendUint32(nil, uint32(i)))
			if err := tx.put(evidenceKey(id), StoredEvidence{ID: id, Punished: i == maxEvidence/2}); err != nil {
				return err
			}
		}
		return nil
	})
}

// TwoFaceEvidence has all that is kept and not punished be of two prices under one number.
func (l *Ledger) TwoFaceEvidence(ctx context.Context) error {
	all, err := l.Evidence()
	for _, e := range all {
		err = errors.Join(err, l.markEvidence(ctx, e.ID, func(e *StoredEvidence) { e.Evidence.Fault = AdvertEquivocation }))
	}
	return err
}

// AgeEvidence has what is punished be so for longer than a reorganisation goes back.
func (l *Ledger) AgeEvidence(ctx context.Context, id common.Hash) error {
	return l.markEvidence(ctx, id, func(e *StoredEvidence) { e.PunishedAt = e.PunishedAt.Add(-2 * punishedFor) })
}

// Turns is turns.
type Turns[T any] struct{ turns turns[T] }

// NewTurns returns turns of at most so many items.
func NewTurns[T any](most int, work func([]T)) *Turns[T] {
	return &Turns[T]{turns[T]{work: work, most: most}}
}

// Do is do.
func (t *Turns[T]) Do(item T) { t.turns.do(item) }
