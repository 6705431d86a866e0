package study

import (
	"context"
	"fmt"
	"math"

	"flotilla/routing"
	"flotilla/routing/index"
)

// worths are what a unit of quality may be worth, USD: the dial's scale and beyond, in steps of 15 %.
var worths = func() []float64 {
	var out []float64
	for w := 1e-6; w < 1e3; w *= 1.15 {
		out = append(out, w)
	}
	return out
}()

// curve is summed score and cost (USD) at each of worths.
type curve struct{ score, costUSD []float64 }

func newCurve() curve {
	return curve{score: make([]float64, len(worths)), costUSD: make([]float64, len(worths))}
}

func (c curve) add(o curve) {
	for g := range worths {
		c.score[g] += o.score[g]
		c.costUSD[g] += o.costUSD[g]
	}
}

// point is a sum over prompts.
type point struct{ score, costUSD float64 }

// saved is the share of best's cost that the cheapest setting saves which keeps this share of best's score; 0 where none
// does for less, as the best single model itself is always to be had.
func (c curve) saved(keep float64, best point) float64 {
	most := 0.0
	for g := range worths {
		if c.score[g] >= keep*best.score-1e-9 {
			most = max(most, 1-c.costUSD[g]/best.costUSD)
		}
	}
	return most
}

// route lets the live router decide on rows, and follows its estimates along worths. left is a model not on offer, or
// nobody.
func (t *table) route(ctx context.Context, embedder routing.Embedder, x *index.Index, rows []int, left int) (curve, error) {
	stored := storedVectors{Embedder: embedder, vectors: map[string][]float32{}}
	for _, i := range rows {
		stored.vectors[t.prompts[i]] = t.vectors[i]
	}
	r, err := routing.New(routing.Config{Embedder: stored, Index: x})
	if err != nil {
		return curve{}, err
	}
	var offers []routing.Candidate
	for m, id := range t.ids {
		if m != left {
			offers = append(offers, routing.Candidate{Operator: "study", Model: id, Ref: m,
				InputPerMTok: uint64(math.Round(t.prices[m].Input * 1e6)), OutputPerMTok: uint64(math.Round(t.prices[m].Output * 1e6))})
		}
	}
	c := newCurve()
	for _, i := range rows {
		d, err := r.Route(ctx, routing.Prompt{Text: t.prompts[i], InputTokens: uint32(t.inputs[i])}, offers, routing.Policy{Dial: routing.MinDial})
		if err != nil {
			return curve{}, fmt.Errorf("route prompt %d: %w", i, err)
		}
		for g, w := range worths {
			m := routing.BestAt(d.Considered, w*1e6).Ref.(int)
			c.score[g] += t.score[i][m]
			c.costUSD[g] += t.costUSD[i][m]
		}
	}
	return c, nil
}

// storedVectors hands out vectors already computed.
type storedVectors struct {
	routing.Embedder
	vectors map[string][]float32
}

func (s storedVectors) Embed(ctx context.Context, text string) ([]float32, error) {
	if v, ok := s.vectors[text]; ok {
		return v, nil
	}
	return s.Embedder.Embed(ctx, text)
}
