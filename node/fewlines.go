package node

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/time/rate"
)

const (
	// strangersLinesAtOnce and strangersLineEvery bound what peers can make a node log: who sends nonsense pays nothing for it, and the
	// log is on the same disk as the ledger.
	strangersLinesAtOnce = 100
	strangersLineEvery   = time.Second
	// maxToldOnce bounds what is remembered as told; then all of it is forgotten, and told once more.
	maxToldOnce = 4096
)

// fewLines logs what peers cause. Lines past the bound are counted and left out, and the next one says how many.
type fewLines struct {
	log     *slog.Logger
	limit   *rate.Limiter
	leftOut atomic.Uint64

	mu   sync.Mutex // guards told; held for map work only
	told map[any]bool
}

func newFewLines(log *slog.Logger) *fewLines {
	return &fewLines{log: log, limit: rate.NewLimiter(rate.Every(strangersLineEvery), strangersLinesAtOnce)}
}

func (f *fewLines) line(level slog.Level, text string, args ...any) {
	if !f.limit.Allow() {
		f.leftOut.Add(1)
		return
	}
	if n := f.leftOut.Swap(0); n > 0 {
		args = append(args, "lines_left_out", n)
	}
	f.log.Log(context.Background(), level, text, args...)
}

// once is line for what is asked for again and again, and refused each time for the same reason: what says which it is.
func (f *fewLines) once(what any, level slog.Level, text string, args ...any) {
	f.mu.Lock()
	told := f.told[what]
	if f.told == nil || len(f.told) >= maxToldOnce {
		f.told = make(map[any]bool)
	}
	f.told[what] = true
	f.mu.Unlock()
	if !told {
		f.line(level, text, args...)
	}
}
