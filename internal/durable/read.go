package durable

import (
	"bytes"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// Reader is what can be read: the store as it was at one moment, or as it will be after a batch.
type Reader = pebble.Reader

// View runs a read of the store as it is now.
func (s *Store) View(read func(Reader) error) error {
	return s.using(func() error {
		snap := s.db.NewSnapshot()
		defer func() { _ = snap.Close() }() // it only fails when closed twice
		return read(snap)
	})
}

// Look is View for a single row, or for rows that need not be of one moment: it makes no snapshot, of which the end has Pebble
// look for something to compact.
func (s *Store) Look(read func(Reader) error) error {
	return s.using(func() error { return read(s.db) })
}

// Get calls use with the row under key, which is the store's and stays only until use returns. ErrNoRow when there is none.
func Get(from Reader, key []byte, use func(row []byte) error) error {
	row, closer, err := from.Get(key)
	if err != nil {
		return err
	}
	return errors.Join(use(row), closer.Close())
}

// Has says whether there is a row under key.
func Has(from Reader, key []byte) (bool, error) {
	err := Get(from, key, func([]byte) error { return nil })
	if errors.Is(err, ErrNoRow) {
		return false, nil
	}
	return err == nil, err
}

// Row is what a scan has come to. Both are the store's, until the scan goes on.
type Row struct{ Key, Value []byte }

// Scan calls each for the rows whose keys begin with prefix, in key order from the key start on (nil: the first), until it
// returns false or an error.
func Scan(from Reader, prefix, start []byte, each func(Row) (bool, error)) error {
	it, err := under(from, prefix)
	if err != nil {
		return err
	}
	return walk(it, it.SeekGE(start), it.Next, each)
}

// ScanBack is Scan from the last row to the first.
func ScanBack(from Reader, prefix []byte, each func(Row) (bool, error)) error {
	it, err := under(from, prefix)
	if err != nil {
		return err
	}
	return walk(it, it.Last(), it.Prev, each)
}

func walk(it *pebble.Iterator, ok bool, next func() bool, each func(Row) (bool, error)) error {
	for ; ok; ok = next() {
		value, err := it.ValueAndErr()
		if err != nil {
			return errors.Join(err, it.Close())
		}
		if more, err := each(Row{it.Key(), value}); err != nil || !more {
			return errors.Join(err, it.Close())
		}
	}
	return it.Close()
}

// under iterates over the keys with a prefix. Its Close tells what went wrong.
func under(from Reader, prefix []byte) (*pebble.Iterator, error) {
	return from.NewIter(&pebble.IterOptions{LowerBound: prefix, UpperBound: behind(prefix)})
}

// behind is the first key behind all that begin with prefix, nil when there is none.
func behind(prefix []byte) []byte {
	for n := len(prefix); n > 0; n-- {
		if prefix[n-1] < 0xff {
			end := bytes.Clone(prefix[:n])
			end[n-1]++
			return end
		}
	}
	return nil
}
