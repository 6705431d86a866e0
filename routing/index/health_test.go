package index_test

import (
	"math/rand/v2"
	"testing"

	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
)

// sick is an index with a dense part where models differ, a part where they agree, and one row alone far away.
func sick(t *testing.T) *index.Index {
	t.Helper()
	rng := rand.New(rand.NewPCG(21, 1))
	b, err := index.NewBuilder("e", dim)
	if err != nil {
		t.Fatal(err)
	}
	add := func(v []float32, source string, scores ...float64) {
		r := index.Row{Vector: v, Source: source}
		for i, s := range scores {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: []string{"gemma-2-9b-it", "qwen2.5-7b-instruct"}[i], Score: s})
		}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	dense := unit(rng, dim)
	for i := range 300 {
		add(near(rng, dense, 0.95), "dense", float64(i%2), float64((i+1)%2))
	}
	flat := near(rng, dense, -0.9)
	for range 100 {
		add(near(rng, flat, 0.95), "flat", 1, 1)
	}
	v := unit(rng, dim)
	add(v, "twins", 0, 0)
	add(v, "twins", 0)
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestHealthTellsDiscriminatingThinAndDoubledRows(t *testing.T) {
	h := sick(t).Health()
	near := func(got, want float64) bool { return got > want-0.01 && got < want+0.01 }
	if !near(h.Discriminating, 300.0/401) || !near(h.AllGood, 100.0/401) || !near(h.AllBad, 1.0/401) || !near(h.Spread, 150.0/401) || h.Alone != 1 {
		t.Errorf("scores: %+v", h)
	}
	if want := []index.PartHealth{{Name: "dense", Rows: 300, Discriminating: 1, Spread: 0.5}, {Name: "flat", Rows: 100}, {Name: "twins", Rows: 2}}; !cmp.Equal(want, h.Sources) {
		t.Error(cmp.Diff(want, h.Sources))
	}
	if h.Looked != 402 || !near(h.Duplicates, 2.0/402) {
		t.Errorf("%d rows looked at, duplicates %v", h.Looked, h.Duplicates)
	}
	if len(h.Thin) == 0 || h.Thin[0].Source != "twins" {
		t.Errorf("thin rows: %+v", h.Thin)
	}
	rows, twins := 0, false
	for _, r := range h.Regions {
		rows += r.Rows
		twins = twins || r.Rows == 2 && r.Source == "twins" && r.Discriminating == 0
	}
	if rows != 402 || !twins {
		t.Errorf("regions hold %d rows: %+v", rows, h.Regions)
	}
	if h.Columns == "" || len(h.FewRows) != 0 { // opposite scores in "dense"
		t.Errorf("columns %q, few %v", h.Columns, h.FewRows)
	}
}

func TestSummaryCountsWhatTheIndexHolds(t *testing.T) {
	x := sick(t)
	s := x.Summary()
	want := index.Summary{
		ID: x.ID(), Generation: 1, Embedder: "e", Dim: dim, Rows: 402, Outcomes: 803, Outlier: float64(x.Outlier()) / index.SimilarityOne,
		Sources: []index.SourceSummary{{Name: "dense", Rows: 300}, {Name: "flat", Rows: 100}, {Name: "twins", Rows: 2}},
		Models: []index.ModelSummary{
			{ID: "gemma-2-9b-it", Rows: 402, Ability: x.Ability(0)}, {ID: "qwen2.5-7b-instruct", Rows: 401, Ability: x.Ability(1)},
		},
	}
	if diff := cmp.Diff(want, s); diff != "" {
		t.Error(diff)
	}
}

func TestHealthOfOnePromptAskedTwice(t *testing.T) {
	b := builder(t)
	v := unit(rand.New(rand.NewPCG(22, 1)), dim)
	for range 2 {
		if err := b.Add(index.Row{Vector: v, Source: "s", Outcomes: []index.Outcome{{Model: "m", Score: 1}}}); err != nil {
			t.Fatal(err)
		}
	}
	h := build(t, b).Health()
	if len(h.Regions) != 1 || h.Regions[0].Rows != 2 || h.Duplicates != 1 || h.Alone != 2 || len(h.FewRows) != 1 {
		t.Errorf("%+v", h)
	}
}
