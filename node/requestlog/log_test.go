package requestlog_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"flotilla/node/requestlog"
	"flotilla/node/requestlog/logtest"
)

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

// Both kinds of log pass the same tests.
func TestLog(t *testing.T) {
	logtest.Run(t, func(t testing.TB) logtest.Place {
		dir := t.TempDir()
		return func() (*requestlog.Log, error) { return requestlog.Open(dir, requestlog.Options{}) }
	})
}

func TestOldestGoFirst(t *testing.T) {
	dir := t.TempDir()
	const most, n = 100, 1000
	l := open(t, dir, requestlog.Options{MaxRecords: most})
	for i := range n {
		l.Add(logtest.Record(i))
		if i%50 == 0 { // so that nothing is dropped, and batches are small
			if _, err := l.List(context.Background(), requestlog.Filter{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	check := func(l *requestlog.Log) {
		t.Helper()
		got := logtest.All(t, l, requestlog.Filter{Limit: 1000})
		if len(got) > most || len(got) < most*9/10 || got[0].At != logtest.Record(n-1).At {
			t.Errorf("%d records, newest %s", len(got), got[0].ID)
		}
		for _, old := range []string{logtest.Record(0).ID, logtest.Record(0).Receipt} {
			if _, err := l.Find(context.Background(), old); !errors.Is(err, requestlog.ErrNotFound) {
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
		l.Add(logtest.Record(n + i))
	}
	if got := logtest.All(t, l, requestlog.Filter{Limit: 1000}); len(got) > most {
		t.Errorf("%d records after a restart", len(got))
	}
}

func TestOldRecordsVanish(t *testing.T) {
	l := open(t, t.TempDir(), requestlog.Options{MaxAge: time.Hour})
	const n = 600 // more than go together
	for i := range n {
		r := logtest.Record(i)
		r.At = time.Now().Add(-2 * time.Hour)
		if i%3 == 0 {
			r.At = time.Now()
		}
		l.Add(r)
	}
	if all := logtest.All(t, l, requestlog.Filter{Limit: 1000}); len(all) != n {
		t.Fatalf("%d records before", len(all))
	}
	if err := l.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := logtest.All(t, l, requestlog.Filter{Limit: 1000}); len(left) != n/3 {
		t.Errorf("%d records left, want %d", len(left), n/3)
	}
	for i, want := range []error{nil, requestlog.ErrNotFound} {
		for _, id := range []string{logtest.Record(i).ID, logtest.Record(i).Receipt} {
			if _, err := l.Find(t.Context(), id); !errors.Is(err, want) {
				t.Errorf("record %d by %s: %v, want %v", i, id, err, want)
			}
		}
	}
}

func BenchmarkAdd(b *testing.B) {
	l := open(b, b.TempDir(), requestlog.Options{Queue: 1 << 16})
	i := 0
	for b.Loop() {
		l.Add(logtest.Record(i))
		i++
	}
	b.ReportMetric(float64(l.Dropped())/float64(b.N), "dropped/op")
}
