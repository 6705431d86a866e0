package routing

import (
	"math"

	"flotilla/routing/index"
)

const (
	// nearest is how many neighbours an estimate looks at. 200 with temperature 0.2 was the best of a small grid on
	// ulab14 (5-fold); k = 10, 40 and 100 without kernel were worse or equal.
	nearest = 200
	// shrink is how many neighbours' worth the prior weighs.
	shrink = 5
	// sparse is the number of neighbours below which a model's own nearest rows are looked up: a model that joined
	// yesterday has few rows, and none may be among the nearest of all.
	sparse = 32

	weightLog   = 16
	weightOne   = 1 << weightLog // unit of neighbour weights
	fractionLog = 10             // 2^x is tabulated in steps of 1/1024
)

// kernel computes weights and powers of two from integers and a table made by square roots and single multiplications,
// which IEEE 754 rounds the same everywhere; math.Exp is not.
type kernel struct {
	halves [1<<fractionLog + 1]float64 // halves[i] = 2^(-i/1024)
	exact  [1 << fractionLog]int64     // the same in 1/2^exactLog
}

// exactLog: a double from a half to one is a whole number of 1/2^53.
const exactLog = 53

func newKernel() *kernel {
	step := 0.5
	for range fractionLog {
		step = math.Sqrt(step)
	}
	k := &kernel{}
	v := 1.0
	for i := range k.halves {
		k.halves[i] = v
		v = float64(v * step)
	}
	for i := range k.exact {
		k.exact[i] = int64(k.halves[i] * (1 << exactLog))
	}
	return k
}

// weight is exp(-distance/0.2) in 1/weightOne, for a distance in units of 1/index.SimilarityOne. 0.2 is the kernel's
// temperature: the similarity by which a neighbour must be farther to count e times less.
func (k *kernel) weight(distance int32) int64 {
	// exponent in 1/1024 of a halving: distance / 2^20 · log2(e)/0.2 · 1024, with log2(e)/0.2 = 7.2135.
	const perUnit = 7213
	e := int64(max(distance, 0)) * perUnit / (1000 << 10)
	whole, fraction := e>>fractionLog, e&(1<<fractionLog-1)
	if whole > weightLog+1 {
		return 0 // less than half a unit
	}
	shift := exactLog - weightLog + whole
	return (k.exact[fraction] + 1<<(shift-1)) >> shift
}

// tokens turns a length in index units (1 + 16·log2 tokens) into tokens, at least 1.
func (k *kernel) tokens(length float64) float64 {
	x := (length - 1) / index.LengthSteps
	if !(x > 0) {
		return 1
	}
	whole := math.Ceil(x)
	fraction := int(math.Round((whole - x) * (1 << fractionLog)))
	return math.Ldexp(k.halves[fraction], int(whole))
}
