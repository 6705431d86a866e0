package probe_test

import (
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/probe"
)

// The probes in the binary's index are answers as good as others': who serves something else under a name that they are of is found out.
func TestServedKnowsTheBuiltInProbes(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		as, serves string
		found      bool
	}{{"smollm2-135m-instruct", "smollm2-135m-instruct", false}, {"gemma-3-270m", "gemma-3-270m", false}, {"gemma-3-270m", "smollm2-135m-instruct", true}, {"smollm2-135m-instruct", "gemma-3-270m", true}} {
		b, err := index.NewBuilder(x.EmbedderID(), x.Dim())
		if err != nil {
			t.Fatal(err)
		}
		serves, ok := x.Model(c.serves)
		if !ok {
			t.Fatalf("%s is not in the index", c.serves)
		}
		source := probe.SourcePrefix + c.as + "@0x01"
		for i := range x.Len() {
			if cell, ok := x.Cell(i, serves); ok && x.Source(i) == "probe" {
				if err := b.Add(index.Row{Vector: x.Vector(i), Source: source, Outcomes: []index.Outcome{{Model: c.as, Score: float64(cell.Score) / index.ScoreSteps}}}); err != nil {
					t.Fatal(err)
				}
			}
		}
		rows, err := b.Build()
		if err != nil {
			t.Fatal(err)
		}
		all, each, err := probe.Served(x, rows, c.as, source)
		if err != nil {
			t.Fatal(err)
		}
		if found := all.Finding.Verdict == probe.Substituted; found != c.found || len(each) != 1 || each[0].Shared < 100 || each[0].Other != "probe" {
			t.Errorf("%s as %s: %+v, %+v", c.serves, c.as, all, each)
		}
	}
}
