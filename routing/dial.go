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

// tenth is 2.5 to the power of −i/10: between two positions the worth falls by a tenth of a step each.
var tenth = [10]float64{
	1, 0.9124435365554808, 0.8325532074018731, 0.7596577929323739, 0.6931448431551464,
	0.6324555320336759, 0.5770799623628854, 0.526552881733695, 0.48044977359257246, 0.4383832905540869,
}

// Worth is W(dial) for a dial from MinDial to MaxDial in tenths: what one whole unit of quality may cost, in base units.
func Worth(dial float64) float64 {
	t := tenths(dial)
	return worth[t/10] * tenth[t%10]
}

// tenths is a dial in whole tenths.
func tenths(dial float64) int { return int(math.Round(dial * 10)) }

// onScale says whether a dial lies between its ends and has one decimal at most.
func onScale(dial float64) bool {
	return dial >= MinDial && dial <= MaxDial && math.Abs(dial*10-math.Round(dial*10)) < 1e-9
}

// qualitySteps rounds quality to whole steps.
func qualitySteps(q float64) int { return int(math.Round(q / qualityStep)) }

// utility of a candidate without doubt, in units of quality, at this worth of a whole unit (base units). Each operation
// rounds once (the conversions forbid fused multiply-add), so that replays on other machines agree.
func utility(quality, cost, worth float64) float64 {
	return float64(float64(qualitySteps(quality))*qualityStep) - float64(cost/worth)
}
