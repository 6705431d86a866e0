package requestlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"flotilla/internal/durable"
)

const (
	memtableBytes = 1 << 20
	cacheBytes    = 1 << 20
	// trimShare of MaxRecords is deleted at once when there are too many, so that it is seldom done.
	trimShare = 20
)

// rowStore is the Store of one gateway. One process at a time has it open.
type rowStore struct {
	rows *durable.Store
	opts Options

	// Of the writer alone.
	count   int
	counted bool
}

func openRows(dir string, opts Options) (*rowStore, error) {
	rows, err := durable.Open(dir, durable.Options{MemtableBytes: memtableBytes, CacheBytes: cacheBytes, Name: "request log", Logger: opts.Logger})
	if err != nil {
		return nil, fmt.Errorf("open request log in %s: %w", dir, err)
	}
	return &rowStore{rows: rows, opts: opts}, nil
}

// Close implements Store.
func (s *rowStore) Close() error { return s.rows.Close() }

// Find implements Store.
func (s *rowStore) Find(_ context.Context, id string) (r Record, err error) {
	err = s.rows.View(func(from durable.Reader) error {
		for _, prefix := range []string{prefixRequest, prefixReceipt} {
			var at []byte
			err := durable.Get(from, []byte(prefix+id), func(row []byte) error { at = append([]byte(prefixRecord), row...); return nil })
			if err == nil {
				err = durable.Get(from, at, func(row []byte) error { return json.Unmarshal(row, &r) })
			}
			if !errors.Is(err, durable.ErrNoRow) {
				return err
			}
		}
		return ErrNotFound
	})
	if err != nil && !errors.Is(err, ErrNotFound) {
		err = fmt.Errorf("read request log: %w", err)
	}
	return r, err
}

// List implements Store.
func (s *rowStore) List(_ context.Context, f Filter) (Page, error) {
	start, err := f.start()
	if err != nil {
		return Page{}, err
	}
	page := Page{Requests: []Record{}}
	last, scanned := "", 0
	err = s.rows.View(func(from durable.Reader) error {
		return durable.Scan(from, []byte(prefixRecord), append([]byte(prefixRecord), start...), func(row durable.Row) (bool, error) {
			if len(page.Requests) == f.Limit || scanned == maxScanned {
				page.Next = last
				return false, nil
			}
			var r Record
			if err := json.Unmarshal(row.Value, &r); err != nil {
				return false, err
			}
			if !f.Since.IsZero() && r.At.Before(f.Since) {
				return false, nil
			}
			if f.matches(r) {
				page.Requests = append(page.Requests, r)
			}
			last = r.Cursor()
			scanned++
			return true, nil
		})
	})
	if err != nil {
		return Page{}, fmt.Errorf("read request log: %w", err)
	}
	return page, nil
}

// Write implements Store, in one batch: a crash leaves all of it or nothing.
func (s *rowStore) Write(_ context.Context, batch []Record) error {
	err := s.rows.Update(func(b *durable.Batch) error {
		for _, r := range batch {
			raw, err := json.Marshal(r)
			if err != nil {
				return err
			}
			at := r.place()
			err = errors.Join(b.Set(append([]byte(prefixRecord), at...), raw, nil), b.Set([]byte(prefixRequest+r.ID), at, nil))
			if r.Receipt != "" {
				err = errors.Join(err, b.Set([]byte(prefixReceipt+r.Receipt), at, nil))
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.count += len(batch)
	if err := s.trim(); err != nil {
		s.opts.Logger.Error("trim request log", "err", err)
	}
	return nil
}

// Tidy implements Store.
func (s *rowStore) Tidy(context.Context) error {
	return s.deleteOldest(s.opts.MaxRecords, time.Now().Add(-s.opts.MaxAge))
}

// trim deletes the oldest records when there are too many. After a crash in between, the next trim goes on.
func (s *rowStore) trim() error {
	if !s.counted {
		if err := s.recount(); err != nil {
			return err
		}
	}
	if s.count <= s.opts.MaxRecords {
		return nil
	}
	return s.deleteOldest(s.opts.MaxRecords-s.opts.MaxRecords/trimShare, time.Time{})
}

func (s *rowStore) recount() error {
	n := 0
	err := s.rows.View(func(from durable.Reader) error {
		return durable.Scan(from, []byte(prefixRecord), nil, func(durable.Row) (bool, error) { n++; return true, nil })
	})
	if err == nil {
		s.count, s.counted = n, true
	}
	return err
}

// deleteOldest deletes, some at a time, the records from before a moment and those of more than so many.
func (s *rowStore) deleteOldest(most int, before time.Time) error {
	for {
		old, err := s.oldest(func(r Record, older int) bool { return s.count-older > most || r.At.Before(before) })
		if err != nil || len(old) == 0 {
			return err
		}
		err = s.rows.Update(func(b *durable.Batch) error {
			for _, key := range slices.Concat(old...) {
				if err := b.Delete(key, nil); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		s.count -= len(old)
	}
}

// oldest are the keys of the oldest records that may go, a record's with those of its index rows: maxDeleted records at most.
// That a record may go, mayGo is told with how many older ones go too.
func (s *rowStore) oldest(mayGo func(r Record, older int) bool) (old [][][]byte, err error) {
	err = s.rows.View(func(from durable.Reader) error {
		return durable.ScanBack(from, []byte(prefixRecord), func(row durable.Row) (bool, error) {
			var r Record
			if err := json.Unmarshal(row.Value, &r); err != nil {
				return false, err
			}
			if len(old) == maxDeleted || !mayGo(r, len(old)) {
				return false, nil
			}
			keys := [][]byte{slices.Clone(row.Key), []byte(prefixRequest + r.ID)}
			if r.Receipt != "" {
				keys = append(keys, []byte(prefixReceipt+r.Receipt))
			}
			old = append(old, keys)
			return true, nil
		})
	})
	return old, err
}
