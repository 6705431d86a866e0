package routing

import (
	"math"
	"testing"
)

// The weights are those of the formula, to the last unit, at every distance there is: neighbours' weights go into every
// number of a decision.
func TestWeightsAreTheFormulasRounded(t *testing.T) {
	k := newKernel()
	for e := range 40 << fractionLog {
		distance := int32((e*(1000<<10) + 7212) / 7213)
		want := int64(math.Round(math.Ldexp(k.halves[e&(1<<fractionLog-1)]*weightOne, -(e >> fractionLog))))
		if got := k.weight(distance); got != want {
			t.Fatalf("distance %d: weight %d, want %d", distance, got, want)
		}
	}
}
