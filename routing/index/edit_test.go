package index_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"flotilla/routing/index"

	"pgregory.net/rapid"
)

// An edit is the index that its rows would have given in the first place, but for the generation.
func TestAnEditGivesWhatItsRowsGive(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		type flat struct {
			row  index.Row
			drop bool
		}
		rng := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))
		models := []string{"gemma-2-9b-it", "llama-3.1-8b-instruct", "qwen2.5-72b-instruct"}
		gone := models[rng.IntN(3)]
		var rows []flat
		for i := range rapid.IntRange(2, 40).Draw(rt, "rows") {
			r := index.Row{Vector: unit(rng, dim), Source: fmt.Sprint("s", rng.IntN(3))}
			for _, m := range models[rng.IntN(3):] {
				r.Outcomes = append(r.Outcomes, index.Outcome{Model: m, Score: rng.Float64()})
			}
			rows = append(rows, flat{r, i > 0 && rng.IntN(3) == 0})
		}
		whole, direct := builder(rt), builder(rt)
		for i, r := range rows {
			if err := whole.Add(r.row); err != nil {
				rt.Fatal(err)
			}
			var kept []index.Outcome
			for _, o := range r.row.Outcomes {
				if !r.drop && (o.Model != gone || i == 0) {
					kept = append(kept, o)
				}
			}
			if r.row.Outcomes = kept; len(kept) > 0 {
				if err := direct.Add(r.row); err != nil {
					rt.Fatal(err)
				}
			}
		}
		x := build(rt, whole)
		before := x.ID()
		e := x.Edit()
		e.Remove(func(row int, _, model string) bool { return rows[row].drop || model == gone && row != 0 })
		edited, want := build(rt, e), build(rt, build(rt, direct).Edit())
		if edited.ID() != want.ID() {
			rt.Fatalf("edited: %+v\nwanted: %+v", edited.Summary(), want.Summary())
		}
		if x.ID() != before || x.Len() != len(rows) {
			rt.Fatal("the edited index has changed")
		}
	})
}

func builder(t rapid.TB) *index.Builder {
	b, err := index.NewBuilder("e", dim)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func build(t rapid.TB, b *index.Builder) *index.Index {
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestRemoveCountsAndAnEmptyIndexIsNotBuilt(t *testing.T) {
	x := sick(t)
	e := x.Edit()
	if rows, outcomes := e.Remove(func(_ int, source, _ string) bool { return source == "flat" }); rows != 100 || outcomes != 200 {
		t.Errorf("removed %d rows, %d outcomes", rows, outcomes)
	}
	if rows, outcomes := e.Remove(func(_ int, _, model string) bool { return model == "qwen2.5-7b-instruct" }); rows != 0 || outcomes != 301 {
		t.Errorf("removed %d rows, %d outcomes", rows, outcomes)
	}
	y := build(t, e)
	if s := y.Summary(); len(s.Sources) != 2 || len(s.Models) != 1 || s.Generation != 2 {
		t.Errorf("%+v", s)
	}
	e = y.Edit()
	e.Remove(func(int, string, string) bool { return true })
	if _, err := e.Build(); err == nil {
		t.Error("an index without rows was built")
	}
}

func TestRemovalMeetsAllThatIsGiven(t *testing.T) {
	x := sick(t)
	for name, c := range map[string]struct {
		removal index.Removal
		want    index.Removed
		fails   bool
	}{
		"source":           {index.Removal{Source: "flat"}, index.Removed{Rows: 100, Outcomes: 200}, false},
		"model":            {index.Removal{Model: "qwen2.5-7b-instruct"}, index.Removed{Rows: 0, Outcomes: 401}, false},
		"source and model": {index.Removal{Source: "twins", Model: "gemma-2-9b-it"}, index.Removed{Rows: 1, Outcomes: 2}, false},
		"rows":             {index.Removal{Rows: []int{0, 401}, IndexID: x.ID()[:12]}, index.Removed{Rows: 2, Outcomes: 3}, false},
		"nothing named":    {index.Removal{}, index.Removed{}, true},
		"unknown source":   {index.Removal{Source: "flt"}, index.Removed{}, true},
		"rows of nowhere":  {index.Removal{Rows: []int{0}}, index.Removed{}, true},
		"rows of another":  {index.Removal{Rows: []int{0}, IndexID: "0123456789ab"}, index.Removed{}, true},
		"no such row":      {index.Removal{Rows: []int{402}, IndexID: x.ID()}, index.Removed{}, true},
	} {
		e := x.Edit()
		got, err := c.removal.Apply(e)
		if got != c.want || (err != nil) != c.fails {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if c.fails && e.Len() != x.Len() {
			t.Errorf("%s: refused, but %d rows are left of %d", name, e.Len(), x.Len())
		}
		e = x.Edit()
		if err := c.removal.Keep(e); (err != nil) != c.fails {
			t.Errorf("keep %s: %v", name, err)
		}
	}
	e := x.Edit()
	if err := (index.Removal{Source: "twins", Model: "qwen2.5-7b-instruct"}).Keep(e); err != nil {
		t.Fatal(err)
	}
	if s := build(t, e).Summary(); s.Rows != 1 || s.Outcomes != 1 {
		t.Errorf("kept %+v", s)
	}
}

// Each API key whose verdicts are accepted is a source of its own.
func TestAnIndexTakesThousandsOfSources(t *testing.T) {
	const sources = 3000
	b, rng := builder(t), rand.New(rand.NewPCG(1, 1))
	for i := range sources {
		if err := b.Add(index.Row{Vector: unit(rng, dim), Source: fmt.Sprint("feedback:key_", i), Outcomes: []index.Outcome{{Model: "gemma-2-9b-it", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := index.Decode(build(t, b).Encode())
	if err != nil {
		t.Fatal(err)
	}
	if n := len(x.Summary().Sources); n != sources {
		t.Errorf("%d sources", n)
	}
}

// A stranger's file does not say how often an index was edited: at the last generation there would be none after it.
func TestImportedRowsBringNoGeneration(t *testing.T) {
	x, _ := randomIndex(t, 1, 3, dim)
	raw := x.Encode()
	binary.LittleEndian.PutUint64(raw[8:], math.MaxUint64)
	sum := sha256.Sum256(raw[:len(raw)-sha256.Size])
	last, err := index.Decode(append(raw[:len(raw)-sha256.Size], sum[:]...))
	if err != nil || last.Generation() != math.MaxUint64 {
		t.Fatalf("generation %d: %v", last.Generation(), err)
	}
	b := x.Edit()
	if err := b.Import(last); err != nil {
		t.Fatal(err)
	}
	if y := build(t, b); y.Generation() != x.Generation()+1 {
		t.Errorf("generation %d after %d", y.Generation(), x.Generation())
	}
}
