package index_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"flotilla/routing/index"

	"pgregory.net/rapid"
)

// Whatever edits lie between two generations, the one comes out of the other bit for bit.
func TestADeltaGivesTheGenerationAgain(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		row := func(vector []float32) index.Row {
			r := index.Row{Vector: vector, Source: fmt.Sprint("s", rng.IntN(4))}
			for m := range 4 {
				if m == 0 || rng.IntN(2) == 0 {
					r.Outcomes = append(r.Outcomes, index.Outcome{Model: fmt.Sprint("m", (m+rng.IntN(9))*4+m), Score: rng.Float64(), OutputTokens: rng.Uint32N(999)})
				}
			}
			return r
		}
		b := builder(rt)
		add := func() {
			vector := unit(rng, dim)
			for range 1 + rng.IntN(2) { // some prompts have rows of several sources
				if err := b.Add(row(vector)); err != nil {
					rt.Fatal(err)
				}
			}
		}
		for range rapid.IntRange(1, 30).Draw(rt, "rows") {
			add()
		}
		base := build(rt, b)
		x := base
		for range rapid.IntRange(0, 4).Draw(rt, "edits") {
			b = x.Edit()
			if rng.IntN(2) == 0 {
				gone := fmt.Sprint("m", rng.IntN(40))
				b.Remove(func(row int, source, model string) bool { return rng.IntN(5) == 0 || model == gone || source == "s3" })
			}
			for range 1 + rng.IntN(4) {
				add()
			}
			x = build(rt, b)
		}
		for _, c := range [][2]*index.Index{{base, x}, {x, base}} {
			delta, err := c[1].Delta(c[0].Encode())
			if err != nil {
				rt.Fatal(err)
			}
			again, err := index.Patch(c[0].Encode(), delta)
			if err != nil || again.ID() != c[1].ID() || string(again.Encode()) != string(c[1].Encode()) {
				rt.Fatalf("patched: %v", err)
			}
			cut := rng.IntN(len(delta))
			delta[cut] ^= 1 << rng.IntN(8)
			for name, spoilt := range map[string][]byte{"a bit": delta, "cut": delta[:cut], "nothing": nil} {
				if y, err := index.Patch(c[0].Encode(), spoilt); !errors.Is(err, index.ErrCorrupt) && !errors.Is(err, index.ErrVersion) {
					rt.Fatalf("%s at %d of %d: %v, %v", name, cut, len(delta), y, err)
				}
			}
		}
	})
}

// A row that is put in the place of another and differs from it in one thing alone is told anew.
func TestADeltaTellsWhatARowSaysNow(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	vectors := [][]float32{unit(rng, dim), unit(rng, dim), unit(rng, dim)}
	with := func(change func(*index.Row)) *index.Index {
		b := builder(t)
		for i, v := range vectors {
			r := index.Row{Vector: v, Source: "s", Outcomes: []index.Outcome{{Model: "a", Score: 0.5, OutputTokens: 40}, {Model: "b", Score: 1, OutputTokens: 40}}}
			if i == 1 {
				change(&r)
			}
			if err := b.Add(r); err != nil {
				t.Fatal(err)
			}
		}
		return build(t, b)
	}
	base := with(func(*index.Row) {})
	for name, change := range map[string]func(*index.Row){
		"vector": func(r *index.Row) { r.Vector = unit(rng, dim) }, "source": func(r *index.Row) { r.Source = "r" },
		"score": func(r *index.Row) { r.Outcomes[1].Score = 0 }, "length": func(r *index.Row) { r.Outcomes[1].OutputTokens = 900 },
		"model": func(r *index.Row) { r.Outcomes[1].Model = "c" }, "models": func(r *index.Row) { r.Outcomes = r.Outcomes[:1] },
	} {
		x := with(change)
		delta, err := x.Delta(base.Encode())
		if err != nil {
			t.Fatal(err)
		}
		if again, err := index.Patch(base.Encode(), delta); err != nil || again.ID() != x.ID() {
			t.Errorf("another %s: %v", name, err)
		}
	}
}

// An edit's delta holds what is new, not the index: rows that move up or are renumbered cost nothing.
func TestADeltaIsAsLargeAsTheEdit(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	b := builder(t)
	add := func(model string, n int) {
		for range n {
			if err := b.Add(index.Row{Vector: unit(rng, dim), Source: model, Outcomes: []index.Outcome{{Model: model, Score: rng.Float64()}}}); err != nil {
				t.Fatal(err)
			}
		}
	}
	add("m2", 1000)
	base := build(t, b)
	b = base.Edit()
	b.Remove(func(row int, _, _ string) bool { return row%200 == 0 })
	add("m1", 10) // which makes m2 another number
	x := build(t, b)
	delta, err := x.Delta(base.Encode())
	if err != nil || len(delta) > 10*(dim+8)+300 {
		t.Errorf("%d bytes for ten rows of %d values, %v", len(delta), dim, err)
	}
	if _, err := index.Patch(x.Encode(), delta); !errors.Is(err, index.ErrCorrupt) {
		t.Errorf("patched another base: %v", err)
	}
}
