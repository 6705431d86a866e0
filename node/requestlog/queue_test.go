package requestlog

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// A writer that does not keep up costs records and no time.
func TestFullQueueDrops(t *testing.T) {
	l := &Log{queue: make(chan *Record, 2)} // nobody writes
	for range 5 {
		l.Add(Record{})
	}
	if l.Dropped() != 3 || len(l.queue) != 2 {
		t.Errorf("%d dropped, %d queued", l.Dropped(), len(l.queue))
	}
}

// awayStore is one whose writes wait for a database that is away.
type awayStore struct{}

func (awayStore) Write(ctx context.Context, _ []Record) error      { <-ctx.Done(); return ctx.Err() }
func (awayStore) Find(context.Context, string) (Record, error)     { return Record{}, ErrNotFound }
func (awayStore) List(context.Context, Filter) (p Page, err error) { return p, nil }
func (awayStore) Tidy(context.Context) error                       { return nil }
func (awayStore) Close() error                                     { return nil }

// Who reads does not wait for as long as the writer does.
func TestReadersWaitLessThanTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(awayStore{}, Options{})
		defer func() { _ = l.Close() }()
		l.Add(Record{ID: "req_1"})
		synctest.Wait() // it is being written
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		if _, err := l.List(ctx, Filter{}); err != nil || ctx.Err() != nil {
			t.Errorf("list: %v, %v", err, ctx.Err())
		}
		if _, err := l.Find(ctx, "req_1"); !errors.Is(err, ErrNotFound) || ctx.Err() != nil {
			t.Errorf("find: %v, %v", err, ctx.Err())
		}
	})
}

// longStore is one whose tidying is never done.
type longStore struct {
	awayStore
	written int
}

func (s *longStore) Write(ctx context.Context, batch []Record) error {
	if ctx.Err() == nil {
		s.written += len(batch)
	}
	return ctx.Err()
}
func (s *longStore) Tidy(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }

// A log that has far too much to let go of, as after a start with other bounds, goes on being written.
func TestTidyingGivesWayToTheWriter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &longStore{}
		l := New(store, Options{})
		time.Sleep(tidyEvery)
		synctest.Wait() // it is tidied
		l.Add(Record{ID: "req_1"})
		time.Sleep(tidyEvery - time.Second)
		synctest.Wait()
		if len(l.queue) > 0 {
			t.Error("the record waits still")
		}
		if err := l.Close(); err != nil || store.written != 1 {
			t.Errorf("%d records written, want 1: %v", store.written, err)
		}
	})
}

// A log that is closed while it is tidied writes what is queued: only its tidying is broken off.
func TestCloseBreaksTidyingOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		store := &longStore{}
		l := New(store, Options{})
		time.Sleep(tidyEvery)
		synctest.Wait() // it is tidied
		l.Add(Record{ID: "req_1"})
		began := time.Now()
		if err := l.Close(); err != nil || store.written != 1 || time.Since(began) > 0 {
			t.Errorf("%d records written, want 1, after %v: %v", store.written, time.Since(began), err)
		}
	})
}
