package settlement

import (
	"context"
	"fmt"

	"flotilla/internal/durable"
)

// maxGroupOps bounds a group commit. A sync takes 0.6 to 2.6 ms, so one row per sync is at most some 1,000 rows a second.
// Changes are committed by one of their callers at a time, the committer, together with all that has queued up (see turns),
// and so are syncs. A longer group would make the first caller wait for too many others.
const maxGroupOps = 100

// commitOp is one caller's all-or-nothing change.
type commitOp struct {
	apply func(*stagedTx) error // an error refuses the operation, and nothing of it is stored
	after func()                // runs in the order of the changes, before their callers are answered; may be nil
	err   error                 // set by the committer

	// written has the operation answered once the kernel has its changes: they survive the end of the process, and a power
	// loss only when a sync came in between. For changes that nobody else holds a promise about yet; see Vouched.
	written bool
}

// commitStage tells a test's hook where the committer is.
type commitStage int

const (
	beforeCommit commitStage = iota // an error here: nothing of the group is stored
	afterCommit                     // an error here: all of it is stored, but the callers are told otherwise
)

// update runs apply and returns when its changes are durable, or with an error. Checks in apply see all
// earlier updates. ctx can stop it from queueing, not from finishing: the answer must be true.
func (l *Ledger) update(ctx context.Context, apply func(*stagedTx) error) error {
	return l.updateThen(ctx, apply, nil)
}

// updateThen is update with a step that the committer runs when the changes are made, in the same order.
func (l *Ledger) updateThen(ctx context.Context, apply func(*stagedTx) error, after func()) error {
	return l.hand(ctx, &commitOp{apply: apply, after: after})
}

// write is updateThen that does not wait for the disk.
func (l *Ledger) write(ctx context.Context, apply func(*stagedTx) error, after func()) error {
	return l.hand(ctx, &commitOp{apply: apply, after: after, written: true})
}

func (l *Ledger) hand(ctx context.Context, op *commitOp) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	l.changes.RLock()
	defer l.changes.RUnlock()
	if l.closed {
		return ErrClosed
	}
	if err := l.usable(); err != nil {
		return err
	}
	l.commits.do(op)
	if op.err != nil {
		return op.err
	}
	if op.written {
		l.syncSoon()
		return nil
	}
	return l.syncNow()
}

// commitGroup commits the operations in one batch, and sets the err of each.
// A crash before Write returns leaves none of them, a crash after leaves all; so does a power loss around the sync, which
// leaves a first part of all that was written since the one before: the store's log ends at its first torn record.
func (l *Ledger) commitGroup(group []*commitOp) {
	batch := l.store.NewBatch()
	defer func() { _ = batch.Close() }()
	var staged []*commitOp
	for _, op := range group {
		tx := &stagedTx{batch: batch}
		if op.err = op.apply(tx); op.err != nil {
			continue // refused by its own checks; nothing of it is in the batch
		}
		if err := tx.flush(); err != nil { // part of it may be in the batch: give all of it up
			failAll(group, fmt.Errorf("stage records: %w", err))
			return
		}
		staged = append(staged, op)
	}
	if len(staged) == 0 {
		return
	}
	if err := l.commit(batch, staged); err != nil {
		failAll(staged, err)
	}
}

// commit makes the batch's changes and runs what staged wants done after that.
func (l *Ledger) commit(batch *durable.Batch, staged []*commitOp) error {
	if l.hook != nil {
		if err := l.hook(beforeCommit); err != nil {
			return err
		}
	}
	if err := l.store.Write(batch); err != nil {
		return fmt.Errorf("commit to ledger: %w", err)
	}
	for _, op := range staged {
		if op.after != nil {
			op.after()
		}
	}
	if l.hook != nil {
		return l.hook(afterCommit)
	}
	return nil
}

// failAll is for the operations that have not failed by themselves.
func failAll(ops []*commitOp, err error) {
	for _, op := range ops {
		if op.err == nil {
			op.err = err
		}
	}
}

// stagedTx is one operation's view: it reads the batch and stages writes, which reach it only when the whole operation was
// accepted. It does not see its own staged writes.
type stagedTx struct {
	batch *durable.Batch
	puts  []stagedPut
}

type stagedPut struct {
	key, row []byte // a nil row deletes
}

// get reads the record under key into v. errNoRecord when there is none.
func (t *stagedTx) get(key []byte, v any) error { return readRecord(t.batch, key, v) }

// has says whether there is a record under key.
func (t *stagedTx) has(key []byte) (bool, error) { return durable.Has(t.batch, key) }

func (t *stagedTx) put(key []byte, v any) error {
	row, err := encodeRecord(key, v)
	if err != nil {
		return err
	}
	t.putRow(key, row)
	return nil
}

// putRow stages a record that was encoded before, outside the committer.
func (t *stagedTx) putRow(key, row []byte) {
	t.puts = append(t.puts, stagedPut{key, row})
}

func (t *stagedTx) del(key []byte) {
	t.puts = append(t.puts, stagedPut{key: key})
}

func (t *stagedTx) flush() error {
	for _, p := range t.puts {
		var err error
		if p.row == nil {
			err = t.batch.Delete(p.key, nil)
		} else {
			err = t.batch.Set(p.key, p.row, nil)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
