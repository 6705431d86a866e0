package accesstest

import (
	"context"
	"encoding/binary"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"flotilla/node/access"
)

// ledger is what the gateway's ledger would hold: receipts are durable there before they are charged here.
type ledger map[access.Receipt]struct {
	key    access.KeyID
	amount access.MicroUSD
}

func (l ledger) charged(r access.Receipt) (access.MicroUSD, bool, error) {
	b, ok := l[r]
	return b.amount, ok, nil
}

// order is a request under way.
type order struct {
	hold    access.Hold
	receipt access.Receipt
	key     access.KeyID
	max     access.MicroUSD
}

// For all interleavings of orders, receipts, aborts, crashes and new periods: what each key has spent is the sum of its
// receipts, each once, ever as in the day, week and month that goes on, and in no period more than its budget. Overshoot: none,
// since an order's maximum is held.
func spentIsTheSumOfReceipts(t *testing.T, place Place) {
	m := &machine{place: place, clock: newClock(), ledger: ledger{}, budget: map[access.KeyID]access.MicroUSD{}, charges: map[access.KeyID][]charge{}}
	m.store = open(t, place, Options{Now: m.clock.now})
	defer func() { _ = m.store.Close() }()
	rapid.Check(t, func(rt *rapid.T) {
		m.keys = nil // those of earlier checks stay as they are, under way or not
		for range 2 {
			budget := access.MicroUSD(rapid.Uint64Range(0, 300).Draw(rt, "budget"))
			terms := access.Terms{Budget: budget}
			if budget > 0 {
				terms.Reset = rapid.SampledFrom([]access.Period{access.PeriodNone, access.PeriodHour, access.PeriodDay, access.PeriodMonth}).Draw(rt, "reset")
			}
			_, key := Create(t, m.store, terms)
			m.keys = append(m.keys, key.ID)
			m.budget[key.ID] = budget
		}
		rt.Repeat(map[string]func(*rapid.T){
			"order": m.order, "receipt and crash": m.receiptThenCrash, "charge": m.charge, "abort": m.abort, "crash": m.crash,
			"later": func(rt *rapid.T) {
				m.clock.t = m.clock.t.Add(time.Hour * time.Duration(rapid.SampledFrom([]int{1, 20, 100, 600}).Draw(rt, "hours")))
			},
			"": m.check,
		})
	})
}

type machine struct {
	place   Place
	clock   *clock
	store   access.Keys
	ledger  ledger
	keys    []access.KeyID
	budget  map[access.KeyID]access.MicroUSD
	charges map[access.KeyID][]charge
	out     []order
	serial  uint64
}

// charge is what a receipt said when it was charged.
type charge struct {
	at     time.Time
	amount access.MicroUSD
}

func (m *machine) open(rt *rapid.T) {
	s, err := m.place(Options{Now: m.clock.now, Charged: m.ledger.charged})
	if err != nil {
		rt.Fatal(err)
	}
	m.store = s
}

func (m *machine) order(rt *rapid.T) {
	m.serial++
	o := order{key: rapid.SampledFrom(m.keys).Draw(rt, "key"), max: access.MicroUSD(rapid.Uint64Range(0, 200).Draw(rt, "max"))}
	binary.BigEndian.PutUint64(o.receipt[:], m.serial)
	var err error
	var over *access.BudgetError
	switch o.hold, err = m.store.Hold(context.Background(), o.key, o.receipt, o.max); {
	case errors.As(err, &over):
		if over.Spent+over.Held+o.max <= m.budget[o.key] {
			rt.Fatalf("refused what fits: %v", err)
		}
	case err != nil:
		rt.Fatal(err)
	default:
		m.out = append(m.out, o)
	}
}

// take removes one order under way.
func (m *machine) take(rt *rapid.T) order {
	if len(m.out) == 0 {
		rt.Skip("nothing under way")
	}
	i := rapid.IntRange(0, len(m.out)-1).Draw(rt, "which")
	o := m.out[i]
	m.out = append(m.out[:i], m.out[i+1:]...)
	return o
}

func (m *machine) accept(rt *rapid.T, o order) access.MicroUSD {
	b := m.ledger[o.receipt]
	b.key, b.amount = o.key, access.MicroUSD(rapid.Uint64Range(0, uint64(o.max)).Draw(rt, "amount"))
	m.ledger[o.receipt] = b
	m.charges[o.key] = append(m.charges[o.key], charge{m.clock.t, b.amount}) // now, or by the restart that follows
	return b.amount
}

func (m *machine) charge(rt *rapid.T) {
	o := m.take(rt)
	amount := m.accept(rt, o)
	for range 2 { // the second one must not count
		if err := o.hold.Charge(amount); err != nil {
			rt.Fatal(err)
		}
	}
	if err := o.hold.Release(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) abort(rt *rapid.T) {
	o := m.take(rt)
	if err := o.hold.Release(); err != nil {
		rt.Fatal(err)
	}
}

func (m *machine) receiptThenCrash(rt *rapid.T) {
	if rapid.IntRange(0, 7).Draw(rt, "rare") > 0 {
		rt.Skip("opening files takes long")
	}
	m.accept(rt, m.take(rt))
	m.restart(rt)
}

func (m *machine) crash(rt *rapid.T) {
	if rapid.IntRange(0, 7).Draw(rt, "rare") > 0 {
		rt.Skip("opening files takes long")
	}
	m.restart(rt)
}

// restart forgets all that is in memory, as a crash does.
func (m *machine) restart(rt *rapid.T) {
	if err := m.store.Close(); err != nil {
		rt.Fatal(err)
	}
	m.out = nil
	m.open(rt)
}

func (m *machine) check(rt *rapid.T) {
	receipts, held := map[access.KeyID]access.MicroUSD{}, map[access.KeyID]access.MicroUSD{}
	for _, b := range m.ledger {
		receipts[b.key] += b.amount
	}
	for _, o := range m.out {
		held[o.key] += o.max
	}
	for _, k := range List(rt, m.store) {
		if k.Total != receipts[k.ID] || k.Held != held[k.ID] {
			rt.Fatalf("%s: spent %s and held %s, want %s and %s", k.ID, k.Total, k.Held, receipts[k.ID], held[k.ID])
		}
		for p, want := range inPeriods(m.charges[k.ID], m.clock.t) {
			if got, known := k.In(p); !known || got != want {
				rt.Fatalf("%s: spent %s (known: %v) in the %s of %s, want %s", k.ID, got, known, p, m.clock.t, want)
			}
		}
		if budget := m.budget[k.ID]; budget > 0 && k.Spent+k.Held > budget {
			rt.Fatalf("%s: spent %s and held %s of %s", k.ID, k.Spent, k.Held, budget)
		}
	}
}

// inPeriods is what was charged in the day, the week and the month of now.
func inPeriods(charges []charge, now time.Time) map[access.Period]access.MicroUSD {
	const day, week = 24 * time.Hour, 7 * 24 * time.Hour
	sums := map[access.Period]access.MicroUSD{access.PeriodDay: 0, access.PeriodWeek: 0, access.PeriodMonth: 0}
	for _, c := range charges {
		for p, same := range map[access.Period]bool{
			access.PeriodDay:   c.at.Truncate(day).Equal(now.Truncate(day)),
			access.PeriodWeek:  c.at.Truncate(week).Equal(now.Truncate(week)), // the year 1 began on a Monday
			access.PeriodMonth: c.at.Format("2006-01") == now.Format("2006-01"),
		} {
			if same {
				sums[p] += c.amount
			}
		}
	}
	return sums
}
