package routing_test

import (
	"testing"

	"flotilla/routing"
)

// capable is the worth of a unit of quality at the dial's capable end.
var capable = routing.Worth(routing.MinDial)

// One of a dozen dearer models seems better than the leader by nearly two standard errors on many a prompt, by chance. None may cost
// the client more for that; one that is better beyond it is what the capable end is for.
func TestDearerThanTheLeaderOnlyBeyondChance(t *testing.T) {
	leader := routing.Choice{Model: veterans[0], Quality: 0.80, QualitySE: 0.03, Ability: 0.9, Evidence: 200, ExpectedCost: 60}
	for _, c := range []struct {
		quality float64
		want    routing.ModelID
	}{{0.80 + 1.8*0.0424, leader.Model}, {0.80 + 2.5*0.0424, veterans[1]}} {
		dearer := routing.Choice{Model: veterans[1], Quality: c.quality, QualitySE: 0.03, Ability: 0.8, Evidence: 200, ExpectedCost: 270}
		if got := routing.BestAt([]routing.Choice{leader, dearer}, capable).Model; got != c.want {
			t.Errorf("beside %.3f at four times the price %s is picked, want %s", c.quality, got, c.want)
		}
	}
}

// Far from every labelled prompt models are told apart by their general ability alone. Two within a point of it are a near-tie,
// though they round to different points, and the cheaper takes it.
func TestFarNearTiesGoToTheCheaper(t *testing.T) {
	cheap := routing.Choice{Model: veterans[0], Quality: 0.9142, QualitySE: 0.1, Ability: 0.9142, ExpectedCost: 60}
	dear := routing.Choice{Model: veterans[1], Quality: 0.9156, QualitySE: 0.1, Ability: 0.9156, ExpectedCost: 770}
	for _, dial := range []float64{0, 3, 7, 10} {
		if got := routing.BestAt([]routing.Choice{dear, cheap}, routing.Worth(dial)).Model; got != cheap.Model {
			t.Errorf("dial %v: %s is picked at %v times the price", dial, got, dear.ExpectedCost/cheap.ExpectedCost)
		}
	}
	abler := dear
	abler.Quality, abler.Ability = 0.95, 0.95
	if got := routing.BestAt([]routing.Choice{abler, cheap}, capable).Model; got != abler.Model {
		t.Errorf("%s is picked where another is abler by four points", got)
	}
}
