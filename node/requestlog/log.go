package requestlog

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

var (
	// ErrNotFound: there is no such record, or none any more.
	ErrNotFound = errors.New("no such request in the log")
	// ErrBadFilter: a filter that chooses nothing that can be meant.
	ErrBadFilter = errors.New("bad filter")
	// ErrUnavailable: the database of a log that several gateways share does not answer now.
	ErrUnavailable = errors.New("the database of the request log does not answer")
)

// Options of a Log.
type Options struct {
	// MaxAge and MaxRecords bound what is kept; the oldest go first. Defaults 30 days and 250,000, about 300 MB.
	MaxAge     time.Duration
	MaxRecords int
	// Queue is how many records may wait for the writer; more are dropped and counted. Default 4096, about 3 MB.
	Queue  int
	Logger *slog.Logger // default: none
}

const (
	defaultMaxAge     = 30 * 24 * time.Hour
	defaultMaxRecords = 250_000
	defaultQueue      = 4096
	// closeTimeout bounds the writing of what is queued when the log is closed, stallTimeout that of a batch: a database that does not
	// answer then is not waited for.
	closeTimeout = 10 * time.Second
	stallTimeout = 3 * time.Second
	tidyEvery    = 10 * time.Minute
	// tidyTimeout is how long tidying may keep the writer, whose queue fills meanwhile; what is left goes the next time.
	tidyTimeout = 30 * time.Second
	// patience is how long a reader waits for the writer, which may itself wait long for a database that is away.
	patience   = 2 * time.Second
	maxBatch   = 128 // records that are written together; of up to 4.9 KB each
	maxDeleted = 256 // records that go together
)

// Store keeps the records: this gateway's alone, on its disk, or those of several gateways (pglog). A Log is its only
// writer, from one goroutine; Find and List may be called at any time.
type Store interface {
	// Write keeps all of the records or none.
	Write(ctx context.Context, batch []Record) error
	// Find is the record of a request id or of a receipt id, or ErrNotFound.
	Find(ctx context.Context, id string) (Record, error)
	// List is a page that f chooses. The Log has checked f and set its limit.
	List(ctx context.Context, f Filter) (Page, error)
	// Tidy lets go of what is too old or too much, of as much as it can until ctx ends. It is called now and then, after writes.
	Tidy(ctx context.Context) error
	Close() error
}

// Log is the request log. It is safe for concurrent use.
type Log struct {
	store   Store
	writing context.Context // of the writer's calls; Close ends it when they take too long
	cancel  context.CancelFunc
	tidying context.Context // of its tidying, which Close does not wait for
	untidy  context.CancelFunc
	opts    Options
	queue   chan *Record       // pointers: an empty queue of records would take a megabyte and more
	barrier chan chan struct{} // answered when all that was queued before is written
	done    chan struct{}      // closed when the writer has ended
	dropped atomic.Uint64
	kept    atomic.Uint64 // batches

	mu     sync.RWMutex // guards closed; held while something is queued, so that nothing is queued after the end
	closed bool
}

// WithDefaults fills what is not set.
func (opts Options) WithDefaults() Options {
	if opts.MaxAge <= 0 {
		opts.MaxAge = defaultMaxAge
	}
	if opts.MaxRecords <= 0 {
		opts.MaxRecords = defaultMaxRecords
	}
	if opts.Queue <= 0 {
		opts.Queue = defaultQueue
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	return opts
}

// Open opens the log in dir, creating it when there is none, and starts its writer, which Close ends.
func Open(dir string, opts Options) (*Log, error) {
	opts = opts.WithDefaults()
	store, err := openRows(dir, opts)
	if err != nil {
		return nil, err
	}
	return New(store, opts), nil
}

// New starts a log on a store, which it owns from here on.
func New(store Store, opts Options) *Log {
	opts = opts.WithDefaults()
	l := &Log{store: store, opts: opts, queue: make(chan *Record, opts.Queue), barrier: make(chan chan struct{}), done: make(chan struct{})}
	l.writing, l.cancel = context.WithCancel(context.Background())
	l.tidying, l.untidy = context.WithCancel(l.writing)
	go l.write()
	return l
}

// Add queues a record without waiting. When the queue is full or the log closed it is dropped and counted.
func (l *Log) Add(r Record) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.closed {
		select {
		case l.queue <- &r:
			return
		default:
		}
	}
	l.dropped.Add(1)
}

// Dropped is how many records found the queue full.
func (l *Log) Dropped() uint64 { return l.dropped.Load() }

// Close writes what is queued and closes the log. Closing it again does nothing.
func (l *Log) Close() error {
	l.mu.Lock()
	was := l.closed
	l.closed = true
	l.mu.Unlock()
	if was {
		return nil
	}
	close(l.queue)
	l.untidy()
	late := time.After(closeTimeout)
	for kept, over := l.kept.Load(), false; !over; kept = l.kept.Load() {
		select {
		case <-l.done:
			over = true
		case <-late:
			over = true
		case <-time.After(stallTimeout):
			over = l.kept.Load() == kept
		}
	}
	l.cancel()
	<-l.done
	if err := l.store.Close(); err != nil {
		return fmt.Errorf("close request log: %w", err)
	}
	return nil
}

// Find is the record of a request id or of a receipt id.
func (l *Log) Find(ctx context.Context, id string) (Record, error) {
	r, err := l.find(ctx, id)
	if errors.Is(err, ErrNotFound) {
		l.wait(ctx) // a client may ask as soon as it has its answer
		r, err = l.find(ctx, id)
	}
	return r, err
}

func (l *Log) find(ctx context.Context, id string) (r Record, err error) {
	err = l.reading(func() error {
		r, err = l.store.Find(ctx, id)
		return err
	})
	return r, err
}

// Page is a part of the log, newest first. Next is the cursor of the page after it, empty when there is none.
type Page struct {
	Requests []Record `json:"requests"`
	Next     string   `json:"next,omitempty"`
}

// List returns the records that f chooses, newest first.
func (l *Log) List(ctx context.Context, f Filter) (page Page, err error) {
	if f.Limit == 0 {
		f.Limit = defaultPage
	}
	if f.Limit < 1 || f.Limit > MaxPage {
		return Page{}, fmt.Errorf("%w: limit %d: want 1 to %d", ErrBadFilter, f.Limit, MaxPage)
	}
	if err := f.Status.check(); err != nil {
		return Page{}, err
	}
	if _, err := f.place(); err != nil {
		return Page{}, err
	}
	l.wait(ctx)
	err = l.reading(func() error {
		page, err = l.store.List(ctx, f)
		return err
	})
	return page, err
}

// wait until what was queued so far is written, or the reader's patience ends.
func (l *Log) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	written := make(chan struct{})
	select {
	case l.barrier <- written:
	case <-l.done:
		return
	case <-ctx.Done():
		return
	}
	select {
	case <-written:
	case <-ctx.Done():
	}
}

// reading keeps the store open while it is read.
func (l *Log) reading(read func() error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return errors.New("the request log is closed")
	}
	return read()
}
