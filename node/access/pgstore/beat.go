package pgstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"flotilla/node/postgres"
)

// watch is what this gateway has seen of the others. Silence is counted in beats of its own that got through, not in time:
// when it was stopped itself, or could not reach the database, nobody else has grown silent by that.
type watch struct {
	beats  map[string]int64 // by gateway, when it was last looked at
	silent map[string]int   // in a row
}

const readOnly = "25006" // SQLSTATE

const sqlEnrol = "INSERT INTO gateways (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET beat = gateways.beat + 1, seen = now()"

// enrol makes or keeps this gateway's row.
func (s *Store) enrol(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	_, err := s.pool.Exec(ctx, sqlEnrol, s.gateway)
	if err != nil {
		return fmt.Errorf("enrol this gateway: %w", err)
	}
	return nil
}

// keepBeating says that this gateway lives, hears of changed keys, and frees what gateways that do not live have held.
func (s *Store) keepBeating(ctx context.Context) {
	every := min(beatEvery, s.opts.Lease/5)
	tick := time.NewTicker(every)
	defer tick.Stop()
	s.watch = watch{beats: map[string]int64{}, silent: map[string]int{}}
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		busy := postgres.Busy(s.pool)
		err := s.beat(ctx, int(s.opts.Lease/every))
		switch {
		case ctx.Err() != nil:
			return
		case postgres.Code(err) == readOnly: // a new connection finds the server that takes writes
			s.pool.Reset()
		case errors.Is(err, context.DeadlineExceeded) && (busy || postgres.Busy(s.pool)): // who has the connections finds out whether it answers
			continue
		}
		s.answers(err)
	}
}

func (s *Store) beat(ctx context.Context, most int) error {
	if err := s.enrol(ctx); err != nil {
		return err
	}
	if err := s.Refresh(ctx); err != nil {
		return err
	}
	if err := s.compareMeters(ctx); err != nil {
		return err
	}
	if err := s.tellMeters(ctx); postgres.Code(err) != "" {
		s.log.Debug("the rates of a key wait to be told", "err", err)
	} else if err != nil {
		return err
	}
	s.forgetKeys()
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	rows, err := s.pool.Query(ctx, "SELECT id, beat FROM gateways WHERE id <> $1", s.gateway)
	if err != nil {
		return fmt.Errorf("look at the other gateways: %w", err)
	}
	now := watch{beats: map[string]int64{}, silent: map[string]int{}}
	var id string
	var beat int64
	_, err = pgx.ForEachRow(rows, []any{&id, &beat}, func() error {
		now.beats[id] = beat
		if was, known := s.watch.beats[id]; known && was == beat {
			now.silent[id] = s.watch.silent[id] + 1
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("look at the other gateways: %w", err)
	}
	s.watch = now
	for id, beats := range now.silent {
		if beats < most {
			continue
		}
		var freed *int64
		if err := s.pool.QueryRow(ctx, "SELECT release_gateway($1, $2)", id, now.beats[id]).Scan(&freed); err != nil {
			return fmt.Errorf("free the holds of gateway %s: %w", id, err)
		}
		if freed != nil {
			s.log.Warn("a gateway is silent; what it held is free again", "gateway", id, "micro_usd", *freed)
		}
	}
	return nil
}

// withdraw takes the row of a gateway that has nothing under way, so that nobody waits for it. Without it, the lease ends.
func (s *Store) withdraw(ctx context.Context) {
	_, err := s.pool.Exec(ctx, "DELETE FROM gateways WHERE id = $1 AND NOT EXISTS (SELECT FROM holds WHERE gateway = $1)", s.gateway)
	if err == nil {
		_, err = s.pool.Exec(ctx, "DELETE FROM in_flight WHERE gateway = $1", s.gateway)
	}
	if err != nil {
		s.log.Debug("withdraw this gateway", "err", err)
	}
}
