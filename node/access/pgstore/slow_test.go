package pgstore_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres"
	"flotilla/node/postgres/pgtest"
)

// slowGateway is one that reaches its database over a link.
func slowGateway(t *testing.T, parameters string) (*gateway, *pgtest.Link) {
	t.Helper()
	cluster := pgtest.Start(t)
	link := pgtest.NewLink(t, cluster)
	return newGateway(t, link.URL(cluster.Database())+parameters, pgstore.Options{}), link
}

func create(t *testing.T, g *gateway, terms access.Terms) access.KeyID {
	t.Helper()
	_, k, err := g.Create(t.Context(), terms)
	if err != nil {
		t.Fatal(err)
	}
	return k.ID
}

// together runs do n times at once. It returns the errors, and how long the slowest took.
func together(n int, do func(i int) error) (errs []error, slowest time.Duration) {
	var mu sync.Mutex
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			began := time.Now()
			err := do(i)
			mu.Lock()
			defer mu.Unlock()
			slowest = max(slowest, time.Since(began))
			if err != nil {
				errs = append(errs, err)
			}
		})
	}
	wg.Wait()
	return errs, slowest
}

// The requests of one key do not wait for one another while a database far away answers.
func TestRequestsOfAKeyAskADistantDatabaseTogether(t *testing.T) {
	a, link := slowGateway(t, "")
	id := create(t, a, access.Terms{Name: "limited", RequestsPerMinute: 1000, TokensPerMinute: 100_000})
	link.Delay(25 * time.Millisecond)
	errs, slowest := together(64, func(int) error {
		v, err := a.Enter(t.Context(), id)
		if err != nil {
			return err
		}
		defer v.Leave()
		return v.AskTokens(t.Context(), 10)
	})
	if len(errs) > 0 || slowest > postgres.Timeout {
		t.Errorf("%d refused (%v), the slowest took %v", len(errs), errors.Join(errs...), slowest)
	}
}

// Where requests of one key do wait for one another, none waits for longer than for a statement, one whose client leaves not at all,
// and the database does not count as away for that.
func TestTurnsAreNotWaitedForLong(t *testing.T) {
	a, link := slowGateway(t, "")
	id := create(t, a, access.Terms{Name: "limited", Concurrent: 100})
	link.Delay(150 * time.Millisecond)
	end := time.Now().Add(4 * postgres.Timeout)
	var served sync.WaitGroup
	served.Go(func() {
		together(30, func(i int) error {
			time.Sleep(time.Duration(i) * postgres.Timeout / 30) // so that somebody waits at any time
			for time.Now().Before(end) {
				began := time.Now()
				if v, err := a.Enter(t.Context(), id); err == nil {
					v.Leave()
				}
				if took := time.Since(began); took > 2*postgres.Timeout+time.Second {
					t.Errorf("a request took %v", took)
				}
				if err := a.Ready(); err != nil {
					t.Errorf("the database answers all the time: %v", err)
					return nil
				}
			}
			return nil
		})
	})
	time.Sleep(100 * time.Millisecond)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := a.Enter(ctx, id); err == nil || time.Since(began) > time.Second {
		t.Errorf("a client that left: %v after %v", err, time.Since(began))
	}
	served.Wait()
}

// That all connections are in use does not mean that the database is away.
func TestFewConnections(t *testing.T) {
	a, link := slowGateway(t, "&pool_max_conns=1")
	id := create(t, a, access.Terms{Name: "budget", Budget: 1_000_000})
	link.Delay(10 * time.Millisecond)
	ended := make(chan struct{})
	var watching sync.WaitGroup
	watching.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(5 * time.Millisecond):
			}
			if err := a.Ready(); err != nil {
				t.Errorf("the database answers all the time: %v", err)
				return
			}
		}
	})
	errs, slowest := together(300, func(i int) error {
		h, err := a.Hold(t.Context(), id, receipt(uint64(i+1)), 10)
		if err != nil {
			return err
		}
		return h.Charge(1)
	})
	close(ended)
	watching.Wait()
	if len(errs) == 0 || len(errs) == 300 || slowest > 2*postgres.Timeout {
		t.Errorf("%d of 300 were refused, the slowest took %v", len(errs), slowest)
	}
	for _, err := range errs {
		var busy *access.UnavailableError
		if !errors.As(err, &busy) {
			t.Fatal(err)
		}
	}
	eventually(t, "all is told", func() bool { return a.Waiting() == 0 })
	link.Delay(0)
	if k := a.spent(id); k.Held != 0 || int(k.Spent) != 300-len(errs) {
		t.Errorf("%d were served; spent %d, held %d", 300-len(errs), k.Spent, k.Held)
	}
}

// A server that takes no more writes, and keeps its connections, is left for the one that does.
func TestServerThatBecameAReplica(t *testing.T) {
	was, is := pgtest.Start(t), pgtest.Start(t)
	link := pgtest.NewLink(t, was)
	database := was.Database()
	a := newGateway(t, link.URL(database), pgstore.Options{})
	newGateway(t, is.Database(), pgstore.Options{}) // it has the schema, and a database of the same name
	owner := pgtest.Session(t, database)
	link.Lead(is)
	for _, sql := range []string{"ALTER SYSTEM SET default_transaction_read_only = on", "SELECT pg_reload_conf()"} {
		if _, err := owner.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the gateway notices", func() bool { return a.Ready() != nil })
	eventually(t, "the gateway is ready again", func() bool { return a.Ready() == nil })
}

// What a slow network brings late, of a request that was refused meanwhile, does not stay under way for the other gateways.
func TestLateRequestIsNotUnderWay(t *testing.T) {
	database := pgtest.Start(t).Database()
	a, b := newGateway(t, database, pgstore.Options{}), newGateway(t, database, pgstore.Options{})
	id := create(t, a, access.Terms{Name: "one", Concurrent: 1})
	eventually(t, "the other gateway knows the key", func() bool { _, err := b.Status(t.Context(), id); return err == nil })
	late := pgtest.Session(t, database)
	if _, err := late.Exec(t.Context(), "INSERT INTO flotilla.in_flight SELECT $1, id, 1 FROM flotilla.gateways WHERE id = $2", string(id), a.GatewayID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other gateway may", func() bool {
		v, err := b.Enter(t.Context(), id)
		if err == nil {
			v.Leave()
		}
		return err == nil
	})
}

// What is under way, and a slow network brings late that it is over, counts again for the other gateways though no request of the key comes.
func TestRequestUnderWayIsNotForgottenLate(t *testing.T) {
	database := pgtest.Start(t).Database()
	a, b := newGateway(t, database, pgstore.Options{}), newGateway(t, database, pgstore.Options{})
	id := create(t, a, access.Terms{Name: "one", Concurrent: 1})
	eventually(t, "the other gateway knows the key", func() bool { _, err := b.Status(t.Context(), id); return err == nil })
	if _, err := a.Enter(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	late := pgtest.Session(t, database)
	for _, sql := range []string{"UPDATE flotilla.in_flight SET n = 0", "DELETE FROM flotilla.in_flight"} {
		eventually(t, "the gateway has nothing to tell", func() bool { return a.Told() })
		if _, err := late.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
		eventually(t, "the other gateway may not", func() bool {
			v, err := b.Enter(t.Context(), id)
			if err == nil {
				v.Leave()
			}
			var full *access.RateError
			return errors.As(err, &full)
		})
	}
}
