package settlement

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/sstable/block"
	"github.com/cockroachdb/pebble/v2/vfs"
)

// store is the ledger's database. What is written survives the end of the process at once and a power loss after sync.
type store struct {
	db   *pebble.DB
	logs *logFS
}

const (
	memtableSize   = 4 << 20 // two of them; how much is written before it becomes a table
	blockCacheSize = 4 << 20
	// badgerFile is in every ledger of the versions before Pebble.
	badgerFile = "KEYREGISTRY"
)

// openStore opens the database in dir, or one in memory when dir is empty. files nil are the machine's.
func openStore(dir string, files vfs.FS, log *slog.Logger) (*store, error) {
	switch {
	case dir == "":
		dir, files = "ledger", vfs.NewMem()
	case files == nil:
		files = vfs.Default
	}
	if _, err := files.Stat(files.PathJoin(dir, badgerFile)); err == nil {
		return nil, ErrOldLedger
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	s := &store{logs: newLogFS(files)}
	cache := pebble.NewCache(blockCacheSize)
	defer cache.Unref()
	opts := &pebble.Options{
		FS: s.logs, Cache: cache, MemTableSize: memtableSize, FormatMajorVersion: pebble.FormatNewest, Logger: storeLog{log},
	}
	opts.ApplyCompressionSettings(func() pebble.DBCompressionSettings {
		return pebble.UniformDBCompressionSettings(block.NoCompression) // encodeRecord compresses what is worth it
	})
	var err error
	s.db, err = pebble.Open(dir, opts)
	return s, err
}

// write makes the batch's changes and returns when the kernel has them.
func (s *store) write(b *pebble.Batch) error { return b.Commit(pebble.Sync) } // which syncs nothing, see logFS

// sync returns when all that was written before is on the disk.
func (s *store) sync() error { return s.logs.sync() }

func (s *store) close() error { return s.db.Close() }

// errNoRecord: there is no record under a key.
var errNoRecord = pebble.ErrNotFound

// reader is what can be read of the store: as it was at one moment, or as it will be after a batch.
type reader = pebble.Reader

// view runs a read of the store, unless the ledger is closed.
func (l *Ledger) view(read func(reader) error) error {
	if err := l.enter(); err != nil {
		return err
	}
	defer l.users.Done()
	snap := l.store.db.NewSnapshot()
	defer func() { _ = snap.Close() }() // it only fails when closed twice
	return read(snap)
}

// enter counts a user of the store, until l.users.Done. ErrClosed when the ledger is closed.
func (l *Ledger) enter() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return ErrClosed
	}
	l.users.Add(1)
	return nil
}

// readRecord reads the record under key into v. errNoRecord when there is none.
func readRecord(from reader, key []byte, v any) error {
	return lookUp(from, key, func(row []byte) error { return decodeRecord(key, row, v) })
}

// readRow returns the record under key as it is stored. errNoRecord when there is none.
func readRow(from reader, key []byte) (row []byte, err error) {
	err = lookUp(from, key, func(stored []byte) error {
		row = append(row, stored...)
		return nil
	})
	return row, err
}

func hasRow(from reader, key []byte) (bool, error) {
	err := lookUp(from, key, func([]byte) error { return nil })
	if errors.Is(err, errNoRecord) {
		return false, nil
	}
	return err == nil, err
}

// lookUp calls use with the row under key, which is the store's.
func lookUp(from reader, key []byte, use func(row []byte) error) error {
	row, closer, err := from.Get(key)
	if err != nil {
		return fmt.Errorf("read record %s: %w", keyName(key), err)
	}
	return errors.Join(use(row), closer.Close())
}

// entry is what a scan has come to. Both are the store's, until the scan goes on.
type entry struct{ key, row []byte }

func readEntry(e entry, v any) error { return decodeRecord(e.key, e.row, v) }

// scan calls each for the records under prefix, in key order, until it returns false or an error.
func (l *Ledger) scan(prefix []byte, each func(entry) (bool, error)) error {
	return l.view(func(snap reader) error { return scanFrom(snap, prefix, nil, each) })
}

// scanFrom is scan over the keys from start on; nil is the first.
func scanFrom(from reader, prefix, start []byte, each func(entry) (bool, error)) error {
	it, err := under(from, prefix)
	if err != nil {
		return err
	}
	for ok := it.SeekGE(start); ok; ok = it.Next() {
		row, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if more, err := each(entry{it.Key(), row}); err != nil || !more {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// under iterates over the keys with a prefix. Its Close tells what went wrong.
func under(from reader, prefix []byte) (*pebble.Iterator, error) {
	end := bytes.Clone(prefix)
	end[len(end)-1]++ // no prefix ends with 255
	return from.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: end})
}

// storeLog hands Pebble's messages to slog. Its chatter is of no use to an operator and goes to debug.
type storeLog struct{ log *slog.Logger }

func (s storeLog) Infof(format string, args ...any) {
	s.log.Debug("ledger store", "message", storeText(format, args))
}

func (s storeLog) Errorf(format string, args ...any) {
	s.log.Error("ledger store", "message", storeText(format, args))
}

// Fatalf ends the process, as Pebble expects: after a failed write nobody can tell what the disk holds but a new start.
func (s storeLog) Fatalf(format string, args ...any) {
	s.Errorf(format, args...)
	panic("ledger store: " + storeText(format, args))
}

func storeText(format string, args []any) string {
	return strings.TrimSpace(fmt.Sprintf(format, args...))
}
