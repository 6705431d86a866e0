package index

import (
	"math"

	"flotilla/routing/catalogue"
)

// effects is the two-way fit score(row, model) ≈ ability(model) + ease(row): what remains comparable when models were
// run on different prompts. A model that was only asked easy questions does not look able, and the ease of a region is
// known even where a model has no row. Fitted by alternating means with a pull towards the size prior (ability) and
// zero (ease), in a fixed order with one rounding per operation, so that every machine gets the same bits.
type effects struct {
	ability    []float64 // per model, 0..1: quality on a row of average ease
	ease       []int32   // per row, 1/easeOne
	lengthMean []float64 // per model, in Cell.Length units; 0 when no row tells
	lengthDev  []float64 // per model, standard deviation in the same units
}

const (
	easeOne      = 1 << 16
	fitRounds    = 20 // alternating means converge to 1e-3 within about ten on the default index
	abilityPrior = 10 // rows' worth of trust in the family-and-size prior
	easePrior    = 1  // outcomes' worth of trust in "an average prompt"
)

func fitEffects(x *Index) effects {
	n, m := x.Len(), len(x.models)
	e := effects{ability: make([]float64, m), ease: make([]int32, n), lengthMean: make([]float64, m), lengthDev: make([]float64, m)}
	prior := make([]float64, m)
	for i, id := range x.models {
		prior[i] = catalogue.Parse(id).PriorQuality()
		e.ability[i] = prior[i]
	}
	ease := make([]float64, n)
	sum := make([]float64, m)
	for range fitRounds {
		copyScaled(sum, prior, abilityPrior)
		for i := range n {
			cells := x.Cells(i)
			d := 0.0
			for _, c := range cells {
				d += float64(c.Score)/scoreSteps - e.ability[c.Model]
			}
			ease[i] = d / float64(len(cells)+easePrior)
			for _, c := range cells {
				sum[c.Model] += float64(c.Score)/scoreSteps - ease[i]
			}
		}
		for j := range m {
			e.ability[j] = min(max(sum[j]/float64(len(x.rowsOf(j))+abilityPrior), 0.01), 0.99)
		}
	}
	for i, d := range ease {
		e.ease[i] = int32(math.Round(d * easeOne))
	}
	fitLengths(x, &e)
	return e
}

func copyScaled(dst, src []float64, by float64) {
	for i, v := range src {
		dst[i] = float64(v * by)
	}
}

// fitLengths takes each model's mean and deviation of log length, in exact integers up to one division.
func fitLengths(x *Index, e *effects) {
	for j := range x.models {
		var n, sum, sum2 int64
		for _, i := range x.rowsOf(j) {
			c, _ := x.Cell(int(i), j)
			if c.Length != unknownLength {
				v := int64(c.Length)
				n, sum, sum2 = n+1, sum+v, sum2+v*v
			}
		}
		if n > 0 {
			e.lengthMean[j] = float64(sum) / float64(n)
			e.lengthDev[j] = math.Sqrt(float64(n*sum2-sum*sum)) / float64(n)
		}
	}
}

// Ability is model m's quality (0..1) on a prompt of average ease.
func (x *Index) Ability(m int) float64 { return x.effects.ability[m] }

// Ease tells how much better than average models do on row i, in 1/EaseOne.
func (x *Index) Ease(i int) int32 { return x.effects.ease[i] }

// EaseOne is the unit of Ease.
const EaseOne = easeOne

// Length is the mean and standard deviation of model m's answer length in Cell.Length units; ok is false when no row
// has a length of that model.
func (x *Index) Length(m int) (mean, dev float64, ok bool) {
	return x.effects.lengthMean[m], x.effects.lengthDev[m], x.effects.lengthMean[m] > 0
}
