// Package eval measures the router against what people would take instead, on labelled prompts that the index does not
// hold: by cross-validation, or on a table of its own. It runs the live router itself, not a copy of its formulas, and
// gives every baseline the same folds, the same sweep of its cost knob, and the same way of choosing one setting.
//
// A prompt's candidates are the models that have an outcome on it: nothing is made up for a missing one.
//
//	table.go       outcomes as a matrix; prices and costs
//	split.go       which rows are learned from, and which are judged
//	contestant.go  what a router is here, and the list of them
//	trace.go       running one: outer splits, and inner ones that choose the operating point
//	metrics.go     accuracy, saving, AIQ, collapse, calibration …, each from a curve
//	bootstrap.go   intervals
//	report.go      the JSON object, report text
package eval

import (
	"cmp"
	"context"
	"fmt"
	"runtime"

	"flotilla/routing"
	"flotilla/routing/index"

	"golang.org/x/sync/errgroup"
)

// Price is USD per 1,000,000 tokens.
type Price struct{ Input, Output float64 }

// Set is one benchmark. Without Test it is cross-validated.
type Set struct {
	Name   string
	Prices map[string]Price // model column → price; only these models take part. Empty: all with measured costs do
	Train  Part
	Test   Part
}

// Part is labelled prompts with their vectors, row by row (see Vectors).
type Part struct {
	Samples []index.Sample
	Vectors [][]float32 // of the router's embedder
	Meaning [][]float32 // of the plain sentence encoder, for the baselines; nil: Vectors
}

// Options of Run; zero values mean the defaults named.
type Options struct {
	Routers   []string // names to run (see Names); all
	Without   []string // model columns left out
	Unseen    []string // tasks left out of training, and judged alone; "each": every task in its turn
	Folds     int      // 5
	Deals     int      // of the folds of a cross-validation, each prompt being judged as often; 1
	Keep      float64  // the operating point keeps this share of best-single quality on the training part; 0.99
	Seed      uint64   // of folds, bootstrap and baselines that draw; 1
	Resamples int      // bootstrap; 1000
	// Progress, if set, is called now and then, from one goroutine at a time.
	Progress func(stage string, done, total int)
}

func (o Options) withDefaults() Options {
	o.Folds = cmp.Or(o.Folds, 5)
	o.Deals = cmp.Or(o.Deals, 1)
	o.Keep = cmp.Or(o.Keep, 0.99)
	o.Seed = cmp.Or(o.Seed, 1)
	o.Resamples = cmp.Or(o.Resamples, 1000)
	if o.Progress == nil {
		o.Progress = func(string, int, int) {}
	}
	return o
}

// Run measures every router of opts on one benchmark.
func Run(ctx context.Context, set Set, embedder routing.Embedder, opts Options) (Benchmark, error) {
	opts = opts.withDefaults()
	t, err := newTable(set, opts)
	if err != nil {
		return Benchmark{}, fmt.Errorf("evaluate %s: %w", set.Name, err)
	}
	splits, err := t.splits(opts)
	if err != nil {
		return Benchmark{}, fmt.Errorf("evaluate %s: %w", set.Name, err)
	}
	field, err := contestants(t, embedder, opts)
	if err != nil {
		return Benchmark{}, fmt.Errorf("evaluate %s: %w", set.Name, err)
	}
	r := newReporter(t, splits, opts)
	for _, c := range yardsticks() {
		tr, err := run(ctx, c, splits, opts)
		if err != nil {
			return Benchmark{}, fmt.Errorf("evaluate %s: %s: %w", set.Name, c.name(), err)
		}
		r.reference(c.name(), tr.op)
	}
	for i, c := range field {
		opts.Progress(c.name(), i, len(field))
		tr, err := run(ctx, c, splits, opts)
		if err != nil {
			return Benchmark{}, fmt.Errorf("evaluate %s: %s: %w", set.Name, c.name(), err)
		}
		r.add(c.name(), tr)
	}
	opts.Progress("done", len(field), len(field))
	return r.benchmark(), nil
}

// Vectors embeds each sample's prompt, on all cores.
func Vectors(ctx context.Context, embedder routing.Embedder, samples []index.Sample, progress func(done, total int)) ([][]float32, error) {
	out := make([][]float32, len(samples))
	done := make(chan struct{}, len(samples))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0) + 1) // and the counter
	g.Go(func() error {
		for n := range samples {
			select {
			case <-done:
				progress(n+1, len(samples))
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for i, s := range samples {
		g.Go(func() (err error) {
			out[i], err = embedder.Embed(ctx, s.Prompt)
			done <- struct{}{}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("embed prompts: %w", err)
	}
	return out, nil
}
