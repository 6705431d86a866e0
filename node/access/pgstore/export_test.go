package pgstore

import (
	"context"
	"testing"
	"time"
)

// Kill ends the store as kill -9 ends its process: nothing is told or taken back any more.
func (s *Store) Kill() {
	s.state.Lock()
	s.closed = true
	s.state.Unlock()
	s.cancel()
	s.done.Wait()
	_ = s.outbox.rows.Close()
}

// Waiting is how many orders the database has yet to hear the end of.
func (s *Store) Waiting() int { return len(s.outbox.ended(maxOrders)) }

// Prune is what Run does now and then.
func (s *Store) Prune(ctx context.Context) error { return s.prune(ctx) }

// Flush is flush in two steps: what it returns waits for the orders that are over now.
func (s *Store) Flush() func(context.Context) error {
	over := s.outbox.ended(maxOrders)
	return func(ctx context.Context) error { return s.settledAll(ctx, over) }
}

// SetClock sets this gateway's clock, not the database's. Nothing else may use the store meanwhile.
func (s *Store) SetClock(now func() time.Time) { s.now = now }

// Remembered is of how many keys something is kept in memory.
func (s *Store) Remembered() (n int) {
	s.left.Range(func(any, any) bool { n++; return true })
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	return n + len(s.meters.byKey)
}

// Beats is how often this gateway has said that it lives.
func (s *Store) Beats(t testing.TB) (n int64) {
	t.Helper()
	if err := s.pool.QueryRow(t.Context(), "SELECT beat FROM gateways WHERE id = $1", s.gateway).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// GatewayID is this gateway's in the database.
func (s *Store) GatewayID() string { return s.gateway }

// Told says whether the database has heard of all rates that this gateway knows.
func (s *Store) Told() bool {
	s.meters.mu.Lock()
	defer s.meters.mu.Unlock()
	for _, m := range s.meters.byKey {
		m.mu.Lock()
		dirty := m.dirty
		m.mu.Unlock()
		if dirty {
			return false
		}
	}
	return true
}
