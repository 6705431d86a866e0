package index_test

import (
	"math/rand/v2"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing/index"
)

// What the set finds is what an Index with the same rows finds, also after rows have come and gone.
func TestVectorsAgreeWithIndex(t *testing.T) {
	const dim = 48
	rng := rand.New(rand.NewPCG(1, 2))
	set, err := index.NewVectors(dim)
	if err != nil {
		t.Fatal(err)
	}
	b, err := index.NewBuilder("test", dim)
	if err != nil {
		t.Fatal(err)
	}
	var among []uint32
	for i := range 60 {
		v := unit(rng, dim)
		row, err := set.Add(v)
		if err != nil {
			t.Fatal(err)
		}
		if i%3 == 0 { // its row is taken by the next
			set.Remove(row)
			set.Remove(row) // does nothing
			continue
		}
		if int(row) != len(among) {
			t.Fatalf("row %d, want %d: free rows are used again", row, len(among))
		}
		among = append(among, row)
		if err := b.Add(index.Row{Vector: v, Source: "test", Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	for range 20 {
		q := unit(rng, dim)
		scan, err := x.Scan(q)
		if err != nil {
			t.Fatal(err)
		}
		want := scan.Top(nil, 5)
		scan.Release()
		got, err := set.Top(nil, q, among, 5)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Fatal(d)
		}
	}
	if _, err := set.Add(make([]float32, dim)); err == nil {
		t.Error("a vector without a direction was added")
	}
	if _, err := set.Top(nil, make([]float32, dim-1), nil, 1); err == nil {
		t.Error("a vector of another length was searched for")
	}
}
