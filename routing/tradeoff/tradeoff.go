// Package tradeoff tells what each position of the dial means in money: the quality and the cost to expect of a fleet, by
// routing the index's own prompts as if each were new. Feedback that was taken into the index counts like any other row.
package tradeoff

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"slices"
	"strconv"
	"strings"

	"flotilla/routing"
	"flotilla/routing/index"
)

// Options of Measure; zero values mean the defaults named.
type Options struct {
	InputTokens uint32 // of each prompt, which an index does not know; 200
	Rows        int    // at most so many are routed, evenly spread; 2000
}

const (
	defaultInputTokens = 200
	defaultRows        = 2000
	// folds: a prompt is routed by the four fifths of the index that neither it nor an equal one is in.
	folds = 5
	// fewest rows that a curve is drawn from.
	fewest = 50
)

// Curve is what to expect of one fleet.
type Curve struct {
	Rows       int        `json:"rows"`        // prompts that two of the offered models at least have been graded on
	Models     []string   `json:"models"`      // offered ones that the index knows
	Unrated    []string   `json:"unrated"`     // offered ones that it does not
	BestSingle Level      `json:"best_single"` // always the most able of the offered models
	Positions  []Position `json:"positions"`
}

// Level is a mean over the rows.
type Level struct {
	Quality float64 `json:"quality"`  // 0..1
	CostUSD float64 `json:"cost_usd"` // an answer
}

// Position is one place on the dial.
type Position struct {
	Dial     int     `json:"dial"`
	WorthUSD float64 `json:"worth_usd"` // what a whole unit of quality may cost there
	Level
	Kept  float64 `json:"kept"`  // share of the best single model's quality
	Saved float64 `json:"saved"` // share of its cost
}

// Measure routes rows of x among the offers. Of several offers of one model only the cheapest takes part. It fails where
// fewer than 50 rows have outcomes of two offered models.
func Measure(ctx context.Context, x *index.Index, offers []routing.Candidate, o Options) (Curve, error) {
	if o.InputTokens == 0 {
		o.InputTokens = defaultInputTokens
	}
	if o.Rows == 0 {
		o.Rows = defaultRows
	}
	c := Curve{Positions: make([]Position, routing.MaxDial+1)}
	f := newFleet(x, offers, &c)
	if len(c.Models) > routing.MaxRecorded {
		return Curve{}, fmt.Errorf("measure the dial: %d models, at most %d; name fewer", len(c.Models), routing.MaxRecorded)
	}
	rows := f.rows(o.Rows)
	if len(rows) < fewest {
		return Curve{}, fmt.Errorf("measure the dial: %d prompts of the index have outcomes of two of the models %q, want %d at least; add rows of them, or offer others", len(rows), c.Models, fewest)
	}
	c.Rows = len(rows)
	for fold := range uint8(folds) {
		if err := f.route(ctx, fold, rows, o.InputTokens, &c); err != nil {
			return Curve{}, fmt.Errorf("measure the dial: %w", err)
		}
	}
	c.finish()
	return c, nil
}

// fleet is the offers that x can judge.
type fleet struct {
	x      *index.Index
	offers []routing.Candidate // one a model
	number []int               // of the model in x
	fold   []uint8             // of each row
}

func newFleet(x *index.Index, offers []routing.Candidate, c *Curve) *fleet {
	f := &fleet{x: x, fold: make([]uint8, x.Len())}
	for i := range f.fold {
		f.fold[i] = foldOf(x.Vector(i))
	}
	at := map[routing.ModelID]int{}
	offers = slices.SortedFunc(slices.Values(offers), func(a, b routing.Candidate) int {
		return strings.Compare(string(a.Model), string(b.Model))
	})
	for _, offer := range offers {
		n, known := x.Model(string(offer.Model))
		i, seen := at[offer.Model]
		switch {
		case seen && known && price(offer) < price(f.offers[i]):
			f.offers[i] = offer
		case seen:
		case !known:
			at[offer.Model] = -1
			c.Unrated = append(c.Unrated, string(offer.Model))
		default:
			at[offer.Model] = len(f.offers)
			f.offers, f.number = append(f.offers, offer), append(f.number, n)
			c.Models = append(c.Models, string(offer.Model))
		}
	}
	return f
}

// price is what orders offers of one model: an answer as long as its prompt.
func price(c routing.Candidate) float64 {
	return float64(c.InputPerMTok) + float64(c.OutputPerMTok) + float64(c.PerRequest)*1e6/defaultInputTokens
}

// rows are those with outcomes of two offered models, at most most of them, evenly spread.
func (f *fleet) rows(most int) []int {
	var all []int
	for i := range f.x.Len() {
		if len(f.graded(i)) >= 2 {
			all = append(all, i)
		}
	}
	if len(all) <= most {
		return all
	}
	out := make([]int, most)
	for i := range out {
		out[i] = all[i*len(all)/most]
	}
	return out
}

// graded are the positions of the offers whose models have an outcome in row i.
func (f *fleet) graded(i int) []int {
	var out []int
	for at, m := range f.number {
		if _, ok := f.x.Cell(i, m); ok {
			out = append(out, at)
		}
	}
	return out
}

// foldOf keeps rows with equal vectors, which are mostly one prompt, together.
func foldOf(vector []float32) uint8 {
	h := fnv.New32a()
	for _, v := range vector {
		_ = binary.Write(h, binary.LittleEndian, v) // a hash takes everything
	}
	return uint8(h.Sum32() % folds)
}

// route adds up what the rows of one fold get at each position.
func (f *fleet) route(ctx context.Context, fold uint8, rows []int, inputTokens uint32, c *Curve) error {
	b := f.x.Edit()
	b.Remove(func(row int, _, _ string) bool { return f.fold[row] == fold })
	if b.Len() == 0 {
		return errors.New("all rows are alike")
	}
	rest, err := b.Build()
	if err != nil {
		return err
	}
	r, err := routing.New(routing.Config{Embedder: stored{f.x}, Index: rest})
	if err != nil {
		return err
	}
	for _, i := range rows {
		if f.fold[i] != fold {
			continue
		}
		if err := context.Cause(ctx); err != nil {
			return err
		}
		var offers []routing.Candidate
		for _, at := range f.graded(i) {
			offer := f.offers[at]
			offer.Ref = at
			offers = append(offers, offer)
		}
		// At dial 0: its utilities do not matter, BestAt weighs anew.
		d, err := r.Route(ctx, routing.Prompt{Text: strconv.Itoa(i), InputTokens: inputTokens}, offers, routing.Policy{Dial: routing.MinDial})
		if err != nil {
			return err
		}
		c.BestSingle.add(f.outcome(i, d.Baseline, inputTokens))
		for dial := range c.Positions {
			c.Positions[dial].add(f.outcome(i, routing.BestAt(d.Considered, routing.Worth(float64(dial))), inputTokens))
		}
	}
	return nil
}

// outcome is what a choice really brought in row i: at the answer's own length, where that is known.
func (f *fleet) outcome(i int, c routing.Choice, inputTokens uint32) Level {
	at := c.Ref.(int)
	cell, _ := f.x.Cell(i, f.number[at])
	tokens := float64(c.ExpectedOutputTokens)
	if cell.Length != 0 {
		tokens = math.Exp2(float64(cell.Length-1) / index.LengthSteps)
	}
	o := f.offers[at]
	cost := (float64(inputTokens)*float64(o.InputPerMTok)+tokens*float64(o.OutputPerMTok))/1e6 + float64(o.PerRequest)
	return Level{Quality: float64(cell.Score) / index.ScoreSteps, CostUSD: cost / 1e6}
}

func (l *Level) add(o Level) {
	l.Quality += o.Quality
	l.CostUSD += o.CostUSD
}

func (l *Level) divide(n int) {
	l.Quality /= float64(n)
	l.CostUSD /= float64(n)
}

func (c *Curve) finish() {
	c.BestSingle.divide(c.Rows)
	for dial := range c.Positions {
		p := &c.Positions[dial]
		p.divide(c.Rows)
		p.Dial, p.WorthUSD = dial, routing.Worth(float64(dial))/1e6
		if c.BestSingle.Quality > 0 && c.BestSingle.CostUSD > 0 {
			p.Kept, p.Saved = p.Quality/c.BestSingle.Quality, 1-p.CostUSD/c.BestSingle.CostUSD
		}
	}
}

// stored hands out the vectors of x's rows; a text is the number of a row.
type stored struct{ x *index.Index }

func (s stored) ID() string { return s.x.EmbedderID() }
func (s stored) Dim() int   { return s.x.Dim() }

func (s stored) Embed(_ context.Context, text string) ([]float32, error) {
	i, err := strconv.Atoi(text)
	if err != nil {
		return nil, fmt.Errorf("row number: %w", err)
	}
	return s.x.Vector(i), nil
}
