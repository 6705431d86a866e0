package lastanswer

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var errFinal, errAway = errors.New("it is another one"), errors.New("away")

// source answers 1, 2, 3 … as its switches let it.
type source struct {
	mu    sync.Mutex // guards asked while questions about several keys are under way
	asked int
	slow  time.Duration
	err   error
}

func (s *source) ask(ctx context.Context, _ string) (int, error) {
	s.mu.Lock()
	s.asked++
	said, err := s.asked, s.err
	s.mu.Unlock()
	select {
	case <-time.After(s.slow):
		return said, err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

func (s *source) book(change func(*Config[string, int])) *Book[string, int] {
	cfg := Config[string, int]{
		Ask: s.ask, Timeout: 20 * time.Second, Fresh: 3 * time.Second, Stale: time.Hour, Patience: time.Second / 2,
		Holds: func(v int) bool { return v < 100 }, Final: func(err error) bool { return errors.Is(err, errFinal) }, Most: 10,
	}
	change(&cfg)
	return New(cfg)
}

func want(t *testing.T, b *Book[string, int], value int, err error, took time.Duration) {
	t.Helper()
	start := time.Now()
	if got, gotErr := b.Get(t.Context(), "a"); got != value || !errors.Is(gotErr, err) || time.Since(start) != took {
		t.Fatalf("got %d, %v after %v; want %d, %v after %v", got, gotErr, time.Since(start), value, err, took)
	}
}

func TestGoesByTheLastAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		b := s.book(func(*Config[string, int]) {})
		defer b.Close()
		want(t, b, 1, nil, 0)
		want(t, b, 1, nil, 0) // fresh

		s.err = errAway
		time.Sleep(3 * time.Second)
		want(t, b, 1, nil, 0)
		for range 10 {
			want(t, b, 1, nil, 0)
		}
		if s.asked != 2 {
			t.Fatalf("%d questions, want one more that failed", s.asked)
		}
		s.err = nil
		time.Sleep(3 * time.Second)
		want(t, b, 3, nil, 0)

		// Slow: nobody waits longer than the patience, and the answer counts when it comes.
		s.slow = 10 * time.Second
		time.Sleep(3 * time.Second)
		want(t, b, 3, nil, time.Second/2)
		want(t, b, 3, nil, 0)
		time.Sleep(10 * time.Second)
		want(t, b, 4, nil, 0)

		// What nobody is left to ask about within the hour is believed no longer.
		s.slow, s.err = 0, errAway
		time.Sleep(time.Hour)
		want(t, b, 0, errAway, 0)
	})
}

func TestFinalErrorsAndWhatDoesNotHold(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var s source
		b := s.book(func(*Config[string, int]) {})
		defer b.Close()
		want(t, b, 1, nil, 0)
		s.err = errFinal
		time.Sleep(3 * time.Second)
		want(t, b, 0, errFinal, 0)
		s.err = errAway
		want(t, b, 0, errAway, 0)

		s.err, s.asked = nil, 99
		want(t, b, 100, nil, 0) // does not hold
		s.err = errAway
		time.Sleep(3 * time.Second)
		want(t, b, 0, errAway, 0)
	})
}

func TestOneQuestionAtATimeAndClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := source{slow: 10 * time.Second}
		refused := errors.New("not asked")
		var admit error
		b := s.book(func(cfg *Config[string, int]) {
			cfg.Most, cfg.Admit = 2, func(string, int) error { return admit }
		})
		for range 5 {
			go func() { _, _ = b.Get(t.Context(), "a") }()
		}
		want(t, b, 1, nil, 10*time.Second)
		admit = refused
		if _, err := b.Get(t.Context(), "b"); !errors.Is(err, refused) || s.asked != 1 {
			t.Fatalf("%v after %d questions, want one and a refusal", err, s.asked)
		}
		admit = nil
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		for _, key := range []string{"b", "c", "d"} {
			if _, err := b.Get(ctx, key); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		if len(b.entries) != 2 || b.entries["a"] == nil {
			t.Errorf("%d answers are kept, of them the one that holds: %v", len(b.entries), b.entries["a"])
		}
		b.Close() // ends what is asked; the test would not end before
		if _, err := b.Get(t.Context(), "e"); err == nil {
			t.Error("a closed book asks")
		}
	})
}
