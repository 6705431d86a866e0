package routing_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"flotilla/routing"
)

// A conversation's model that is there and passed over is not said to be gone.
func TestPassedOverIsNotGone(t *testing.T) {
	r, x := disagreeing(t)
	held, uncovered := 0, 0
	for i := range 400 {
		p := routing.Prompt{
			Text:    fmt.Sprintf("Tell me about the number %d and the sea. How many ships are there? Name one of them, please.", i),
			Session: routing.Session{Model: "llama-3.1-nemotron-51b-instruct", Operator: "large", CachedTokens: 10},
		}
		policy := routing.Policy{Dial: float64(i % 10), Allowance: routing.Allowance{Bounded: i%2 == 1}}
		d, err := r.Route(t.Context(), p, ladder(), policy)
		if err != nil {
			t.Fatal(err)
		}
		large := d.Considered[slices.IndexFunc(d.Considered, func(c routing.Choice) bool { return c.Operator == "large" })]
		passed := large.HeldBack || policy.Allowance.Bounded && d.UpgradeCost(large) > 0
		if passed != (d.Turn.Verdict == routing.VerdictPassed) || d.Turn.Verdict == routing.VerdictGone {
			t.Errorf("prompt %d: %s, held back %v, an upgrade by %v", i, d.Turn.Verdict, large.HeldBack, d.UpgradeCost(large))
		}
		if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
			t.Errorf("prompt %d: %v", i, err)
		}
		if !passed {
			continue
		}
		if large.HeldBack {
			held++
		} else {
			uncovered++
		}
		turn := *d.Turn
		turn.Verdict = routing.VerdictGone
		d.Turn = &turn
		var diff *routing.DifferenceError
		if err := routing.Replay(t.Context(), d.JSON(), x); !errors.As(err, &diff) {
			t.Errorf("prompt %d: said to be gone: %v", i, err)
		}
	}
	if held < 5 || uncovered < 5 {
		t.Errorf("%d held back, %d not covered: this shows little", held, uncovered)
	}
}
