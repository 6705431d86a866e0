package eval

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"flotilla/routing"
)

// Interval is a bootstrap 95 % interval over prompts.
type Interval struct{ Low, High float64 }

// Line is one router's result. Kept and Saved are relative to the best single model, paired by prompt.
type Line struct {
	Name     string
	Quality  float64 // mean score, 0..1
	Cost     float64 // USD per 1,000 prompts
	Kept     float64 // quality / quality of best single
	KeptCI   Interval
	Saved    float64 // 1 − cost / cost of best single
	SavedCI  Interval
	Baseline bool // not ours
}

// Report is the outcome of Run.
type Report struct {
	Prompts, Models, Folds int
	Lines                  []Line // others first, then ours by dial
}

func (c *contestants) report(t *table, opts Options) Report {
	r := Report{Prompts: c.n, Models: len(t.columns), Folds: opts.Folds}
	names := []string{bestSingle, cheapest, random, oracle, "kNN-10", "kNN-40"}
	others := len(names)
	for dial := routing.MinDial; dial <= routing.MaxDial; dial++ {
		names = append(names, dialName(dial))
	}
	draws := resamples(c.n, opts)
	base := c.result[bestSingle]
	for i, name := range names {
		o := c.result[name]
		l := Line{Name: name, Quality: mean(o.quality), Cost: 1000 * mean(o.cost), Baseline: i < others}
		l.Kept = l.Quality / mean(base.quality)
		l.Saved = 1 - mean(o.cost)/mean(base.cost)
		l.KeptCI = interval(draws, func(d []int32) float64 { return sumOf(o.quality, d) / sumOf(base.quality, d) })
		l.SavedCI = interval(draws, func(d []int32) float64 { return 1 - sumOf(o.cost, d)/sumOf(base.cost, d) })
		r.Lines = append(r.Lines, l)
	}
	return r
}

func resamples(n int, opts Options) [][]int32 {
	rng := rand.New(rand.NewPCG(opts.Seed, 0xb007))
	out := make([][]int32, opts.Resamples)
	for i := range out {
		out[i] = make([]int32, n)
		for j := range out[i] {
			out[i][j] = int32(rng.IntN(n))
		}
	}
	return out
}

func sumOf(v []float64, draw []int32) float64 {
	sum := 0.0
	for _, i := range draw {
		sum += v[i]
	}
	return sum
}

func interval(draws [][]int32, statistic func([]int32) float64) Interval {
	v := make([]float64, len(draws))
	for i, d := range draws {
		v[i] = statistic(d)
	}
	slices.Sort(v)
	last := len(v) - 1
	return Interval{Low: v[last*25/1000], High: v[last*975/1000]}
}

// Text is the report as a table, for terminals and Markdown alike.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d prompts, %d models, %d-fold cross-validation; 95 %% bootstrap intervals over prompts\n\n", r.Prompts, r.Models, r.Folds)
	fmt.Fprintf(&b, "| %-16s | %7s | %9s | %-27s | %-25s |\n", "router", "quality", "USD/1000", "quality kept of best single", "cost saved vs best single")
	fmt.Fprintf(&b, "|%s|%s|%s|%s|%s|\n", strings.Repeat("-", 18), strings.Repeat("-", 8)+":", strings.Repeat("-", 10)+":", strings.Repeat("-", 29), strings.Repeat("-", 27))
	for _, l := range r.Lines {
		fmt.Fprintf(&b, "| %-16s | %7.4f | %9.4f | %-27s | %-25s |\n", l.Name, l.Quality, l.Cost, percent(l.Kept, l.KeptCI), percent(l.Saved, l.SavedCI))
	}
	return b.String()
}

func percent(v float64, ci Interval) string {
	return fmt.Sprintf("%.1f %% (%.1f … %.1f)", 100*v, 100*ci.Low, 100*ci.High)
}
