package attack

import (
	"math"
	"math/rand/v2"
	"slices"
)

// Parameters as Avengers-Pro publishes them: clusters, how many of them vote, and how much nearer ones count.
const (
	clusters      = 60
	voters        = 3
	clusterBeta   = 9
	clusterRounds = 15 // of k-means; centres move little after ten
)

// newAvengers is Avengers-Pro as published: k-means, and a model's quality is its mean score in the nearest clusters,
// weighted with softmax(-9·cosine distance). The cost term is left to the threshold, as with the other routers here.
func newAvengers(l *lab) *plain {
	var vectors [][]float32
	var scores [][]float64
	for i := range l.index.Len() {
		if o := outcomes(l.index, i); o != nil {
			vectors = append(vectors, l.index.Vector(i))
			scores = append(scores, o)
		}
	}
	centres, of := kmeans(vectors, clusters, l.rng(streamClusters))
	mean := make([][]float64, len(centres))
	for c := range mean {
		mean[c] = make([]float64, len(fleet))
		n := 0.0
		for i, own := range of {
			if own == c {
				n++
				for m, s := range scores[i] {
					mean[c][m] += s
				}
			}
		}
		for m := range mean[c] {
			mean[c][m] /= max(n, 1)
		}
	}
	return &plain{label: "Avengers-Pro", lab: l, qualities: func(v []float32) ([]float64, error) {
		order, sims := nearestCentres(centres, v)
		q, total := make([]float64, len(fleet)), 0.0
		for _, c := range order[:voters] {
			w := math.Exp(-clusterBeta * (1 - sims[c]))
			total += w
			for m := range q {
				q[m] += w * mean[c][m]
			}
		}
		for m := range q {
			q[m] /= total
		}
		return q, nil
	}}
}

func nearestCentres(centres [][]float32, v []float32) (order []int, sims []float64) {
	sims = make([]float64, len(centres))
	order = make([]int, len(centres))
	for c := range centres {
		sims[c], order[c] = dot(centres[c], v), c
	}
	slices.SortStableFunc(order, func(a, b int) int {
		if sims[a] > sims[b] {
			return -1
		} else if sims[a] < sims[b] {
			return 1
		}
		return 0
	})
	return order, sims
}

// kmeans is Lloyd's algorithm on the sphere, from random rows.
func kmeans(vectors [][]float32, k int, rng *rand.Rand) (centres [][]float32, of []int) {
	for _, i := range rng.Perm(len(vectors))[:k] {
		centres = append(centres, vectors[i])
	}
	of = make([]int, len(vectors))
	for range clusterRounds {
		sums := make([][]float32, k)
		for i, v := range vectors {
			best := 0
			bestSim := math.Inf(-1)
			for c := range centres {
				if s := dot(centres[c], v); s > bestSim {
					best, bestSim = c, s
				}
			}
			of[i] = best
			if sums[best] == nil {
				sums[best] = make([]float32, len(v))
			}
			for j, x := range v {
				sums[best][j] += x
			}
		}
		for c := range centres {
			if sums[c] != nil { // an empty cluster keeps its centre
				centres[c] = unit(sums[c])
			}
		}
	}
	return centres, of
}

func dot(a, b []float32) float64 {
	s := float32(0)
	for i := range a {
		s += a[i] * b[i]
	}
	return float64(s)
}
