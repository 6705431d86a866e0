package probe

import "cmp"

// Doubt is the share of other models that disagree with the claimed one on a probe, from which a [Claim] follows. It is
// what makes a probe telling, and also what makes it unsure: measured on one model served by four providers
// (zeroeval), two honest servers disagree the more often the more the other models do, at most half as often.
type Doubt float64

// NewDoubt is Laplace's estimate from the scores of other models and the claimed one's (reference).
func NewDoubt(reference float64, others []float64) Doubt {
	sum := 1.0
	for _, o := range others {
		sum += 1 - Agreement(reference, o)
	}
	return Doubt(sum / float64(len(others)+2))
}

const (
	// leastAgreement and mostAgreement bound what is expected of honest servers: rounding, batching and quantisation flip
	// some answers even where all models agree, and where hardly any agrees half of the answers still hold.
	leastAgreement = 0.55
	mostAgreement  = 0.98
	// Repeats is how often a suspect is believed to answer as it did when its scores were taken.
	Repeats = 0.8
)

// Claim is what a probe of this doubt is expected to show. suspects are the scores that suspected models got on it,
// reference the claimed model's. One more suspect is added behind them: any other model.
func (d Doubt) Claim(reference float64, suspects []float64) Claim {
	c := Claim{Agreement: min(max(1-float64(d)/2, leastAgreement), mostAgreement)}
	for _, s := range suspects {
		a := Agreement(reference, s)
		c.Suspects = append(c.Suspects, Repeats*a+(1-Repeats)*(1-a))
	}
	c.Suspects = append(c.Suspects, 1-float64(d))
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
