package settlement

import (
	"errors"
	"fmt"

	"flotilla/internal/durable"
)

const (
	memtableBytes = 2 << 20
	cacheBytes    = 2 << 20
)

// errNoRecord: there is no record under a key.
var errNoRecord = errors.New("no such record")

// noRecord is errNoRecord with its key, which is put into words only when somebody reads them: most look for what may be absent.
type noRecord struct{ key []byte }

func (e noRecord) Error() string        { return "no record " + keyName(e.key) }
func (e noRecord) Is(target error) bool { return target == errNoRecord }

// reader is what can be read of the store: as it was at one moment, or as it will be after a batch.
type reader = durable.Reader

// entry is what a scan has come to.
type entry = durable.Row

// openStore opens the ledger's rows.
func openStore(dir string, opts durable.Options) (*durable.Store, error) {
	opts.Name, opts.MemtableBytes, opts.CacheBytes = "ledger", memtableBytes, cacheBytes
	return durable.Open(dir, opts)
}

// view runs a read of the store, unless the ledger is closed.
func (l *Ledger) view(read func(reader) error) error { return l.store.View(read) }

// look is view for a single row, or for rows that need not be of one moment.
func (l *Ledger) look(read func(reader) error) error { return l.store.Look(read) }

// readRecord reads the record under key into v. errNoRecord when there is none.
func readRecord(from reader, key []byte, v any) error {
	err := durable.Get(from, key, func(row []byte) error { return decodeRecord(key, row, v) })
	return readError(key, err)
}

// readRow returns the record under key as it is stored. errNoRecord when there is none.
func readRow(from reader, key []byte) (row []byte, err error) {
	err = durable.Get(from, key, func(stored []byte) error {
		row = append(row, stored...)
		return nil
	})
	return row, readError(key, err)
}

// readError says what could not be read.
func readError(key []byte, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, durable.ErrNoRow):
		return noRecord{key}
	}
	return fmt.Errorf("read record %s: %w", keyName(key), err)
}

func readEntry(e entry, v any) error { return decodeRecord(e.Key, e.Value, v) }

// scan calls each for the records under prefix, in key order, until it returns false or an error.
func (l *Ledger) scan(prefix []byte, each func(entry) (bool, error)) error {
	return l.view(func(snap reader) error { return durable.Scan(snap, prefix, nil, each) })
}
