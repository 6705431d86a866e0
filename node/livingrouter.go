package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
)

// livingRouter is a router whose index is edited while it decides. A request uses the generation that it finds; none
// ever waits for an edit.
type livingRouter struct {
	file    string             // where the newest generation is kept
	history *indexfile.History // where it and those before are, for decisions to be made again
	log     *slog.Logger

	newest  atomic.Pointer[routing.Router]
	editing sync.Mutex // one edit at a time, over its build and its write
	failed  []string   // ids of the last edits that could not be kept: of one the file may have been replaced all the same
}

// maxFailed bounds failed; where a disk fails more often in a row, a restart reads what it has.
const maxFailed = 16

// newLivingRouter keeps the generation that r decides with, before any decision: it may be the built-in one of a release that is
// replaced, or a file that its owner puts another in place of.
func newLivingRouter(r *routing.Router, file string, history *indexfile.History, log *slog.Logger) (*livingRouter, error) {
	if err := history.Keep(r.Index()); err != nil {
		return nil, err
	}
	l := &livingRouter{file: file, history: history, log: log}
	l.newest.Store(r)
	return l, nil
}

// Route decides with the newest generation.
func (l *livingRouter) Route(ctx context.Context, p routing.Prompt, candidates []routing.Candidate, policy routing.Policy) (routing.Decision, error) {
	return l.newest.Load().Route(ctx, p, candidates, policy)
}

// Index is the newest generation.
func (l *livingRouter) Index() *index.Index { return l.newest.Load().Index() }

// generation is the newest, or one from before by its id or the first digits of that (indexfile.ErrNotKept: or not any more).
func (l *livingRouter) generation(id string) (*index.Index, error) {
	if x := l.Index(); x.ID() == id {
		return x, nil
	}
	return l.history.Read(id)
}

// Edit makes the next generation by change. When it returns nil, that is on disk and in use; on an error everything is
// as before, and the edit may be tried again. A crash before the file is replaced leaves the old generation for the next
// start, one after it the new one: then the edit counts although nobody was told, and a second try is seen in the row count.
// The generation is in the history before it is in the file, so that no decision is made with one that is not there; a
// crash or an error in between leaves it there unused.
func (l *livingRouter) Edit(change func(*index.Builder) error) (*index.Index, error) {
	l.editing.Lock()
	defer l.editing.Unlock()
	old := l.newest.Load()
	b := old.Index().Edit()
	if err := change(b); err != nil {
		return nil, err
	}
	x, err := b.Build()
	if err != nil {
		return nil, err
	}
	r, err := old.WithIndex(x)
	if err != nil {
		return nil, err
	}
	if err := l.history.Keep(x); err != nil {
		return nil, fmt.Errorf("keep edited index: %w", err)
	}
	if err := indexfile.Replace(l.file, x, append(l.failed, old.Index().ID())...); errors.Is(err, indexfile.ErrChanged) {
		return nil, fmt.Errorf("keep edited index: %w: start the gateway anew to use it, then edit", err)
	} else if err != nil {
		l.failed = append(l.failed[max(0, len(l.failed)+1-maxFailed):], x.ID())
		return nil, fmt.Errorf("keep edited index: %w", err)
	}
	l.failed = nil
	l.newest.Store(r)
	l.log.Info("index edited", "generation", x.Generation(), "rows", x.Len(), "before", old.Index().Len(), "id", x.ID())
	return x, nil
}

// forgetEarlier removes the generations before the one in use, and says how many. Decisions of these cannot be made again any more.
func (l *livingRouter) forgetEarlier() (int, error) {
	l.editing.Lock()
	defer l.editing.Unlock()
	x := l.Index()
	removed, err := l.history.Forget(x)
	if err == nil {
		l.log.Info("earlier generations of the index removed", "removed", removed, "generation", x.Generation())
	}
	return removed, err
}
