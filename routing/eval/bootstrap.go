package eval

import (
	"math/rand/v2"
	"slices"

	"github.com/viterin/vek"
)

// Interval is a bootstrap 95 % interval over prompts (percentile method).
type Interval [2]float64

// draw is resample number r of some rows as weights: how often each row was drawn. The same numbers give the same draw, so
// all routers are resampled alike and differences are paired.
func draw(seed uint64, r int, weights []float64) {
	rng := rand.New(rand.NewPCG(seed, 0xb007<<32+uint64(r)))
	clear(weights)
	for range weights {
		weights[rng.IntN(len(weights))]++
	}
}

// weightedMean of v; the weights sum to len(v).
func weightedMean(v, weights []float64) float64 { return vek.Dot(v, weights) / float64(len(v)) }

// interval of resampled values; the slice is sorted in place.
func interval(v []float64) Interval {
	slices.Sort(v)
	last := len(v) - 1
	return Interval{v[last*25/1000], v[last*975/1000]}
}
