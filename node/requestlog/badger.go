package requestlog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"

	"flotilla/node/badgerdb"
)

const (
	// recountEvery: records that have grown too old vanish by themselves, so the count is taken anew now and then.
	recountEvery = 10 * time.Minute
	// trimShare of MaxRecords is deleted at once when there are too many, so that it is seldom done.
	trimShare = 20
)

// badgerStore is the Store of one gateway. One process at a time has it open.
type badgerStore struct {
	db   *badger.DB
	opts Options

	// Of the writer alone.
	count   int
	counted time.Time
}

func openBadger(dir string, opts Options) (*badgerStore, error) {
	how, err := badgerdb.Options(dir, 1<<20)
	if err != nil {
		return nil, fmt.Errorf("open request log in %s: %w", dir, err)
	}
	db, err := badger.Open(how)
	if err != nil {
		return nil, fmt.Errorf("open request log in %s: %w", dir, err)
	}
	return &badgerStore{db: db, opts: opts}, nil
}

// Close implements Store.
func (s *badgerStore) Close() error { return s.db.Close() }

// Find implements Store.
func (s *badgerStore) Find(_ context.Context, id string) (r Record, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
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

// List implements Store.
func (s *badgerStore) List(_ context.Context, f Filter) (Page, error) {
	start, err := f.start()
	if err != nil {
		return Page{}, err
	}
	page := Page{Requests: []Record{}}
	err = s.db.View(func(txn *badger.Txn) error {
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
			last = r.Cursor()
			scanned++
		}
		return nil
	})
	if err != nil {
		return Page{}, fmt.Errorf("read request log: %w", err)
	}
	return page, nil
}

// Write implements Store, in one transaction: a crash leaves all of it or nothing.
func (s *badgerStore) Write(_ context.Context, batch []Record) error {
	err := s.db.Update(func(txn *badger.Txn) error {
		for _, r := range batch {
			raw, err := json.Marshal(r)
			if err != nil {
				return err
			}
			at := r.place()
			rows := map[string][]byte{prefixRecord + string(at): raw, prefixRequest + r.ID: at}
			if r.Receipt != "" {
				rows[prefixReceipt+r.Receipt] = at
			}
			for key, value := range rows {
				if err := txn.SetEntry(badger.NewEntry([]byte(key), value).WithTTL(s.opts.MaxAge)); err != nil {
					return err
				}
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

// Tidy implements Store. What is too old vanishes by itself.
func (s *badgerStore) Tidy(context.Context) error {
	if err := s.db.RunValueLogGC(0.5); err != nil && !errors.Is(err, badger.ErrNoRewrite) {
		return fmt.Errorf("reclaim space: %w", err)
	}
	return nil
}

// trim deletes the oldest records when there are too many. After a crash in between, the next trim goes on.
func (s *badgerStore) trim() error {
	if s.counted.IsZero() || s.count > s.opts.MaxRecords && time.Since(s.counted) > recountEvery {
		if err := s.recount(); err != nil {
			return err
		}
	}
	if s.count <= s.opts.MaxRecords {
		return nil
	}
	for left := s.count - s.opts.MaxRecords + s.opts.MaxRecords/trimShare; left > 0; {
		n, err := s.deleteOldest(min(left, maxDeleted))
		if err != nil || n == 0 {
			return err
		}
		left -= n
		s.count -= n
	}
	return nil
}

func (s *badgerStore) recount() error {
	n := 0
	err := s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(prefixRecord)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return nil
	})
	if err == nil {
		s.count, s.counted = n, time.Now()
	}
	return err
}

// deleteOldest deletes at most n records with their index rows, and says how many.
func (s *badgerStore) deleteOldest(n int) (int, error) {
	deleted := 0
	err := s.db.Update(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{PrefetchValues: true, PrefetchSize: n, Reverse: true})
		defer it.Close()
		end := append([]byte(prefixRecord), 0xff) // after all records; none is from before 1970
		for it.Seek(end); it.ValidForPrefix([]byte(prefixRecord)) && deleted < n; it.Next() {
			var r Record
			if err := it.Item().Value(func(raw []byte) error { return json.Unmarshal(raw, &r) }); err != nil {
				return err
			}
			rows := []string{prefixRequest + r.ID}
			if r.Receipt != "" {
				rows = append(rows, prefixReceipt+r.Receipt)
			}
			for _, key := range rows {
				if err := txn.Delete([]byte(key)); err != nil {
					return err
				}
			}
			if err := txn.Delete(it.Item().KeyCopy(nil)); err != nil {
				return err
			}
			deleted++
		}
		return nil
	})
	return deleted, err
}
