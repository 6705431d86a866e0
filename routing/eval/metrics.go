package eval

import (
	"cmp"
	"math"
	"slices"
)

// point is a router at one position of its knob: mean score and mean cost (USD) per prompt.
type point struct{ accuracy, costUSD float64 }

// references are what a router is measured against, on the same prompts.
type references struct{ best, cheapest, oracle point }

// pareto keeps the points that no other beats on both axes, by rising cost and accuracy.
func pareto(points []point) []point {
	sorted := slices.Clone(points)
	slices.SortFunc(sorted, func(a, b point) int {
		return cmp.Or(cmp.Compare(a.costUSD, b.costUSD), cmp.Compare(b.accuracy, a.accuracy))
	})
	var out []point
	for _, p := range sorted {
		if len(out) == 0 || p.accuracy > out[len(out)-1].accuracy {
			out = append(out, p)
		}
	}
	return out
}

// ratio is a/b, and 1 of nothing: where the best single model is right on no prompt all quality is kept, and where it costs
// nothing there is nothing to save.
func ratio(a, b float64) float64 {
	if b == 0 {
		return 1
	}
	return a / b
}

// saveAt is the share of the best single model's cost that the cheapest point saves which keeps this share of its
// accuracy. 0 where no point does for less: the best single model itself is always to be had.
func saveAt(frontier []point, keep float64, best point) float64 {
	for _, p := range frontier { // by rising cost
		if p.accuracy >= keep*best.accuracy-1e-12 {
			return max(0, 1-ratio(p.costUSD, best.costUSD))
		}
	}
	return 0
}

func maxAccuracy(frontier []point) float64 { return frontier[len(frontier)-1].accuracy }

// aiq is the mean, over budgets from the cheapest model's mean cost to the best single model's, of the best accuracy
// reachable within the budget:
//
//	AIQ = 1/(c₁−c₀) · ∫_{c₀}^{c₁} max{accuracy(p) : cost(p) ≤ c} dc
//
// The frontier is a staircase (no mixing of settings is assumed). Where a router has no point that cheap, the cheapest
// model counts. This is the form of routing.md section 5.3 in the project's notes; RouterBench's AIQ uses the convex
// hull up to the dearest cost seen.
func aiq(frontier []point, r references) float64 {
	low, high := r.cheapest.costUSD, r.best.costUSD
	at, accuracy, area := low, r.cheapest.accuracy, 0.0
	for _, p := range frontier {
		if p.costUSD > high {
			break
		}
		if p.costUSD > at {
			area += accuracy * (p.costUSD - at)
			at = p.costUSD
		}
		accuracy = max(accuracy, p.accuracy)
	}
	if high <= low { // nothing to save: only what the best single model's money buys counts
		return accuracy
	}
	return (area + accuracy*(high-at)) / (high - low)
}

// gapClosed is the share of the way from the best single model to the oracle.
func gapClosed(accuracy float64, r references) float64 {
	if r.oracle.accuracy <= r.best.accuracy {
		return 0
	}
	return (accuracy - r.best.accuracy) / (r.oracle.accuracy - r.best.accuracy)
}

// paretoDistance is the mean distance of a router's frontier to the frontier of all routers together, in shares of the
// best single model's accuracy and cost (LLMRouterBench's ParetoDist).
func paretoDistance(frontier, joint []point, best point) float64 {
	sum := 0.0
	for _, p := range frontier {
		d := math.Inf(1)
		for _, q := range joint {
			d = min(d, math.Hypot(ratio(p.accuracy, best.accuracy)-ratio(q.accuracy, best.accuracy), ratio(p.costUSD, best.costUSD)-ratio(q.costUSD, best.costUSD)))
		}
		sum += d
	}
	return sum / float64(len(frontier))
}

// highest is the best score of a row; NaN cells do not count.
func highest(score []float64) float64 {
	top := math.Inf(-1)
	for _, s := range score {
		if s > top {
			top = s
		}
	}
	return top
}

// dearestOf marks the models of highest mean cost: several where they cost the same.
func dearestOf(costUSD []float64) []bool {
	top, out := highest(costUSD), make([]bool, len(costUSD))
	for m, c := range costUSD {
		out[m] = c == top
	}
	return out
}

// collapsed is 1 for a choice that the Routing Collapse Index counts, else 0: one that is none of the best models, or
// one of the dearest where a cheaper was as good. The index is its mean; definition by the authors' code (LAMDA's ORBIT).
func collapsed(score []float64, top float64, pick int, dearest []bool) float64 {
	if score[pick] < top {
		return 1
	}
	if !dearest[pick] {
		return 0
	}
	for m, s := range score {
		if s == top && !dearest[m] {
			return 1
		}
	}
	return 0
}

// calibrationBins is the usual number of bins of the expected calibration error.
const calibrationBins = 10

// calibrationError is ECE = Σ_bins n_b/n · |mean predicted quality − mean score|, over bins of equal width. weights are
// by row.
func calibrationError(v []prediction, weights []float64) float64 {
	var quality, score [calibrationBins]float64
	n := 0.0
	for _, p := range v {
		b := min(max(int(p.quality*calibrationBins), 0), calibrationBins-1)
		w := weights[p.at]
		n += w
		quality[b] += w * p.quality
		score[b] += w * p.score
	}
	sum := 0.0
	for b := range quality {
		sum += math.Abs(quality[b] - score[b])
	}
	return sum / n
}

// call is a router between two models at one setting: how often it called the strong one, and the accuracy.
type call struct{ strongShare, accuracy float64 }

// pgr is the performance gap recovered, (accuracy − weak)/(strong − weak), by rising share of strong calls, with the
// two models alone at the ends. Where they are equally good there is no gap, and the ends are all.
func pgr(calls []call, weak, strong float64) []call {
	out := []call{{0, 0}}
	sorted := slices.SortedFunc(slices.Values(calls), func(a, b call) int { return cmp.Compare(a.strongShare, b.strongShare) })
	for _, c := range sorted {
		if strong != weak && c.strongShare > out[len(out)-1].strongShare && c.strongShare < 1 {
			out = append(out, call{c.strongShare, (c.accuracy - weak) / (strong - weak)})
		}
	}
	return append(out, call{1, 1})
}

// apgr is the average performance gap recovered: the area under pgr over the share of strong calls, by trapezoid
// (RouteLLM; random calls give 0.5).
func apgr(curve []call) float64 {
	area := 0.0
	for i := 1; i < len(curve); i++ {
		area += (curve[i].strongShare - curve[i-1].strongShare) * (curve[i].accuracy + curve[i-1].accuracy) / 2
	}
	return area
}

// cpt is the call-performance threshold: the least share of strong calls at which pgr reaches the level, interpolated.
func cpt(curve []call, level float64) float64 {
	for i := 1; i < len(curve); i++ {
		a, b := curve[i-1], curve[i]
		if b.accuracy >= level {
			return a.strongShare + (b.strongShare-a.strongShare)*max(0, level-a.accuracy)/max(b.accuracy-a.accuracy, 1e-12)
		}
	}
	return 1
}
