package attack

import (
	"context"
	"math"
	"math/rand/v2"
	"strings"
)

// gadgetWords is the length of a gadget, as in the published attacks.
const gadgetWords = 10

// placement says where in a prompt a gadget goes.
type placement struct {
	name  string
	place func(gadget []string, text string) string
}

var (
	prefix = placement{"prefix", func(g []string, text string) string { return strings.Join(g, " ") + " " + text }}
	suffix = placement{"suffix", func(g []string, text string) string { return text + " " + strings.Join(g, " ") }}
	// bothEnds leaves one half of the gadget whichever end is cut.
	bothEnds = placement{"both ends", func(g []string, text string) string {
		half := len(g) / 2
		return strings.Join(g[:half], " ") + " " + text + " " + strings.Join(g[half:], " ")
	}}
	// interleaved spreads the gadget over the text, so that no window and no end holds much of it.
	interleaved = placement{"interleaved", func(g []string, text string) string {
		words := strings.Fields(text)
		step := max(len(words)/len(g), 1)
		var out []string
		for i, w := range words {
			if i%step == 0 && len(g) > 0 {
				out, g = append(out, g[0]), g[1:]
			}
			out = append(out, w)
		}
		return strings.Join(append(out, g...), " ")
	}}
)

// effort bounds a climb.
type effort struct {
	rounds, tries int // rounds of one random position each, words tried there
	patience      int // rounds without gain after which it stops
	prompts       int // of the attacker's own that the score is the mean of; 0: of the gadget alone
}

// climb is the published hill climb: start from random words, then again and again take one position, try random words
// there, and keep the best if it raises the score. sign -1 climbs down, to make dear prompts cheap.
func (l *lab) climb(ctx context.Context, t target, where placement, words []string, e effort, sign float64, rng *rand.Rand) ([]string, error) {
	gadget := draw(words, gadgetWords, rng)
	aims := l.aims(ctx, t, e.prompts, sign)
	best, err := l.worth(ctx, t, where, [][]string{gadget}, aims, sign)
	if err != nil {
		return nil, err
	}
	top := best[0]
	for round, idle := 0, 0; round < e.rounds && idle < e.patience; round++ {
		at := rng.IntN(len(gadget))
		var tries [][]string
		for _, w := range draw(words, e.tries, rng) {
			g := append([]string(nil), gadget...)
			g[at] = w
			tries = append(tries, g)
		}
		worth, err := l.worth(ctx, t, where, tries, aims, sign)
		if err != nil {
			return nil, err
		}
		idle++
		for i, v := range worth {
			if v > top {
				gadget, top, idle = tries[i], v, 0
			}
		}
	}
	return gadget, nil
}

// aims are the attacker's prompts that a climb can still turn, the nearest to turning first come as drawn.
func (l *lab) aims(ctx context.Context, t target, n int, sign float64) []string {
	var out []string
	for _, p := range l.own {
		if len(out) == n {
			break
		}
		if s, err := t.score(ctx, p.text); err == nil && sign*s < 0 {
			out = append(out, p.text)
		}
	}
	return out
}

// worth is the mean score of each gadget in the aims, or alone when there are none.
func (l *lab) worth(ctx context.Context, t target, where placement, gadgets [][]string, aims []string, sign float64) ([]float64, error) {
	texts := make([][]string, len(gadgets))
	var all []string
	for i, g := range gadgets {
		if len(aims) == 0 {
			texts[i] = []string{strings.Join(g, " ")}
		}
		for _, a := range aims {
			texts[i] = append(texts[i], where.place(g, a))
		}
		for _, text := range texts[i] {
			all = append(all, t.texts(text)...)
		}
	}
	if err := l.prepare(ctx, all); err != nil {
		return nil, err
	}
	out := make([]float64, len(gadgets))
	for i := range gadgets {
		for _, text := range texts[i] {
			s, err := t.score(ctx, text)
			if err != nil {
				return nil, err
			}
			out[i] += sign * math.Max(-scoreCap, math.Min(scoreCap, s)) / float64(len(texts[i]))
		}
	}
	return out, nil
}

// scoreCap keeps one prompt that is far beyond the threshold from outweighing those still to be turned.
const scoreCap = 0.3

func draw(words []string, n int, rng *rand.Rand) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = words[rng.IntN(len(words))]
	}
	return out
}
