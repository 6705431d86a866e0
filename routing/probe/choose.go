package probe

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/viterin/vek/vek32"

	"flotilla/routing/index"
)

// Rule says which prompts a new model is asked.
type Rule string

// The rules. The product uses [DefaultRule]; package study compares them.
const (
	Random       Rule = "random"       // a fixed draw
	Coverage     Rule = "coverage"     // the medoids of as many clusters of labelled prompts
	Disagreement Rule = "disagreement" // the same, clusters being finer where models' scores differ more
)

// DefaultRule is what `flotilla probe` uses.
const DefaultRule = Coverage

// Rules lists them.
func Rules() []Rule { return []Rule{Random, Coverage, Disagreement} }

const (
	// maxGround bounds the labelled prompts that are clustered: every n-th of a larger index.
	maxGround = 4000
	// clusterRounds of assigning and averaging: after them fewer than one prompt in a hundred still moves.
	clusterRounds = 8
	// leastWeight of a labelled prompt on which all models agree, where a half-half split weighs 0.25.
	leastWeight = 0.02
)

// Choose picks n of the candidates (unit vectors, x.Dim() values) by what x holds of other models, and returns their
// numbers, that of the heaviest cluster first; all of them where there are fewer. The same input gives the same choice.
//
// x's rows are clustered (spherical k-means, n clusters); each cluster takes the nearest candidate that is still free.
// A row weighs 1, or under Disagreement the variance between its models' scores.
func Choose(x *index.Index, candidates [][]float32, n int, rule Rule) ([]int, error) {
	n = min(n, len(candidates))
	for i, v := range candidates {
		if len(v) != x.Dim() {
			return nil, fmt.Errorf("choose probes: candidate %d has %d values, the index has %d", i, len(v), x.Dim())
		}
	}
	switch rule {
	case Random:
		return rand.New(rand.NewPCG(seed, uint64(len(candidates)))).Perm(len(candidates))[:n], nil
	case Coverage, Disagreement:
	default:
		return nil, fmt.Errorf("choose probes: no rule is called %q; there are %q", rule, Rules())
	}
	var points []weighted
	for r, stride := 0, (x.Len()+maxGround-1)/maxGround; r < x.Len(); r += stride {
		p := weighted{vector: x.Vector(r), weight: 1}
		if rule == Disagreement {
			p.weight = max(variance(x.Cells(r)), leastWeight)
		}
		points = append(points, p)
	}
	return medoids(cluster(points, n), candidates, n), nil
}

// variance between the models' scores on a row.
func variance(cells []index.Cell) float32 {
	sum, squares := 0.0, 0.0
	for _, c := range cells {
		s := float64(c.Score) / index.ScoreSteps
		sum += s
		squares += s * s
	}
	n := float64(len(cells))
	return float32(squares/n - sum/n*sum/n)
}

// weighted is a unit vector with its weight.
type weighted struct {
	vector []float32
	weight float32
}

// cluster returns at least one and at most n centres with the weight of what is nearest to them, heaviest first.
func cluster(points []weighted, n int) []weighted {
	centres := draw(points, n)
	dim := len(points[0].vector)
	for range clusterRounds {
		sums := make([]weighted, len(centres))
		for i := range sums {
			sums[i].vector = make([]float32, dim)
		}
		for _, p := range points {
			s := &sums[nearest(p.vector, len(centres), func(i int) []float32 { return centres[i].vector })]
			s.weight += p.weight
			for d, v := range p.vector {
				s.vector[d] += p.weight * v
			}
		}
		kept := centres[:0]
		for i, s := range sums {
			if !normalise(s.vector) { // opposites cancelled, or nothing is nearest to this centre
				s.vector = centres[i].vector
			}
			if s.weight > 0 {
				kept = append(kept, s)
			}
		}
		centres = kept
	}
	sortHeaviest(centres)
	return centres
}

// draw takes n different points, heavier ones more likely: those of the largest u^(1/weight) for uniform u (Efraimidis
// and Spirakis 2006). Dense regions so get more centres, and every probe stands for about as many rows; centres spread
// out by distance (k-means++) were tried and told less of a new model.
func draw(points []weighted, n int) []weighted {
	rng := rand.New(rand.NewPCG(seed, 3))
	keyed := make([]weighted, len(points))
	for i, p := range points {
		keyed[i] = weighted{p.vector, float32(math.Log(1-rng.Float64())) / p.weight}
	}
	sortHeaviest(keyed)
	return keyed[:min(n, len(keyed))]
}

// medoids gives each centre in turn the nearest candidate that is still free, again and again until n are chosen.
func medoids(centres []weighted, candidates [][]float32, n int) []int {
	free := make([]int, len(candidates))
	for i := range free {
		free[i] = i
	}
	var chosen []int
	for len(chosen) < n {
		c := centres[len(chosen)%len(centres)]
		at := nearest(c.vector, len(free), func(i int) []float32 { return candidates[free[i]] })
		chosen = append(chosen, free[at])
		free = append(free[:at], free[at+1:]...)
	}
	return chosen
}

// nearest is the number of the vector most similar to v, the first of equals.
func nearest(v []float32, n int, vector func(int) []float32) int {
	best, most := 0, float32(math.Inf(-1))
	for i := range n {
		if s := vek32.Dot(v, vector(i)); s > most {
			best, most = i, s
		}
	}
	return best
}

// normalise scales v to length 1; false for a zero vector.
func normalise(v []float32) bool {
	length := float32(math.Sqrt(float64(vek32.Dot(v, v))))
	if length == 0 {
		return false
	}
	for i := range v {
		v[i] /= length
	}
	return true
}

func sortHeaviest(w []weighted) {
	slices.SortStableFunc(w, func(a, b weighted) int { return cmp.Compare(b.weight, a.weight) })
}
