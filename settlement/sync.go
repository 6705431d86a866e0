package settlement

import (
	"context"
	"fmt"
	"time"
)

// syncEvery bounds how long a change that is only written waits for the disk, and so how many syncs a second those cost.
const syncEvery = 5 * time.Millisecond

// syncResult is what became of a sync that somebody waited for.
type syncResult struct{ err error }

// syncNow returns when all that was committed before is on the disk. Whoever comes while a sync runs shares the next one.
func (l *Ledger) syncNow() error {
	var r syncResult
	l.syncs.do(&r)
	return r.err
}

func (l *Ledger) syncGroup(group []*syncResult) {
	err := l.sync()
	for _, r := range group {
		r.err = err
	}
}

func (l *Ledger) sync() error {
	if l.noSync {
		return nil
	}
	if err := l.store.Sync(); err != nil {
		l.log.Error("a power loss now may lose receipts", "error", err)
		return fmt.Errorf("sync ledger: %w", err)
	}
	return nil
}

// syncSoon has what is written on the disk within syncEvery, or a little later when the disk is slow.
func (l *Ledger) syncSoon() {
	select {
	case l.unsynced <- struct{}{}:
	default:
	}
}

// syncLoop syncs what is only written, until the ledger closes: that syncs too.
func (l *Ledger) syncLoop() {
	defer close(l.stopped)
	for {
		select {
		case <-l.unsynced:
		case <-l.closing:
			return
		}
		select {
		case <-time.After(syncEvery):
		case <-l.closing:
		}
		l.mu.Lock()
		waiting := l.waiting
		l.waiting = nil
		l.mu.Unlock()
		err := l.syncNow()
		for _, w := range waiting {
			w <- err
		}
	}
}

// Synced returns when everything that the ledger answered before is on disk, some 5 ms later. A promise to somebody
// else, as a voucher or a countersignature, may leave the machine only after it: a power loss must not lose what others
// hold a proof of.
func (l *Ledger) Synced(ctx context.Context) error {
	done := make(chan error, 1)
	l.mu.Lock()
	l.waiting = append(l.waiting, done) // one for each answer that is being closed
	l.mu.Unlock()
	l.syncSoon()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopped:
		return ErrClosed // closing syncs, but who asks cannot know how far
	}
}
