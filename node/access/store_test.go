package access_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

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

// A process that only looks at the keys counts what a crash has left held; the gateway's next start settles it, once, also when the key was
// forgotten meanwhile.
func TestHoldsThatACrashHasLeft(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, access.Options{})
	_, k := accesstest.Create(t, s, access.Terms{Budget: 100})
	_, forgotten := accesstest.Create(t, s, access.Terms{Budget: 100})
	for i, id := range []access.KeyID{k.ID, forgotten.ID} {
		if _, err := s.Hold(context.Background(), id, access.Receipt{byte(i)}, 60); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Revoke(context.Background(), forgotten.ID, true); err != nil {
		t.Fatal(err)
	}
	asked := 0
	for _, start := range []struct {
		charged     func(access.Receipt) (access.MicroUSD, bool, error)
		spent, held access.MicroUSD
		asked       int
	}{
		{nil, 0, 60, 0},
		{func(access.Receipt) (access.MicroUSD, bool, error) { asked++; return 7, true, nil }, 7, 0, 2},
		{func(access.Receipt) (access.MicroUSD, bool, error) { asked++; return 7, true, nil }, 7, 0, 2},
	} {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		s = open(t, dir, access.Options{Charged: start.charged})
		keys := accesstest.List(t, s)
		if len(keys) != 1 || keys[0].Spent != start.spent || keys[0].Held != start.held || asked != start.asked {
			t.Errorf("keys %+v after %d questions; want %s spent and %s held after %d", keys, asked, start.spent, start.held, start.asked)
		}
	}
}

// Budgets start again by UTC, wherever the gateway runs.
func TestPeriodsAreOfUTC(t *testing.T) {
	kolkata := time.FixedZone("IST", 5*3600+1800)
	for period, want := range map[access.Period]string{
		access.PeriodHour: "2026-03-31T20:00:00Z", access.PeriodDay: "2026-04-01T00:00:00Z",
		access.PeriodWeek: "2026-04-06T00:00:00Z", access.PeriodMonth: "2026-04-01T00:00:00Z",
	} {
		end := period.End(time.Date(2026, 4, 1, 0, 45, 0, 0, kolkata)) // 19:15 the day before, in UTC
		if got := end.UTC().Format(time.RFC3339); got != want {
			t.Errorf("%s ends %s, want %s", period, got, want)
		}
	}
}

// What is told to come again soon is what would fit without the requests under way, and nothing else.
func TestBudgetErrorPassing(t *testing.T) {
	for _, tc := range []struct {
		e    access.BudgetError
		want bool
	}{
		{access.BudgetError{Budget: 10, Spent: 4, Held: 6, Asked: 6}, true},
		{access.BudgetError{Budget: 10, Spent: 4, Held: 6, Asked: 7}, false},
		{access.BudgetError{Budget: 10, Spent: 4, Asked: 7}, false},
		{access.BudgetError{Budget: 10, Spent: 9, Held: 1}, true},
		{access.BudgetError{Budget: 10, Spent: 10, Held: 1}, false},
		{access.BudgetError{Budget: 10, Spent: 11, Held: 1, Asked: 1}, false}, // the budget was lowered, or the clock set back
	} {
		if got := tc.e.Passing(); got != tc.want {
			t.Errorf("%+v: %v", tc.e, got)
		}
	}
}

// A key's own caching comes before the gateway's, field by field, and that before the defaults.
func TestCachingOr(t *testing.T) {
	gateway := access.Caching{Mode: access.CacheExact, Seconds: 60}
	for _, tc := range []struct{ key, gateway, want access.Caching }{
		{access.Caching{}, access.Caching{}, access.Caching{Mode: access.CacheOff, Seconds: 3600, Similarity: 0.97}},
		{access.Caching{}, gateway, access.Caching{Mode: access.CacheExact, Seconds: 60, Similarity: 0.97}},
		{access.Caching{Mode: access.CacheOff}, gateway, access.Caching{Mode: access.CacheOff, Seconds: 60, Similarity: 0.97}},
		{access.Caching{Mode: access.CacheSemantic, Seconds: 5, Similarity: 0.9}, gateway, access.Caching{Mode: access.CacheSemantic, Seconds: 5, Similarity: 0.9}},
	} {
		if got := tc.key.Or(tc.gateway); got != tc.want {
			t.Errorf("%+v under %+v is %+v, want %+v", tc.key, tc.gateway, got, tc.want)
		}
	}
}
