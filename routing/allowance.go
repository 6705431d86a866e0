package routing

import (
	"fmt"
	"slices"
)

// Allowance is what a key may still spend on upgrades: on picks that are expected to cost more than the thrifty choice,
// which is what the dial's cheap end would take. The caller keeps the books. The zero Allowance sets no bound.
type Allowance struct {
	Bounded bool   `json:"bounded,omitempty"`
	Left    uint64 `json:"left,omitempty"` // token base units (1e-6 USD) above the thrifty choice; 0: no upgrade at all
}

// permits says whether the allowance covers a choice.
func (a Allowance) permits(c, thrifty Choice) bool {
	return !a.Bounded || c.ExpectedCost <= thrifty.ExpectedCost+float64(a.Left)
}

// rank considers the choices in order: those that the allowance covers and the guard does not hold back first, the best of them
// in front. The others stay, as a last resort: either makes an answer cheaper, and never impossible.
func (d *Decision) rank(choices []Choice) {
	d.Considered = ordered(choices)
	if !d.Allowance.Bounded && (d.Guard == nil || d.Guard.objection() < 0) {
		return
	}
	thrifty := d.thrifty()
	free := slices.IndexFunc(d.Considered, func(c Choice) bool { return !c.HeldBack })
	d.OverBudget = !d.Allowance.permits(d.Considered[free], thrifty)
	slices.SortStableFunc(d.Considered, func(a, b Choice) int {
		switch open := !a.HeldBack && d.Allowance.permits(a, thrifty); {
		case open == (!b.HeldBack && d.Allowance.permits(b, thrifty)):
			return 0
		case open:
			return -1
		}
		return 1
	})
}

// uncovered is the position of the best that only the allowance does not cover (-1: none): OverBudget rests on it.
func (d *Decision) uncovered() int {
	if !d.OverBudget {
		return -1
	}
	thrifty := d.thrifty()
	return slices.IndexFunc(d.Considered, func(c Choice) bool { return !c.HeldBack && !d.Allowance.permits(c, thrifty) })
}

// thrifty is what the dial's cheap end would pick: the cheapest capable.
func (d *Decision) thrifty() Choice {
	best := BestAt(d.Considered, Worth(MaxDial))
	return d.Considered[slices.IndexFunc(d.Considered, best.sameOffer)]
}

// UpgradeCost is what one of the decision's choices is expected to cost above the thrifty one, token base units
// (1e-6 USD); 0 when it is no upgrade. A named model is none: whoever names it has decided.
func (d *Decision) UpgradeCost(c Choice) float64 {
	if d.Pinned {
		return 0
	}
	return max(c.ExpectedCost-d.thrifty().ExpectedCost, 0)
}

// overBudget gives reason and sentence for a pick that the allowance made; empty where it made no difference.
func (d *Decision) overBudget() (Reason, string) {
	if !d.OverBudget {
		return "", ""
	}
	return ReasonBudget, fmt.Sprintf("the key's budget for upgrades has %d µUSD left, so %s answers, predicted at %.2f quality", d.Allowance.Left, d.Pick.Model, d.Pick.Quality)
}
