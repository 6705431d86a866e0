package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// Gateways that start together migrate once; a database of a newer flotilla is refused.
func TestSchemaIsMigratedOnce(t *testing.T) {
	url, quiet := pgtest.Start(t).Database(), slog.New(slog.DiscardHandler)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			pool, err := postgres.Open(context.Background(), url, quiet)
			if err != nil {
				t.Error(err)
				return
			}
			pool.Close()
		})
	}
	wg.Wait()
	pool, err := postgres.Open(t.Context(), url, quiet)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	if _, err := pool.Exec(t.Context(), "INSERT INTO version VALUES (1000)"); err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.Open(t.Context(), url, quiet); !errors.Is(err, postgres.ErrNewerSchema) {
		t.Errorf("a newer schema: %v", err)
	}
}

func TestErrorsHideThePassword(t *testing.T) {
	for _, url := range []string{"postgres://u:hunter2@127.0.0.1:1/db", "postgres://u:hunter2@[", "mysql://u:hunter2@h/db"} {
		_, err := postgres.Open(t.Context(), url, slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%v", err)
		}
	}
}

// What a server's owner has set as the default for all sessions changes nothing of how gateways take turns.
func TestSessionsAreTheirOwn(t *testing.T) {
	url := pgtest.Start(t, "default_transaction_isolation=serializable").Database()
	a, b := pgtest.Connect(t, url), pgtest.Connect(t, url)
	if _, err := a.Exec(t.Context(), "INSERT INTO accounts (key_id) VALUES ('key_1')"); err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for _, pool := range []*postgres.Pool{a, b, a, b} {
		wg.Go(func() {
			for range 50 {
				if _, err := pool.Exec(t.Context(), "SELECT lock_account('key_1', NULL); UPDATE accounts SET total = total + 1"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
}

// A gateway that stops in the middle of a change keeps nobody else from changing, at least not for long.
func TestChangeThatIsNeverEnded(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := pgtest.Connect(t, url), pgtest.Connect(t, url)
	left, err := a.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = left.Rollback(context.Background()) }()
	if _, err := left.Exec(t.Context(), "UPDATE generation SET keys = keys + 1"); err != nil {
		t.Fatal(err)
	}
	for end := time.Now().Add(30 * time.Second); ; {
		_, err := b.Exec(t.Context(), "UPDATE generation SET keys = keys + 1")
		if err == nil {
			return
		}
		if time.Now().After(end) {
			t.Fatal(err)
		}
	}
}

// Who opens a database that cannot be used is told what to do about it; a user who owns the schema needs no rights on the database.
func TestRights(t *testing.T) {
	cluster, quiet := pgtest.Start(t), slog.New(slog.DiscardHandler)
	url := cluster.Database()
	owner := pgtest.Session(t, url)
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	refused := func(url, want string) {
		t.Helper()
		pool, err := postgres.Open(t.Context(), url, quiet)
		if err == nil {
			pool.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q: %v", want, err)
		}
	}
	exec("CREATE ROLE weak LOGIN; CREATE ROLE user2 LOGIN")
	weak := strings.Replace(url, "flotilla@", "weak@", 1)
	refused(weak, "CREATE SCHEMA flotilla AUTHORIZATION weak")
	exec("CREATE SCHEMA flotilla AUTHORIZATION weak")
	pool, err := postgres.Open(t.Context(), weak, quiet)
	if err != nil {
		t.Fatalf("a user who owns the schema: %v", err)
	}
	pool.Close()
	refused(strings.Replace(url, "flotilla@", "user2@", 1), "name the user who owns it")
	exec("ALTER ROLE weak SET default_transaction_read_only = on")
	refused(weak, "target_session_attrs=read-write")
}

// A gateway that ends does not wait for a database that answers no more.
func TestCloseWhileTheDatabaseStalls(t *testing.T) {
	cluster := pgtest.Start(t)
	link := pgtest.NewLink(t, cluster)
	pool, err := postgres.Open(t.Context(), link.URL(cluster.Database()), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	link.Stall(true)
	began := time.Now()
	postgres.Close(pool)
	if took := time.Since(began); took > 2*postgres.Timeout {
		t.Errorf("closed after %v", took)
	}
}
