package postgres_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// Behind a PgBouncer whose clients have a session of their own, sessions are as they are without one, whether it refuses what a client
// asks for as it connects or leaves it out.
func TestBouncerOfSessions(t *testing.T) {
	cluster := pgtest.Start(t)
	for name, more := range map[string]string{
		"refuses settings":    "",
		"leaves settings out": "ignore_startup_parameters=search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,default_transaction_isolation",
	} {
		t.Run(name, func(t *testing.T) {
			through := pgtest.Bouncer(t, cluster, "pool_mode=session", more)
			database := cluster.Database()
			pool := pgtest.Connect(t, through(database))
			var path, timeout, name string
			var inPublic bool
			err := pool.QueryRow(t.Context(), `SELECT current_setting('search_path'), current_setting('lock_timeout'), current_setting('application_name'),
				to_regclass('public.version') IS NOT NULL`).Scan(&path, &timeout, &name, &inPublic)
			if err != nil || path != "flotilla" || timeout != "1s" || name != "flotilla" || inPublic {
				t.Errorf("search_path %q, lock_timeout %q, application_name %q, tables in public: %v; %v", path, timeout, name, inPublic, err)
			}
			pgtest.Connect(t, database) // the same schema without it
		})
	}
}

// A PgBouncer that gives each transaction another session is refused, and what to do is said.
func TestBouncerOfTransactions(t *testing.T) {
	cluster := pgtest.Start(t)
	for _, mode := range []string{"transaction", "statement"} {
		for _, more := range []string{"", "server_round_robin=1\nignore_startup_parameters=search_path,statement_timeout,lock_timeout,idle_in_transaction_session_timeout,default_transaction_isolation"} {
			through := pgtest.Bouncer(t, cluster, "pool_mode="+mode, more)
			database := cluster.Database()
			for range 3 { // it may have several sessions at hand
				pool, err := postgres.Open(t.Context(), through(database), slog.New(slog.DiscardHandler))
				if err == nil {
					pool.Close()
				}
				if err == nil || !strings.Contains(err.Error(), "pool_mode=session") {
					t.Errorf("%s, %q: %v", mode, more, err)
				}
			}
		}
	}
}

// A PgBouncer that gives its sessions in turns gives each of two clients that ask in turns always the same one.
func TestBouncerOfTransactionsInTurns(t *testing.T) {
	cluster := pgtest.Start(t)
	through := pgtest.Bouncer(t, cluster, "pool_mode=transaction", "server_round_robin=1")
	database := through(cluster.Database())
	var open []pgx.Tx
	for range 2 { // so that it has two
		tx, err := pgtest.Session(t, database).Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, tx)
	}
	for _, tx := range open {
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	pool, err := postgres.Open(t.Context(), database, slog.New(slog.DiscardHandler))
	if err == nil {
		pool.Close()
	}
	if !errors.Is(err, postgres.ErrSharedSessions) {
		t.Errorf("%v", err)
	}
}

// What a URL has as options goes where it says: through a PgBouncer that is told to leave it out, or to the server.
func TestBouncerAndOptions(t *testing.T) {
	cluster := pgtest.Start(t)
	through := pgtest.Bouncer(t, cluster, "pool_mode=session", "ignore_startup_parameters=options")
	for name, database := range map[string]string{"through": through(cluster.Database()), "straight": cluster.Database()} {
		pool := pgtest.Connect(t, database+"&options=-c%20geqo%3Doff")
		var geqo, path string
		err := pool.QueryRow(t.Context(), "SELECT current_setting('geqo'), current_setting('search_path')").Scan(&geqo, &path)
		if err != nil || path != "flotilla" || name == "straight" && geqo != "off" {
			t.Errorf("%s: geqo %s, search_path %s, %v", name, geqo, path, err)
		}
	}
}

// PgBouncer answers for a server that is away, and has one code for all that it says: it may pass.
func TestServerBehindBouncerIsAway(t *testing.T) {
	cluster := pgtest.Start(t)
	through := pgtest.Bouncer(t, cluster, "pool_mode=session")
	pool := pgtest.Connect(t, through(cluster.Database()))
	cluster.Down()
	for end := time.Now().Add(30 * time.Second); ; {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := pool.Exec(ctx, "SELECT 1")
		cancel()
		if err == nil || !postgres.Passes(err) {
			t.Fatalf("%v: does not pass", err)
		}
		if postgres.Code(err) != "" {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("PgBouncer says nothing: %v", err)
		}
	}
}
