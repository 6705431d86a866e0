package probe

import "cmp"

// Doubt is the share of other models that disagree with the claimed one on a probe, from which a [Claim] follows. It is
// what makes a probe telling, and also what makes it unsure: measured on one model served by four providers
// (zeroeval), two honest servers disagree the more often the more the other models do, at most half as often.
type Doubt float64

// Limits of the expected agreement of honest servers: rounding, batching and quantisation flip some answers even where
// all models agree, and where hardly any agrees half of the answers still hold.
const (
	leastAgreement = 0.55
	mostAgreement  = 0.98
)

// Claim is what a probe of this doubt is expected to show. suspects are the scores that suspected models got on it,
// reference the claimed model's. A suspect is believed to repeat its own answer four times of five and to be like any
// other model else; the last suspect is any other model.
func (d Doubt) Claim(reference float64, suspects []float64) Claim {
	other := 1 - float64(d)
	c := Claim{Agreement: min(max(1-float64(d)/2, leastAgreement), mostAgreement)}
	for _, s := range suspects {
		c.Suspects = append(c.Suspects, 0.8*Agreement(reference, s)+0.2*other)
	}
	c.Suspects = append(c.Suspects, other)
	return c
}

// Telling orders doubts by how fast they decide, most telling first: by the expected growth of a bet's logarithm when
// any other model is served.
func Telling(a, b Doubt) int { return cmp.Compare(b.growth(), a.growth()) }

// growth is the relative entropy of an other model's agreement to the claim's, in nats a probe.
func (d Doubt) growth() float64 {
	c := d.Claim(1, nil)
	return relativeEntropy(c.Suspects[0], c.Agreement)
}
