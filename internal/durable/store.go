// Package durable keeps rows, a key and a value each, on the disk of one machine. What was written survives the end of the
// process at once, kill -9 too, and a power loss when Sync has returned after it; of what was written since, a power loss leaves
// a first part. The work is Pebble's (docs/decisions/0018); no other package knows it.
package durable

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/bloom"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

var (
	// ErrNoRow: there is no row under a key.
	ErrNoRow = pebble.ErrNotFound
	// ErrInUse: another process, or this one, has the directory open.
	ErrInUse = errors.New("another process has it open")
	// ErrClosed: the store is closed.
	ErrClosed = errors.New("the store is closed")
)

// Options of a Store.
type Options struct {
	// MemtableBytes is how much is written before it becomes a table; up to two of these are in memory (memtables).
	MemtableBytes uint64
	// CacheBytes is how much of the tables is kept in memory.
	CacheBytes int64
	Name       string       // for what it logs
	Logger     *slog.Logger // default: none
	Files      Files        // for tests; default: the machine's
}

// Files is a file system.
type Files = vfs.FS

// Store is an open directory of rows. It is safe for concurrent use, also by what it calls back.
type Store struct {
	db   *pebble.DB
	lock *pebble.Lock
	logs *logFS
	soon atomic.Bool // something was written that the kernel may not have yet

	once   sync.Once  // guards Close
	mu     sync.Mutex // guards closed
	closed bool
	users  sync.WaitGroup // of the database; Add only under mu and while not closed
}

// Batch is a group of changes, of which a crash leaves all or nothing.
type Batch = pebble.Batch

const (
	// filterBits a key have 99 of 100 tables that do not hold a key skipped without reading their rows.
	filterBits = 10
	// youngTables lie one over the other before they are merged with the older ones. Most keys are digests, so each merge
	// rewrites all that is there: with Pebble's 4 that was a tenth of a gateway's CPU. Their filters make a miss in each cheap.
	youngTables = 12
	// memtables are in memory at once: one that is written to, and one that becomes a table or waits to be used again.
	memtables = 2
)

// Open opens the rows in dir, which is made when there is none; with an empty dir they are in memory and nowhere else.
func Open(dir string, o Options) (*Store, error) {
	files := o.Files
	switch {
	case dir == "":
		dir, files = "memory", vfs.NewMem()
	case files == nil:
		files = vfs.Default
	}
	lock, err := lockDir(files, dir)
	if err != nil {
		return nil, err
	}
	s := &Store{logs: newLogFS(files), lock: lock}
	cache := pebble.NewCache(o.CacheBytes + memtables*int64(o.MemtableBytes)) // Pebble takes the memtables' room out of its cache
	defer cache.Unref()
	opts := &pebble.Options{
		FS: s.logs, Lock: lock, Cache: cache, MemTableSize: o.MemtableBytes, FormatMajorVersion: pebble.FormatNewest,
		L0CompactionThreshold: youngTables, L0StopWritesThreshold: 4 * youngTables,
		Logger: storeLog{cmp.Or(o.Logger, slog.New(slog.DiscardHandler)).With("store", o.Name)},
	}
	for i := range opts.Levels {
		opts.Levels[i].FilterPolicy = bloom.FilterPolicy(filterBits)
	}
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings {
		return pebble.UniformDBCompressionSettings(block.NoCompression) // the owners of rows compress what is worth it
	})
	if s.db, err = pebble.Open(dir, opts); err != nil {
		return nil, errors.Join(err, lock.Close())
	}
	return s, nil
}

// lockDir makes dir and keeps other processes out of it.
func lockDir(files vfs.FS, dir string) (*pebble.Lock, error) {
	if err := files.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	lock, err := pebble.LockDirectory(dir, files)
	if err == nil {
		return lock, nil
	}
	if here := strings.Contains(err.Error(), "held by current process"); here || errors.Is(err, syscall.EAGAIN) {
		return nil, fmt.Errorf("%w: %w", ErrInUse, err)
	}
	return nil, err
}

// NewBatch begins a group of changes for Write. It can be read as a Reader: the store as it will be. Close it in the end.
func (s *Store) NewBatch() *Batch { return s.db.NewIndexedBatch() }

// Write makes the batch's changes and returns when the kernel has them.
func (s *Store) Write(b *Batch) error {
	return s.using(func() error { return b.Commit(pebble.Sync) }) // which syncs nothing, see logFS
}

// Update is Write of a batch that change fills, unless it fails.
func (s *Store) Update(change func(*Batch) error) error { return s.update(change, pebble.Sync) }

// UpdateSoon is Update that does not wait for the kernel: the end of the process may lose the changes, until the next
// Update or Sync. They are seen at once.
func (s *Store) UpdateSoon(change func(*Batch) error) error {
	err := s.update(change, pebble.NoSync)
	s.soon.Store(true)
	return err
}

func (s *Store) update(change func(*Batch) error, how *pebble.WriteOptions) error {
	return s.using(func() (err error) {
		b := s.db.NewBatch()
		defer func() { err = errors.Join(err, b.Close()) }()
		if err := change(b); err != nil {
			return err
		}
		return b.Commit(how)
	})
}

// Sync returns when all that was written before is on the disk.
func (s *Store) Sync() error {
	return s.using(func() error {
		if s.soon.Swap(false) {
			if err := s.db.LogData(nil, pebble.Sync); err != nil { // an empty row, behind which all is the kernel's
				return err
			}
		}
		return s.logs.sync()
	})
}

// Close waits for what is under way, syncs and closes the store. Closing it again does nothing.
func (s *Store) Close() error {
	var err error
	s.once.Do(func() {
		s.mu.Lock()
		s.closed = true
		s.mu.Unlock()
		s.users.Wait()
		err = errors.Join(s.db.Close(), s.lock.Close())
	})
	return err
}

// using keeps the database open for use. ErrClosed when it is closed.
func (s *Store) using(use func() error) error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrClosed
	}
	s.users.Add(1)
	s.mu.Unlock()
	defer s.users.Done()
	return use()
}

// storeLog hands Pebble's messages to slog. Its chatter is of no use to an owner and goes to debug.
type storeLog struct{ log *slog.Logger }

func (s storeLog) Infof(format string, args ...any) {
	s.log.Debug("rows on disk", "message", storeText(format, args))
}

func (s storeLog) Errorf(format string, args ...any) {
	s.log.Error("rows on disk", "message", storeText(format, args))
}

// Fatalf ends the process, as Pebble expects: after a failed write nobody can tell what the disk holds but a new start. A panic would not
// do: a server outlives those of its requests, and from then on every write waits for ever.
func (s storeLog) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	fmt.Fprintf(os.Stderr, "flotilla: the disk did not take what must be kept (%s): make room or mend it, and start again; what was answered is kept\n",
		storeText(format, args))
	os.Exit(1)
}

func storeText(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
