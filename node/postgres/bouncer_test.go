package postgres_test

import (
	"log/slog"
	"strings"
	"testing"

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
