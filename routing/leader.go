package routing

import (
	"cmp"
	"math"
	"slices"
	"strings"
)

// dearerErrors is how many standard errors of the difference a model that costs more than the leader must be better by. Of a
// dozen as able dearer models one is better by 1.5 on every second prompt by chance, by 2 on every fourth.
const dearerErrors = 2

// weigh sets the utility of every choice at this worth of a unit of quality (base units):
//
//	utility = quality − cost/worth − doubt
//
// The leader is the best single model: the most able in general, if it is worth its price at the dial's capable end, or one
// within a point of it that costs less. The largest of several noisy estimates is too high, so left to themselves neighbours
// would often put another in its place and be wrong. Another model has to be better by the leader's own standard error, less what the leader costs: where money
// counts, what is saved speaks for itself. One that costs more than the leader has to be better beyond reasonable doubt.
//
//	doubt = max(0, se₀ − cost₀/worth) + lack    for a model no dearer than the leader, whose values have index 0
//	        2·√(se² + se₀²)                     for a dearer one
//
// Where both rest on n₀ labelled prompts, se₀ is 1/√2 of the standard error of their difference. Where the other rests on
// fewer, as much of it is asked for; lack is what that is more. It does not melt: the noisier an estimate, the likelier
// it is the largest, at every dial.
//
//	lack = √((se₀² + se₀²·n₀/n)/2) − se₀, if n < n₀
//
// Turning the dial up (a smaller worth) takes nothing from cheaper choices that it leaves to dearer ones, so it never buys
// a dearer answer. An offer can change the rank of others only as the leader, and only where the dial is low enough for
// cost₀/worth < se₀. Far from every labelled prompt nothing is estimated and nothing doubted, but what is dearer than the leader is
// hardly more able: by a point at most, which is not worth its price at any dial.
// docs/decisions/0011-the-leader.md and 0021-nothing-dearer-by-chance.md have the figures.
func weigh(choices []Choice, worth float64) {
	first := choices[leader(choices)]
	margin := max(0, first.QualitySE-float64(first.ExpectedCost/worth))
	for i := range choices {
		c := &choices[i]
		switch {
		case c.Model == first.Model:
			c.Doubt = 0
		case first.Evidence == 0 && c.ExpectedCost > first.ExpectedCost:
			c.Doubt = qualityStep
		case first.Evidence == 0:
			c.Doubt = 0
		case c.ExpectedCost > first.ExpectedCost:
			c.Doubt = dearerErrors * math.Sqrt(float64(c.QualitySE*c.QualitySE)+float64(first.QualitySE*first.QualitySE))
		default:
			c.Doubt = margin + c.lack(&first)
		}
		c.Utility = utility(c.Quality, c.ExpectedCost, worth) - c.Doubt
	}
}

// lack is what a choice is doubted more than one with as many labelled prompts behind it as the leader.
func (c *Choice) lack(leader *Choice) float64 {
	more := (leader.Evidence + shrink) / (c.Evidence + shrink)
	return float64(leader.QualitySE * max(0, math.Sqrt((1+more)/2)-1))
}

// leader is the position of the leader: of all within a point of the best the cheapest, then the first by operator and
// model.
func leader(choices []Choice) int {
	best := choices[mostAble(choices)].merit()
	at := -1
	for i := range choices {
		if choices[i].merit() >= best-qualityStep && (at < 0 || before(&choices[i], &choices[at])) {
			at = i
		}
	}
	return at
}

// mostAble is the position of the first with the most merit. Who leads depends on it.
func mostAble(choices []Choice) int {
	at := 0
	for i := range choices {
		if choices[i].merit() > choices[at].merit() {
			at = i
		}
	}
	return at
}

// merit is a choice's utility if nothing were known of the prompt, at the dial's capable end.
func (c *Choice) merit() float64 { return c.Ability - float64(c.ExpectedCost/worth[MinDial]) }

func before(a, b *Choice) bool {
	return cmp.Or(cmp.Compare(a.ExpectedCost, b.ExpectedCost), strings.Compare(a.Operator, b.Operator), strings.Compare(string(a.Model), string(b.Model))) < 0
}

// BestAt is what Route would pick of these if the dial had a position of this worth, in base units: for curves between
// and beyond the dial's positions.
func BestAt(considered []Choice, worth float64) Choice {
	choices := slices.Clone(considered)
	weigh(choices, worth)
	best := &choices[0]
	for i := range choices {
		if better(&choices[i], best) < 0 {
			best = &choices[i]
		}
	}
	return *best
}
