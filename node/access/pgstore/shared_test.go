package pgstore_test

import (
	"context"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres/pgtest"
)

const patience = 30 * time.Second

// gateway is one of several on one database. die ends it as kill -9 does, but for the flush of its files.
type gateway struct {
	*pgstore.Store
	t    *testing.T
	dir  string
	url  string
	opts pgstore.Options
}

func newGateway(t *testing.T, url string, opts pgstore.Options) *gateway {
	g := &gateway{t: t, dir: t.TempDir(), url: url, opts: opts}
	g.open()
	return g
}

func (g *gateway) open() {
	g.t.Helper()
	g.opts.Dir = g.dir
	s, err := pgstore.Open(context.Background(), pgtest.Connect(g.t, g.url), g.opts)
	if err != nil {
		g.t.Fatal(err)
	}
	g.Store = s
	g.t.Cleanup(func() { _ = s.Close() })
}

func (g *gateway) spent(id access.KeyID) access.Status {
	g.t.Helper()
	keys, err := g.List(context.Background())
	if err != nil {
		g.t.Fatal(err)
	}
	for _, k := range keys {
		if k.ID == id {
			return k
		}
	}
	g.t.Fatalf("no key %s", id)
	return access.Status{}
}

func receipt(n uint64) (r access.Receipt) {
	binary.BigEndian.PutUint64(r[:], n)
	return r
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// Whatever two gateways do at once: what is spent and held is never above the budget, and in the end the whole of it that
// orders fit into is spent.
func TestBudgetHoldsAcrossGateways(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := newGateway(t, url, pgstore.Options{}), newGateway(t, url, pgstore.Options{})
	const budget, most = 10_000, 100
	secret, k, err := a.Create(t.Context(), access.Terms{Name: "shared", Budget: budget})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the other gateway knows the key", func() bool { _, err := b.Find(secret); return err == nil })
	var mu sync.Mutex
	var charged access.MicroUSD
	var wg sync.WaitGroup
	for worker := range 16 {
		g := []*gateway{a, b}[worker%2]
		wg.Go(func() {
			for i := range 100 {
				h, err := g.Hold(t.Context(), k.ID, receipt(uint64(worker*1000+i+1)), most)
				var over *access.BudgetError
				if errors.As(err, &over) {
					if over.Spent+over.Held+most <= budget || over.Spent+over.Held > budget {
						t.Errorf("refused: %v", err)
					}
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				if rand.IntN(4) == 0 {
					err = h.Release()
				} else {
					amount := access.MicroUSD(rand.IntN(most + 1))
					mu.Lock()
					charged += amount
					mu.Unlock()
					err = h.Charge(amount)
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	a.spent(k.ID) // tells what it charged
	if got := b.spent(k.ID); got.Spent != charged || got.Held != 0 || got.Spent > budget || got.Spent < budget-most {
		t.Errorf("spent %s, held %s; receipts sum up to %s, budget %d", got.Spent, got.Held, charged, budget)
	}
}

// A gateway that is silent for the lease loses its holds; one that lives does not, however long its orders take. What was
// charged before it died still counts when it is back, once.
func TestHoldsOfADeadGatewayAreFreed(t *testing.T) {
	url := pgtest.Start(t).Database()
	const lease = 2 * time.Second
	a, b := newGateway(t, url, pgstore.Options{Lease: lease}), newGateway(t, url, pgstore.Options{Lease: lease})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "shared", Budget: 100})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Hold(t.Context(), k.ID, receipt(1), 60); err != nil {
		t.Fatal(err)
	}
	slow, err := b.Hold(t.Context(), k.ID, receipt(2), 40)
	if err != nil {
		t.Fatal(err)
	}
	const beats = 5 // in a lease so short
	ours, theirs := b.Beats(t), a.Beats(t)
	eventually(t, "both have looked at the other for a lease", func() bool { return b.Beats(t) > ours+beats && a.Beats(t) > theirs+beats })
	if got := b.spent(k.ID); got.Held != 100 {
		t.Fatalf("held %s while both live", got.Held)
	}
	a.Kill()
	eventually(t, "the dead gateway's hold is free", func() bool { return b.spent(k.ID).Held == 40 })
	h, err := b.Hold(t.Context(), k.ID, receipt(3), 60)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{h.Charge(10), slow.Charge(20)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "the database has been told of both charges", func() bool { got := b.spent(k.ID); return got.Spent == 30 && got.Held == 0 })
	a.opts.Charged = func(r access.Receipt) (access.MicroUSD, bool, error) { return 5, r == receipt(1), nil }
	for range 2 { // the second start has nothing to add
		a.open()
		if got := a.spent(k.ID); got.Spent != 35 || got.Held != 0 || got.Receipts != 3 {
			t.Errorf("spent %s in %d receipts, held %s", got.Spent, got.Receipts, got.Held)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// Without its database a gateway refuses keys with budgets and says so; what is under way is charged when it is back.
func TestDatabaseGone(t *testing.T) {
	cluster := pgtest.Start(t)
	a := newGateway(t, cluster.Database(), pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "limited", Budget: 100, RequestsPerMinute: 10})
	if err != nil {
		t.Fatal(err)
	}
	_, free, err := a.Create(t.Context(), access.Terms{Name: "unlimited"})
	if err != nil {
		t.Fatal(err)
	}
	h, err := a.Hold(t.Context(), k.ID, receipt(1), 60)
	if err != nil {
		t.Fatal(err)
	}
	cluster.Down()
	var gone *access.UnavailableError
	if _, err := a.Hold(t.Context(), k.ID, receipt(2), 10); !errors.As(err, &gone) {
		t.Errorf("a hold: %v", err)
	}
	if _, err := a.Enter(t.Context(), k.ID); !errors.As(err, &gone) {
		t.Errorf("a request: %v", err)
	}
	if a.Ready() == nil {
		t.Error("ready without the database")
	}
	other, err := a.Hold(t.Context(), free.ID, receipt(3), 10)
	if err != nil {
		t.Errorf("a key without limits: %v", err)
	}
	for _, err := range []error{h.Charge(50), other.Charge(7)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	cluster.Up()
	eventually(t, "the gateway is ready again", func() bool { return a.Ready() == nil })
	if got := a.spent(k.ID); got.Spent != 50 || got.Held != 0 || got.Receipts != 1 {
		t.Errorf("spent %s, held %s, %d receipts", got.Spent, got.Held, got.Receipts)
	}
	if got := a.spent(free.ID); got.Total != 7 {
		t.Errorf("the other key: %s", got.Total)
	}
}

// Rates and requests at once count on all gateways together.
func TestRatesHoldAcrossGateways(t *testing.T) {
	url := pgtest.Start(t).Database()
	gateways := []*gateway{newGateway(t, url, pgstore.Options{}), newGateway(t, url, pgstore.Options{})}
	_, k, err := gateways[0].Create(t.Context(), access.Terms{Name: "rated", RequestsPerMinute: 50})
	if err != nil {
		t.Fatal(err)
	}
	_, few, err := gateways[0].Create(t.Context(), access.Terms{Name: "few", Concurrent: 3})
	if err != nil {
		t.Fatal(err)
	}
	if err := gateways[1].Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	admitted := map[access.KeyID]int{}
	var visits []access.Visit
	var wg sync.WaitGroup
	for worker := range 8 {
		g := gateways[worker%2]
		wg.Go(func() {
			for _, id := range []access.KeyID{k.ID, few.ID} {
				for range 20 {
					v, err := g.Enter(t.Context(), id)
					var over *access.RateError
					if errors.As(err, &over) {
						continue
					}
					if err != nil {
						t.Error(err)
						return
					}
					mu.Lock()
					admitted[id]++
					visits = append(visits, v)
					mu.Unlock()
				}
			}
		})
	}
	wg.Wait()
	if admitted[k.ID] != 50 || admitted[few.ID] != 3 {
		t.Errorf("%d requests in a minute of 50, %d at once of 3", admitted[k.ID], admitted[few.ID])
	}
	for _, v := range visits {
		v.Leave()
	}
	eventually(t, "others may come", func() bool {
		v, err := gateways[1].Enter(t.Context(), few.ID)
		if err == nil {
			v.Leave()
		}
		return err == nil
	})
}

// BenchmarkVisit is what a request of a key with a budget costs here, by one client and by 16 of one key.
func BenchmarkVisit(b *testing.B) {
	s, err := pgstore.Open(b.Context(), pgtest.Connect(b, pgtest.Start(b, "fsync=on").Database()), pgstore.Options{Dir: b.TempDir()})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	_, k, err := s.Create(b.Context(), access.Terms{Name: "bench", Budget: 1e12})
	if err != nil {
		b.Fatal(err)
	}
	var serial, n = sync.Mutex{}, uint64(0)
	once := func() {
		serial.Lock()
		n++
		r := receipt(n)
		serial.Unlock()
		h, err := s.Hold(b.Context(), k.ID, r, 100)
		if err == nil {
			err = h.Charge(50)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
	b.Run("one", func(b *testing.B) {
		for b.Loop() {
			once()
		}
	})
	b.Run("parallel", func(b *testing.B) {
		b.SetParallelism(8)
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				once()
			}
		})
	})
}

// What a URL says for the sake of a pooler, of how statements are sent, keeps no key from being made and used.
func TestStatementsAreSentOneWay(t *testing.T) {
	a := newGateway(t, pgtest.Start(t).Database()+"&default_query_exec_mode=simple_protocol", pgstore.Options{})
	id := create(t, a, access.Terms{Name: "limited", Budget: 1000})
	h, err := a.Hold(t.Context(), id, receipt(1), 100)
	if err == nil {
		err = h.Charge(50)
	}
	if k := a.spent(id); err != nil || k.Spent != 50 {
		t.Errorf("spent %s: %v", k.Spent, err)
	}
}
