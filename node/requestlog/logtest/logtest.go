// Package logtest is the test of request logs: what one gateway keeps and what several share do the same.
package logtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flotilla/node/requestlog"
)

// Noon is when the first Record came.
var Noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

// Place is where a log is kept; calling it opens the log, again after Close.
type Place func() (*requestlog.Log, error)

// Run tests the logs that are made at new places.
func Run(t *testing.T, place func(testing.TB) Place) {
	for name, test := range map[string]func(*testing.T, Place){
		"PagesAreWhole": pagesAreWhole, "BadFilters": badFilters, "CloseWritesWhatIsQueued": closeWritesWhatIsQueued,
		"NoTextCostsRecords": noTextCostsRecords, "NoTextIsAnError": noTextIsAnError,
	} {
		t.Run(name, func(t *testing.T) { test(t, place(t)) })
	}
}

func open(t testing.TB, place Place) *requestlog.Log {
	t.Helper()
	l, err := place()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

// Record is the i-th of many.
func Record(i int) requestlog.Record {
	r := requestlog.Record{
		ID: fmt.Sprintf("req_%08d", i), At: Noon.Add(time.Duration(i/2) * time.Second), Key: fmt.Sprintf("key_%d", i%3), Route: "/v1/chat/completions",
		Status: []int{200, 200, 429, 502, 499}[i%5], Model: fmt.Sprintf("model-%d", i%4), Operator: fmt.Sprintf("0xA%d/peer%d", i%2, i%4), CostMicroUSD: uint64(i),
	}
	if r.Status == 200 {
		r.Receipt = fmt.Sprintf("0x%064d", i)
	}
	return r
}

// All pages of a filter.
func All(t interface{ Fatal(...any) }, l *requestlog.Log, f requestlog.Filter) []requestlog.Record {
	out := []requestlog.Record{}
	for {
		page, err := l.List(context.Background(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Requests) > f.Limit {
			t.Fatal("page of", len(page.Requests), "records, limit", f.Limit)
		}
		out = append(out, page.Requests...)
		if f.Cursor = page.Next; f.Cursor == "" {
			return out
		}
	}
}

// Whatever the filter and the size of a page: the pages together are all that match, newest first, each once.
func pagesAreWhole(t *testing.T, place Place) {
	l := open(t, place)
	const n = 300
	var records []requestlog.Record
	for i := range n {
		records = append(records, Record(i))
		l.Add(Record(i))
	}
	slices.SortFunc(records, func(a, b requestlog.Record) int {
		if c := b.At.Compare(a.At); c != 0 {
			return c
		}
		return cmpString(a.ID, b.ID)
	})
	rapid.Check(t, func(rt *rapid.T) {
		f := requestlog.Filter{
			Key:      rapid.SampledFrom([]string{"", "key_0", "key_2", "key_none"}).Draw(rt, "key"),
			Model:    rapid.SampledFrom([]string{"", "model-1"}).Draw(rt, "model"),
			Operator: rapid.SampledFrom([]string{"", "0xa", "0xa1", "0xA0/peer2"}).Draw(rt, "operator"),
			Status:   rapid.SampledFrom([]requestlog.Status{"", "200", "4xx", "error"}).Draw(rt, "status"),
			Limit:    rapid.IntRange(1, 400).Draw(rt, "limit"),
		}
		if rapid.Bool().Draw(rt, "times") {
			f.Since = Noon.Add(time.Duration(rapid.IntRange(-10, n).Draw(rt, "since")) * time.Second)
			f.Until = Noon.Add(time.Duration(rapid.IntRange(-10, n).Draw(rt, "until")) * time.Second)
		}
		want := slices.DeleteFunc(slices.Clone(records), func(r requestlog.Record) bool {
			ok := (f.Key == "" || r.Key == f.Key) && (f.Model == "" || r.Model == f.Model)
			switch f.Operator { // "0xa" begins all
			case "0xa1":
				ok = ok && r.Operator[:4] == "0xA1"
			case "0xA0/peer2":
				ok = ok && r.Operator == "0xA0/peer2"
			}
			switch f.Status {
			case "200":
				ok = ok && r.Status == 200
			case "4xx":
				ok = ok && r.Status/100 == 4
			case "error":
				ok = ok && r.Status >= 400
			}
			ok = ok && (f.Since.IsZero() || !r.At.Before(f.Since)) && (f.Until.IsZero() || r.At.Before(f.Until))
			return !ok
		})
		if diff := cmp.Diff(want, All(rt, l, f)); diff != "" {
			rt.Fatalf("%+v:\n%s", f, diff)
		}
	})
}

func cmpString(a, b string) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func badFilters(t *testing.T, place Place) {
	l := open(t, place)
	for _, f := range []requestlog.Filter{{Limit: -1}, {Limit: requestlog.MaxPage + 1}, {Status: "9xx"}, {Status: "20"}, {Status: "2x0"}, {Cursor: "?"}, {Cursor: "AA"}} {
		if _, err := l.List(context.Background(), f); !errors.Is(err, requestlog.ErrBadFilter) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// What was added before Close is there after the next start, found by either id.
func closeWritesWhatIsQueued(t *testing.T, place Place) {
	l := open(t, place)
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 250 {
				l.Add(Record(g*250 + i))
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Add(Record(1))
	if n := l.Dropped(); n != 1 {
		t.Errorf("%d dropped, want the one after Close", n)
	}
	l = open(t, place)
	if n := len(All(t, l, requestlog.Filter{Limit: 1000})); n != 1000 {
		t.Errorf("%d records, want 1000", n)
	}
	want := Record(5)
	for _, id := range []string{want.ID, want.Receipt} {
		if got, err := l.Find(context.Background(), id); err != nil || !cmp.Equal(got, want) {
			t.Errorf("find %s: %v\n%s", id, err, cmp.Diff(want, got))
		}
	}
	if _, err := l.Find(context.Background(), "req_none"); !errors.Is(err, requestlog.ErrNotFound) {
		t.Error(err)
	}
}

// A client names models as it likes; what it writes costs neither its own record nor those that are written with it.
func noTextCostsRecords(t *testing.T, place Place) {
	l := open(t, place)
	odd := Record(1)
	odd.Asked, odd.Why = "a\x00b\xff", `not \u0000, but this is: `+"\x00"
	l.Add(Record(0))
	l.Add(odd)
	l.Add(Record(2))
	if got := All(t, l, requestlog.Filter{Limit: 10}); len(got) != 3 || l.Dropped() != 0 {
		t.Errorf("%d of 3 records, %d dropped", len(got), l.Dropped())
	}
	if got, err := l.Find(context.Background(), odd.ID); err != nil || !strings.Contains(got.Why, `not \u0000, but`) {
		t.Errorf("%q: %v", got.Why, err)
	}
}

// What no record has is not found, however it is written.
func noTextIsAnError(t *testing.T, place Place) {
	l := open(t, place)
	l.Add(Record(1))
	for _, text := range []string{"req_\x00", "\xff", "' OR 1=1 --"} {
		if _, err := l.Find(context.Background(), text); !errors.Is(err, requestlog.ErrNotFound) {
			t.Errorf("find %q: %v", text, err)
		}
		for _, f := range []requestlog.Filter{{Key: text}, {Model: text}, {Operator: text}} {
			if page, err := l.List(context.Background(), f); err != nil || len(page.Requests) > 0 {
				t.Errorf("%+v: %d records, %v", f, len(page.Requests), err)
			}
		}
	}
	after := requestlog.Record{At: Noon, ID: "\x00\xff"} // a cursor that nobody was given
	if _, err := l.List(context.Background(), requestlog.Filter{Cursor: after.Cursor()}); err != nil && !errors.Is(err, requestlog.ErrBadFilter) {
		t.Errorf("a made-up cursor: %v", err)
	}
}
