// Package accesstest is the test of stores of API keys: what one gateway keeps and what several share do the same.
package accesstest

import (
	"context"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
)

// Options of a store under test.
type Options struct {
	Config  []string
	Charged func(access.Receipt) (access.MicroUSD, bool, error)
	Now     func() time.Time
}

// Place is where a store keeps what it has; calling it opens the store, again after Close.
type Place func(Options) (access.Keys, error)

// Run tests the stores that are made at new places.
func Run(t *testing.T, place func(testing.TB) Place) {
	for name, test := range map[string]func(*testing.T, Place){
		"SpentIsTheSumOfReceipts": spentIsTheSumOfReceipts, "HoldsInParallel": holdsInParallel,
		"RateLimitsBind": rateLimitsBind, "RatesWhenTheClockIsSetBack": ratesWhenTheClockIsSetBack, "TokensAreCorrected": tokensAreCorrected,
		"KeysSurvive": keysSurvive, "TermsAreChecked": termsAreChecked, "ConfigKeysAreReplaced": configKeysAreReplaced,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
	t.Run("BudgetStartsAgain", func(t *testing.T) { budgetStartsAgain(t, place) })
	t.Run("BudgetWhenTheClockIsSetBack", func(t *testing.T) { budgetWhenTheClockIsSetBack(t, place) })
}

func open(t testing.TB, place Place, o Options) access.Keys {
	t.Helper()
	s, err := place(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // a second close does no harm
	return s
}

// Create makes a key with the terms.
func Create(t testing.TB, s access.Keys, terms access.Terms) (string, access.Key) {
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

// List is all keys of the store.
func List(t interface{ Fatal(...any) }, s access.Keys) []access.Status {
	keys, err := s.List(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

func find(t testing.TB, s access.Keys, id access.KeyID) access.Status {
	t.Helper()
	one, err := s.Status(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range List(t, s) {
		if k.ID == id {
			if d := cmp.Diff(k, one); d != "" {
				t.Errorf("key %s by itself and in the list:\n%s", id, d)
			}
			return one
		}
	}
	t.Fatalf("no key %s in the list", id)
	return access.Status{}
}

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func newClock() *clock { return &clock{time.Date(2026, 1, 31, 23, 30, 15, 0, time.UTC)} }

func keysSurvive(t *testing.T, place Place) {
	c := newClock()
	s := open(t, place, Options{Now: c.now})
	dial := float64(3)
	secret, key := Create(t, s, access.Terms{Name: "alice", Budget: 5, Reset: access.PeriodDay, Allow: []string{"llama-*"}, Dial: &dial, Expires: c.t.Add(time.Hour)})
	gone, goneKey := Create(t, s, access.Terms{Name: "bob"})
	if _, err := s.Revoke(context.Background(), goneKey.ID, false); err != nil {
		t.Fatal(err)
	}
	var refused *access.RefusedKeyError
	if _, err := s.Find(gone); !errors.As(err, &refused) {
		t.Errorf("revoked key before a restart: %v", err)
	}
	if st := find(t, s, goneKey.ID); st.Revoked.IsZero() {
		t.Error("a revoked key is shown as if it were not")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, place, Options{Now: c.now})
	if found, err := s.Find(secret); err != nil || !cmp.Equal(found, key) {
		t.Errorf("after a restart: %v\n%s", err, cmp.Diff(key, found))
	}
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
	if _, err := s.Status(context.Background(), goneKey.ID); !errors.Is(err, access.ErrUnknownKey) {
		t.Errorf("status of a forgotten key: %v", err)
	}
}

// With many orders at once, exactly what the budget has room for is held.
func holdsInParallel(t *testing.T, place Place) {
	s := open(t, place, Options{})
	_, key := Create(t, s, access.Terms{Budget: 100})
	var mu sync.Mutex
	held := 0
	var wg sync.WaitGroup
	for i := range 40 {
		wg.Go(func() {
			var r access.Receipt
			binary.BigEndian.PutUint64(r[:], uint64(i+1))
			var over *access.BudgetError
			h, err := s.Hold(context.Background(), key.ID, r, 7)
			switch {
			case err == nil:
				mu.Lock()
				held++
				mu.Unlock()
				if i%2 == 0 {
					err = h.Charge(7)
				}
			case errors.As(err, &over):
				err = nil
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if k := find(t, s, key.ID); held != 14 || k.Spent+k.Held != 98 {
		t.Errorf("%d orders, spent %s and held %s; want 14 orders of 7 of a budget of 100", held, k.Spent, k.Held)
	}
}

func termsAreChecked(t *testing.T, place Place) {
	s := open(t, place, Options{})
	dial := float64(11)
	for want, terms := range map[string]access.Terms{
		"name: want 1 to 100":    {},
		"printable":              {Name: "a\nb"},
		"reset \"year\"":         {Name: "a", Budget: 1, Reset: "year"},
		"qwen*":                  {Name: "a", Block: []string{"qwen/*"}},
		"without a budget":       {Name: "a", Reset: access.PeriodDay},
		"dial: want 0":           {Name: "a", Dial: &dial},
		"upgrade share":          {Name: "a", UpgradeShare: 2},
		"pattern \"[\"":          {Name: "a", Allow: []string{"["}},
		`pattern "a\x00"`:        {Name: "a", Block: []string{"a\x00"}},
		"block: at most 64":      {Name: "a", Block: strings.Split(strings.Repeat("m ", 65), " ")},
		"budget: at most 100000": {Name: "a", Budget: 1 << 62},
		"printable bytes":        {Name: strings.Repeat("n", 101)},
		"and 4096 bytes":         {Name: "a", Allow: []string{strings.Repeat("m", 4097)}},
		"cache \"often\"":        {Name: "a", Cache: access.Caching{Mode: "often"}},
		"at most 30 days":        {Name: "a", Cache: access.Caching{Seconds: 30*24*3600 + 1}},
		"similarity 0.79":        {Name: "a", Cache: access.Caching{Similarity: 0.79}},
		"similarity 1.01":        {Name: "a", Cache: access.Caching{Similarity: 1.01}},
	} {
		if _, _, err := s.Create(context.Background(), terms); !errors.Is(err, access.ErrBadTerms) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", terms, err, want)
		}
	}
	dial = 10
	Create(t, s, access.Terms{ // each at its bound
		Name: strings.Repeat("n", 100), Budget: 1_000_000_000_000, Dial: &dial, UpgradeShare: 1, Allow: []string{strings.Repeat("m", 4096)},
		Block: strings.Fields(strings.Repeat("m ", 64)), Cache: access.Caching{Seconds: 30 * 24 * 3600, Similarity: 0.8},
	})
	Create(t, s, access.Terms{Reset: access.PeriodNone, Cache: access.Caching{Similarity: 1}})
	if _, err := s.Revoke(context.Background(), "key_none", false); !errors.Is(err, access.ErrUnknownKey) {
		t.Error(err)
	}
	s.SetConfig([]string{"sk-config"})
	if _, err := s.Revoke(context.Background(), access.SumOf("sk-config").ConfigID(), false); !errors.Is(err, access.ErrBadTerms) {
		t.Errorf("a key of the configuration was revoked: %v", err)
	}
}

// A key that is taken out of the configuration is refused at once; what it has spent is there when it comes back.
func configKeysAreReplaced(t *testing.T, place Place) {
	s := open(t, place, Options{Config: []string{"sk-a", "sk-b"}})
	a, err := s.Find("sk-a")
	if err != nil {
		t.Fatal(err)
	}
	h, err := s.Hold(context.Background(), a.ID, access.Receipt{1}, 10)
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
	for _, k := range List(t, s) {
		if k.ID == a.ID && k.Spent != 7 {
			t.Errorf("spent %s", k.Spent)
		}
	}
}
