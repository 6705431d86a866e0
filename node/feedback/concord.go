package feedback

import (
	"maps"
	"math"
	"slices"
)

// What entries must have in common to speak for one another.
const (
	nearEnough  = 0.8  // similarity of their prompts
	closeScores = 0.25 // difference of their scores
)

// concordant returns the receipts of e and of the pending entries that agree with it, when at least n API keys do, and
// nothing otherwise: same model, prompts alike, scores alike. One key counts once, however often it speaks, and only its newest
// verdict (of e's key, e) is taken: the others wait for the gateway's owner, or for another agreement. all is in order of time.
func concordant(e Entry, all []Entry, n int) []string {
	byKey := map[string]string{}
	for _, o := range all {
		if o.State == Pending && o.Model == e.Model && o.Embedder == e.Embedder &&
			math.Abs(o.Score-e.Score) <= closeScores && cosine(o.Query, e.Query) >= nearEnough {
			byKey[o.Key] = o.Receipt
		}
	}
	byKey[e.Key] = e.Receipt
	if len(byKey) < n {
		return nil
	}
	return slices.Sorted(maps.Values(byKey))
}

// cosine of two queries; 0 where they cannot be compared.
func cosine[T ~[]int16](a, b T) float64 {
	if len(a) != len(b) {
		return 0
	}
	var dot, aa, bb float64
	for i := range a {
		x, y := float64(a[i]), float64(b[i])
		dot += x * y
		aa += x * x
		bb += y * y
	}
	if aa == 0 || bb == 0 {
		return 0
	}
	return dot / math.Sqrt(aa*bb)
}
