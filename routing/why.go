package routing

import (
	"fmt"
	"math"
)

// Reason is the rule that made the pick.
type Reason string

// The reasons.
const (
	ReasonPinned          Reason = "pinned"            // the request names the model
	ReasonOnlyModel       Reason = "only_model"        // one model was feasible
	ReasonBestAndCheapest Reason = "best_and_cheapest" // nothing was better, nothing cheaper
	ReasonWorthPrice      Reason = "worth_price"       // dearer than another, and better by enough
	ReasonNearTie         Reason = "near_tie_cheaper"  // as good as the best, and cheaper
	ReasonDial            Reason = "dial_cheaper"      // a little worse than the best, and cheaper by enough
	ReasonDefault         Reason = "default_model"     // far from everything labelled: the user's own default
	ReasonLeader          Reason = "best_single"       // another is predicted better, but not beyond doubt
	ReasonUnproven        Reason = "unproven"          // another is no dearer and predicted no worse, but by too few labelled prompts
	ReasonSession         Reason = "session_stays"     // leaving the conversation's model would cost more than it gains
	ReasonToolLoop        Reason = "tool_loop"         // the conversation's model waits for its tools
	ReasonBudget          Reason = "upgrade_budget"    // the key may not spend more on upgrades
)

// explain sets Reason and Why from the finished choices.
func (d *Decision) explain() {
	d.Reason, d.Why = d.reason()
	switch {
	case d.NoText:
		d.Why = "no text to compare, so models are rated by their general ability: " + d.Why
	case d.OutOfDistribution:
		d.Why = "no labelled prompt is near, so models are rated by their general ability: " + d.Why
	}
	if d.OutOfDistribution && d.Default != "" && d.position(pinnedID(d.Default), "") < 0 {
		d.Why += "; the default " + d.Default + " cannot be chosen"
	}
	if d.Pick.Unknown {
		d.Why += "; " + string(d.Pick.Model) + " is unknown and rated by a guess"
	}
	d.Why += d.Guard.explain()
}

func (d *Decision) reason() (Reason, string) {
	pick := d.Pick
	if d.Pinned {
		return ReasonPinned, fmt.Sprintf("%s is named in the request; %s offers it at the lowest price", pick.Model, pick.Operator)
	}
	if reason, why := d.goesOn(); reason != "" {
		return reason, why
	}
	if reason, why := d.overBudget(); reason != "" {
		return reason, why
	}
	best, cheapest, second := d.rivals()
	if best == nil {
		return ReasonOnlyModel, fmt.Sprintf("%s is the only model that fits; %s offers it at the lowest price", pick.Model, pick.Operator)
	}
	switch rival := d.doubted(); {
	case rival == nil:
	case pick.Model != d.Leader:
		return ReasonUnproven, fmt.Sprintf("%s is predicted at %.2f quality; %s at %.2f has too few labelled prompts behind it",
			pick.Model, pick.Quality, rival.Model, rival.Quality)
	default:
		return ReasonLeader, fmt.Sprintf("%s is the most able in general and predicted at %.2f quality; %s at %.2f is not better beyond doubt",
			pick.Model, pick.Quality, rival.Model, rival.Quality)
	}
	switch steps := qualitySteps(pick.Quality); {
	case qualitySteps(best.Quality) > steps:
		return ReasonDial, fmt.Sprintf("%s is predicted at %.2f quality, %s %.2f at %s of the price; dial %v takes the cheaper",
			best.Model, best.Quality, pick.Model, pick.Quality, share(pick, *best), d.Dial)
	case qualitySteps(second.Quality) == steps && second.ExpectedCost > pick.ExpectedCost:
		return ReasonNearTie, fmt.Sprintf("%s and %s are predicted equally good (%.2f and %.2f); %s costs %s as much",
			pick.Model, second.Model, pick.Quality, second.Quality, pick.Model, share(pick, *second))
	case cheapest.ExpectedCost < pick.ExpectedCost:
		return ReasonWorthPrice, fmt.Sprintf("%s is predicted at %.2f quality, %s only %.2f at %s of the price; dial %v takes the better",
			pick.Model, pick.Quality, cheapest.Model, cheapest.Quality, share(*cheapest, pick), d.Dial)
	}
	return ReasonBestAndCheapest, fmt.Sprintf("%s is predicted best at %.2f quality and is the cheapest too", pick.Model, pick.Quality)
}

// doubted is the best choice that was not picked because of its doubt; nil where there is none.
func (d *Decision) doubted() *Choice {
	var out *Choice
	for i := range d.Considered {
		c := &d.Considered[i]
		if d.doubts(c) && (out == nil || c.believed() > out.believed()) {
			out = c
		}
	}
	return out
}

// doubts says whether only doubt put the pick before c. Beside a pick that does not lead this is said of lack alone: what is
// dearer is too dear at this dial as well.
func (d *Decision) doubts(c *Choice) bool {
	if c.Doubt <= 0 || c.believed() <= d.Pick.believed() {
		return false
	}
	return d.Pick.Model == d.Leader || c.ExpectedCost <= d.Pick.ExpectedCost && c.Evidence < d.Pick.Evidence
}

// believed is a choice's utility if its estimate were not doubted.
func (c *Choice) believed() float64 { return c.Utility + c.Doubt }

// rivals are, among the other models, the one predicted best, the cheapest, and the best of those dearer than the pick;
// all nil when there is no other model. second is best when no other is dearer.
func (d *Decision) rivals() (best, cheapest, second *Choice) {
	for i := range d.Considered {
		c := &d.Considered[i]
		if c.Model == d.Pick.Model {
			continue
		}
		if best == nil || c.Quality > best.Quality {
			best = c
		}
		if cheapest == nil || c.ExpectedCost < cheapest.ExpectedCost {
			cheapest = c
		}
		if c.ExpectedCost > d.Pick.ExpectedCost && (second == nil || c.Quality > second.Quality) {
			second = c
		}
	}
	if second == nil {
		second = best
	}
	return best, cheapest, second
}

// share is a's expected cost in percent of b's.
func share(a, b Choice) string {
	if !(b.ExpectedCost > 0) {
		return "100 %"
	}
	pct := a.ExpectedCost / b.ExpectedCost * 100
	switch {
	case pct < 1:
		return "under 1 %"
	case pct < 99.5:
		return fmt.Sprintf("%.0f %%", pct)
	}
	return fmt.Sprintf("%.0f %%", math.Ceil(pct))
}
