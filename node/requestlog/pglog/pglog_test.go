package pglog_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
	"flotilla/node/requestlog"
	"flotilla/node/requestlog/logtest"
	"flotilla/node/requestlog/pglog"
)

// Both kinds of log pass the same tests.
func TestLog(t *testing.T) {
	cluster := pgtest.Start(t)
	logtest.Run(t, func(t testing.TB) logtest.Place {
		pool := pgtest.Connect(t, cluster.Database())
		return func() (*requestlog.Log, error) { return pglog.Open(pool, requestlog.Options{}), nil }
	})
}

// The newest are kept, by number and by age of the database's clock; what one gateway writes the other finds.
func TestOldestGoFirst(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := pglog.Open(pgtest.Connect(t, url), requestlog.Options{}), pglog.Open(pgtest.Connect(t, url), requestlog.Options{})
	defer a.Close()
	defer b.Close()
	for i := range 300 {
		[]*requestlog.Log{a, b}[i%2].Add(logtest.Record(i))
	}
	if n := len(logtest.All(t, b, requestlog.Filter{Limit: 1000})); n < 150 {
		t.Fatalf("%d records", n)
	}
	if n := len(logtest.All(t, a, requestlog.Filter{Limit: 1000})); n != 300 {
		t.Fatalf("%d records on both", n)
	}
	age := 365 * 24 * time.Hour
	pool := clockAt(t, url, logtest.Noon.Add(age+129600*time.Millisecond))
	for _, c := range []struct {
		opts requestlog.Options
		left int
	}{{requestlog.Options{MaxRecords: 100, MaxAge: 2 * age}, 100}, {requestlog.Options{MaxAge: age}, 40}} {
		if err := pglog.New(pool, c.opts).Tidy(t.Context()); err != nil {
			t.Fatal(err)
		}
		left := logtest.All(t, a, requestlog.Filter{Limit: 1000})
		if len(left) != c.left || left[0].At != logtest.Record(299).At {
			t.Errorf("%+v: %d records left, want %d", c.opts, len(left), c.left)
		}
	}
}

// clockAt connects to the database as if its clock stood still.
func clockAt(t *testing.T, url string, now time.Time) *postgres.Pool {
	t.Helper()
	cfg := pgtest.Connect(t, url).Config()
	cfg.ConnConfig.RuntimeParams["search_path"] += ", pg_catalog" // ours first
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	if _, err := pool.Exec(t.Context(), fmt.Sprintf("CREATE FUNCTION now() RETURNS timestamptz LANGUAGE sql STABLE AS $$SELECT timestamptz '%s'$$", now.Format(time.RFC3339Nano))); err != nil {
		t.Fatal(err)
	}
	return pool
}

// A database that orders text by a language, as most do, gives the same pages.
func TestPagesOfAnyCollation(t *testing.T) {
	pool := pgtest.Connect(t, pgtest.Start(t).Database())
	if _, err := pool.Exec(t.Context(), `ALTER TABLE requests ALTER id TYPE text COLLATE "und-x-icu"`); err != nil {
		t.Fatal(err)
	}
	l := pglog.Open(pool, requestlog.Options{})
	defer l.Close()
	ids := []string{"A", "B", "a", "b"}
	for _, id := range ids {
		l.Add(requestlog.Record{ID: id, At: logtest.Noon})
	}
	var got []string
	for _, r := range logtest.All(t, l, requestlog.Filter{Limit: 1}) {
		got = append(got, r.ID)
	}
	if !slices.Equal(got, ids) {
		t.Errorf("pages of one record: %q, want %q", got, ids)
	}
}

// A database that takes no writes for a while, as when another takes over, costs no records.
func TestReadOnlyForAWhile(t *testing.T) {
	pool := pgtest.Connect(t, pgtest.Start(t).Database())
	store := pglog.New(pool, requestlog.Options{})
	set := func(how string) {
		t.Helper()
		if _, err := pool.Exec(t.Context(), "BEGIN READ WRITE; ALTER DATABASE test1 "+how+"; COMMIT"); err != nil {
			t.Fatal(err)
		}
		pool.Reset() // new connections are as the database says
	}
	set("SET default_transaction_read_only = on")
	written := make(chan error, 1)
	go func() { written <- store.Write(t.Context(), []requestlog.Record{logtest.Record(1)}) }()
	select {
	case err := <-written:
		t.Fatal("given up at once:", err)
	case <-time.After(time.Second / 2):
	}
	set("RESET default_transaction_read_only")
	if err := <-written; err != nil {
		t.Error(err)
	}
}

// What goes through all of a long log may take longer than a statement that a request waits for.
func TestLongLog(t *testing.T) {
	url := pgtest.Start(t).Database()
	store := pglog.New(pgtest.Connect(t, url), requestlog.Options{})
	busy, err := pgtest.Connect(t, url).Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = busy.Rollback(context.Background()) }()
	if _, err := busy.Exec(t.Context(), "LOCK TABLE requests"); err != nil { // as slow as a log of millions
		t.Fatal(err)
	}
	done := make(chan error, 3)
	go func() { done <- store.Write(t.Context(), []requestlog.Record{logtest.Record(1)}) }()
	go func() { done <- store.Tidy(t.Context()) }()
	go func() {
		_, err := store.List(t.Context(), requestlog.Filter{Model: "rare", Limit: 100})
		done <- err
	}()
	select {
	case err := <-done:
		t.Fatal("given up early:", err)
	case <-time.After(postgres.Timeout + time.Second):
	}
	if err := busy.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Who follows a log gets each record of each other gateway once, however they write at the same time, and none of its own.
func TestOthers(t *testing.T) {
	url := pgtest.Start(t).Database()
	pool := pgtest.Connect(t, url)
	reader := pglog.New(pool, requestlog.Options{})
	if err := reader.Write(t.Context(), []requestlog.Record{logtest.Record(0)}); err != nil {
		t.Fatal(err)
	}
	mark, err := reader.Mark(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const writers, batches, size = 4, 50, 10
	var writing sync.WaitGroup
	for w := range writers {
		writing.Go(func() {
			s := pglog.New(pool, requestlog.Options{})
			for b := range batches {
				batch := make([]requestlog.Record, size)
				for i := range batch {
					batch[i] = logtest.Record(1 + i + size*(b+batches*w))
				}
				if err := s.Write(t.Context(), batch); err != nil {
					t.Error(err)
				}
				if err := reader.Write(t.Context(), []requestlog.Record{{ID: fmt.Sprint("own", w, b), At: logtest.Noon}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	over := make(chan struct{})
	go func() { writing.Wait(); close(over) }()
	got := map[string]int{}
	for last := false; ; {
		var records []requestlog.Record
		if records, mark, err = reader.Others(t.Context(), mark); err != nil {
			t.Fatal(err)
		}
		for _, r := range records {
			got[r.ID]++
		}
		if last && len(records) < requestlog.MaxPage {
			break
		}
		select {
		case <-over:
			last = true
		default:
		}
	}
	if len(got) != writers*batches*size {
		t.Errorf("%d records of others, want %d", len(got), writers*batches*size)
	}
	for id, n := range got {
		if n != 1 || strings.HasPrefix(id, "own") {
			t.Errorf("%s came %d times", id, n)
		}
	}
}

// What is rare in a long log is found by an index, not by a look at all of it.
func TestRareRequestsAreFoundByAnIndex(t *testing.T) {
	pool := pgtest.Connect(t, pgtest.Start(t).Database())
	if _, err := pool.Exec(t.Context(), `INSERT INTO requests (at_ns, id, receipt, key, model, operator, status, record)
		SELECT i, 'req_' || i, '', 'k', CASE i WHEN 7 THEN 'rare' ELSE 'm' || i % 3 END, '', CASE i WHEN 9 THEN 502 ELSE 200 END, jsonb_build_object('id', 'req_' || i)
		FROM generate_series(1, 30000) i`); err != nil {
		t.Fatal(err)
	}
	if _, err := pool.Exec(t.Context(), "ANALYZE requests"); err != nil {
		t.Fatal(err)
	}
	store := pglog.New(pool, requestlog.Options{})
	for _, c := range []struct {
		filter requestlog.Filter
		id     string
		index  string
	}{
		{requestlog.Filter{Model: "rare", Limit: 50}, "req_7", "requests_model_at"}, {requestlog.Filter{Status: "error", Limit: 50}, "req_9", "requests_failed_at"},
		{requestlog.Filter{Status: "5xx", Limit: 50}, "req_9", "requests_failed_at"}, {requestlog.Filter{Status: "502", Limit: 50}, "req_9", "requests_failed_at"},
	} {
		before := scansOf(t, pool, c.index)
		page, err := store.List(t.Context(), c.filter)
		if err != nil || len(page.Requests) != 1 || page.Requests[0].ID != c.id {
			t.Errorf("%+v: %v, %+v", c.filter, err, page)
		}
		for deadline := time.Now().Add(20 * time.Second); scansOf(t, pool, c.index) == before; time.Sleep(100 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Errorf("%+v does not use %s", c.filter, c.index)
				break
			}
		}
	}
}

func scansOf(t *testing.T, pool *postgres.Pool, index string) (n int64) {
	t.Helper()
	if err := pool.QueryRow(t.Context(), "SELECT coalesce(sum(idx_scan), 0) FROM pg_stat_user_indexes WHERE indexrelname = $1", index).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
