package access

import (
	"fmt"
	"time"
)

// concurrentRetry: when one of the requests under way will end is not known.
const concurrentRetry = time.Second

// Visit is one request of a key under way. One goroutine at a time uses it.
type Visit struct {
	s      *Store
	a      *account
	second int64  // when tokens were taken
	tokens uint64 // taken from the key's rate, an estimate
	over   bool
}

// Enter admits a request: a RateError when the key has too many. Leave ends it.
func (s *Store) Enter(id KeyID) (*Visit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	if most := a.key.Concurrent; most > 0 && a.inFlight >= most {
		return nil, &RateError{Resource: Concurrent, Limit: most, Asked: 1, RetryAfter: concurrentRetry}
	}
	if a.requests != nil {
		if wait, ok := a.requests.take(s.now(), 1); !ok {
			return nil, &RateError{Resource: Requests, Limit: a.requests.limit, Asked: 1, RetryAfter: wait}
		}
	}
	a.inFlight++
	return &Visit{s: s, a: a}, nil
}

// Caching is what the key's terms say of answers that are given again.
func (v *Visit) Caching() Caching {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.a.key.Cache
}

// AskTokens takes an estimate of the request's tokens from the key's rate, once.
func (v *Visit) AskTokens(estimate uint64) error {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.a.tokens == nil {
		return nil
	}
	now := v.s.now()
	if wait, ok := v.a.tokens.take(now, estimate); !ok {
		return &RateError{Resource: Tokens, Limit: v.a.tokens.limit, Asked: estimate, RetryAfter: wait}
	}
	v.second, v.tokens = now.Unix(), estimate
	return nil
}

// UsedTokens replaces the estimate by what was really used.
func (v *Visit) UsedTokens(n uint64) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.a.tokens != nil && v.tokens > 0 {
		v.a.tokens.correct(v.second, v.tokens, n)
		v.tokens = n
	}
}

// Leave ends the visit; calling it again does nothing.
func (v *Visit) Leave() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if !v.over {
		v.over = true
		v.a.inFlight--
	}
}

// Rates are the limits that the key has, nil where it has none.
type Rates struct{ Requests, Tokens *Rate }

// Rates of a key, as they are now.
func (s *Store) Rates(id KeyID) Rates {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil {
		return Rates{}
	}
	now := s.now()
	show := func(w *window) *Rate {
		if w == nil {
			return nil
		}
		r := w.rate(now)
		return &r
	}
	return Rates{show(a.requests), show(a.tokens)}
}
