package pgstore_test

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// Rows of before days were counted are migrated.
func TestRowsWithoutDays(t *testing.T) {
	url := pgtest.Start(t).Database()
	dir, pool := t.TempDir(), pgtest.Connect(t, url)
	place := func(o accesstest.Options) (access.Keys, error) {
		return pgstore.Open(context.Background(), pool, pgstore.Options{Dir: dir, Config: o.Config, Now: o.Now})
	}
	now := time.Date(2026, 9, 8, 12, 0, 0, 0, time.UTC)
	accesstest.RowsWithoutDays(t, place, now, func() { migrateAgain(t, url, pool, now) })
}

// migrateAgain takes the columns of days back and lets a newer gateway migrate, at now: a migration goes by the database's clock.
func migrateAgain(t *testing.T, url string, pool *postgres.Pool, now time.Time) {
	t.Helper()
	if _, err := pool.Exec(t.Context(), "ALTER TABLE accounts DROP COLUMN day, DROP COLUMN before_day, DROP COLUMN before_week, DROP COLUMN before_month"); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "DELETE FROM version WHERE version >= 7"); err != nil {
		t.Fatal(err)
	}
	newer, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	newer.Close()
	tag, err := pool.Exec(t.Context(), "UPDATE accounts SET day = ($1 AT TIME ZONE 'UTC')::date WHERE day = (now() AT TIME ZONE 'UTC')::date", now)
	if err != nil || tag.RowsAffected() != 3 {
		t.Errorf("%d of 3 accounts that have spent are counted from today on: %v", tag.RowsAffected(), err)
	}
}

// What several gateways charge at once, each through an outbox of its own, is in the day in which the database hears of it; a gateway
// that dies in between loses none of it and counts none twice.
func TestDaysAreCountedAcrossGateways(t *testing.T) {
	url := pgtest.Start(t).Database()
	var clock atomic.Int64
	set := func(at string) {
		now, err := time.Parse(time.DateTime, at)
		if err != nil {
			t.Fatal(err)
		}
		clock.Store(now.Unix())
	}
	set("2026-02-28 23:59:59") // a Saturday
	now := func() time.Time { return time.Unix(clock.Load(), 0).UTC() }
	a, b := newGateway(t, url, pgstore.Options{Now: now}), newGateway(t, url, pgstore.Options{Now: now})
	secret, k, err := a.Create(t.Context(), access.Terms{Name: "shared", Budget: 1_000_000})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other gateway knows the key", func() bool { _, err := b.Find(secret); return err == nil })
	var serial atomic.Uint64
	spend := func() {
		var wg sync.WaitGroup
		for worker := range 8 {
			g := []*gateway{a, b}[worker%2]
			wg.Go(func() {
				for range 50 {
					h, err := g.Hold(t.Context(), k.ID, receipt(serial.Add(1)), 10)
					if err == nil {
						err = h.Charge(3)
					}
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		wg.Wait()
	}
	shows := func(day, week, month access.MicroUSD) {
		t.Helper()
		a.spent(k.ID) // tells what it charged
		st := b.spent(k.ID)
		for p, want := range map[access.Period]access.MicroUSD{access.PeriodDay: day, access.PeriodWeek: week, access.PeriodMonth: month} {
			if got, known := st.In(p); !known || got != want {
				t.Errorf("%s: in the %s %s (known: %v), want %s", now(), p, got, known, want)
			}
		}
	}
	spend()
	shows(1200, 1200, 1200)
	set("2026-03-01 00:00:00")
	shows(0, 1200, 0)
	spend()
	shows(1200, 2400, 1200)
	h, err := a.Hold(t.Context(), k.ID, receipt(serial.Add(1)), 10)
	if err != nil {
		t.Fatal(err)
	}
	a.Kill()
	if err := h.Charge(7); err == nil {
		t.Fatal("charged after its death")
	}
	set("2026-03-02 00:00:00") // a Monday
	a.opts.Charged = func(access.Receipt) (access.MicroUSD, bool, error) { return 7, true, nil }
	a.open()
	shows(7, 7, 1207)
	spend()
	shows(1207, 1207, 2407)
}
