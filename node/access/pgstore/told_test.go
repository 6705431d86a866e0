package pgstore_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// While the database is away, what it would be asked for is refused and not waited for.
func TestStatusWithoutDatabase(t *testing.T) {
	cluster := pgtest.Start(t)
	a := newGateway(t, cluster.Database(), pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "unlimited"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.Hold(t.Context(), k.ID, receipt(1), 10)
	if err != nil {
		t.Fatal(err)
	}
	cluster.Down()
	if err := h.Charge(7); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var gone *access.UnavailableError
	if _, err := a.Status(ctx, k.ID); !errors.As(err, &gone) || ctx.Err() != nil {
		t.Errorf("status: %v, %v", err, ctx.Err())
	}
	if _, err := a.List(ctx); err == nil || ctx.Err() != nil {
		t.Errorf("list: %v, %v", err, ctx.Err())
	}
}

// Who asks what a key has spent waits for what was over by then, and not for what ends meanwhile.
func TestStatusOfABusyKey(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, pool := newGateway(t, url, pgstore.Options{}), pgtest.Connect(t, url)
	_, k, err := a.Create(t.Context(), access.Terms{Name: "busy"})
	if err != nil {
		t.Fatal(err)
	}
	charge := func(n uint64) {
		t.Helper()
		h, err := a.Hold(t.Context(), k.ID, receipt(n), 10)
		if err == nil {
			err = h.Charge(1)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	charge(1)
	flush := a.Flush()
	eventually(t, "the first order is settled", func() bool { return a.Waiting() == 0 })

	stuck, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	r := receipt(2)
	if _, err := stuck.Exec(t.Context(), "INSERT INTO settled VALUES ($1, $2, 'other', 1, true, now())", r[:], k.ID); err != nil {
		t.Fatal(err)
	}
	charge(2) // which the database does not take while the other transaction is open
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := flush(ctx); err != nil || a.Waiting() != 1 {
		t.Errorf("%v, with %d orders waiting, want the second", err, a.Waiting())
	}
	if err := stuck.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if st, err := a.Status(ctx, k.ID); err != nil || st.Spent != 2 {
		t.Errorf("spent %d, want 2: %v", st.Spent, err)
	}
}

// What is told of a budget goes by the same clock as the budget, the database's.
func TestStatusGoesByTheDatabasesClock(t *testing.T) {
	a := newGateway(t, pgtest.Start(t).Database(), pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "monthly", Budget: 100, Reset: access.PeriodMonth})
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.Hold(t.Context(), k.ID, receipt(1), 100)
	if err == nil {
		err = h.Charge(100)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.SetClock(func() time.Time { return time.Now().AddDate(1, 0, 0) })
	st, err := a.Status(t.Context(), k.ID)
	if err != nil {
		t.Fatal(err)
	}
	var over *access.BudgetError
	if err := a.CheckBudget(t.Context(), k.ID); !errors.As(err, &over) {
		t.Fatal("the budget is not spent:", err)
	}
	if st.Spent != over.Spent || !st.ResetAt.Equal(over.Reset) {
		t.Errorf("spent %s until %s, want %s until %s", st.Spent, st.ResetAt, over.Spent, over.Reset)
	}
}

// However many orders are over long ago, the database forgets them all.
func TestOldOrdersAreForgotten(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, pool := newGateway(t, url, pgstore.Options{}), pgtest.Connect(t, url)
	if _, err := pool.Exec(t.Context(), `INSERT INTO settled SELECT int8send(n), 'key_1', 'g', 1, true, now() - CASE WHEN n > 5 THEN interval '41 days' ELSE interval '1 day' END
		FROM generate_series(1, 25000) n`); err != nil {
		t.Fatal(err)
	}
	if err := a.Prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	var left int
	if err := pool.QueryRow(t.Context(), "SELECT count(*) FROM settled").Scan(&left); err != nil || left != 5 {
		t.Errorf("%d orders left, want 5: %v", left, err)
	}
}

// Forgetting may take longer than a statement that a request waits for.
func TestOldOrdersAreForgottenSlowly(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, pool := newGateway(t, url, pgstore.Options{}), pgtest.Connect(t, url)
	busy, err := pool.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Rollback(context.Background()) }()
	if _, err := busy.Exec(t.Context(), "LOCK TABLE settled"); err != nil { // as slow as a table of millions
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- a.Prune(t.Context()) }()
	select {
	case err := <-done:
		t.Fatal("given up early:", err)
	case <-time.After(postgres.Timeout + time.Second):
	}
	if err := busy.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Error(err)
	}
}
