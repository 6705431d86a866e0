package pgstore_test

import (
	"errors"
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

// A key's requests at once that could not be told are told when they can be, though no request of the key comes; and until then
// nothing is refused to other keys.
func TestLockedKeyKeepsNoOtherWaiting(t *testing.T) {
	url := pgtest.Start(t).Database()
	a, b := newGateway(t, url, pgstore.Options{}), newGateway(t, url, pgstore.Options{})
	_, k, err := a.Create(t.Context(), access.Terms{Name: "few", Concurrent: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := a.Create(t.Context(), access.Terms{Name: "other", Concurrent: 1})
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
	slow, err := pgtest.Connect(t, url).Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Release()
	if _, err := slow.Exec(t.Context(), "SELECT pg_advisory_lock(hashtextextended($1, 0))", k.ID); err != nil {
		t.Fatal(err)
	}
	v.Leave()
	var away *access.UnavailableError
	if _, err := a.Enter(t.Context(), k.ID); !errors.As(err, &away) {
		t.Errorf("the key that is locked: %v", err)
	}
	before := a.Beats(t)
	eventually(t, "beats that cannot tell of it", func() bool {
		mine, err := a.Enter(t.Context(), other.ID)
		if err != nil {
			t.Fatalf("a key that is not locked: %v", err)
		}
		mine.Leave()
		return a.Beats(t) > before+3
	})
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

// Of a key that was revoked and forgotten nothing is kept in memory.
func TestForgottenKeysAreForgotten(t *testing.T) {
	a := newGateway(t, pgtest.Start(t).Database(), pgstore.Options{})
	for range 5 {
		_, k, err := a.Create(t.Context(), access.Terms{Name: "short", Concurrent: 1, Budget: 100})
		if err != nil {
			t.Fatal(err)
		}
		v, err := a.Enter(t.Context(), k.ID)
		if err == nil {
			err = a.CheckBudget(t.Context(), k.ID)
		}
		if err != nil {
			t.Fatal(err)
		}
		v.Leave()
		for range 2 { // revoked, and then forgotten
			if _, err := a.Revoke(t.Context(), k.ID, true); err != nil {
				break
			}
		}
	}
	eventually(t, "nothing is remembered of them", func() bool { return a.Remembered() == 0 })
}
