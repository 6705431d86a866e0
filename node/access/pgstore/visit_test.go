package pgstore_test

import (
	"testing"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/postgres/pgtest"
)

// What a killed gateway had under way does not count against its keys' requests at once when it is back.
func TestRequestsOfAKilledGatewayAreOver(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := newGateway(t, url, pgstore.Options{}), newGateway(t, url, pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "few", Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Enter(t.Context(), k.ID); err != nil {
		t.Fatal(err)
	}
	a.Kill()
	a.open()
	if _, err := b.Enter(t.Context(), k.ID); err != nil {
		t.Error(err)
	}
}

// A key's requests at once that could not be told are told when they can be, though no request of the key comes.
func TestRequestsAtOnceAreToldAgain(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := newGateway(t, url, pgstore.Options{}), newGateway(t, url, pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "few", Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := a.Enter(t.Context(), k.ID)
	if err != nil {
		t.Fatal(err)
	}
	slow, err := pgtest.Connect(t, url).Acquire(t.Context()) // has the key's lock for longer than a beat waits
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Release()
	if _, err := slow.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended($1, 0))", k.ID); err != nil {
		t.Fatal(err)
	}
	v.Leave()
	eventually(t, "the gateway could not tell", func() bool { return a.Ready() != nil })
	if _, err := slow.Exec(t.Context(), "SELECT pg_advisory_unlock_all()"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the key has nothing under way", func() bool {
		v, err := b.Enter(t.Context(), k.ID)
		if err == nil {
			v.Leave()
		}
		return err == nil
	})
}
