package routing

import "math"

// The dial's ends and default.
const (
	MinDial     = 0
	MaxDial     = 10
	DefaultDial = 7
)

// qualityStep is the resolution of predicted quality in a decision: one point of a hundred. Standard errors are 3 to
// 10 points, so anything finer is noise, and equal steps fall to the cheaper.
const qualityStep = 0.01

// worth is W(dial): token base units (1e-6 USD) the user would pay, per answer, for one whole unit of quality (a right
// answer instead of a wrong one). It is absolute, so it means the same in every fleet, and geometric: each step is 2.5×.
//
// Calibration, once, on the shared part of ulab14 (3,919 prompts, 9 open models at $0.1 to $0.9 per 1M tokens) with
// 5-fold cross-validation: at $0.01 per unit (dial 7) the router saved about a quarter of the best single model's cost
// at a quality above it; docs/routing.md has every dial's figures, and zeroeval's, with intervals. Below dial 5 little
// changes at such prices: those positions are for dearer models, or answers worth dollars.
var worth = [MaxDial + 1]float64{
	6_103_516, 2_441_406, 976_563, 390_625, 156_250, 62_500, 25_000, 10_000, 4_000, 1_600, 640,
}

// qualitySteps rounds quality to whole steps.
func qualitySteps(q float64) int { return int(math.Round(q / qualityStep)) }

// utility of a candidate, in units of quality. Each operation rounds once (the conversions forbid fused multiply-add),
// so that replays on other machines agree.
func utility(quality, cost float64, dial int) float64 {
	return float64(float64(qualitySteps(quality))*qualityStep) - float64(cost/worth[dial])
}
