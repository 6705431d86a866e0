package access_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
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
	secret, key, err := s.Create(terms)
	if err != nil {
		t.Fatal(err)
	}
	return secret, key
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
	if _, err := s.Revoke(goneKey.ID, false); err != nil {
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
	if _, err := s.Revoke(goneKey.ID, true); err != nil {
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
	if n := len(open(t, dir, access.Options{Now: c.now}).List()); n != 1 {
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

func TestTermsAreChecked(t *testing.T) {
	s := open(t, t.TempDir(), access.Options{})
	dial := float64(11)
	for want, terms := range map[string]access.Terms{
		"name: want 1 to 100":    {},
		"printable":              {Name: "a\nb"},
		"reset \"year\"":         {Name: "a", Budget: 1, Reset: "year"},
		"without a budget":       {Name: "a", Reset: access.PeriodDay},
		"dial: want 0":           {Name: "a", Dial: &dial},
		"upgrade share":          {Name: "a", UpgradeShare: 2},
		"pattern \"[\"":          {Name: "a", Allow: []string{"["}},
		"block: at most 64":      {Name: "a", Block: strings.Split(strings.Repeat("m ", 65), " ")},
		"budget: at most 100000": {Name: "a", Budget: 1 << 62},
	} {
		if _, _, err := s.Create(terms); !errors.Is(err, access.ErrBadTerms) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", terms, err, want)
		}
	}
	if _, err := s.Revoke("key_none", false); !errors.Is(err, access.ErrUnknownKey) {
		t.Error(err)
	}
	config := open(t, t.TempDir(), access.Options{Config: []string{"sk-config"}})
	if _, err := config.Revoke(config.List()[0].ID, false); !errors.Is(err, access.ErrBadTerms) {
		t.Errorf("a key of the configuration was revoked: %v", err)
	}
}

// A key that is taken out of the configuration is refused at once; what it has spent is there when it comes back.
func TestConfigKeysAreReplaced(t *testing.T) {
	s := open(t, t.TempDir(), access.Options{Config: []string{"sk-a", "sk-b"}})
	a, err := s.Find("sk-a")
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Hold(a.ID, access.Receipt{1}, 10)
	if err != nil {
		t.Fatal(err)
	}
	s.SetConfig([]string{"sk-b"})
	if _, err := s.Find("sk-a"); err == nil {
		t.Error("a key that is configured no more was served")
	}
	if err := h.Charge(7); err != nil {
		t.Fatal(err)
	}
	s.SetConfig([]string{"sk-a"})
	if _, err := s.Find("sk-a"); err != nil {
		t.Error(err)
	}
	for _, k := range s.List() {
		if k.ID == a.ID && k.Spent != 7 {
			t.Errorf("spent %s", k.Spent)
		}
	}
}

func TestSecondProcessIsRefused(t *testing.T) {
	dir := t.TempDir()
	open(t, dir, access.Options{})
	if _, err := access.Open(dir, access.Options{}); err == nil || !strings.Contains(err.Error(), "running gateway") {
		t.Errorf("%v", err)
	}
}
