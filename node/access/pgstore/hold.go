package pgstore

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/access"
	"flotilla/node/postgres"
)

const (
	maxBatch  = 256
	firstWait = 50 * time.Millisecond // between tries; twice as long each time, up to lastWait
	lastWait  = beatEvery             // what a database that is back shows as held is no older
	// leftFor is how long a budget that had something left is believed to have; Hold never believes it.
	leftFor = time.Second

	foreignKey = "23503" // SQLSTATE: this gateway's row is gone
)

// seen is what was left of a budget at some time.
type seen struct {
	left access.MicroUSD
	at   time.Time
}

// hold is an access.Hold.
type hold struct {
	s       *Store
	receipt access.Receipt

	mu   sync.Mutex // guards all below
	row  order
	over bool
}

// CheckBudget implements access.Keys. A key that had something left within the last second is let through without asking.
func (s *Store) CheckBudget(ctx context.Context, id access.KeyID) error {
	k, err := s.key(id)
	if err != nil || k.Budget == 0 {
		return err
	}
	if was, ok := s.left.Load(id); ok && was.(seen).left > 0 && s.now().Sub(was.(seen).at).Abs() < leftFor {
		return nil
	}
	over, err := s.tryHold(ctx, k, 0, "SELECT a.budget > a.spent + a.held, a.budget, a.spent, a.held, coalesce($1, clock_timestamp()) FROM lock_account($2, $1) a", s.at(), id)
	if err != nil {
		return err
	}
	if over != nil {
		return over
	}
	return nil
}

// Hold implements access.Keys.
func (s *Store) Hold(ctx context.Context, id access.KeyID, r access.Receipt, most access.MicroUSD) (access.Hold, error) {
	k, err := s.key(id)
	if err != nil {
		return nil, err
	}
	h := &hold{s: s, receipt: r, row: order{Key: id, Max: most, State: stateOut, Shared: k.Budget > 0, Config: k.Config}}
	// Here first: whatever the database does with the hold, a crash leaves this row to end it by.
	if err := s.outbox.put(r, h.row); err != nil {
		return nil, &access.UnavailableError{Err: err}
	}
	if k.Budget == 0 {
		return h, nil
	}
	const sql = "SELECT ok, budget, spent, held, at FROM hold($1, $2, $3, $4, $5)"
	over, err := s.tryHold(ctx, k, most, sql, s.gateway, r[:], id, clamp(uint64(most)), s.at())
	if postgres.Code(err) == foreignKey {
		s.log.Warn("this gateway was silent for so long that its holds were freed")
		if err = s.enrol(ctx); err == nil {
			over, err = s.tryHold(ctx, k, most, sql, s.gateway, r[:], id, clamp(uint64(most)), s.at())
		}
	}
	switch {
	case err != nil: // it may be held there all the same
		_ = h.end(stateVoid, 0) // memory has it, and a crash decides the same
		return nil, err
	case over != nil:
		if err := s.outbox.forget(r); err != nil {
			s.log.Warn("forget a refused order", "receipt", r, "err", err)
		}
		return nil, over
	}
	return h, nil
}

// tryHold runs a statement that answers whether a budget has room.
func (s *Store) tryHold(ctx context.Context, k access.Key, most access.MicroUSD, sql string, args ...any) (*access.BudgetError, error) {
	var ok *bool
	var budget, spent, held *int64
	var at *time.Time
	if err := s.ask(ctx, most > 0, sql, args, &ok, &budget, &spent, &held, &at); err != nil {
		return nil, err
	}
	if ok == nil {
		return nil, fmt.Errorf("%w: %s", access.ErrUnknownKey, k.ID)
	}
	s.left.Store(k.ID, seen{access.MicroUSD(max(0, *budget-*spent-*held)), s.now()})
	if *ok {
		return nil, nil
	}
	return &access.BudgetError{Budget: access.MicroUSD(*budget), Spent: access.MicroUSD(*spent), Held: access.MicroUSD(*held), Asked: most, Reset: k.Reset.End(*at)}, nil
}

// Charge implements access.Hold. The outbox has it when this returns; the database hears of it next.
func (h *hold) Charge(amount access.MicroUSD) error { return h.end(stateCharged, amount) }

// Release implements access.Hold.
func (h *hold) Release() error { return h.end(stateVoid, 0) }

func (h *hold) end(how state, amount access.MicroUSD) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over {
		return nil
	}
	h.over = true
	h.row.State, h.row.Amount = how, amount
	if how == stateVoid && !h.row.Shared { // the database never heard of it
		return h.s.outbox.forget(h.receipt)
	}
	err := h.s.outbox.put(h.receipt, h.row)
	h.s.tell()
	return err
}

// tell wakes settleAll.
func (s *Store) tell() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// settleAll tells the database how orders ended, in batches, as long as it takes.
func (s *Store) settleAll(ctx context.Context) {
	wait := firstWait
	for {
		batch := s.outbox.ended(maxBatch)
		var retry <-chan time.Time
		if len(batch) > 0 {
			err := s.settle(ctx, batch)
			if err == nil {
				wait = firstWait
				s.announce()
				continue
			}
			if ctx.Err() == nil && wait == firstWait { // once while it lasts
				s.log.Warn("orders wait to be settled", "orders", len(batch), "err", err)
			}
			retry = time.After(wait)
			wait = min(2*wait, lastWait)
		}
		s.announce()
		if retry == nil {
			select {
			case <-ctx.Done():
				return
			case <-s.wake:
			}
			continue
		}
		select {
		case <-ctx.Done():
			return
		case <-retry:
		}
	}
}

// settle is one transaction there, then one here: a crash in between tells it again, which changes nothing. If the
// server crashes before the flush, the batch is told again.
func (s *Store) settle(ctx context.Context, batch map[access.Receipt]order) error {
	var receipts [][]byte
	var over []access.Receipt
	var keys []string
	var amounts []int64
	var charged, config []bool
	for r, row := range batch {
		over, receipts, keys = append(over, r), append(receipts, r[:]), append(keys, string(row.Key))
		amounts, charged, config = append(amounts, clamp(uint64(row.Amount))), append(charged, row.State == stateCharged), append(config, row.Config)
	}
	ctx, cancel := context.WithTimeout(ctx, postgres.Timeout)
	defer cancel()
	err := s.pool.AcquireFunc(ctx, func(session *pgxpool.Conn) error {
		_, err := session.Exec(ctx, "SELECT settle($1, $2, $3, $4, $5, $6, $7)", s.gateway, receipts, keys, amounts, charged, config, s.at())
		if err == nil {
			_, err = session.Exec(ctx, postgres.Flush)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("settle orders: %w", err)
	}
	return s.outbox.forget(over...)
}

// announce lets flush look again.
func (s *Store) announce() {
	s.state.Lock()
	close(s.settled)
	s.settled = make(chan struct{})
	s.state.Unlock()
}

// flush waits until the database knows of all orders that were over when it was called, and what is told of rates.
func (s *Store) flush(ctx context.Context) error {
	return s.settledAll(ctx, s.outbox.ended(maxOrders))
}

func (s *Store) settledAll(ctx context.Context, over map[access.Receipt]order) error {
	for {
		s.state.Lock()
		settled := s.settled
		s.state.Unlock()
		if !s.outbox.keepsAny(over) {
			return s.tellMeters(ctx)
		}
		s.tell()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-settled:
		}
	}
}
