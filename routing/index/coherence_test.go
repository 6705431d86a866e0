package index_test

import (
	"errors"
	"math/rand/v2"
	"testing"

	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
)

// table is the outcomes of one source of the default index: real scores of real models.
func table(t *testing.T, source string) [][]index.Outcome {
	t.Helper()
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]index.Outcome
	for i := range x.Len() {
		if x.Source(i) != source {
			continue
		}
		var row []index.Outcome
		for _, c := range x.Cells(i) {
			row = append(row, index.Outcome{Model: x.Models()[c.Model], Score: float64(c.Score) / index.ScoreSteps})
		}
		out = append(out, row)
	}
	return out
}

// reordered gives the named models' scores to other prompts, all in the same wrong order.
func reordered(rows [][]index.Outcome, models ...string) [][]index.Outcome {
	perm := rand.New(rand.NewPCG(3, 3)).Perm(len(rows))
	moved := map[string]bool{}
	for _, m := range models {
		moved[m] = true
	}
	out := make([][]index.Outcome, len(rows))
	for i, row := range rows {
		for _, o := range row {
			at := i
			if moved[o.Model] {
				at = perm[i]
			}
			out[at] = append(out[at], o)
		}
	}
	return out
}

func TestColumnsInAnotherRowOrderAreNamed(t *testing.T) {
	for _, source := range []string{"ulab14", "zeroeval"} {
		rows := table(t, source)
		if err := index.CheckCoherence(rows); err != nil {
			t.Errorf("%s as published: %v", source, err)
		}
		for _, wrong := range [][]string{{"gemma-2-9b-it"}, {"llama-3.1-8b-instruct", "qwen2.5-7b-instruct"}} {
			err := index.CheckCoherence(reordered(rows, wrong...))
			var bad *index.IncoherentError
			if !errors.As(err, &bad) {
				t.Errorf("%s with %v in another order: %v", source, wrong, err)
				continue
			}
			if diff := cmp.Diff(wrong, bad.Columns); diff != "" {
				t.Errorf("%s: %s", source, diff)
			}
		}
	}
}

func TestDefaultIndexIsCoherentAndADamagedOneIsNot(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	if err := x.CheckCoherence(); err != nil {
		t.Error(err)
	}
	b, _ := index.NewBuilder("e", dim)
	rng := rand.New(rand.NewPCG(4, 4))
	for _, row := range reordered(table(t, "ulab14"), "qwen2.5-7b-instruct") {
		if err := b.Add(index.Row{Vector: unit(rng, dim), Source: "s", Outcomes: row}); err != nil {
			t.Fatal(err)
		}
	}
	y, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if err := y.CheckCoherence(); !errors.As(err, new(*index.IncoherentError)) {
		t.Errorf("a column in another order: %v", err)
	}
}

func TestFewOrConstantScoresAreNotJudged(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 5))
	var few, constant [][]index.Outcome
	for i := range 400 {
		row := []index.Outcome{{Model: "a", Score: float64(rng.IntN(2))}, {Model: "b", Score: float64(rng.IntN(2))}}
		if i < 90 {
			few = append(few, row)
		}
		constant = append(constant, []index.Outcome{row[0], {Model: "b", Score: 0}})
	}
	for name, rows := range map[string][][]index.Outcome{"none": nil, "few": few, "constant": constant} {
		if err := index.CheckCoherence(rows); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
