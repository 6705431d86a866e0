// Package eval measures the router against what people would take instead, by cross-validation on labelled prompts: each
// prompt is routed by an index that does not hold it. It runs the live router itself, not a copy of its formulas.
package eval

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sort"

	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
)

// Price is USD per 1,000,000 tokens.
type Price struct{ Input, Output float64 }

// Options of Run. Prices is required; zero values of the rest mean the defaults named.
type Options struct {
	Prices        map[string]Price // model column → price; only these models take part
	Folds         int              // 5
	Seed          uint64           // of folds and bootstrap; 1
	DefaultOutput float64          // output tokens where a sample has none; 250
	Resamples     int              // bootstrap; 1000
	// Progress, if set, is called now and then from Run's goroutine.
	Progress func(stage string, done, total int)
}

func (o Options) withDefaults() Options {
	if o.Folds == 0 {
		o.Folds = 5
	}
	if o.Seed == 0 {
		o.Seed = 1
	}
	if o.DefaultOutput == 0 {
		o.DefaultOutput = 250
	}
	if o.Resamples == 0 {
		o.Resamples = 1000
	}
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// table is the samples as matrices: [prompt][model]. Cost is USD for running the prompt on the model as it really went.
type table struct {
	columns []string          // as the samples name them
	ids     []routing.ModelID // canonical
	prices  []Price
	samples []index.Sample
	vectors [][]float32
	score   [][]float64
	cost    [][]float64
}

// Run evaluates on the samples that have a score of every priced model.
func Run(ctx context.Context, samples []index.Sample, embedder routing.Embedder, opts Options) (Report, error) {
	opts = opts.withDefaults()
	t, err := newTable(samples, opts)
	if err != nil {
		return Report{}, fmt.Errorf("evaluate: %w", err)
	}
	for i, s := range t.samples {
		if i%100 == 0 {
			opts.Progress("embed", i, len(t.samples))
		}
		v, err := embedder.Embed(ctx, s.Prompt)
		if err != nil {
			return Report{}, fmt.Errorf("evaluate: embed prompt: %w", err)
		}
		t.vectors = append(t.vectors, v)
	}
	c := newContestants(len(t.samples))
	fold := folds(len(t.samples), opts)
	for f := range opts.Folds {
		if err := t.runFold(ctx, c, fold, f, embedder, opts); err != nil {
			return Report{}, fmt.Errorf("evaluate fold %d: %w", f+1, err)
		}
	}
	return c.report(t, opts), nil
}

func newTable(samples []index.Sample, opts Options) (*table, error) {
	t := &table{}
	for c := range opts.Prices {
		t.columns = append(t.columns, c)
	}
	sort.Strings(t.columns)
	if len(t.columns) < 2 {
		return nil, fmt.Errorf("%d priced models: want at least two", len(t.columns))
	}
	taken := map[string]string{}
	for _, c := range t.columns {
		id := catalogue.ID(c)
		if other, dup := taken[id]; dup {
			return nil, fmt.Errorf("columns %q and %q are both %s: price only one", other, c, id)
		}
		taken[id] = c
		t.ids = append(t.ids, routing.ModelID(id))
		t.prices = append(t.prices, opts.Prices[c])
	}
	for _, s := range samples {
		t.add(s, opts)
	}
	if len(t.samples) < 20*opts.Folds {
		return nil, fmt.Errorf("%d prompts have scores of all %d priced models: want %d at least", len(t.samples), len(t.columns), 20*opts.Folds)
	}
	return t, nil
}

func (t *table) add(s index.Sample, opts Options) {
	score, cost := make([]float64, len(t.columns)), make([]float64, len(t.columns))
	for m, c := range t.columns {
		v, ok := s.Scores[c]
		if !ok {
			return
		}
		out := s.OutputTokens[c]
		if out == 0 {
			out = opts.DefaultOutput
		}
		score[m] = v
		cost[m] = (s.InputTokens*t.prices[m].Input + out*t.prices[m].Output) / 1e6
	}
	t.samples = append(t.samples, s)
	t.score = append(t.score, score)
	t.cost = append(t.cost, cost)
}

// folds assigns each prompt to a fold. Samples of equal text share one, or the index would hold the answer.
func folds(n int, opts Options) []int {
	rng := rand.New(rand.NewPCG(opts.Seed, 0xf01d))
	out := make([]int, n)
	for i, p := range rng.Perm(n) {
		out[p] = i % opts.Folds
	}
	return out
}

func (t *table) runFold(ctx context.Context, c *contestants, fold []int, f int, embedder routing.Embedder, opts Options) error {
	var train, test []int
	seen := map[string]bool{}
	for i, g := range fold {
		if g == f {
			test = append(test, i)
			seen[t.samples[i].Prompt] = true
		}
	}
	for i, g := range fold {
		if g != f && !seen[t.samples[i].Prompt] {
			train = append(train, i)
		}
	}
	x, err := t.build(train, embedder)
	if err != nil {
		return err
	}
	stored := &storedVectors{Embedder: embedder, vectors: map[string][]float32{}}
	for _, i := range test {
		stored.vectors[t.samples[i].Prompt] = t.vectors[i]
	}
	router, err := routing.New(routing.Config{Embedder: stored, Index: x})
	if err != nil {
		return err
	}
	j := judge{table: t, index: x, router: router, best: t.bestSingle(train), cheapest: t.cheapest(train), candidates: t.candidates()}
	for n, i := range test {
		if n%50 == 0 {
			opts.Progress("route", f*len(t.samples)/opts.Folds+n, len(t.samples))
		}
		if err := j.prompt(ctx, c, i); err != nil {
			return err
		}
	}
	return nil
}

func (t *table) build(train []int, embedder routing.Embedder) (*index.Index, error) {
	b, err := index.NewBuilder(embedder.ID(), embedder.Dim())
	if err != nil {
		return nil, err
	}
	for _, i := range train {
		r := index.Row{Vector: t.vectors[i], Source: "train"}
		for m, c := range t.columns {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: string(t.ids[m]), Score: t.score[i][m], OutputTokens: uint32(t.samples[i].OutputTokens[c])})
		}
		if err := b.Add(r); err != nil {
			return nil, fmt.Errorf("sample %s: %w", t.samples[i].ID, err)
		}
	}
	return b.Build()
}

// candidates offers every model once, at its price in token base units (1e-6 USD).
func (t *table) candidates() []routing.Candidate {
	var out []routing.Candidate
	for m, id := range t.ids {
		out = append(out, routing.Candidate{Operator: "op", Model: id, InputPerMTok: uint64(t.prices[m].Input * 1e6), OutputPerMTok: uint64(t.prices[m].Output * 1e6), Ref: m})
	}
	return out
}

// storedVectors hands out vectors already computed, so that each prompt is embedded once for all folds and dials.
type storedVectors struct {
	routing.Embedder
	vectors map[string][]float32
}

func (s *storedVectors) Embed(ctx context.Context, text string) ([]float32, error) {
	if v, ok := s.vectors[text]; ok {
		return v, nil
	}
	return s.Embedder.Embed(ctx, text)
}
