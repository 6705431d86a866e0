// Package study shows, on tables of outcomes, what package probe is worth: how much of a new model's saving a few
// probes bring (NewModels), and how soon an operator that serves another model than it claims is found (Impostors).
package study

import (
	"cmp"
	"context"
	"fmt"
	"runtime"
	"slices"

	"golang.org/x/sync/errgroup"

	"flotilla/routing"
	"flotilla/routing/eval"
	"flotilla/routing/probe"
)

// Options of NewModels; zero values mean the defaults named.
type Options struct {
	Probes int          // prompts a new model is asked; 100
	Keep   float64      // share of the best single model's quality at which savings are compared; 0.98
	Folds  int          // 5
	Deals  int          // how often the folds are dealt anew; curves are summed over all; 1
	Seed   uint64       // of the first deal; 1
	Rules  []probe.Rule // all
	// Progress, if set, is called now and then, from one goroutine at a time.
	Progress func(done, total int)
}

func (o Options) withDefaults() Options {
	o.Probes = cmp.Or(o.Probes, 100)
	o.Keep = cmp.Or(o.Keep, 0.98)
	o.Folds = cmp.Or(o.Folds, 5)
	o.Deals = cmp.Or(o.Deals, 1)
	o.Seed = cmp.Or(o.Seed, 1)
	if len(o.Rules) == 0 {
		o.Rules = probe.Rules()
	}
	if o.Progress == nil {
		o.Progress = func(int, int) {}
	}
	return o
}

// Arrival is one model's arrival in a fleet of all the others. Savings are shares (0..1) of the cost of always asking
// the best single model, at the report's Keep.
type Arrival struct {
	Model   string                 `json:"model"`
	Without float64                `json:"saved_without"`   // the fleet without the model
	Full    float64                `json:"saved_full_rows"` // every training prompt's outcome of it is known
	Probed  map[probe.Rule]float64 `json:"saved_probed"`    // only the probes' outcomes are
}

// NewModelReport is the outcome of NewModels.
type NewModelReport struct {
	Name    string       `json:"name"`
	Prompts int          `json:"prompts"`
	Probes  int          `json:"probes"`
	Deals   int          `json:"deals"`
	Keep    float64      `json:"keep"`
	Rules   []probe.Rule `json:"rules"`
	Models  []Arrival    `json:"models"`
}

// NewModels takes each model out of the index whole, asks it some of the training prompts (chosen by what the others'
// outcomes say), and lets the live router decide on held-out prompts: with nothing, with the probes' rows, and with all
// rows of the model. Cross-validated; deterministic.
func NewModels(ctx context.Context, set eval.Set, embedder routing.Embedder, opts Options) (NewModelReport, error) {
	opts = opts.withDefaults()
	if opts.Probes < 1 || opts.Folds < 2 || opts.Deals < 1 {
		return NewModelReport{}, fmt.Errorf("study %s: %d probes, %d folds, %d deals: want 1, 2 and 1 at least", set.Name, opts.Probes, opts.Folds, opts.Deals)
	}
	t, err := newTable(set, 2*opts.Folds*opts.Probes/(opts.Folds-1))
	if err != nil {
		return NewModelReport{}, fmt.Errorf("study %s: %w", set.Name, err)
	}
	a := &arrivals{table: t, embedder: embedder, opts: opts}
	for deal := range opts.Deals {
		a.folds = append(a.folds, t.folds(opts.Folds, opts.Seed+uint64(deal))...)
	}
	if err := a.run(ctx); err != nil {
		return NewModelReport{}, fmt.Errorf("study %s: %w", set.Name, err)
	}
	return a.report(set.Name), nil
}

// arrivals collects curves, summed over folds.
type arrivals struct {
	*table
	embedder routing.Embedder
	opts     Options
	folds    []fold // of all deals
	best     point
	full     curve
	without  []curve
	probed   [][]curve // by model, then rule
}

// task is one curve of one fold.
type task struct {
	fold, model, rule int
	result            curve
}

// The rules' numbers that are none.
const (
	allRows = -1
	leftOut = -2
)

func (a *arrivals) run(ctx context.Context) error {
	var tasks []*task
	for f, d := range a.folds {
		best := a.bestSingle(d.train)
		for _, i := range d.test {
			a.best.score += a.score[i][best]
			a.best.costUSD += a.costUSD[i][best]
		}
		tasks = append(tasks, &task{fold: f, model: nobody, rule: allRows})
		for m := range a.columns {
			tasks = append(tasks, &task{fold: f, model: m, rule: leftOut})
			for r := range a.opts.Rules {
				tasks = append(tasks, &task{fold: f, model: m, rule: r})
			}
		}
	}
	done := make(chan struct{}, len(tasks))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0) + 1) // and the counter
	group.Go(func() error {
		for n := range tasks {
			select {
			case <-done:
				a.opts.Progress(n+1, len(tasks))
			case <-ctx.Done():
				return nil
			}
		}
		return nil
	})
	for _, k := range tasks {
		group.Go(func() (err error) {
			k.result, err = a.do(ctx, k)
			done <- struct{}{}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	a.sum(tasks)
	return nil
}

func (a *arrivals) do(ctx context.Context, k *task) (curve, error) {
	d := a.folds[k.fold]
	x, err := a.build(a.embedder, d.train, k.model, nil)
	if err != nil {
		return curve{}, err
	}
	if k.rule < 0 {
		return a.route(ctx, a.embedder, x, d.test, k.model)
	}
	var vectors [][]float32
	for _, i := range d.train {
		vectors = append(vectors, a.vectors[i])
	}
	chosen, err := probe.Choose(x, vectors, a.opts.Probes, a.opts.Rules[k.rule])
	if err != nil {
		return curve{}, err
	}
	revealed := map[int]bool{}
	for _, c := range chosen {
		revealed[d.train[c]] = true
	}
	if x, err = a.build(a.embedder, d.train, k.model, revealed); err != nil {
		return curve{}, err
	}
	return a.route(ctx, a.embedder, x, d.test, nobody)
}

// sum adds in the tasks' order, so that the report does not depend on which was done first.
func (a *arrivals) sum(tasks []*task) {
	a.full = newCurve()
	for range a.columns {
		a.without = append(a.without, newCurve())
		var rules []curve
		for range a.opts.Rules {
			rules = append(rules, newCurve())
		}
		a.probed = append(a.probed, rules)
	}
	for _, k := range tasks {
		switch k.rule {
		case allRows:
			a.full.add(k.result)
		case leftOut:
			a.without[k.model].add(k.result)
		default:
			a.probed[k.model][k.rule].add(k.result)
		}
	}
}

func (a *arrivals) report(name string) NewModelReport {
	r := NewModelReport{Name: name, Prompts: len(a.prompts), Probes: a.opts.Probes, Deals: a.opts.Deals, Keep: a.opts.Keep, Rules: slices.Clone(a.opts.Rules)}
	full := a.full.saved(a.opts.Keep, a.best)
	for m, id := range a.ids {
		v := Arrival{Model: string(id), Without: a.without[m].saved(a.opts.Keep, a.best), Full: full, Probed: map[probe.Rule]float64{}}
		for k, rule := range a.opts.Rules {
			v.Probed[rule] = a.probed[m][k].saved(a.opts.Keep, a.best)
		}
		r.Models = append(r.Models, v)
	}
	return r
}
