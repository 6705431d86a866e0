package attack

import "slices"

// resamples of the bootstrap: 95 % intervals are steady to a few tenths of a point.
const resamples = 1000

// outcome is what an attack did to one prompt.
type outcome struct {
	wasDear, isDear, flipped bool
	cost, cleanCost          float64 // USD
	words                    int     // of the clean text
}

// counts are one router's outcomes under one attack, by prompt.
type counts struct{ by []outcome }

func (s *suite) count(sub *subject, picks []int) *counts {
	c := &counts{}
	for i, m := range picks {
		p, was := s.lab.eval[i], sub.clean[i]
		c.by = append(c.by, outcome{fleet[was].dear, fleet[m].dear, m != was, p.cost(m), p.cost(was), p.words})
	}
	return c
}

// cost of a prompt's answer by a model, USD; what a gadget adds to the prompt is not counted.
func (p prompt) cost(m int) float64 {
	return float64(p.tokens+answerTokens) * float64(fleet[m].price) / 1e12
}

// upgraded is the share of the prompts with a cheap clean pick that got a dear one; downgraded the other way round.
func upgraded(by []outcome) float64   { return turned(by, false) }
func downgraded(by []outcome) float64 { return turned(by, true) }

func turned(by []outcome, from bool) float64 {
	n, hit := 0, 0
	for _, o := range by {
		if o.wasDear == from {
			if n++; o.isDear != from {
				hit++
			}
		}
	}
	return float64(hit) / float64(max(n, 1))
}

func flipped(by []outcome) float64 {
	n := 0
	for _, o := range by {
		if o.flipped {
			n++
		}
	}
	return float64(n) / float64(max(len(by), 1))
}

// inflation is the cost under attack by that of the clean texts.
func inflation(by []outcome) float64 {
	now, clean := 0.0, 0.0
	for _, o := range by {
		now += o.cost
		clean += o.cleanCost
	}
	return now / clean
}

// excessCI is the 95 % interval of what an attack turns beyond the floor, resampling prompts.
func (s *suite) excessCI(c, floor *counts, of func([]outcome) float64) [2]float64 {
	rng := s.lab.rng(streamBootstrap)
	out := make([]float64, resamples)
	a, f := make([]outcome, len(c.by)), make([]outcome, len(c.by))
	for b := range out {
		for i := range a {
			k := rng.IntN(len(c.by))
			a[i] = c.by[k]
			if floor != nil {
				f[i] = floor.by[k]
			}
		}
		if out[b] = of(a); floor != nil {
			out[b] -= of(f)
		}
	}
	slices.Sort(out)
	return [2]float64{out[resamples/40], out[resamples-1-resamples/40]}
}

// buckets are the lengths that results are told by: a gadget weighs more in a short prompt.
var buckets = []struct {
	name     string
	from, to int // words
}{{"under 20 words", 0, 20}, {"20 to 80 words", 20, 80}, {"over 80 words", 80, 1 << 30}}

func bucket(c *counts, from, to int) []outcome {
	var out []outcome
	if c == nil {
		return out
	}
	for _, o := range c.by {
		if o.words >= from && o.words < to {
			out = append(out, o)
		}
	}
	return out
}
