package access_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
	"flotilla/node/access/accesstest"
)

func open(t testing.TB, dir string, opts access.Options) *access.Store {
	t.Helper()
	s, err := access.Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a second close does no harm
	return s
}

func create(t testing.TB, s *access.Store, terms access.Terms) (string, access.Key) {
	t.Helper()
	if terms.Name == "" {
		terms.Name = "test"
	}
	secret, key, err := s.Create(context.Background(), terms)
	if err != nil {
		t.Fatal(err)
	}
	return secret, key
}

func list(t testing.TB, s *access.Store) []access.Status {
	t.Helper()
	keys, err := s.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// Both kinds of store pass the same tests.
func TestStore(t *testing.T) {
	accesstest.Run(t, func(t testing.TB) accesstest.Place {
		dir := t.TempDir()
		return func(o accesstest.Options) (access.Keys, error) {
			return access.Open(dir, access.Options{Config: o.Config, Charged: o.Charged, Now: o.Now})
		}
	})
}

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 1, 31, 23, 30, 15, 0, time.UTC)} }

func TestKeysSurviveAndAreNotStoredInClear(t *testing.T) {
	dir, c := t.TempDir(), newClock()
	s := open(t, dir, access.Options{Now: c.now, Config: []string{"", "sk-config"}})
	dial := float64(3)
	secret, key := create(t, s, access.Terms{Name: "alice", Budget: 5, Reset: access.PeriodDay, Allow: []string{"llama-*"}, Dial: &dial, Expires: c.t.Add(time.Hour)})
	gone, goneKey := create(t, s, access.Terms{Name: "bob"})
	if _, err := s.Revoke(context.Background(), goneKey.ID, false); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, access.Options{Now: c.now, Config: []string{"sk-config"}})
	if found, err := s.Find(secret); err != nil || !cmp.Equal(found, key) {
		t.Errorf("after a restart: %v\n%s", err, cmp.Diff(key, found))
	}
	if found, err := s.Find("sk-config"); err != nil || !found.Config || !strings.HasPrefix(string(found.ID), "key_") {
		t.Errorf("key of the configuration: %+v, %v", found, err)
	}
	var refused *access.RefusedKeyError
	if _, err := s.Find(gone); !errors.As(err, &refused) || !strings.Contains(err.Error(), "revoked on 2026-01-31") {
		t.Errorf("revoked key: %v", err)
	}
	if _, err := s.Find(secret[:len(secret)-1]); !errors.Is(err, access.ErrUnknownKey) {
		t.Errorf("wrong key: %v", err)
	}
	c.t = c.t.Add(time.Hour)
	if _, err := s.Find(secret); !errors.As(err, &refused) || !strings.Contains(err.Error(), "expired on 2026-02-01") {
		t.Errorf("expired key: %v", err)
	}
	if _, err := s.Revoke(context.Background(), goneKey.ID, true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Find(gone); !errors.Is(err, access.ErrUnknownKey) {
		t.Errorf("forgotten key: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, name := range files(t, dir) {
		raw, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), secret) || strings.Contains(string(raw), "sk-config") {
			t.Errorf("%s holds a secret", name)
		}
	}
	if n := len(list(t, open(t, dir, access.Options{Now: c.now}))); n != 1 {
		t.Errorf("%d keys, want alice's only", n)
	}
}

func files(t testing.TB, dir string) []string {
	t.Helper()
	names, err := filepath.Glob(dir + "/*")
	if err != nil || len(names) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	return names
}

// TestKeysOfAnEarlierVersionAreRefused: and says what to do.
func TestKeysOfAnEarlierVersionAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "KEYREGISTRY"), []byte("Hello Badger"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := access.Open(dir, access.Options{}); err == nil || !strings.Contains(err.Error(), "flotilla keys create") {
		t.Errorf("%v", err)
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, access.Options{})
	if _, err := access.Open(dir, access.Options{}); err == nil || !strings.Contains(err.Error(), "running gateway") {
		t.Errorf("%v", err)
	}
}
