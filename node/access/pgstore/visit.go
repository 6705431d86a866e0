package pgstore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"

	"flotilla/node/access"
	"flotilla/node/postgres"
)

// windowSeconds is how long a second counts, as in the store of one gateway.
const windowSeconds = 61

// meters are what this gateway knows of its keys' rates before the database does; only keys with limits have one, so
// there are at most as many as keys: forgetKeys drops those of the others.
type meters struct {
	mu    sync.Mutex // guards byKey
	byKey map[access.KeyID]*meter
}

// meter of one key.
type meter struct {
	telling chan struct{} // has room for whoever tells how many are under way: one at a time, or an old number may arrive last

	mu     sync.Mutex // guards all below
	here   int64      // requests under way on this gateway
	deltas map[int64]int64
	dirty  bool // the database has yet to hear of it
}

func (m *meters) of(id access.KeyID) *meter {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.byKey == nil {
		m.byKey = map[access.KeyID]*meter{}
	}
	if m.byKey[id] == nil {
		m.byKey[id] = &meter{telling: make(chan struct{}, 1), deltas: map[int64]int64{}}
	}
	return m.byKey[id]
}

// turn waits for the turn to tell how many are under way, for no longer than for a statement; done ends it.
func (m *meter) turn(ctx context.Context) error {
	wait, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	select {
	case m.telling <- struct{}{}:
		return nil
	case <-wait.Done():
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return &access.UnavailableError{Err: errors.New("too many requests of this key wait for the database")}
}

func (m *meter) done() { <-m.telling }

func (m *meter) add(here int64, second, delta int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.here += here
	if delta != 0 && (len(m.deltas) < 2*windowSeconds || m.deltas[second] != 0) {
		m.deltas[second] += delta
	}
	m.dirty = true
}

// news takes what the database has yet to hear. If it cannot be told, estimates stay as they were.
func (m *meter) news() (here int64, seconds, deltas []int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	seconds, deltas = []int64{}, []int64{}
	for second, delta := range m.deltas {
		seconds, deltas = append(seconds, second), append(deltas, delta)
	}
	m.deltas, m.dirty = map[int64]int64{}, false
	return m.here, seconds, deltas
}

// compareMeters finds what the database has wrong of how many requests are under way here: a statement that was given up may have
// reached it late, after what was told since.
func (s *Store) compareMeters(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, "SELECT key_id, n FROM in_flight WHERE gateway = $1 AND n <> 0", s.gateway)
	if err != nil {
		return fmt.Errorf("compare requests under way: %w", err)
	}
	there := map[access.KeyID]int64{}
	var id access.KeyID
	var n int64
	_, err = pgx.ForEachRow(rows, []any{&id, &n}, func() error {
		there[id] = n
		s.meters.of(id)
		return nil
	})
	if err != nil {
		return fmt.Errorf("compare requests under way: %w", err)
	}
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	for id, m := range s.meters.byKey {
		m.mu.Lock()
		m.dirty = m.dirty || m.here != there[id]
		m.mu.Unlock()
	}
	return nil
}

// tellMeters tells what no request has told yet, within a statement's time for all of it. What the server refuses of one key, as it
// does while the key's row is locked, keeps it from no other's; that is the error then.
func (s *Store) tellMeters(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	s.meters.mu.Lock()
	waiting := map[access.KeyID]*meter{}
	for id, m := range s.meters.byKey {
		m.mu.Lock()
		if m.dirty {
			waiting[id] = m
		}
		m.mu.Unlock()
	}
	s.meters.mu.Unlock()
	var refused error
	for id, m := range waiting {
		err := s.tellMeter(ctx, id, m)
		if err != nil {
			err = fmt.Errorf("tell rates of %s: %w", id, err)
		}
		switch {
		case postgres.Code(err) != "":
			refused = err
		case err != nil:
			return cmp.Or(refused, err)
		}
	}
	return refused
}

// forgetKeys drops what is remembered of keys that are no more.
func (s *Store) forgetKeys() {
	gone := func(id access.KeyID) bool {
		_, err := s.key(id)
		return errors.Is(err, access.ErrUnknownKey)
	}
	s.left.Range(func(id, _ any) bool {
		if gone(id.(access.KeyID)) {
			s.left.Delete(id)
		}
		return true
	})
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	maps.DeleteFunc(s.meters.byKey, func(id access.KeyID, m *meter) bool {
		m.mu.Lock()
		defer m.mu.Unlock()
		return m.here == 0 && !m.dirty && gone(id)
	})
}

func (s *Store) tellMeter(ctx context.Context, id access.KeyID, m *meter) error {
	select {
	case m.telling <- struct{}{}:
	default:
		return nil // a request tells it; behind those that wait, the beat would be late for all other keys
	}
	defer m.done()
	here, seconds, deltas := m.news()
	_, err := s.pool.Exec(ctx, "SELECT tell($1, $2, $3, $4, $5)", s.gateway, id, here, seconds, deltas)
	if err != nil {
		m.add(0, 0, 0) // how many are under way is told with the next beat
	}
	return err
}

// visit is an access.Visit. Keys without limits have no meter and ask nobody.
type visit struct {
	s        *Store
	key      access.Key
	meter    *meter
	requests *access.Rate
	tokens   *access.Rate
	second   int64  // when tokens were taken
	taken    uint64 // from the key's rate, an estimate
	over     bool
}

// Enter implements access.Keys.
func (s *Store) Enter(ctx context.Context, id access.KeyID) (access.Visit, error) {
	k, err := s.key(id)
	if err != nil {
		return nil, err
	}
	v := &visit{s: s, key: k}
	if k.RequestsPerMinute == 0 && k.TokensPerMinute == 0 && k.Concurrent == 0 {
		return v, nil
	}
	v.meter = s.meters.of(id)
	if err := v.enter(ctx); err != nil {
		v.meter.add(-1, 0, 0)
		return nil, err
	}
	return v, nil
}

func (v *visit) enter(ctx context.Context) error {
	k, s := v.key, v.s
	v.meter.add(1, 0, 0)
	if k.Concurrent > 0 { // else nobody goes by how many are under way
		if err := v.meter.turn(ctx); err != nil {
			return err
		}
		defer v.meter.done()
	}
	here, seconds, deltas := v.meter.news()
	var refused *string
	var used, last, fits, tokensUsed, tokensLast *int64
	var at time.Time
	err := s.ask(ctx, false, "SELECT refused, requests_used, requests_last, requests_fits, tokens_used, tokens_last, at FROM enter($1, $2, $3, $4, $5, $6, $7, $8)",
		[]any{s.gateway, k.ID, here, seconds, deltas, clamp(k.Concurrent), clamp(k.RequestsPerMinute), s.at()}, &refused, &used, &last, &fits, &tokensUsed, &tokensLast, &at)
	if err != nil {
		return err
	}
	at = s.time(at)
	if k.RequestsPerMinute > 0 {
		v.requests = rate(k.RequestsPerMinute, *used, *last, at)
	}
	if k.TokensPerMinute > 0 {
		v.tokens = rate(k.TokensPerMinute, *tokensUsed, *tokensLast, at)
	}
	switch {
	case refused == nil:
		return nil
	case *refused == "concurrent":
		return &access.RateError{Resource: access.Concurrent, Limit: k.Concurrent, Asked: 1, RetryAfter: time.Second, Rates: v.Rates()}
	}
	return &access.RateError{Resource: access.Requests, Limit: k.RequestsPerMinute, Asked: 1, RetryAfter: wait(*fits, at), Rates: v.Rates()}
}

// time is that of tests, which has nanoseconds, or the database's.
func (s *Store) time(at time.Time) time.Time {
	if s.opts.Now != nil {
		return s.opts.Now()
	}
	return at
}

// wait until a second begins; 0 for never.
func wait(second int64, at time.Time) time.Duration {
	if second == 0 {
		return 0
	}
	return time.Unix(second, 0).Sub(at)
}

func rate(limit uint64, used, last int64, at time.Time) *access.Rate {
	r := &access.Rate{Limit: limit}
	if uint64(used) < limit {
		r.Remaining = limit - uint64(used)
	}
	if last > 0 {
		r.Reset = wait(last+windowSeconds, at)
	}
	return r
}

// Caching implements access.Visit.
func (v *visit) Caching() access.Caching { return v.key.Cache }

// AskTokens implements access.Visit.
func (v *visit) AskTokens(ctx context.Context, estimate uint64) error {
	k, s := v.key, v.s
	if k.TokensPerMinute == 0 {
		return nil
	}
	_, seconds, deltas := v.meter.news()
	v.meter.add(0, 0, 0) // how many are under way is not told here
	var ok bool
	var used, last, fits int64
	var at time.Time
	err := s.ask(ctx, false, "SELECT ok, used, last, fits, at FROM ask_tokens($1, $2, $3, $4, $5, $6, $7)",
		[]any{s.gateway, k.ID, seconds, deltas, clamp(estimate), clamp(k.TokensPerMinute), s.at()}, &ok, &used, &last, &fits, &at)
	if err != nil {
		return err
	}
	at = s.time(at)
	if !ok {
		return &access.RateError{Resource: access.Tokens, Limit: k.TokensPerMinute, Asked: estimate, RetryAfter: wait(fits, at)}
	}
	v.tokens = rate(k.TokensPerMinute, used, last, at)
	v.second, v.taken = at.Unix(), estimate
	return nil
}

// UsedTokens implements access.Visit.
func (v *visit) UsedTokens(n uint64) {
	if v.key.TokensPerMinute > 0 && v.taken > 0 {
		v.meter.add(0, v.second, clamp(n)-clamp(v.taken))
		v.taken = n
	}
}

// Rates implements access.Visit: as they were when the key was last asked for.
func (v *visit) Rates() access.Rates { return access.Rates{Requests: v.requests, Tokens: v.tokens} }

// Leave implements access.Visit. The database hears of it with the key's next request, or within a second.
func (v *visit) Leave() {
	if !v.over && v.meter != nil {
		v.meter.add(-1, 0, 0)
	}
	v.over = true
}
