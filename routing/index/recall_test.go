package index_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"flotilla/routing/index"
)

// exactTop is what a search finds that compares every row: the measure for Top.
func exactTop(s *index.Scan, rows, k int) []index.Hit {
	all := make([]index.Hit, rows)
	for i := range all {
		all[i] = index.Hit{Row: i, Similarity: s.Similarity(i)}
	}
	slices.SortFunc(all, func(a, b index.Hit) int {
		if a.Similarity != b.Similarity {
			return int(b.Similarity) - int(a.Similarity)
		}
		return a.Row - b.Row
	})
	return all[:min(k, rows)]
}

// missed counts the hits of want that got lacks.
func missed(got, want []index.Hit) int {
	n := 0
	for _, h := range want {
		if !slices.Contains(got, h) {
			n++
		}
	}
	return n
}

// near returns a vector at about the given cosine from v.
func near(rng *rand.Rand, v []float32, cosine float64) []float32 {
	noise := unit(rng, len(v))
	out := make([]float32, len(v))
	sum := 0.0
	for i := range out {
		out[i] = float32(cosine)*v[i] + float32(math.Sqrt(1-cosine*cosine))*noise[i]
		sum += float64(out[i]) * float64(out[i])
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(sum))
	}
	return out
}

// queries are n prompts for x: some of its own rows, moved as far as prompts about the same thing lie apart.
func queries(x *index.Index, rng *rand.Rand, n int) [][]float32 {
	var out [][]float32
	for i := range n {
		out = append(out, near(rng, x.Vector(i*x.Len()/n), 0.4+0.5*rng.Float64()))
	}
	return out
}

// On the default index the codes must lose nothing: not one of the nearest 200, for any of these prompts.
func TestDefaultIndexIsSearchedWithoutLoss(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(11, 1))
	for i, q := range queries(x, rng, 60) {
		s, err := x.Scan(q)
		if err != nil {
			t.Fatal(err)
		}
		if n := missed(s.Top(nil, 200), exactTop(s, x.Len(), 200)); n > 0 {
			t.Errorf("query %d: %d of the nearest 200 are missed", i, n)
		}
		s.Release()
	}
}
