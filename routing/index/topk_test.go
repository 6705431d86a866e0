package index

import (
	"cmp"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// Whatever the similarities, also all equal or as far apart as can be, top gives what sorting would.
func TestRankingIsSorting(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		widest := rapid.SampledFrom([]int32{0, 1, 2000, SimilarityOne}).Draw(rt, "widest")
		sims := rapid.SliceOfN(rapid.Int32Range(-widest, widest), 0, 400).Draw(rt, "similarities")
		k := rapid.IntRange(-1, 450).Draw(rt, "k")
		var want []Hit
		var r ranking
		for _, reuse := range []bool{false, true} {
			want = want[:0]
			r.start(len(sims))
			for i, sim := range sims {
				row := len(sims) - i
				if reuse {
					row = i
				}
				r.set(i, uint32(row), sim)
				want = append(want, Hit{Row: row, Similarity: sim})
			}
			slices.SortFunc(want, func(a, b Hit) int {
				return cmp.Or(cmp.Compare(b.Similarity, a.Similarity), cmp.Compare(a.Row, b.Row))
			})
			if got := r.top(nil, k); !slices.Equal(got, want[:max(min(k, len(want)), 0)]) {
				rt.Fatalf("top %d of %v: %v", k, sims, got)
			}
		}
	})
}
