package settlement

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
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
		return l.fail(err)
	}
	return nil
}

// fail notes that the disk did not take what was written: that does not pass (see durable), so the ledger changes no more.
func (l *Ledger) fail(err error) error {
	l.failing.Do(func() {
		l.failure = fmt.Errorf("the disk did not take what the ledger must keep: make room or mend it, and start again: %w", err)
		l.log.Error("ledger takes nothing more; a power loss now may lose receipts of the last moments", "error", l.failure)
		close(l.failed)
	})
	return l.failure
}

// usable is why the ledger takes no changes, nil when it does.
func (l *Ledger) usable() error {
	select {
	case <-l.failed:
		return l.failure
	default:
		return nil
	}
}

// AwaitFailure returns nil when ctx ends, and an error as soon as the disk has failed: no change is taken from then on, and what is on the
// disk only a new start can read.
func (l *Ledger) AwaitFailure(ctx context.Context) error {
	select {
	case <-l.failed:
		return l.failure
	case <-ctx.Done():
		return nil
	}
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
		next := l.next
		l.next = nil
		l.mu.Unlock()
		err := l.syncNow()
		if next != nil {
			next.err = err
			close(next.done)
		}
	}
}

// nextSync is a sync to come that somebody waits for.
type nextSync struct {
	done     chan struct{} // closed after it
	err      error         // valid after done
	promises map[common.Address]*promise
}

// promise is the voucher of a lane that may leave after a sync.
type promise struct {
	voucher Voucher // the newest whose receipts are all written before the sync; it stays from then on

	once sync.Once // guards what follows
	sig  Signature
	err  error
}

// awaitSync returns the sync to come, and the voucher that may leave after it: v, or one of its lane that covers v.
func (l *Ledger) awaitSync(v Voucher) (*nextSync, *promise) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &nextSync{done: make(chan struct{}), promises: make(map[common.Address]*promise)}
	}
	p := l.next.promises[v.Payee]
	if p == nil {
		p = new(promise)
		l.next.promises[v.Payee] = p
	}
	if v.ReceiptCount > p.voucher.ReceiptCount {
		p.voucher = v
	}
	return l.next, p
}

// Vouched returns when everything that the ledger answered before is on disk, some 5 ms later: a power loss must not lose what others
// hold a proof of. What it returns may leave for the operator, with a signed voucher that covers the receipt and all before it.
// Receipts of a lane that wait for the same sync have one voucher together, which covers them all: it is signed once, and its
// payee checks it once.
func (l *Ledger) Vouched(ctx context.Context, acc Acceptance) (Acceptance, error) {
	next, p := l.awaitSync(acc.Voucher)
	l.syncSoon()
	select {
	case <-next.done:
	case <-ctx.Done():
		return acc, context.Cause(ctx)
	case <-l.stopped:
		return acc, ErrClosed // closing syncs, but who asks cannot know how far
	}
	if next.err != nil {
		return acc, next.err
	}
	p.once.Do(func() { p.sig, p.err = Sign(l.key, p.voucher.Digest(l.domain)) })
	acc.Voucher, acc.VoucherSig = p.voucher, p.sig
	return acc, p.err
}
