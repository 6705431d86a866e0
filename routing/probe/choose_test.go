package probe_test

import (
	"slices"
	"strings"
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/probe"
)

// corners is an index with rows near three axes, most of them near the first; the models differ only near the third.
func corners(t *testing.T) *index.Index {
	t.Helper()
	b, err := index.NewBuilder("test", 4)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 60 {
		axis := min(i/20, 2)
		if i%2 == 0 {
			axis = 0
		}
		split := 1.0
		if axis == 2 {
			split = 0
		}
		if err := b.Add(index.Row{Vector: near(axis, float32(i%7)/70), Source: "test", Outcomes: []index.Outcome{
			{Model: "qwen2.5-7b-instruct", Score: 1}, {Model: "gemma-2-9b-it", Score: split}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func near(axis int, off float32) []float32 {
	v := make([]float32, 4)
	v[axis], v[3] = 1-off*off/2, off
	return v
}

func TestChooseCoversEachRegionFirst(t *testing.T) {
	x := corners(t)
	var candidates [][]float32
	for i := range 30 { // 10 near each axis, the fourth of each nearest
		candidates = append(candidates, near(i/10, 0.05*float32(i%10-3)+0.04))
	}
	for _, rule := range []probe.Rule{probe.Coverage, probe.Disagreement} {
		got, err := probe.Choose(x, candidates, 9, rule)
		if err != nil {
			t.Fatal(err)
		}
		axes := map[int]bool{}
		for _, c := range got {
			axes[c/10] = true
		}
		if len(axes) != 3 {
			t.Errorf("%s chose %v: want one candidate near each of the three axes", rule, got)
		}
		if again, _ := probe.Choose(x, candidates, 9, rule); !slices.Equal(got, again) {
			t.Errorf("%s chose %v, then %v", rule, got, again)
		}
	}
	heaviest := map[probe.Rule]int{probe.Coverage: 0, probe.Disagreement: 2}
	for rule, axis := range heaviest {
		if got, _ := probe.Choose(x, candidates, 9, rule); got[0]/10 != axis {
			t.Errorf("%s put candidate %d first, want one near axis %d", rule, got[0], axis)
		}
	}
}

func TestChooseTakesEachCandidateOnce(t *testing.T) {
	x := corners(t)
	candidates := [][]float32{near(0, 0), near(0, 0), near(1, 0), near(0, 0.1), near(0, 0.2)}
	for _, rule := range probe.Rules() {
		got, err := probe.Choose(x, candidates, 9, rule)
		slices.Sort(got)
		if err != nil || !slices.Equal(got, []int{0, 1, 2, 3, 4}) {
			t.Errorf("%s chose %v of 5, %v; want all", rule, got, err)
		}
	}
	if _, err := probe.Choose(x, candidates, 2, "best"); err == nil || !strings.Contains(err.Error(), "best") {
		t.Errorf("an unknown rule: %v", err)
	}
	if _, err := probe.Choose(x, [][]float32{{1}}, 1, probe.Coverage); err == nil || !strings.Contains(err.Error(), "1 values") {
		t.Errorf("a candidate of another dimension: %v", err)
	}
}
