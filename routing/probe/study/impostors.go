package study

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sort"

	"golang.org/x/sync/errgroup"

	"flotilla/routing/catalogue"
	"flotilla/routing/eval"
	"flotilla/routing/index"
	"flotilla/routing/probe"
)

// ImpostorOptions of Impostors; zero values mean the defaults named.
type ImpostorOptions struct {
	Probes     int     // most probes of one trial; 100
	Pool       int     // most telling prompts that a trial draws its probes from; 300
	Draws      int     // trials a pair of models; 200
	FalseAlarm float64 // 0.01
	Missed     float64 // 0.05
	Seed       uint64  // of the draws; 1
}

func (o ImpostorOptions) withDefaults() ImpostorOptions {
	o.Probes = cmp.Or(o.Probes, 100)
	o.Pool = cmp.Or(o.Pool, 300)
	o.Draws = cmp.Or(o.Draws, 200)
	o.FalseAlarm = cmp.Or(o.FalseAlarm, 0.01)
	o.Missed = cmp.Or(o.Missed, 0.05)
	o.Seed = cmp.Or(o.Seed, 1)
	return o
}

// Pair is one model claimed and one served, with what the trials found. Shares are of the trials, 0..1.
type Pair struct {
	Claimed string  `json:"claimed"` // columns of the table
	Served  string  `json:"served"`
	Gap     float64 `json:"gap"`     // mean score of the claimed less the served, 0..1
	Caught  float64 `json:"caught"`  // share of trials that ended in probe.Substituted
	Cleared float64 `json:"cleared"` // … in probe.Genuine
	Median  float64 `json:"median"`  // probes until caught; trials that were not caught count as infinitely many: 0 stands for that
}

// ImpostorReport is the outcome of Impostors.
type ImpostorReport struct {
	Name       string  `json:"name"`
	Prompts    int     `json:"prompts"`
	Probes     int     `json:"probes"`
	Draws      int     `json:"draws"`
	FalseAlarm float64 `json:"false_alarm"`
	Missed     float64 `json:"missed"`
	Unknown    []Pair  `json:"unknown"` // a cheaper, worse model is served that is nobody's suspect
	Known      []Pair  `json:"known"`   // the same, and it is among the suspects; one answer in five is not as it was when its scores were taken
	Honest     []Pair  `json:"honest"`  // the same weights by another provider: catching them is a false alarm
	Limit      []Pair  `json:"limit"`   // simulated: an operator just as far off as an honest one is granted to be
}

// outcomes of one column by prompt; NaN where it was not run.
type outcomes map[string][]float64

// Impostors lets every priced model be claimed by an operator that serves a cheaper and worse one of the table, and
// counts the probes until [probe.Trial] says so. Outcomes are the table's own. Deterministic.
func Impostors(ctx context.Context, set eval.Set, opts ImpostorOptions) (ImpostorReport, error) {
	opts = opts.withDefaults()
	if opts.Probes < 1 || opts.Pool < 1 || opts.Draws < 1 {
		return ImpostorReport{}, fmt.Errorf("study %s: %d probes of %d, %d draws: want one of each at least", set.Name, opts.Probes, opts.Pool, opts.Draws)
	}
	l := newLineup(set, opts)
	if len(l.priced) < 3 {
		return ImpostorReport{}, fmt.Errorf("study %s: %d priced models in the table: want three at least", set.Name, len(l.priced))
	}
	r := ImpostorReport{Name: set.Name, Prompts: l.prompts, Probes: opts.Probes, Draws: opts.Draws, FalseAlarm: opts.FalseAlarm, Missed: opts.Missed}
	var jobs []func() error
	add := func(to *[]Pair, claimed, served string, known bool, answer answering) {
		*to = append(*to, Pair{})
		at := len(*to) - 1
		jobs = append(jobs, func() (err error) {
			(*to)[at], err = l.pair(claimed, served, known, answer)
			return err
		})
	}
	for _, claimed := range l.priced {
		for _, served := range l.priced {
			if l.cheaperAndWorse(served, claimed, set.Prices) {
				add(&r.Unknown, claimed, served, false, recorded)
				add(&r.Known, claimed, served, true, again)
			}
		}
		for _, served := range l.twins(claimed) {
			add(&r.Honest, claimed, served, true, recorded)
		}
		add(&r.Limit, claimed, claimed, true, atLimit)
	}
	var g errgroup.Group
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, job := range jobs {
		g.Go(func() error {
			if err := context.Cause(ctx); err != nil {
				return err
			}
			return job()
		})
	}
	if err := g.Wait(); err != nil {
		return ImpostorReport{}, fmt.Errorf("study %s: %w", set.Name, err)
	}
	return r, nil
}

// answering gives what an operator's answer to a probe agrees with the claimed model's.
type answering func(*rand.Rand, exhibit) float64

// recorded is the served column's outcome.
func recorded(_ *rand.Rand, e exhibit) float64 { return e.agreement }

// again turns one recorded outcome in five round: the suspect's outcomes are known from a run that is not the one it is
// caught in, and it is believed to repeat itself that often.
func again(rng *rand.Rand, e exhibit) float64 {
	if rng.Float64() < probe.Repeats {
		return e.agreement
	}
	return 1 - e.agreement
}

// atLimit is an operator that disagrees as often as the claim allows.
func atLimit(rng *rand.Rand, e exhibit) float64 {
	if rng.Float64() < e.claim.Agreement {
		return 1
	}
	return 0
}

// lineup is the table by column.
type lineup struct {
	opts    ImpostorOptions
	prompts int
	columns []string // all, sorted
	priced  []string // sorted
	scores  outcomes
}

func newLineup(set eval.Set, opts ImpostorOptions) *lineup {
	l := &lineup{opts: opts, prompts: len(set.Train.Samples), scores: outcomes{}}
	for i, s := range set.Train.Samples {
		l.add(i, s)
	}
	for c := range l.scores {
		l.columns = append(l.columns, c)
		if _, ok := set.Prices[c]; ok {
			l.priced = append(l.priced, c)
		}
	}
	sort.Strings(l.columns)
	sort.Strings(l.priced)
	return l
}

func (l *lineup) add(i int, s index.Sample) {
	for c, v := range s.Scores {
		if l.scores[c] == nil {
			l.scores[c] = slices.Repeat([]float64{math.NaN()}, l.prompts)
		}
		l.scores[c][i] = v
	}
}

// mean score over the prompts that both columns were run on.
func (l *lineup) means(a, b string) (meanA, meanB float64) {
	n := 0.0
	for i, v := range l.scores[a] {
		if w := l.scores[b][i]; !math.IsNaN(v) && !math.IsNaN(w) {
			meanA += v
			meanB += w
			n++
		}
	}
	return meanA / n, meanB / n
}

func (l *lineup) cheaperAndWorse(served, claimed string, prices map[string]eval.Price) bool {
	s, c := l.means(served, claimed)
	return s < c && prices[served].Input+prices[served].Output < prices[claimed].Input+prices[claimed].Output
}

// twins are other columns of the same weights that were run on some of the same prompts.
func (l *lineup) twins(column string) []string {
	var out []string
	for _, c := range l.columns {
		if shared, _ := l.means(c, column); c != column && catalogue.ID(c) == catalogue.ID(column) && !math.IsNaN(shared) {
			out = append(out, c)
		}
	}
	return out
}

// exhibit is a prompt that can tell: the claimed model answered it right.
type exhibit struct {
	claim     probe.Claim
	doubt     probe.Doubt
	agreement float64 // of the served column with the claimed one
}

// pool is the most telling prompts for a claim. others are the models that doubt is made of; suspects are among them.
func (l *lineup) pool(claimed, served string, others, suspects []string) []exhibit {
	var out []exhibit
	for i, reference := range l.scores[claimed] {
		a := l.scores[served][i]
		if !(reference >= 0.5) || math.IsNaN(a) {
			continue
		}
		theirs, own := l.row(i, others), l.row(i, suspects)
		if theirs == nil || own == nil {
			continue
		}
		d := probe.NewDoubt(reference, theirs)
		out = append(out, exhibit{claim: d.Claim(reference, own), doubt: d, agreement: probe.Agreement(reference, a)})
	}
	slices.SortStableFunc(out, func(a, b exhibit) int { return probe.Telling(a.doubt, b.doubt) })
	return out[:min(l.opts.Pool, len(out))]
}

// row is the columns' scores of one prompt; nil where one is missing.
func (l *lineup) row(i int, columns []string) []float64 {
	out := make([]float64, len(columns))
	for k, c := range columns {
		if out[k] = l.scores[c][i]; math.IsNaN(out[k]) {
			return nil
		}
	}
	return out
}

// pair runs the trials of one claim. A known impostor is among the suspects.
func (l *lineup) pair(claimed, served string, known bool, answer answering) (Pair, error) {
	var others, suspects []string
	for _, c := range l.priced {
		if catalogue.ID(c) == catalogue.ID(claimed) {
			continue
		}
		if c != served {
			others = append(others, c)
		}
		if c != served || known {
			suspects = append(suspects, c)
		}
	}
	mc, ms := l.means(claimed, served)
	p := Pair{Claimed: claimed, Served: served, Gap: mc - ms}
	pool := l.pool(claimed, served, others, suspects)
	var until []float64
	for draw := range l.opts.Draws {
		f, err := l.trial(pool, len(suspects)+1, answer, rand.New(rand.NewPCG(l.opts.Seed, uint64(draw))))
		if err != nil {
			return p, err
		}
		switch f.Verdict {
		case probe.Substituted:
			p.Caught += 1 / float64(l.opts.Draws)
			until = append(until, float64(f.Probes))
		case probe.Genuine:
			p.Cleared += 1 / float64(l.opts.Draws)
		}
	}
	slices.Sort(until)
	if 2*len(until) > l.opts.Draws {
		p.Median = until[l.opts.Draws/2]
	}
	return p, nil
}

// trial asks probes of the pool in random order, as an operator must not be able to foresee them.
func (l *lineup) trial(pool []exhibit, suspects int, answer answering, rng *rand.Rand) (probe.Finding, error) {
	t, err := probe.NewTrial(suspects, l.opts.FalseAlarm, l.opts.Missed)
	if err != nil {
		return probe.Finding{}, err
	}
	var f probe.Finding
	order := rng.Perm(len(pool))
	for _, at := range order[:min(l.opts.Probes, len(order))] {
		if f, err = t.Observe(pool[at].claim, answer(rng, pool[at])); err != nil || f.Verdict != probe.Undecided {
			break
		}
	}
	return f, err
}
