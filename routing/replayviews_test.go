package routing_test

import (
	"errors"
	"strconv"
	"testing"

	"flotilla/routing"
)

// The versions of the text that were asked are made again from the record, however many offers there are.
func TestViewsReplay(t *testing.T) {
	r, x := guardedRouter(t)
	text := "Prove that the square root of two is irrational. Then explain in two sentences why the same argument fails for the square root of four, and say for which whole numbers it holds."
	fleet := ladder()
	for i := range 100 {
		c := ladder()[i%2]
		c.Operator += strconv.Itoa(i)
		c.OutputPerMTok += uint64(1000 * i)
		fleet = append(fleet, c)
	}
	for dial := float64(0); dial < routing.MaxDial; dial += 0.5 {
		for _, offers := range [][]routing.Candidate{ladder(), fleet} {
			d, err := r.Route(t.Context(), routing.Prompt{Text: text}, offers, routing.Policy{Dial: dial})
			if err != nil {
				t.Fatal(err)
			}
			if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
				t.Errorf("dial %v, %d offers: %v", dial, len(offers), err)
			}
			if dial > 0 {
				continue
			}
			if len(d.Guard.Views) < 2 {
				t.Fatalf("%d views were asked", len(d.Guard.Views))
			}
			d.Guard.Views[1].ExpectedCost++
			var diff *routing.DifferenceError
			if err := routing.Replay(t.Context(), d.JSON(), x); !errors.As(err, &diff) || diff.Field != "guard.views[1].expected_cost" {
				t.Errorf("a changed view: %v", err)
			}
			d.Guard.Views = nil
			if err := routing.Replay(t.Context(), d.JSON(), x); !errors.As(err, &diff) || diff.Field != "guard.views" {
				t.Errorf("hidden views: %v", err)
			}
		}
	}
}
