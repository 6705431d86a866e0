package eval

import (
	"context"
	"fmt"
	"math"
	"slices"

	"flotilla/routing"
)

// contestant is one way of choosing a model. It has a knob from most capable to cheapest; the settings are the same in
// every split, so that a setting chosen on one can be judged on another.
type contestant interface {
	name() string
	knob() []setting
	// fit learns from the split's training rows alone. It may be called from several goroutines.
	fit(ctx context.Context, s *split) (chooser, error)
}

// setting is one position of a knob.
type setting struct {
	dial    int     // 0..10; notDial for the baselines' and for our sweep between the dials
	value   float64 // the contestant's own unit: USD per unit of quality, Avengers-Pro's alpha, a share of a budget
	offered bool    // a user can set it, so it may become the operating point
}

const notDial = -1

// chooser decides for rows the contestant has not learned from.
type chooser interface {
	choose(ctx context.Context, row int, out *choice) error
}

// choice is what a chooser says of one row. chance[k][m] is the probability of model m at knob position k; most
// choosers are certain, and a lottery is judged by its expectation, so that no seed matters.
type choice struct {
	chance  [][]float64
	quality []float64 // predicted by model, 0..1; NaN where nothing is predicted
	ood     bool      // the router calls the prompt out of distribution
}

func newChoice(settings, models int) *choice {
	c := &choice{chance: make([][]float64, settings), quality: make([]float64, models)}
	for k := range c.chance {
		c.chance[k] = make([]float64, models)
	}
	return c
}

func (c *choice) reset() {
	for _, p := range c.chance {
		clear(p)
	}
	for m := range c.quality {
		c.quality[m] = math.NaN()
	}
	c.ood = false
}

func (c *choice) sure(k, m int) { c.chance[k][m] = 1 }

// Names lists every router, ours first. The guarded one runs only where it is asked for: it embeds a prompt several times.
func Names() []string {
	return []string{ours, oursGuarded, "knn-5", "knn-10", "knn-20", "knn-40", "knn-100", avengersPaper, avengersCode, ridge, logistic, matrixFactorisation, random, cheapest, bestSingle, staticMix, oracle}
}

const (
	ours        = "flotilla"
	oursGuarded = "flotilla-guarded"
	random      = "random"
	cheapest    = "cheapest"
	bestSingle  = "best-single"
	staticMix   = "static-mix"
	oracle      = "oracle"
)

// yardsticks are what every router is measured against.
func yardsticks() []contestant {
	return []contestant{
		&fixed{bestSingle, func(s *split) []int { return byScore(s.means(s.train)) }},
		&fixed{cheapest, func(s *split) []int { _, cost := s.means(s.train); return ranking(negated(cost)) }},
		oracleRouter{},
	}
}

// contestants makes the routers asked for; the yardsticks are always among them.
func contestants(t *table, embedder routing.Embedder, opts Options) ([]contestant, error) {
	for _, name := range opts.Routers {
		if !slices.Contains(Names(), name) {
			return nil, fmt.Errorf("no router is called %q; there are %q", name, Names())
		}
	}
	worth := worthGrid(t)
	others := []contestant{newFlotilla(embedder, worth)}
	for _, k := range []int{5, 10, 20, 40, 100} {
		others = append(others, &knn{k: k, worth: worth})
	}
	others = append(others, &avengers{label: avengersPaper, clusters: 60}, &avengers{label: avengersCode, clusters: 25, ranks: true},
		&linear{label: ridge, worth: worth}, &linear{label: logistic, logistic: true, worth: worth}, &factorisation{worth: worth}, randomRouter{}, &mix{})
	if slices.Contains(opts.Routers, oursGuarded) {
		g, err := newGuarded(embedder)
		if err != nil {
			return nil, err
		}
		others = append(others, g)
	}
	if len(opts.Routers) > 0 {
		others = slices.DeleteFunc(others, func(c contestant) bool { return !slices.Contains(opts.Routers, c.name()) })
	}
	return append(yardsticks(), others...), nil
}

// decadeSteps is how many steps a sweep makes while the worth falls to a tenth. Where models have one price a token, most
// prompts change models within a few hundredths of a decade; with steps of a twelfth a router's AIQ on alpacaeval was
// wrong by six points, and not by the same for all.
const decadeSteps = 96

// worthGrid is the common sweep: USD that one whole unit of quality is worth, from "only quality counts" to "only cost
// counts". It spans what an answer of the best single model costs, times 10,000 to times 0.001.
func worthGrid(t *table) []setting {
	score, cost := t.means(numbers(0, t.trained))
	scale := cost[byScore(score, cost)[0]]
	out := []setting{{notDial, math.Inf(1), true}}
	for step := 4 * decadeSteps; step >= -3*decadeSteps; step-- {
		out = append(out, setting{notDial, scale * math.Pow(10, float64(step)/decadeSteps), true})
	}
	return append(out, setting{notDial, 0, true})
}

// sweep decides every setting by the usual utility: predicted quality − predicted cost / worth. Equals go to the
// cheaper. It fills in out.quality from quality.
func (t *table) sweep(row int, worth []setting, quality, costUSD []float64, out *choice) {
	copy(out.quality, quality)
	for k, w := range worth {
		best, bestU := -1, 0.0
		for m := range quality {
			if !t.has(row, m) {
				continue
			}
			u := utility(quality[m], costUSD[m], w.value)
			if best < 0 || u > bestU || u == bestU && costUSD[m] < costUSD[best] {
				best, bestU = m, u
			}
		}
		out.sure(k, best)
	}
}

// utility is quality − cost/worth; at worth 0 only cost counts.
func utility(quality, costUSD, worthUSD float64) float64 {
	if worthUSD == 0 {
		return -costUSD
	}
	return quality - costUSD/worthUSD
}
