// Package lastanswer remembers what a source that may be slow or away for a while has said last.
package lastanswer

import (
	"context"
	"sync"
	"time"
)

// Config says whom a Book asks and how long it believes what it was told.
type Config[K comparable, V any] struct {
	// Ask asks the source. It must honour ctx, which ends after Timeout, or when the Book is closed.
	Ask     func(ctx context.Context, key K) (V, error)
	Timeout time.Duration
	// Fresh is how long an answer is believed without another question.
	Fresh time.Duration
	// Stale is how long an answer that Holds is believed where the source does not give another one. What is older than Fresh is used
	// when the source has failed, or has taken longer than Patience; its answer counts when it comes.
	Stale, Patience time.Duration
	// Holds says which answers those are; they are also forgotten last.
	Holds func(V) bool
	// Final says which errors are answers: what was said before holds no longer.
	Final func(error) bool
	// Admit may refuse to ask about a key of which no answer is known that Holds; last is what is known of it, or the zero value. Nil asks
	// always. Without a bound of Admit's there is none on the questions under way: each outlives the caller for which it was asked.
	Admit func(key K, last V) error
	// Most is how many answers are remembered.
	Most int
}

// Book is what was answered. It is safe for concurrent use. Each key has one question under way at most.
type Book[K comparable, V any] struct {
	cfg    Config[K, V]
	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	asking sync.WaitGroup

	mu      sync.Mutex // guards what follows; never held while the source is asked
	closed  bool
	entries map[K]*entry[V]
}

type entry[V any] struct {
	value    V
	known    bool
	readAt   time.Time // when value was answered
	question *question[V]
}

// question is the last one about a key. value and err are valid after done.
type question[V any] struct {
	since time.Time
	done  chan struct{}
	value V
	err   error
}

// over says whether the source has answered or failed.
func (q *question[V]) over() bool {
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

// New returns an empty Book.
func New[K comparable, V any](cfg Config[K, V]) *Book[K, V] {
	b := &Book[K, V]{cfg: cfg, entries: make(map[K]*entry[V])}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b
}

// Close ends the questions that are under way and waits for them. Get asks nothing after it.
func (b *Book[K, V]) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	b.asking.Wait()
}

// Get returns what the source says about key, at most Fresh ago, or else what it said last (see Config).
func (b *Book[K, V]) Get(ctx context.Context, key K) (V, error) {
	var none V
	now := time.Now()
	b.mu.Lock()
	e := b.entries[key]
	if e != nil && e.known && now.Sub(e.readAt) < b.cfg.Fresh {
		defer b.mu.Unlock()
		return e.value, nil
	}
	holds := e != nil && e.known && b.cfg.Holds(e.value)
	old := holds && now.Sub(e.readAt) < b.cfg.Stale
	if old && e.question.over() && now.Sub(e.question.since) < b.cfg.Fresh { // it has failed just now
		defer b.mu.Unlock()
		return e.value, nil
	}
	if e == nil || e.question.over() {
		if !holds && b.cfg.Admit != nil {
			var last V
			if e != nil && e.known {
				last = e.value
			}
			if err := b.cfg.Admit(key, last); err != nil {
				b.mu.Unlock()
				return none, err
			}
		}
		if b.closed {
			b.mu.Unlock()
			return none, context.Canceled
		}
		e = b.ask(key, now)
	}
	value, q := e.value, e.question
	b.mu.Unlock()

	var patience <-chan time.Time // for ever where nothing else is known
	if old {
		timer := time.NewTimer(b.cfg.Patience - now.Sub(q.since))
		defer timer.Stop()
		patience = timer.C
	}
	select {
	case <-q.done:
		switch {
		case q.err == nil:
			return q.value, nil
		case old && !b.cfg.Final(q.err):
			return value, nil
		}
		return none, q.err
	case <-patience:
		return value, nil
	case <-ctx.Done():
		return none, context.Cause(ctx)
	}
}

// ask starts a question. The caller holds mu.
func (b *Book[K, V]) ask(key K, now time.Time) *entry[V] {
	e := b.entries[key]
	if e == nil {
		if len(b.entries) >= b.cfg.Most {
			delete(b.entries, b.forgettable())
		}
		e = new(entry[V])
		b.entries[key] = e
	}
	q := &question[V]{since: now, done: make(chan struct{})}
	e.question = q
	b.asking.Go(func() {
		ctx, cancel := context.WithTimeout(b.ctx, b.cfg.Timeout)
		defer cancel()
		q.value, q.err = b.cfg.Ask(ctx, key)
		b.mu.Lock()
		defer b.mu.Unlock()
		switch {
		case q.err == nil:
			e.value, e.known, e.readAt = q.value, true, time.Now()
		case b.cfg.Final(q.err):
			e.known = false
		}
		close(q.done)
	})
	return e
}

// forgettable returns a key whose answer does not hold, or any when all do. The caller holds mu.
func (b *Book[K, V]) forgettable() (key K) {
	for other, e := range b.entries {
		if key = other; !e.known || !b.cfg.Holds(e.value) {
			break
		}
	}
	return key
}
