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
)

// PriorQuality is the quality (0..1) to assume for a model nobody has measured, from size, family and tuning only.
// It uses exact-rounding arithmetic, so every machine gets the same bits.
func (m Model) PriorQuality() float64 {
	q := unknownSizeQuality
	if m.Billions > 0 {
		q = curve(m.Billions)
		if !m.Instruct {
			q -= baseModelPenalty
		}
	}
	q += m.priorModifier
	return min(max(q, 0.02), 0.95)
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

// billions reads "8b" as 8, "e4b" as 4, "270m" as 0.27 and "8x7b" as 56; 0 for anything else.
func billions(size string) float64 {
	if size == "" {
		return 0
	}
	unit, number := size[len(size)-1], strings.TrimPrefix(size[:len(size)-1], "e")
	experts := 1.0
	if e, n, ok := strings.Cut(number, "x"); ok {
		v, err := strconv.ParseFloat(e, 64)
		if err != nil {
			return 0
		}
		experts, number = v, n
	}
	v, err := strconv.ParseFloat(number, 64)
	if err != nil {
		return 0
	}
	if unit == 'm' {
		v /= 1000
	}
	return float64(experts * v)
}
