package requestlog

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/dgraph-io/badger/v4"
)

var (
	// ErrNotFound: there is no such record, or none any more.
	ErrNotFound = errors.New("no such request in the log")
	// ErrBadFilter: a filter that chooses nothing that can be meant.
	ErrBadFilter = errors.New("bad filter")
)

// Options of a Log.
type Options struct {
	// MaxAge and MaxRecords bound what is kept; the oldest go first. Defaults 30 days and 250,000, about 150 MB.
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
	// maxBatch records are written in one transaction.
	maxBatch = 256
)

// Log is the request log. One process at a time has it open. It is safe for concurrent use.
type Log struct {
	db      *badger.DB
	opts    Options
	queue   chan Record
	barrier chan chan struct{} // answered when all that was queued before is written
	done    chan struct{}      // closed when the writer has ended
	dropped atomic.Uint64

	mu     sync.RWMutex // guards closed; held while something is queued, so that nothing is queued after the end
	closed bool
}

// Open opens the log in dir, creating it when there is none, and starts its writer, which Close ends.
func Open(dir string, opts Options) (*Log, error) {
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
	db, err := badger.Open(badger.DefaultOptions(dir).
		WithSyncWrites(false).
		WithDetectConflicts(false). // one writer
		WithMemTableSize(8 << 20).
		WithValueThreshold(256 << 10). // no record is as large
		WithNumMemtables(2).
		WithBlockCacheSize(4 << 20).
		WithIndexCacheSize(4 << 20).
		WithValueLogFileSize(4 << 20).
		WithNumCompactors(2).
		WithLogger(nil))
	if err != nil {
		return nil, fmt.Errorf("open request log in %s: %w", dir, err)
	}
	l := &Log{db: db, opts: opts, queue: make(chan Record, opts.Queue), barrier: make(chan chan struct{}), done: make(chan struct{})}
	go l.write()
	return l, nil
}

// Add queues a record without waiting. When the queue is full or the log closed it is dropped and counted.
func (l *Log) Add(r Record) {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if !l.closed {
		select {
		case l.queue <- r:
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
	<-l.done
	if err := l.db.Close(); err != nil {
		return fmt.Errorf("close request log: %w", err)
	}
	return nil
}

// Find is the record of a request id or of a receipt id.
func (l *Log) Find(id string) (Record, error) {
	r, err := l.find(id)
	if errors.Is(err, ErrNotFound) {
		l.wait() // a client may ask as soon as it has its answer
		r, err = l.find(id)
	}
	return r, err
}

func (l *Log) find(id string) (r Record, err error) {
	err = l.view(func(txn *badger.Txn) error {
		for _, prefix := range []string{prefixRequest, prefixReceipt} {
			item, err := txn.Get([]byte(prefix + id))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue
			}
			if err != nil {
				return err
			}
			at, err := item.ValueCopy(nil)
			if err != nil {
				return err
			}
			item, err = txn.Get(append([]byte(prefixRecord), at...))
			if errors.Is(err, badger.ErrKeyNotFound) {
				continue // trimmed
			}
			if err != nil {
				return err
			}
			return item.Value(func(raw []byte) error { return json.Unmarshal(raw, &r) })
		}
		return ErrNotFound
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("read request log: %w", err)
	}
	return r, err
}

// Page is a part of the log, newest first. Next is the cursor of the page after it, empty when there is none.
type Page struct {
	Requests []Record `json:"requests"`
	Next     string   `json:"next,omitempty"`
}

// List returns the records that f chooses, newest first.
func (l *Log) List(f Filter) (Page, error) {
	if f.Limit == 0 {
		f.Limit = defaultPage
	}
	if f.Limit < 1 || f.Limit > MaxPage {
		return Page{}, fmt.Errorf("%w: limit %d: want 1 to %d", ErrBadFilter, f.Limit, MaxPage)
	}
	if err := f.Status.check(); err != nil {
		return Page{}, err
	}
	start, err := f.start()
	if err != nil {
		return Page{}, err
	}
	l.wait()
	page := Page{Requests: []Record{}}
	err = l.view(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: 100, Prefix: []byte(prefixRecord)})
		defer it.Close()
		last, scanned := "", 0
		for it.Seek(append([]byte(prefixRecord), start...)); it.Valid(); it.Next() {
			if len(page.Requests) == f.Limit || scanned == maxScanned {
				page.Next = last
				return nil
			}
			var r Record
			if err := it.Item().Value(func(raw []byte) error { return json.Unmarshal(raw, &r) }); err != nil {
				return err
			}
			if !f.Since.IsZero() && r.At.Before(f.Since) {
				return nil
			}
			if f.matches(r) {
				page.Requests = append(page.Requests, r)
			}
			last = base64.RawURLEncoding.EncodeToString(r.place())
			scanned++
		}
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("read request log: %w", err)
	}
	return page, nil
}

// wait until what was queued so far is written.
func (l *Log) wait() {
	written := make(chan struct{})
	select {
	case l.barrier <- written:
		<-written
	case <-l.done:
	}
}

func (l *Log) view(read func(*badger.Txn) error) error {
	l.mu.RLock()
	defer l.mu.RUnlock()
	if l.closed {
		return errors.New("the log is closed")
	}
	return l.db.View(read)
}
