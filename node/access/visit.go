package access

import (
	"context"
	"fmt"
	"time"
)

// concurrentRetry: when one of the requests under way will end is not known.
const concurrentRetry = time.Second

// visit is a Visit of a Store.
type visit struct {
	s      *Store
	a      *account
	second int64  // when tokens were taken
	tokens uint64 // taken from the key's rate, an estimate
	over   bool
}

// Enter implements Keys.
func (s *Store) Enter(_ context.Context, id KeyID) (Visit, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil {
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	now := s.now()
	if most := a.key.Concurrent; most > 0 && a.inFlight >= most {
		return nil, &RateError{Resource: Concurrent, Limit: most, Asked: 1, RetryAfter: concurrentRetry, Rates: a.rates(now)}
	}
	if a.requests != nil {
		if wait, ok := a.requests.take(now, 1); !ok {
			return nil, &RateError{Resource: Requests, Limit: a.requests.limit, Asked: 1, RetryAfter: wait, Rates: a.rates(now)}
		}
	}
	a.inFlight++
	return &visit{s: s, a: a}, nil
}

func (v *visit) Caching() Caching {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.a.key.Cache
}

func (v *visit) AskTokens(_ context.Context, estimate uint64) error {
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

func (v *visit) UsedTokens(n uint64) {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if v.a.tokens != nil && v.tokens > 0 {
		v.a.tokens.correct(v.second, v.tokens, n)
		v.tokens = n
	}
}

func (v *visit) Leave() {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	if !v.over {
		v.over = true
		v.a.inFlight--
	}
}

func (v *visit) Rates() Rates {
	v.s.mu.Lock()
	defer v.s.mu.Unlock()
	return v.a.rates(v.s.now())
}

// rates of the account as they are now. The caller holds the store's lock.
func (a *account) rates(now time.Time) Rates {
	show := func(w *window) *Rate {
		if w == nil {
			return nil
		}
		r := w.rate(now)
		return &r
	}
	return Rates{show(a.requests), show(a.tokens)}
}
