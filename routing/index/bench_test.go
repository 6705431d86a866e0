package index_test

import (
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"

	"flotilla/routing/index"
)

// grown is an index of n rows made of the default one's: each with its outcomes, moved away from it as a prompt about
// the same thing would be.
func grown(tb testing.TB, n int) *index.Index {
	tb.Helper()
	x, err := index.Default()
	if err != nil {
		tb.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	b, err := index.NewBuilder(x.EmbedderID(), x.Dim())
	if err != nil {
		tb.Fatal(err)
	}
	for i := range n {
		from := i % x.Len()
		r := index.Row{Vector: near(rng, x.Vector(from), 0.5+0.4*rng.Float64()), Source: x.Source(from)}
		for _, c := range x.Cells(from) {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: x.Models()[c.Model], Score: float64(c.Score) / index.ScoreSteps, OutputTokens: 100})
		}
		if err := b.Add(r); err != nil {
			tb.Fatal(err)
		}
	}
	y, err := b.Build()
	if err != nil {
		tb.Fatal(err)
	}
	return y
}

// percentiles reports the median and the 99th percentile of f's time over the benchmark's runs.
func percentiles(b *testing.B, f func(i int)) {
	b.Helper()
	var took []time.Duration
	for i := 0; b.Loop(); i++ {
		start := time.Now()
		f(i)
		took = append(took, time.Since(start))
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs-p50")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "µs-p99")
}

// BenchmarkSearch finds the 200 nearest rows: by codes and then exactly, as the router does, and by comparing every row.
// It also says which share of the true 200 the search finds.
func BenchmarkSearch(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		x := grown(b, n)
		qs := queries(x, rand.New(rand.NewPCG(9, 9)), 32)
		dst := make([]index.Hit, 0, 200)
		search := func(q []float32) []index.Hit {
			s, err := x.Scan(q)
			if err != nil {
				b.Fatal(err)
			}
			defer s.Release()
			return s.Top(dst[:0], 200)
		}
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			percentiles(b, func(i int) { search(qs[i%len(qs)]) })
			lost := 0
			for _, q := range qs {
				s, err := x.Scan(q)
				if err != nil {
					b.Fatal(err)
				}
				lost += missed(search(q), exactTop(s, n, 200))
				s.Release()
			}
			b.ReportMetric(1-float64(lost)/float64(200*len(qs)), "recall")
		})
	}
}

// BenchmarkEdit adds 1,000 rows to an index, up to the new index's id: everything but the embedding and the disk. It
// also says what memory an index keeps.
func BenchmarkEdit(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		x := grown(b, n)
		rng := rand.New(rand.NewPCG(10, 10))
		var rows []index.Row
		for i := range 1000 {
			rows = append(rows, index.Row{Vector: unit(rng, x.Dim()), Source: "new", Outcomes: []index.Outcome{{Model: x.Models()[i%2], Score: 1}}})
		}
		b.Run(fmt.Sprintf("rows=%d", n), func(b *testing.B) {
			percentiles(b, func(int) {
				e := x.Edit()
				for _, r := range rows {
					if err := e.Add(r); err != nil {
						b.Fatal(err)
					}
				}
				if _, err := e.Build(); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(heldBy(b, x.Encode()))/(1<<20), "MB")
		})
	}
}

// heldBy is the memory that an index keeps once it is decoded.
func heldBy(b *testing.B, encoded []byte) int64 {
	b.Helper()
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	x, err := index.Decode(encoded)
	if err != nil {
		b.Fatal(err)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	runtime.KeepAlive(x)
	runtime.KeepAlive(encoded)
	return int64(after.HeapAlloc) - int64(before.HeapAlloc)
}

// BenchmarkDelta makes the delta of an edit that adds 1,000 rows, and an index of it again.
func BenchmarkDelta(b *testing.B) {
	for _, n := range []int{10_000, 100_000} {
		base := grown(b, n)
		e := base.Edit()
		rng := rand.New(rand.NewPCG(10, 10))
		for i := range 1000 {
			if err := e.Add(index.Row{Vector: unit(rng, base.Dim()), Source: "new", Outcomes: []index.Outcome{{Model: base.Models()[i%2], Score: 1}}}); err != nil {
				b.Fatal(err)
			}
		}
		x, err := e.Build()
		if err != nil {
			b.Fatal(err)
		}
		encoded := base.Encode()
		var delta []byte
		b.Run(fmt.Sprintf("make/rows=%d", n), func(b *testing.B) {
			percentiles(b, func(int) {
				if delta, err = x.Delta(encoded); err != nil {
					b.Fatal(err)
				}
			})
			b.ReportMetric(float64(len(delta))/(1<<20), "MB")
		})
		b.Run(fmt.Sprintf("patch/rows=%d", n), func(b *testing.B) {
			percentiles(b, func(int) {
				if _, err := index.Patch(encoded, delta); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}
