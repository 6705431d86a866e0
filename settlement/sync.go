package settlement

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// syncEvery bounds how long a change that is only written waits for the disk, and so how many syncs a second those cost.
const syncEvery = 5 * time.Millisecond

// syncRequest asks for a sync that begins after it was made.
type syncRequest struct {
	done   chan error // capacity 1; nil: nobody waits
	urgent bool       // now, and not within syncEvery
}

// syncLoop brings to the disk what the committer has committed. Whatever is asked for while a sync runs shares the next
// one, and the committer never waits for the disk. It ends after the committer, whose requests it answers before.
func (l *Ledger) syncLoop() {
	defer close(l.stopped)
	for {
		select {
		case r := <-l.toSync:
			l.sync(l.gatherSyncs(r))
		case <-l.committed:
			for { // the last ones
				select {
				case r := <-l.toSync:
					l.sync([]syncRequest{r})
				default:
					return
				}
			}
		}
	}
}

// gatherSyncs adds to first what else is asked for: what is there already, and as long as nothing is urgent, what comes
// within syncEvery.
func (l *Ledger) gatherSyncs(first syncRequest) []syncRequest {
	all, urgent := []syncRequest{first}, first.urgent
	due := time.After(syncEvery)
	for {
		if urgent {
			select {
			case r := <-l.toSync:
				all = append(all, r)
				continue
			default:
				return all
			}
		}
		select {
		case r := <-l.toSync:
			all, urgent = append(all, r), r.urgent
		case <-due:
			return all
		case <-l.committed:
			return all
		}
	}
}

func (l *Ledger) sync(requests []syncRequest) {
	var err error
	if !l.noSync {
		err = errors.Join(l.syncRotated(), l.db.Sync())
	}
	if err != nil {
		err = fmt.Errorf("sync ledger: %w", err)
		l.log.Error("a power loss now may lose receipts", "error", err)
	}
	for _, r := range requests {
		if r.done != nil {
			r.done <- err
		}
	}
}

// syncRotated syncs the logs that Badger has closed and not yet turned into tables: its Sync is of the newest log alone,
// and rows that were committed just before may be in the one before it.
func (l *Ledger) syncRotated() error {
	if l.dir == "" { // in memory
		return nil
	}
	logs, err := filepath.Glob(filepath.Join(l.dir, "*.mem"))
	if err != nil || len(logs) < 2 {
		return err
	}
	for _, name := range logs {
		f, err := os.OpenFile(name, os.O_RDWR, 0)
		if errors.Is(err, fs.ErrNotExist) {
			continue // it has become a table, which Badger has synced
		}
		if err != nil {
			return err
		}
		if err := errors.Join(f.Sync(), f.Close()); err != nil {
			return err
		}
	}
	return nil
}

// settleStaged answers operations that were committed: those that wait for the disk through the syncer.
func (l *Ledger) settleStaged(staged []*commitOp) {
	urgent := false
	for _, op := range staged {
		if op.written {
			op.done <- nil
			continue
		}
		urgent = true
		l.toSync <- syncRequest{op.done, true}
	}
	if !urgent {
		select {
		case l.toSync <- syncRequest{}:
		default: // so many are waiting that a sync begins soon in any case
		}
	}
}

// Synced returns when everything that the ledger answered before is on disk, some 5 ms later. A promise to somebody
// else, as a voucher or a countersignature, may leave the machine only after it: a power loss must not lose what others
// hold a proof of.
func (l *Ledger) Synced(ctx context.Context) error {
	r := syncRequest{done: make(chan error, 1)}
	select {
	case l.toSync <- r:
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopped:
		return ErrClosed
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-l.stopped:
		return ErrClosed // closing syncs, but who asks cannot know how far
	}
}
