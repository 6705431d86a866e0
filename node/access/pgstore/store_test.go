package pgstore_test

import (
	"context"
	"testing"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres/pgtest"
)

// Both kinds of store pass the same tests.
func TestStore(t *testing.T) {
	cluster := pgtest.Start(t)
	accesstest.Run(t, func(t testing.TB) accesstest.Place {
		dir, pool := t.TempDir(), pgtest.Connect(t, cluster.Database())
		return func(o accesstest.Options) (access.Keys, error) {
			return pgstore.Open(context.Background(), pool, pgstore.Options{Dir: dir, Config: o.Config, Charged: o.Charged, Now: o.Now})
		}
	})
}
