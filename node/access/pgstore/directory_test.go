package pgstore_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// slowReader holds up the first that has read the keys, before it does anything with them.
type slowReader struct {
	armed     atomic.Bool
	read, use chan struct{}
}

type isKeys struct{}

func (r *slowReader) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if q.SQL == "SELECT sum, key FROM keys" {
		return context.WithValue(ctx, isKeys{}, true)
	}
	return ctx
}

func (r *slowReader) TraceQueryEnd(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryEndData) {
	if ctx.Value(isKeys{}) != nil && r.armed.Swap(false) {
		close(r.read)
		<-r.use
	}
}

// tracedDirectory is of the database; the tracer holds its statements up.
func tracedDirectory(t *testing.T, url string, tracer pgx.QueryTracer) *pgstore.Directory {
	t.Helper()
	cfg := pgtest.Connect(t, url).Config()
	cfg.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	d, err := pgstore.OpenDirectory(t.Context(), pool)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// A revoked key stays revoked, also when a beat had read the keys just before.
func TestRevokedKeyIsNotPutBack(t *testing.T) {
	url := pgtest.Start(t).Database()
	slow := &slowReader{read: make(chan struct{}), use: make(chan struct{})}
	d := tracedDirectory(t, url, slow)
	secret, k, err := d.Create(t.Context(), access.Terms{Name: "leaked"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := pgstore.OpenDirectory(t.Context(), pgtest.Connect(t, url))
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := other.Create(t.Context(), access.Terms{Name: "another"}); err != nil { // what the beat reads the keys for
		t.Fatal(err)
	}
	slow.armed.Store(true)
	beat, revoked := make(chan error, 1), make(chan error, 1)
	go func() { beat <- d.Refresh(t.Context()) }()
	<-slow.read
	go func() { _, err := d.Revoke(t.Context(), k.ID, false); revoked <- err }()
	select {
	case err = <-revoked: // before the beat says what it has read
		revoked <- err
	case <-time.After(postgres.Timeout + time.Second/2): // or it waits for the beat, however long that takes
	}
	close(slow.use)
	for _, end := range []chan error{beat, revoked} {
		if err := <-end; err != nil {
			t.Fatal(err)
		}
	}
	var refused *access.RefusedKeyError
	if _, err := d.Find(secret); !errors.As(err, &refused) {
		t.Errorf("a revoked key: %v, want %T", err, refused)
	}
}

// away is a database that does not answer who looks for changed keys.
type away struct{ now atomic.Bool }

func (a *away) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	if a.now.Load() && q.SQL == "SELECT keys FROM generation" {
		ctx, cancel := context.WithCancel(ctx)
		cancel()
		return ctx
	}
	return ctx
}

func (a *away) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// The secret of a key that is stored is shown, whatever comes after: nobody can show it again.
func TestSecretOfAStoredKeyIsShown(t *testing.T) {
	a := &away{}
	d := tracedDirectory(t, pgtest.Start(t).Database(), a)
	a.now.Store(true)
	secret, k, err := d.Create(t.Context(), access.Terms{Name: "new"})
	if err != nil {
		t.Fatal(err)
	}
	a.now.Store(false)
	if err := d.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if found, err := d.Find(secret); err != nil || found.ID != k.ID {
		t.Errorf("%v: %v", found.ID, err)
	}
}

// What no patience mends, such as a row that cannot be read, is no database that is away.
func TestUnreadableKeyIsAFault(t *testing.T) {
	database := pgtest.Start(t).Database()
	g := newGateway(t, database, pgstore.Options{})
	create(t, g, access.Terms{Name: "damaged"})
	if _, err := pgtest.Session(t, database).Exec(t.Context(), `UPDATE flotilla.keys SET key = '[]'; UPDATE flotilla.generation SET keys = keys + 1`); err != nil {
		t.Fatal(err)
	}
	var away *access.UnavailableError
	if _, err := g.List(t.Context()); err == nil || errors.As(err, &away) {
		t.Errorf("%v", err)
	}
}
