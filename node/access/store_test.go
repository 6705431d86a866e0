package access_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

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

// Both kinds of store pass the same tests.
func TestStore(t *testing.T) {
	accesstest.Run(t, func(t testing.TB) accesstest.Place {
		dir := t.TempDir()
		return func(o accesstest.Options) (access.Keys, error) {
			return access.Open(dir, access.Options{Config: o.Config, Charged: o.Charged, Now: o.Now})
		}
	})
}

func TestKeysAreNotStoredInClear(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, access.Options{Config: []string{"", "sk-config"}})
	secret, _ := accesstest.Create(t, s, access.Terms{Name: "alice"})
	if found, err := s.Find("sk-config"); err != nil || !found.Config || !strings.HasPrefix(string(found.ID), "key_") {
		t.Errorf("key of the configuration: %+v, %v", found, err)
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
	if n := len(accesstest.List(t, open(t, dir, access.Options{}))); n != 1 {
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

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, access.Options{})
	if _, err := access.Open(dir, access.Options{}); err == nil || !strings.Contains(err.Error(), "running gateway") {
		t.Errorf("%v", err)
	}
}
