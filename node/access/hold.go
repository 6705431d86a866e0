package access

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"flotilla/internal/durable"
)

// Receipt names the receipt that a request will be charged by.
type Receipt [32]byte

func (r Receipt) String() string { return "0x" + hex.EncodeToString(r[:]) }

// holdRow is a hold on disk.
type holdRow struct {
	Key KeyID    `json:"key"`
	Max MicroUSD `json:"max_micro_usd"`
}

// hold is a Hold of a Store.
type hold struct {
	s       *Store
	a       *account
	receipt Receipt
	max     MicroUSD
	over    bool // guarded by Store.mu
}

// CheckBudget implements Keys.
func (s *Store) CheckBudget(_ context.Context, id KeyID) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.byID[id]
	if a == nil {
		return fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	e := a.budget(s.now())
	if e.Budget == 0 || e.left() > 0 {
		return nil
	}
	return e
}

// budget is the account's state as an error would tell it. The caller holds Store.mu.
func (a *account) budget(now time.Time) *BudgetError {
	a.usage.Roll(a.key.Reset, now)
	return &BudgetError{Budget: a.key.Budget, Spent: a.usage.Spent, Held: a.held, Reset: a.key.Reset.End(now)}
}

// Hold implements Keys.
func (s *Store) Hold(_ context.Context, id KeyID, r Receipt, max MicroUSD) (Hold, error) {
	s.mu.Lock()
	a := s.byID[id]
	if a == nil {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: %s", ErrUnknownKey, id)
	}
	if e := a.budget(s.now()); e.Budget > 0 && e.left() < max {
		s.mu.Unlock()
		e.Asked = max
		return nil, e
	}
	a.held += max
	s.dirty = true
	s.mu.Unlock()
	h := &hold{s: s, a: a, receipt: r, max: max}
	if err := s.rows.Update(func(b *durable.Batch) error { return set(b, prefixHold+string(r[:]), holdRow{id, max}) }); err != nil {
		h.end()
		return nil, fmt.Errorf("hold part of a budget: %w", err)
	}
	return h, nil
}

// end gives back what was held; false when that was done before.
func (h *hold) end() bool {
	h.s.mu.Lock()
	defer h.s.mu.Unlock()
	if h.over {
		return false
	}
	h.over = true
	h.a.held -= h.max
	return true
}

func (h *hold) Charge(amount MicroUSD) error {
	h.a.writing.Lock()
	defer h.a.writing.Unlock()
	h.s.mu.Lock()
	if h.over {
		h.s.mu.Unlock()
		return nil
	}
	h.over = true
	h.a.held -= h.max
	h.a.usage.Roll(h.a.key.Reset, h.s.now())
	h.a.usage.charge(amount)
	id, usage := h.a.key.ID, h.a.usage // Revoke replaces the key meanwhile
	known := h.s.byID[id] == h.a
	h.s.dirty = true
	h.s.mu.Unlock()
	// Not waited for: a crash before it is written leaves the hold, which the next start settles by the receipt.
	err := h.s.rows.UpdateSoon(func(b *durable.Batch) error {
		if known { // a key that was forgotten meanwhile leaves no row behind
			if err := set(b, prefixUse+string(id), usage); err != nil {
				return err
			}
		}
		return remove(b, prefixHold+string(h.receipt[:]))
	})
	if err != nil {
		return fmt.Errorf("charge receipt %s to %s: %w", h.receipt, id, err)
	}
	return nil
}

func (h *hold) Release() error {
	if !h.end() {
		return nil
	}
	if err := h.s.rows.UpdateSoon(func(b *durable.Batch) error { return remove(b, prefixHold+string(h.receipt[:])) }); err != nil {
		return fmt.Errorf("release hold of %s: %w", h.receipt, err)
	}
	return nil
}

// reconcile settles the holds that a crash has left, one transaction each: what has a receipt is charged, the rest cost
// nothing. A crash in between leaves the others for the next time. Without charged they only count as held.
func (s *Store) reconcile(charged func(Receipt) (MicroUSD, bool, error)) error {
	left := map[Receipt]holdRow{}
	err := s.rows.View(func(from durable.Reader) error {
		return each(from, prefixHold, func(rest []byte, row holdRow) error {
			if len(rest) != len(Receipt{}) {
				return fmt.Errorf("hold of %s: damaged row", row.Key)
			}
			left[Receipt(rest)] = row
			return nil
		})
	})
	if err != nil {
		return err
	}
	for r, row := range left {
		a := s.byID[row.Key]
		if charged == nil {
			if a != nil {
				a.held += row.Max
			}
			continue
		}
		amount, found, err := charged(r)
		if err != nil {
			return fmt.Errorf("look up receipt %s: %w", r, err)
		}
		h := hold{s: s, a: a, receipt: r}
		switch {
		case found && a != nil:
			err = h.Charge(amount)
		case a != nil:
			err = h.Release()
		default: // of a key that is gone
			err = s.rows.Update(func(b *durable.Batch) error { return remove(b, prefixHold+string(r[:])) })
		}
		if err != nil {
			return err
		}
	}
	if len(left) > 0 && charged != nil {
		s.log.Info("orders under way at the last crash were settled with their keys", "orders", len(left))
	}
	return nil
}
