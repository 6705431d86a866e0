package pgstore_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

func connect(t testing.TB, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(context.Background(), url, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// Both kinds of store pass the same tests.
func TestStore(t *testing.T) {
	cluster := pgtest.Start(t)
	accesstest.Run(t, func(t testing.TB) accesstest.Place {
		dir, pool := t.TempDir(), connect(t, cluster.Database())
		return func(o accesstest.Options) (access.Keys, error) {
			return pgstore.Open(context.Background(), pool, pgstore.Options{Dir: dir, Config: o.Config, Charged: o.Charged, Now: o.Now})
		}
	})
}
