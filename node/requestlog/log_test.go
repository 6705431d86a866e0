package requestlog_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flotilla/node/requestlog"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func open(t testing.TB, dir string, opts requestlog.Options) *requestlog.Log {
	t.Helper()
	l, err := requestlog.Open(dir, opts)
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

func record(i int) requestlog.Record {
	r := requestlog.Record{
		ID: fmt.Sprintf("req_%08d", i), At: noon.Add(time.Duration(i/2) * time.Second), Key: fmt.Sprintf("key_%d", i%3), Route: "/v1/chat/completions",
		Status: []int{200, 200, 429, 502, 499}[i%5], Model: fmt.Sprintf("model-%d", i%4), Operator: fmt.Sprintf("0xA%d/peer%d", i%2, i%4), CostMicroUSD: uint64(i),
	}
	if r.Status == 200 {
		r.Receipt = fmt.Sprintf("0x%064d", i)
	}
	return r
}

// all pages of a filter.
func all(t interface{ Fatal(...any) }, l *requestlog.Log, f requestlog.Filter) []requestlog.Record {
	out := []requestlog.Record{}
	for {
		page, err := l.List(f)
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
func TestPagesAreWhole(t *testing.T) {
	l := open(t, t.TempDir(), requestlog.Options{})
	const n = 300
	var records []requestlog.Record
	for i := range n {
		records = append(records, record(i))
		l.Add(record(i))
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
			Operator: rapid.SampledFrom([]string{"", "0xa1", "0xA0/peer2"}).Draw(rt, "operator"),
			Status:   rapid.SampledFrom([]requestlog.Status{"", "200", "4xx", "error"}).Draw(rt, "status"),
			Limit:    rapid.IntRange(1, 400).Draw(rt, "limit"),
		}
		if rapid.Bool().Draw(rt, "times") {
			f.Since = noon.Add(time.Duration(rapid.IntRange(-10, n).Draw(rt, "since")) * time.Second)
			f.Until = noon.Add(time.Duration(rapid.IntRange(-10, n).Draw(rt, "until")) * time.Second)
		}
		want := slices.DeleteFunc(slices.Clone(records), func(r requestlog.Record) bool {
			ok := (f.Key == "" || r.Key == f.Key) && (f.Model == "" || r.Model == f.Model)
			switch f.Operator {
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
		if diff := cmp.Diff(want, all(rt, l, f)); diff != "" {
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

func TestBadFilters(t *testing.T) {
	l := open(t, t.TempDir(), requestlog.Options{})
	for _, f := range []requestlog.Filter{{Limit: -1}, {Limit: requestlog.MaxPage + 1}, {Status: "9xx"}, {Status: "20"}, {Status: "2x0"}, {Cursor: "?"}, {Cursor: "AA"}} {
		if _, err := l.List(f); !errors.Is(err, requestlog.ErrBadFilter) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// What was added before Close is there after the next start, found by either id.
func TestCloseWritesWhatIsQueued(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir, requestlog.Options{})
	var wg sync.WaitGroup
	for g := range 4 {
		wg.Go(func() {
			for i := range 250 {
				l.Add(record(g*250 + i))
			}
		})
	}
	wg.Wait()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l.Add(record(1))
	if n := l.Dropped(); n != 1 {
		t.Errorf("%d dropped, want the one after Close", n)
	}
	l = open(t, dir, requestlog.Options{})
	if n := len(all(t, l, requestlog.Filter{Limit: 1000})); n != 1000 {
		t.Errorf("%d records, want 1000", n)
	}
	want := record(5)
	for _, id := range []string{want.ID, want.Receipt} {
		if got, err := l.Find(id); err != nil || !cmp.Equal(got, want) {
			t.Errorf("find %s: %v\n%s", id, err, cmp.Diff(want, got))
		}
	}
	if _, err := l.Find("req_none"); !errors.Is(err, requestlog.ErrNotFound) {
		t.Error(err)
	}
}

func TestOldestGoFirst(t *testing.T) {
	dir := t.TempDir()
	const most, n = 100, 1000
	l := open(t, dir, requestlog.Options{MaxRecords: most})
	for i := range n {
		l.Add(record(i))
		if i%50 == 0 { // so that nothing is dropped, and batches are small
			if _, err := l.List(requestlog.Filter{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(l *requestlog.Log) {
		t.Helper()
		got := all(t, l, requestlog.Filter{Limit: 1000})
		if len(got) > most || len(got) < most*9/10 || got[0].At != record(n-1).At {
			t.Errorf("%d records, newest %s", len(got), got[0].ID)
		}
		for _, old := range []string{record(0).ID, record(0).Receipt} {
			if _, err := l.Find(old); !errors.Is(err, requestlog.ErrNotFound) {
				t.Errorf("the oldest is found by %s: %v", old, err)
			}
		}
	}
	check(l)
	if l.Dropped() != 0 {
		t.Errorf("%d dropped", l.Dropped())
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = open(t, dir, requestlog.Options{MaxRecords: most})
	for i := range 20 { // the count of an earlier run goes on
		l.Add(record(n + i))
	}
	if got := all(t, l, requestlog.Filter{Limit: 1000}); len(got) > most {
		t.Errorf("%d records after a restart", len(got))
	}
}

func TestOldRecordsVanish(t *testing.T) {
	l := open(t, t.TempDir(), requestlog.Options{MaxAge: time.Second})
	l.Add(record(1))
	for end := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		page, err := l.List(requestlog.Filter{})
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Requests) == 0 {
			return
		}
		if time.Now().After(end) {
			t.Fatal("a record of one second's life is there after a minute")
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	l := open(b, b.TempDir(), requestlog.Options{Queue: 1 << 16})
	i := 0
	for b.Loop() {
		l.Add(record(i))
		i++
	}
	b.ReportMetric(float64(l.Dropped())/float64(b.N), "dropped/op")
}
