package eval

import (
	"math"
	"slices"
	"strconv"

	"flotilla/routing"
)

// Report is all benchmarks of one command. Shares are fractions 0..1, costs USD per prompt.
type Report struct {
	Benchmarks []Benchmark `json:"benchmarks"`
	Mean       []MeanLine  `json:"mean,omitempty"` // over the benchmarks, where there are several; see Summarise
}

// Benchmark is the outcome of Run.
type Benchmark struct {
	Name       string   `json:"name"`
	N          int      `json:"n"`      // judged prompts, of several deals counted once
	Models     int      `json:"models"` // that could be chosen
	Method     string   `json:"method"` // how the judged prompts were kept apart from those learned from
	Without    []string `json:"without,omitempty"`
	BestSingle Single   `json:"best_single"` // by the training rows
	Cheapest   Single   `json:"cheapest"`
	Oracle     Level    `json:"oracle"`
	Routers    []Router `json:"routers"`

	aiq map[string][]float64 // by router and resample, for Summarise
}

// Level is a mean score and a mean cost.
type Level struct {
	Accuracy float64 `json:"accuracy"`
	Cost     float64 `json:"cost"`
}

// Single is one model, always used. In a cross-validation the folds may differ in it: the figures are then of each fold's own, and
// Model is that of most folds.
type Single struct {
	Model string         `json:"model"`
	Folds map[string]int `json:"folds,omitempty"` // by model, where they differ
	Level
}

// Router is one contestant's figures.
type Router struct {
	Name            string              `json:"name"`
	OperatingPoint  OperatingPoint      `json:"operating_point"`
	Frontier        Frontier            `json:"frontier"`
	OracleGapClosed float64             `json:"oracle_gap_closed"` // at the most capable end of the knob
	PerfGain        float64             `json:"perf_gain"`         // best reachable accuracy / best single − 1
	ParetoDist      float64             `json:"pareto_dist"`
	RCI             map[string]float64  `json:"rci"`
	OODShare        float64             `json:"ood_share"`
	Calibration     *float64            `json:"calibration_error,omitempty"`
	APGR            *float64            `json:"apgr,omitempty"` // with two models only
	CPT             map[string]float64  `json:"cpt,omitempty"`
	Share           map[string]float64  `json:"share"` // of each model at the operating point
	Dials           []Dial              `json:"dials,omitempty"`
	VsBestBaseline  *Comparison         `json:"vs_best_baseline,omitempty"`
	CI95            map[string]Interval `json:"ci95"` // by the path of the figure

	Curve []Level `json:"curve"` // the frontier: settings that no other of this router beats
}

// OperatingPoint is the setting chosen on the training rows alone, measured on the others. Dial is the position on the
// router's knob, 0 most capable … 10 cheapest, on average over the splits.
type OperatingPoint struct {
	Dial float64 `json:"dial"`
	Level
	Saved float64 `json:"saved"`
	Kept  float64 `json:"kept"`
}

// Frontier is the best that could be had in hindsight.
type Frontier struct {
	SaveAt100   float64 `json:"save_at_100"`
	SaveAt99    float64 `json:"save_at_99"`
	SaveAt95    float64 `json:"save_at_95"`
	MaxAccuracy float64 `json:"max_accuracy"`
	AIQ         float64 `json:"aiq"`
}

// Dial is our router at one dial. LeastSaved is Saved on the split where it is least, beside that split's own best single model: what
// is saved beside a mix of several splits' models says nothing of who would have taken one of them.
type Dial struct {
	Dial int `json:"dial"`
	Level
	Saved      float64 `json:"saved"`
	LeastSaved float64 `json:"least_saved"`
	Kept       float64 `json:"kept"`
	RCI        float64 `json:"rci"`
}

// Comparison is the paired difference of AIQ to the baseline that has the highest.
type Comparison struct {
	Baseline string   `json:"baseline"`
	AIQ      float64  `json:"aiq"`
	CI95     Interval `json:"ci95"`
}

// reporter measures contestants one after another, so that only one's outcomes are held.
type reporter struct {
	table     *table
	splits    []*split
	opts      Options
	n         int   // judged places: every test row of every split
	prompt    []int // by place: which prompt it is; one that several deals judge has several places
	prompts   int
	ones      []float64
	best      outcomes // the three that all are measured against
	cheapest  outcomes
	oracle    outcomes
	routers   []Router
	aiq       map[string][]float64
	frontiers map[string][][]point // by router: on the judged rows, then by resample
}

func newReporter(t *table, splits []*split, opts Options) *reporter {
	r := &reporter{table: t, splits: splits, opts: opts, aiq: map[string][]float64{}, frontiers: map[string][][]point{}}
	known := map[int]int{}
	for _, s := range splits {
		for _, row := range s.test {
			if _, ok := known[row]; !ok {
				known[row] = len(known)
			}
			r.prompt = append(r.prompt, known[row])
		}
	}
	r.n, r.prompts = len(r.prompt), len(known)
	r.ones = slices.Repeat([]float64{1}, r.n)
	return r
}

// reference keeps what all are measured against.
func (r *reporter) reference(name string, o outcomes) {
	switch name {
	case bestSingle:
		r.best = o
	case cheapest:
		r.cheapest = o
	case oracle:
		r.oracle = o
	}
}

func (r *reporter) references(weights []float64) references {
	at := func(o outcomes) point {
		return point{weightedMean(o.quality, weights), weightedMean(o.costUSD, weights)}
	}
	return references{best: at(r.best), cheapest: at(r.cheapest), oracle: at(r.oracle)}
}

// resample is bootstrap resample i as weights of the places: a prompt is drawn with all of its places.
func (r *reporter) resample(i int) []float64 {
	drawn := make([]float64, r.prompts)
	draw(r.opts.Seed, i, drawn)
	weights := make([]float64, r.n)
	for at, prompt := range r.prompt {
		weights[at] = drawn[prompt]
	}
	return weights
}

func (r *reporter) add(name string, t *trace) {
	f, frontier := measure(t, r.references(r.ones), r.ones)
	samples := make([][]float64, len(f.names))
	for j := range samples {
		samples[j] = make([]float64, r.opts.Resamples)
	}
	frontiers := make([][]point, 1+r.opts.Resamples)
	frontiers[0] = frontier
	_ = each(r.opts.Resamples, func(i int) error {
		weights := r.resample(i)
		g, frontier := measure(t, r.references(weights), weights)
		for j, v := range g.values {
			samples[j][i] = v
		}
		frontiers[1+i] = frontier
		return nil
	})
	r.frontiers[name] = frontiers
	ci := map[string]Interval{}
	for j, figure := range f.names {
		ci[figure] = interval(slices.Clone(samples[j]))
	}
	r.aiq[name] = samples[slices.Index(f.names, figAIQ)]
	r.routers = append(r.routers, r.router(name, t, f, ci))
}

func (r *reporter) router(name string, t *trace, f *figures, ci map[string]Interval) Router {
	out := Router{
		Name:            name,
		OperatingPoint:  OperatingPoint{Dial: t.meanDial(), Level: Level{f.get(opAccuracy), f.get(opCost)}, Saved: f.get(opSaved), Kept: f.get(opKept)},
		Frontier:        Frontier{f.get(figSave100), f.get(figSave99), f.get(figSave95), f.get(figMax), f.get(figAIQ)},
		OracleGapClosed: f.get(figGap), PerfGain: f.get(figGain), OODShare: f.get(figOOD),
		RCI: map[string]float64{}, Share: map[string]float64{}, CI95: ci,
	}
	for m, share := range t.share {
		if share > 0 {
			out.Share[r.table.models[m]] = share
		}
	}
	for dial := routing.MinDial; dial <= routing.MaxDial; dial++ {
		if _, ok := ci[rciFigure(dial)]; ok {
			out.RCI[strconv.Itoa(dial)] = f.get(rciFigure(dial))
		}
		if _, ok := ci[dialFigure(dial, "cost")]; ok {
			out.Dials = append(out.Dials, Dial{Dial: dial, Level: Level{f.get(dialFigure(dial, "accuracy")), f.get(dialFigure(dial, "cost"))},
				Saved: f.get(dialFigure(dial, "saved")), LeastSaved: r.leastSaved(t, dial), Kept: f.get(dialFigure(dial, "kept")), RCI: f.get(rciFigure(dial))})
		}
	}
	if len(t.predicted) > 0 {
		e := f.get(figECE)
		out.Calibration = &e
	}
	if len(t.strong) > 0 {
		a := f.get(figAPGR)
		out.APGR, out.CPT = &a, map[string]float64{}
		for _, level := range cptLevels {
			out.CPT[strconv.Itoa(level)] = f.get(cptFigure(level))
		}
	}
	for _, p := range r.frontiers[name][0] {
		out.Curve = append(out.Curve, Level{p.accuracy, p.costUSD})
	}
	return out
}

// leastSaved is the share of the best single model's cost that the dial saves on the split where that is least.
func (r *reporter) leastSaved(t *trace, dial int) float64 {
	k := slices.IndexFunc(t.knob, func(s setting) bool { return s.dial == dial })
	least, from := math.Inf(1), 0
	for _, s := range r.splits {
		to := from + len(s.test)
		least = min(least, 1-ratio(mean(t.costUSD[k][from:to]), mean(r.best.costUSD[from:to])))
		from = to
	}
	return least
}

// meanDial is the mean of the splits' chosen positions on the scale 0 to 10.
func (t *trace) meanDial() float64 {
	offered := 0
	for _, s := range t.knob {
		if s.offered {
			offered++
		}
	}
	if offered < 2 {
		return 0
	}
	sum := 0.0
	for _, k := range t.chosen {
		sum += float64(k) / float64(offered-1) * routing.MaxDial
	}
	return sum / float64(len(t.chosen))
}

func (r *reporter) benchmark() Benchmark {
	ref := r.references(r.ones)
	b := Benchmark{
		Name: r.table.name, N: r.prompts, Models: len(r.table.models), Method: r.opts.method(r.table), Without: r.opts.Without,
		BestSingle: r.single(ref.best, func(score, costUSD []float64) int { return byScore(score, costUSD)[0] }),
		Cheapest:   r.single(ref.cheapest, func(_, cost []float64) int { return ranking(negated(cost))[0] }),
		Oracle:     Level{ref.oracle.accuracy, ref.oracle.costUSD}, Routers: r.routers, aiq: r.aiq,
	}
	r.paretoDistances(b.Routers)
	r.compare(b.Routers)
	slices.SortStableFunc(b.Routers, func(a, c Router) int {
		return slices.Index(Names(), a.Name) - slices.Index(Names(), c.Name)
	})
	return b
}

func (r *reporter) single(p point, choose func(score, cost []float64) int) Single {
	out := Single{Folds: map[string]int{}, Level: Level{p.accuracy, p.costUSD}}
	for _, s := range r.splits {
		model := r.table.models[choose(s.means(s.train))]
		if out.Folds[model]++; out.Folds[model] > out.Folds[out.Model] {
			out.Model = model
		}
	}
	if len(out.Folds) == 1 {
		out.Folds = nil
	}
	return out
}

// paretoDistances compares each router's frontier with that of all together, resample by resample. The oracle is no
// router: it stays out of the joint frontier.
func (r *reporter) paretoDistances(routers []Router) {
	values := make([][]float64, len(routers))
	for j := range values {
		values[j] = make([]float64, 1+r.opts.Resamples)
	}
	_ = each(1+r.opts.Resamples, func(i int) error {
		weights := slices.Clone(r.ones)
		if i > 0 {
			weights = r.resample(i - 1)
		}
		best := r.references(weights).best
		var all []point
		for name, f := range r.frontiers {
			if name != oracle {
				all = append(all, f[i]...)
			}
		}
		joint := pareto(all)
		for j := range routers {
			values[j][i] = paretoDistance(r.frontiers[routers[j].Name][i], joint, best)
		}
		return nil
	})
	for j := range routers {
		routers[j].ParetoDist = values[j][0]
		routers[j].CI95[figPareto] = interval(values[j][1:])
	}
}

// compare sets our paired difference to the best baseline.
func (r *reporter) compare(routers []Router) {
	best, mine := -1, -1
	for j, o := range routers {
		switch {
		case o.Name == ours:
			mine = j
		case o.Name != oracle && o.Name != oursGuarded && (best < 0 || o.Frontier.AIQ > routers[best].Frontier.AIQ):
			best = j
		}
	}
	if mine < 0 || best < 0 {
		return
	}
	difference := make([]float64, r.opts.Resamples)
	for i := range difference {
		difference[i] = r.aiq[ours][i] - r.aiq[routers[best].Name][i]
	}
	routers[mine].VsBestBaseline = &Comparison{routers[best].Name, routers[mine].Frontier.AIQ - routers[best].Frontier.AIQ, interval(difference)}
}

// MeanLine is one router's mean AIQ over benchmarks, and how much ours has above it.
type MeanLine struct {
	Name       string   `json:"name"`
	AIQ        float64  `json:"aiq"`
	Ours       float64  `json:"ours_minus_this"`
	OursCI95   Interval `json:"ours_minus_this_ci95"`
	Benchmarks int      `json:"benchmarks"`
}

// Summarise sets the means over several benchmarks; their resamples are independent of one another.
func (r *Report) Summarise() {
	if len(r.Benchmarks) < 2 {
		return
	}
	for _, name := range Names() {
		l := MeanLine{Name: name, Benchmarks: len(r.Benchmarks), AIQ: r.meanAIQ(name)}
		if mine := r.meanAIQ(ours); !math.IsNaN(l.AIQ) && !math.IsNaN(mine) {
			l.Ours, l.OursCI95 = mine-l.AIQ, r.meanDifference(name)
			r.Mean = append(r.Mean, l)
		}
	}
}

// meanAIQ is NaN for a router that was not run on every benchmark.
func (r *Report) meanAIQ(name string) float64 {
	sum := 0.0
	for _, b := range r.Benchmarks {
		j := slices.IndexFunc(b.Routers, func(o Router) bool { return o.Name == name })
		if j < 0 {
			return math.NaN()
		}
		sum += b.Routers[j].Frontier.AIQ
	}
	return sum / float64(len(r.Benchmarks))
}

func (r *Report) meanDifference(name string) Interval {
	v := make([]float64, len(r.Benchmarks[0].aiq[name]))
	for i := range v {
		for _, b := range r.Benchmarks {
			v[i] += (b.aiq[ours][i] - b.aiq[name][i]) / float64(len(r.Benchmarks))
		}
	}
	return interval(v)
}
