package catalogue

import (
	"strconv"
	"strings"
)

// sizeCurve is mean quality (0..1) on the default index's prompts against parameters in billions, read off the
// instruction-tuned models of zeroeval and ulab14 (0.1–0.5 and above 405: extrapolated). Between points it is linear.
var sizeCurve = [...]struct{ billions, quality float64 }{
	{0.05, 0.08}, {0.15, 0.12}, {0.3, 0.15}, {0.5, 0.20}, {1, 0.27}, {2, 0.34}, {4, 0.45}, {8, 0.53}, {14, 0.59},
	{32, 0.65}, {70, 0.70}, {140, 0.74}, {400, 0.78}, {1000, 0.82},
}

const (
	baseModelPenalty   = 0.08 // a base model completes text instead of answering: mmlupro's base/chat gap, rounded
	unknownSizeQuality = 0.30 // deliberately low: an unproven model must be cheap or proven
	leastQuality       = 0.02
)

// PriorQuality is the quality (0..1) to assume for a model nobody has measured, from size, family and tuning only.
// It uses exact-rounding arithmetic, so every machine gets the same bits.
func (m Model) PriorQuality() float64 {
	if m.NoChat {
		return leastQuality
	}
	q := unknownSizeQuality
	if m.Billions > 0 {
		q = curve(m.Billions)
		if !m.Instruct {
			q -= baseModelPenalty
		}
	}
	q += m.priorModifier
	return min(max(q, leastQuality), 0.95)
}

func curve(b float64) float64 {
	last := sizeCurve[len(sizeCurve)-1]
	if b <= sizeCurve[0].billions {
		return sizeCurve[0].quality
	}
	for i := 1; i < len(sizeCurve); i++ {
		lo, hi := sizeCurve[i-1], sizeCurve[i]
		if b <= hi.billions {
			t := (b - lo.billions) / (hi.billions - lo.billions)
			return lo.quality + float64(t*(hi.quality-lo.quality))
		}
	}
	return last.quality
}

// mixtures are the whole sizes of those whose names give them as experts times the size of a model with one. Experts share what
// is not theirs, a fifth or so of that; a mixture that is not here is read by this rule (sharedByExperts).
var mixtures = map[string]float64{"8x7b": 46.7, "8x22b": 141}

const sharedByExperts = 0.2

// billions reads "8b" as 8, "e4b" as 4, "270m" as 0.27 and "8x7b" as 46.7; 0 for anything else.
func billions(size string) float64 {
	if b, ok := mixtures[size]; ok {
		return b
	}
	if size == "" {
		return 0
	}
	unit, number := size[len(size)-1], strings.TrimPrefix(size[:len(size)-1], "e")
	whole := 1.0 // of how many models of that size
	if e, n, ok := strings.Cut(number, "x"); ok {
		v, err := strconv.ParseFloat(e, 64)
		if err != nil {
			return 0
		}
		whole, number = v-(v-1)*sharedByExperts, n
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	if unit == 'm' {
		v /= 1000
	}
	return float64(whole * v)
}
