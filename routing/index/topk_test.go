package index

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// drawCompared draws rows whose cosines lie no farther than spread from a middle: all equal, so close that rough similarities
// cannot tell them apart, or as far apart as can be.
func drawCompared(rt *rapid.T) compared {
	query := rapid.Float64Range(1, queryLength(400)).Draw(rt, "query's length")
	middle := rapid.Float64Range(-1, 1).Draw(rt, "middle")
	spread := rapid.SampledFrom([]float64{0, 1e-6, 1e-4, 1e-2, 2}).Draw(rt, "spread")
	c := compared{lengths: &lengths{}, length: query}
	for i := range rapid.IntRange(0, 400).Draw(rt, "rows") {
		c.rows = append(c.rows, uint32(i))
		c.lengths.add(rapid.Int32Range(rowPeak*rowPeak, 400*rowPeak*rowPeak).Draw(rt, "square"))
		cosine := min(max(middle+spread*rapid.Float64Range(-1, 1).Draw(rt, "off"), -1), 1)
		c.dots = append(c.dots, int32(cosine*c.lengths.exact[i]*query)) // towards zero: no product exceeds the lengths'
	}
	return c
}

// bySorting compares all rows exactly, as top did before it looked at most of them only roughly.
func (c compared) bySorting(k int) []Hit {
	out := []Hit{}
	for i, row := range c.rows {
		out = append(out, Hit{Row: int(row), Similarity: similarity(c.dots[i], c.lengths.exact[row], c.length)})
	}
	slices.SortFunc(out, func(a, b Hit) int {
		return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.Row, b.Row))
	})
	return out[:max(min(k, len(out)), 0)]
}

func TestRankingIsSorting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCompared(rt)
		k := rapid.IntRange(-1, 450).Draw(rt, "k")
		var r ranking
		for range 2 { // the second time with what the first has left behind, from the last row to the first
			if got, want := r.top([]Hit{}, k, c), c.bySorting(k); !slices.Equal(got, want) {
				rt.Fatalf("top %d of %v: %v, want %v", k, c, got, want)
			}
			slices.Reverse(c.rows)
			slices.Reverse(c.dots)
		}
	})
}

// What top rests on: no rough similarity is off by more than one step.
func TestRoughSimilaritiesAreOffByAStepAtMost(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		c := drawCompared(rt)
		var r ranking
		r.roughly(c)
		for i, row := range c.rows {
			exact := int((similarity(c.dots[i], c.lengths.exact[row], c.length)+SimilarityOne)>>stepBits + 1)
			if got := int(r.steps[i]); math.Abs(float64(got-exact)) > 1 {
				rt.Fatalf("row %d: step %d, exactly %d", row, got, exact)
			}
		}
	})
}
