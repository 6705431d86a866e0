package eval

import (
	"context"
	"math"
)

// trace is what one contestant did on every judged row. Matrices are indexed by knob position, then by row in the order
// of the splits' test rows.
type trace struct {
	knob      []setting
	quality   [][]float64
	costUSD   [][]float64
	collapsed [][]float64 // chance that the choice is a collapsed one
	strong    [][]float64 // chance of the better of two models; nil where there are more
	weak      []float64   // by row: the score of the other of two; as strong
	op        outcomes    // at the positions chosen
	chosen    []int       // by split: the knob position chosen on its training rows
	share     []float64   // by model, at the positions chosen
	ood       []float64   // by row: 1 where the router calls it out of distribution
	predicted []prediction
}

// outcomes are scores and costs by row.
type outcomes struct{ quality, costUSD []float64 }

// prediction of one model on the row at this place, with what it scored.
type prediction struct {
	at             int
	quality, score float64
}

// run judges a contestant on every split, after choosing each split's operating point on its training rows.
func run(ctx context.Context, c contestant, splits []*split, opts Options) (*trace, error) {
	t := &trace{knob: c.knob(), chosen: make([]int, len(splits))}
	if len(t.knob) > 1 {
		if err := t.tune(ctx, c, splits, opts); err != nil {
			return nil, err
		}
	}
	parts := make([]*trace, len(splits))
	err := each(len(splits), func(f int) (err error) {
		parts[f], err = judge(ctx, c, splits[f], t.chosen[f])
		return err
	})
	if err != nil {
		return nil, err
	}
	t.join(parts)
	return t, nil
}

// tune chooses, for each split, the cheapest offered setting that keeps opts.Keep of the best single model's quality in
// a cross-validation of the training rows; the best setting where none does.
func (t *trace) tune(ctx context.Context, c contestant, splits []*split, opts Options) error {
	var inner []*split
	for _, s := range splits {
		inner = append(inner, s.inner...)
	}
	parts := make([]*trace, len(inner))
	err := each(len(inner), func(i int) (err error) {
		parts[i], err = judge(ctx, c, inner[i], 0)
		return err
	})
	if err != nil {
		return err
	}
	at := 0
	for f, s := range splits {
		joined := &trace{knob: t.knob}
		joined.join(parts[at : at+len(s.inner)])
		at += len(s.inner)
		score, _ := s.means(s.train)
		t.chosen[f] = joined.cheapestKeeping(opts.Keep * score[ranking(score)[0]])
	}
	return nil
}

func (t *trace) cheapestKeeping(quality float64) int {
	best, cheap := -1, -1
	bestQuality, cheapCost := 0.0, 0.0
	for k, s := range t.knob {
		if !s.offered {
			continue
		}
		q, c := mean(t.quality[k]), mean(t.costUSD[k])
		if best < 0 || q > bestQuality {
			best, bestQuality = k, q
		}
		if q >= quality && (cheap < 0 || c < cheapCost) {
			cheap, cheapCost = k, c
		}
	}
	if cheap < 0 {
		return best
	}
	return cheap
}

// judge fits the contestant on one split and lets it choose for the split's test rows.
func judge(ctx context.Context, c contestant, s *split, chosen int) (*trace, error) {
	chooser, err := c.fit(ctx, s)
	if err != nil {
		return nil, err
	}
	score, cost := s.means(s.train)
	best, dearest := byScore(score, cost)[0], dearestOf(cost)
	t := &trace{knob: c.knob(), share: make([]float64, len(s.models))}
	t.grow(len(s.test), len(s.models))
	out := newChoice(len(t.knob), len(s.models))
	for at, row := range s.test {
		if err := context.Cause(ctx); err != nil {
			return nil, err
		}
		out.reset()
		if err := chooser.choose(ctx, row, out); err != nil {
			return nil, err
		}
		t.record(s, at, dearest, chosen, out)
		for k := range t.strong {
			t.strong[k][at] = out.chance[k][best]
			t.weak[at] = s.rows[row].score[1-best]
		}
	}
	return t, nil
}

func (t *trace) grow(n, models int) {
	t.quality, t.costUSD, t.collapsed = matrix(len(t.knob), n), matrix(len(t.knob), n), matrix(len(t.knob), n)
	if models == 2 {
		t.strong, t.weak = matrix(len(t.knob), n), make([]float64, n)
	}
	t.op = outcomes{make([]float64, n), make([]float64, n)}
	t.ood = make([]float64, n)
}

func matrix(rows, columns int) [][]float64 {
	out := make([][]float64, rows)
	for i := range out {
		out[i] = make([]float64, columns)
	}
	return out
}

func (t *trace) record(s *split, at int, dearest []bool, chosen int, out *choice) {
	row := s.test[at]
	r := &s.rows[row]
	top := highest(r.score)
	for k, chance := range out.chance {
		for m, p := range chance {
			if p > 0 {
				t.quality[k][at] += p * r.score[m]
				t.costUSD[k][at] += p * r.costUSD[m]
				t.collapsed[k][at] += p * collapsed(r.score, top, m, dearest)
			}
		}
	}
	t.op.quality[at], t.op.costUSD[at] = t.quality[chosen][at], t.costUSD[chosen][at]
	for m, p := range out.chance[chosen] {
		t.share[m] += p
	}
	if out.ood {
		t.ood[at] = 1
	}
	for m, q := range out.quality {
		if !math.IsNaN(q) && s.has(row, m) {
			t.predicted = append(t.predicted, prediction{at, q, r.score[m]})
		}
	}
}

// join appends the parts in order.
func (t *trace) join(parts []*trace) {
	t.quality, t.costUSD, t.collapsed = make([][]float64, len(t.knob)), make([][]float64, len(t.knob)), make([][]float64, len(t.knob))
	t.strong = make([][]float64, len(parts[0].strong))
	t.share = make([]float64, len(parts[0].share))
	for _, p := range parts {
		for _, v := range p.predicted {
			v.at += len(t.ood)
			t.predicted = append(t.predicted, v)
		}
		for k := range t.knob {
			t.quality[k] = append(t.quality[k], p.quality[k]...)
			t.costUSD[k] = append(t.costUSD[k], p.costUSD[k]...)
			t.collapsed[k] = append(t.collapsed[k], p.collapsed[k]...)
		}
		for k := range t.strong {
			t.strong[k] = append(t.strong[k], p.strong[k]...)
		}
		t.weak = append(t.weak, p.weak...)
		t.op.quality = append(t.op.quality, p.op.quality...)
		t.op.costUSD = append(t.op.costUSD, p.op.costUSD...)
		t.ood = append(t.ood, p.ood...)
		for m, n := range p.share {
			t.share[m] += n
		}
	}
	for m := range t.share {
		t.share[m] /= float64(len(t.ood))
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
