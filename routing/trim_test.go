package routing

import (
	"fmt"
	"testing"
)

// Some of what a decision rests on may stand behind all that is recorded: it is recorded nevertheless, or the record would give
// another decision.
func TestTrimKeepsWhatTheDecisionRestsOn(t *testing.T) {
	for name, c := range map[string]struct {
		d      Decision
		crowd  Choice   // the pick and eighty more
		before []Choice // right after the pick
		behind []Choice
		keeps  func(d *Decision) any
	}{
		"the most able, on whom it depends who leads": {
			crowd:  Choice{Model: "crowd", Quality: 0.9, Ability: 0.1},
			before: []Choice{{Model: "would lead", Quality: 0.2, Ability: 0.887, ExpectedCost: 10}},
			behind: []Choice{
				{Model: "good", Quality: 0.95, Ability: 0.5, ExpectedCost: 5}, {Model: "leads", Quality: 0.2, Ability: 0.895, ExpectedCost: 20}, {Model: "most able", Quality: 0.2, Ability: 0.9, ExpectedCost: 30},
			},
			keeps: func(d *Decision) any { return d.Considered[leader(d.Considered)].Model },
		},
		"the best, which the allowance does not cover": {
			d:     Decision{Allowance: Allowance{Bounded: true}, OverBudget: true},
			crowd: Choice{Model: "crowd", Quality: 0.3, Ability: 0.3, Utility: 0.3},
			behind: []Choice{
				{Model: "best", Quality: 0.8, Ability: 0.6, Utility: 0.7, ExpectedCost: 20_000}, {Model: "dear", Quality: 0.9, Ability: 0.9, Utility: 0.2, ExpectedCost: 90_000},
				{Model: "cheap", Quality: 0.1, Ability: 0.1, ExpectedCost: 10_000},
			},
			keeps: func(d *Decision) any { return ordered(d.Considered)[0].Model },
		},
	} {
		d := c.d
		for i := range 81 {
			c.crowd.Operator = fmt.Sprint("op", i)
			d.Considered = append(d.Considered, c.crowd)
			if i == 0 {
				d.Pick, d.Considered = c.crowd, append(d.Considered, c.before...)
			}
		}
		d.Considered = append(d.Considered, c.behind...)
		d.Leader = d.Considered[leader(d.Considered)].Model
		want := c.keeps(&d)
		d.trim()
		if got := c.keeps(&d); got != want {
			t.Errorf("%s: %v, among the recorded %v", name, want, got)
		}
	}
}
