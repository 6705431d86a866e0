package requestlog

import (
	"encoding/json"
	"errors"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	// recountEvery: records that have grown too old vanish by themselves, so the count is taken anew now and then.
	recountEvery = 10 * time.Minute
	gcEvery      = time.Hour
	// trimShare of MaxRecords is deleted at once when there are too many, so that it is seldom done.
	trimShare = 20
)

// writer is the state of the one goroutine that writes.
type writer struct {
	*Log
	count   int
	counted time.Time
}

// write runs until the queue is closed and empty.
func (l *Log) write() {
	defer close(l.done)
	w := &writer{Log: l}
	gc := time.NewTicker(gcEvery)
	defer gc.Stop()
	for {
		select {
		case r, open := <-l.queue:
			if !open {
				return
			}
			w.store(w.batch(r))
		case written := <-l.barrier:
			for n := len(l.queue); n > 0; { // more may come meanwhile; they need not be waited for
				r, open := <-l.queue
				if !open {
					break
				}
				batch := w.batch(r)
				n -= len(batch)
				w.store(batch)
			}
			close(written)
		case <-gc.C:
			if err := l.db.RunValueLogGC(0.5); err != nil && !errors.Is(err, badger.ErrNoRewrite) {
				l.opts.Logger.Warn("reclaim space of the request log", "err", err)
			}
		}
	}
}

// batch is first and what else is queued.
func (w *writer) batch(first Record) []Record {
	batch := []Record{first}
	for len(batch) < maxBatch {
		select {
		case r, open := <-w.queue:
			if !open {
				return batch
			}
			batch = append(batch, r)
		default:
			return batch
		}
	}
	return batch
}

// store writes a batch in one transaction: a crash leaves all of it or nothing.
func (w *writer) store(batch []Record) {
	err := w.db.Update(func(txn *badger.Txn) error {
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
				if err := txn.SetEntry(badger.NewEntry([]byte(key), value).WithTTL(w.opts.MaxAge)); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		w.dropped.Add(uint64(len(batch)))
		w.opts.Logger.Error("write request log", "records", len(batch), "err", err)
		return
	}
	w.count += len(batch)
	if err := w.trim(); err != nil {
		w.opts.Logger.Error("trim request log", "err", err)
	}
}

// trim deletes the oldest records when there are too many. After a crash in between, the next trim goes on.
func (w *writer) trim() error {
	if w.counted.IsZero() || w.count > w.opts.MaxRecords && time.Since(w.counted) > recountEvery {
		if err := w.recount(); err != nil {
			return err
		}
	}
	if w.count <= w.opts.MaxRecords {
		return nil
	}
	for left := w.count - w.opts.MaxRecords + w.opts.MaxRecords/trimShare; left > 0; {
		n, err := w.deleteOldest(min(left, maxBatch))
		if err != nil || n == 0 {
			return err
		}
		left -= n
		w.count -= n
	}
	return nil
}

func (w *writer) recount() error {
	n := 0
	err := w.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte(prefixRecord)})
		defer it.Close()
		for it.Rewind(); it.Valid(); it.Next() {
			n++
		}
		return nil
	})
	if err == nil {
		w.count, w.counted = n, time.Now()
	}
	return err
}

// deleteOldest deletes at most n records with their index rows, and says how many.
func (w *writer) deleteOldest(n int) (int, error) {
	deleted := 0
	err := w.db.Update(func(txn *badger.Txn) error {
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
