package pgstore

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/access"
	"flotilla/node/postgres"
)

// Options of a Store.
type Options struct {
	// Dir keeps the outbox and the gateway's id. One process at a time.
	Dir string
	// Config are the keys of the gateway's configuration. Empty ones are left out.
	Config []string
	// Charged says what a receipt charged, for orders that were out at a crash; false: there is no such receipt.
	Charged func(access.Receipt) (access.MicroUSD, bool, error)
	// Lease is how long a gateway may be silent until another frees its holds. Default 15 min, longer than an order lives.
	Lease  time.Duration
	Logger *slog.Logger // default: none
	// Now is the time of tests; by default budgets and rates go by the clock of the database.
	Now func() time.Time
}

const (
	defaultLease = 15 * time.Minute
	beatEvery    = time.Second
	flushTimeout = 5 * time.Second             // longer than between two tries to settle
	closeTimeout = postgres.Timeout + lastWait // one try to settle; what is left stays in the outbox
	openTimeout  = 30 * time.Second
	pruneEvery   = time.Hour
	// settledFor is how long the database remembers that an order is over. pruneBatch bounds what one statement forgets.
	settledFor = "40 days"
	pruneBatch = 10_000
)

// Store is the API keys of several gateways, as one of them uses them. It implements access.Keys.
type Store struct {
	*Directory
	opts    Options
	log     *slog.Logger
	gateway string
	outbox  *outbox
	watch   watch
	meters  meters
	left    sync.Map // access.KeyID → seen: what was left of a budget not long ago

	wake    chan struct{} // orders are over
	settled chan struct{} // replaced and closed after each batch; guarded by state
	state   sync.Mutex    // guards failed, settled and closed
	failed  error         // nil: the database answers
	closed  bool
	cancel  context.CancelFunc
	done    sync.WaitGroup // the goroutines that Open starts
}

var _ access.Keys = (*Store)(nil)

// Open enrols this gateway and settles what it had under way at a crash. The pool stays the caller's.
func Open(ctx context.Context, pool *pgxpool.Pool, opts Options) (_ *Store, err error) {
	if opts.Lease <= 0 {
		opts.Lease = defaultLease
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Store{opts: opts, log: opts.Logger, wake: make(chan struct{}, 1), settled: make(chan struct{})}
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	if s.Directory, err = OpenDirectory(ctx, pool); err != nil {
		return nil, err
	}
	if opts.Now != nil {
		s.now, s.sets = opts.Now, opts.Now
	}
	s.SetConfig(opts.Config)
	if s.outbox, err = openOutbox(opts.Dir, s.log); err != nil {
		return nil, err
	}
	var run context.Context
	run, s.cancel = context.WithCancel(context.Background())
	defer func() {
		if err != nil {
			s.cancel()
			s.done.Wait()
			err = errors.Join(err, s.outbox.rows.Close())
		}
	}()
	var fresh [8]byte
	_, _ = rand.Read(fresh[:]) // never fails (crypto/rand)
	if s.gateway, err = s.outbox.gateway(hex.EncodeToString(fresh[:])); err != nil {
		return nil, err
	}
	if err := s.enrol(ctx); err != nil {
		return nil, err
	}
	if err := s.reconcile(ctx); err != nil {
		return nil, err
	}
	s.done.Go(func() { s.settleAll(run) })
	s.done.Go(func() { s.keepBeating(run) })
	s.tell()
	if err := s.flush(ctx); err != nil {
		return nil, fmt.Errorf("settle orders of the last run: %w", err)
	}
	return s, nil
}

// reconcile decides the orders that were out at a crash, by the ledger: those in the outbox, and those that only the
// database has, which a power cut leaves. A crash in between decides the same again. Requests under way then are over.
func (s *Store) reconcile(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, "DELETE FROM in_flight WHERE gateway = $1", s.gateway); err != nil {
		return fmt.Errorf("end the requests of the last run: %w", err)
	}
	rows, err := s.pool.Query(ctx, "SELECT receipt, key_id, max FROM holds WHERE gateway = $1", s.gateway)
	if err != nil {
		return fmt.Errorf("read holds: %w", err)
	}
	left := s.outbox.all()
	var receipt []byte
	var id access.KeyID
	var most int64
	_, err = pgx.ForEachRow(rows, []any{&receipt, &id, &most}, func() error {
		if _, known := left[access.Receipt(receipt)]; !known {
			left[access.Receipt(receipt)] = order{Key: id, Max: access.MicroUSD(most), State: stateOut, Shared: true}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read holds: %w", err)
	}
	for r, row := range left {
		if row.State != stateOut {
			continue
		}
		row.State = stateVoid
		if s.opts.Charged != nil {
			amount, found, err := s.opts.Charged(r)
			if err != nil {
				return fmt.Errorf("look up receipt %s: %w", r, err)
			}
			if found {
				row.State, row.Amount = stateCharged, amount
			}
		}
		if err := s.outbox.put(r, row); err != nil {
			return err
		}
	}
	if len(left) > 0 {
		s.log.Info("orders under way at the last crash were settled with their keys", "orders", len(left))
	}
	return nil
}

// ask runs one statement that a request waits for. When the database does not answer, neither do the next ones wait
// for it: until a beat gets through, they are refused at once. What is durable has reached its disk when this returns.
func (s *Store) ask(ctx context.Context, durable bool, sql string, args []any, out ...any) error {
	if err := s.Ready(); err != nil {
		return &access.UnavailableError{Err: err}
	}
	err := postgres.Session(ctx, s.pool, func(ctx context.Context, session *pgxpool.Conn) error {
		err := session.QueryRow(ctx, sql, args...).Scan(out...)
		if err == nil && durable {
			_, err = session.Exec(ctx, postgres.Flush)
		}
		return err
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case postgres.Code(err) == "" && !errors.Is(err, pgx.ErrNoRows) && !errors.Is(err, postgres.ErrBusy):
		s.answers(err)
	}
	return &access.UnavailableError{Err: err}
}

// answers notes whether the database does.
func (s *Store) answers(err error) {
	s.state.Lock()
	was := s.failed
	s.failed = err
	s.state.Unlock()
	switch {
	case was == nil && err != nil:
		s.log.Error("the store does not answer; requests of keys with limits are refused", "err", err)
	case was != nil && err == nil:
		s.log.Info("the store answers again")
	}
}

// Ready implements access.Keys.
func (s *Store) Ready() error {
	s.state.Lock()
	defer s.state.Unlock()
	if s.failed != nil {
		return errors.New("the database of API keys does not answer")
	}
	return nil
}

// List implements access.Keys. What is held of a key without a budget is only what this gateway has under way.
func (s *Store) List(ctx context.Context) ([]access.Status, error) {
	if err := s.told(ctx); err != nil {
		return nil, err
	}
	keys, err := s.Directory.List(ctx)
	if err != nil {
		return nil, err
	}
	s.addHeld(keys)
	return keys, nil
}

// Status implements access.Keys; as List, of one key.
func (s *Store) Status(ctx context.Context, id access.KeyID) (access.Status, error) {
	if err := s.told(ctx); err != nil {
		return access.Status{}, err
	}
	st, err := s.Directory.Status(ctx, id)
	one := []access.Status{st}
	s.addHeld(one)
	return one[0], err
}

// told is flush for a caller that does not wait for a database that is away.
func (s *Store) told(ctx context.Context) error {
	err := s.Ready()
	if err == nil {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		err = s.flush(ctx)
	}
	if err != nil {
		return &access.UnavailableError{Err: fmt.Errorf("tell the database what was charged: %w", err)}
	}
	return nil
}

// addHeld adds what only this gateway knows to be held.
func (s *Store) addHeld(keys []access.Status) {
	held := map[access.KeyID]access.MicroUSD{}
	for _, row := range s.outbox.all() {
		if !row.Shared {
			held[row.Key] += row.Max
		}
	}
	for i := range keys {
		keys[i].Held += held[keys[i].ID]
	}
}

// Run implements access.Keys: the database forgets orders that were over long ago.
func (s *Store) Run(ctx context.Context) error {
	tick := time.NewTicker(pruneEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
		if err := s.prune(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("forget old orders", "err", err)
		}
	}
}

// prune forgets the orders that were over long ago.
func (s *Store) prune(ctx context.Context) error {
	for gone := int64(pruneBatch); gone == pruneBatch; {
		err := postgres.Patiently(ctx, s.pool, func(ctx context.Context, tx pgx.Tx) error {
			tag, err := tx.Exec(ctx, "DELETE FROM settled WHERE receipt IN (SELECT receipt FROM settled WHERE at < now() - interval '"+settledFor+"' LIMIT $1)", pruneBatch)
			gone = tag.RowsAffected()
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Close tells the database what was charged; what it cannot be told now stays in the outbox for the next start.
func (s *Store) Close() error {
	s.state.Lock()
	was := s.closed
	s.closed = true
	s.state.Unlock()
	if was {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	if err := s.told(ctx); err != nil {
		s.log.Warn("what was charged last stays in the outbox until the next start", "err", err)
	}
	s.cancel()
	s.done.Wait()
	s.withdraw(ctx)
	if err := s.outbox.rows.Close(); err != nil {
		return fmt.Errorf("close outbox: %w", err)
	}
	return nil
}

// clamp makes an amount fit a bigint; what is above it is above every limit as well.
func clamp(n uint64) int64 { return int64(min(n, math.MaxInt64/4)) }
