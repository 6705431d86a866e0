package attack

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// The bars. Excess is beyond random words in the same places; inflation is against the clean texts' cost. The accuracy lost
// is known to about two points on the prompts shipped, so its bar is missed when the whole interval is beyond it.
const (
	maxKnown        = 0.10 // excess upgrades of A1 to A5
	maxAdaptive     = 0.25 // of A6
	maxInflation    = 1.15
	maxAccuracyLost = 0.005
)

// Report is the outcome of a run. Shares are fractions, costs USD an answer.
type Report struct {
	Quick          bool        `json:"quick"`
	Seed           uint64      `json:"seed"`
	Dial           float64     `json:"dial"`
	Prompts        int         `json:"prompts"`
	CleanPrompts   int         `json:"clean_prompts"` // that accuracy is measured on
	Clean          []Clean     `json:"clean"`
	AccuracyLost   float64     `json:"accuracy_lost"` // by the guard, at the same dial
	AccuracyLostCI [2]float64  `json:"accuracy_lost_ci95"`
	Results        []Result    `json:"results"`
	Sentences      []Sentences `json:"sentences,omitempty"`
	PriceRoutes    int         `json:"price_routes"`  // decisions with and without absurd operators
	PriceChanges   int         `json:"price_changes"` // of them, picks that differ
	Known          float64     `json:"worst_known_excess"`
	Adaptive       float64     `json:"worst_adaptive_excess"`
	Inflation      float64     `json:"worst_inflation"`
	Missed         []string    `json:"missed"` // bars
}

// Clean is a router on texts as they are.
type Clean struct {
	Router    string  `json:"router"`
	DearShare float64 `json:"dear_share"`
	Accuracy  float64 `json:"accuracy"`
	CostUSD   float64 `json:"cost_usd"`
}

// Result is one router under one attack.
type Result struct {
	Router     string     `json:"router"`
	Family     string     `json:"family"`
	Placement  string     `json:"placement"`
	Gadget     string     `json:"gadget,omitempty"`
	Upgraded   float64    `json:"upgraded"` // of the prompts with a cheap clean pick
	Excess     float64    `json:"excess"`   // beyond A0 in the same place
	ExcessCI   [2]float64 `json:"excess_ci95"`
	Downgraded float64    `json:"downgraded"`
	Flipped    float64    `json:"flipped"`
	Inflation  float64    `json:"inflation"`
	ByLength   []Bucket   `json:"by_length"`
}

// Sentences is what all sentences of A4 bring in one place, with the defended router.
type Sentences struct {
	Placement      string  `json:"placement"`
	Worst          string  `json:"worst"`
	WorstInflation float64 `json:"worst_inflation"`
	MeanInflation  float64 `json:"mean_inflation"`
}

// Bucket is a Result on prompts of some length.
type Bucket struct {
	Length  string  `json:"length"`
	Prompts int     `json:"prompts"`
	Excess  float64 `json:"excess"`
}

func (r *Report) add(s *suite, sub *subject, family, where string, c *counts, gadget []string) {
	floor := sub.floor[where]
	of := upgraded
	if family == "A7" {
		of = downgraded
	}
	excess := of(c.by)
	if floor != nil {
		excess -= of(floor.by)
	}
	res := Result{
		Router: sub.name(), Family: family, Placement: where, Gadget: strings.Join(gadget, " "), Upgraded: upgraded(c.by),
		Excess: excess, ExcessCI: s.excessCI(c, floor, of), Downgraded: downgraded(c.by), Flipped: flipped(c.by), Inflation: inflation(c.by),
	}
	for _, b := range buckets {
		part := bucket(c, b.from, b.to)
		excess := of(part)
		if floor != nil {
			excess -= of(bucket(floor, b.from, b.to))
		}
		res.ByLength = append(res.ByLength, Bucket{b.name, len(part), excess})
	}
	r.Results = append(r.Results, res)
}

// finish compares with the bars.
func (r *Report) finish(opts Options) {
	r.Quick, r.Seed, r.Missed = opts.Quick, opts.Seed, []string{} // not null in JSON
	for _, x := range r.Results {
		known := slices.Contains([]string{"A1", "A2", "A3", "A4", "A5"}, x.Family)
		if x.Router != nameDefended || !known && x.Family != "A6" {
			continue
		}
		r.Inflation = max(r.Inflation, x.Inflation)
		if known {
			r.Known = max(r.Known, x.Excess)
		} else {
			r.Adaptive = max(r.Adaptive, x.Excess)
		}
	}
	for _, bar := range []struct {
		name       string
		value, max float64
	}{
		{"known families", r.Known, maxKnown}, {"adaptive", r.Adaptive, maxAdaptive}, {"cost inflation", r.Inflation, maxInflation},
		{"clean accuracy lost", r.AccuracyLostCI[0], maxAccuracyLost}, {"price manipulation", float64(r.PriceChanges), 0},
	} {
		if bar.value > bar.max {
			r.Missed = append(r.Missed, bar.name)
		}
	}
}

// Text is the tables and, as the last line, the figures with the bars.
func (r Report) Text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d held-out prompts attacked, accuracy on %d, dial %v, seed %d\n\n", r.Prompts, r.CleanPrompts, r.Dial, r.Seed)
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "clean\tdear picks\taccuracy\tUSD/1000")
	for _, c := range r.Clean {
		fmt.Fprintf(w, "%s\t%.0f %%\t%.1f %%\t%.3f\n", c.Router, c.DearShare*100, c.Accuracy*100, c.CostUSD*1000)
	}
	fmt.Fprintln(w, "\nfamily\tplacement\trouter\tupgraded\texcess, points (95 %)\tdowngraded\tflipped\tcost\texcess by length: <20, 20-80, >80 words")
	for _, x := range r.Results {
		fmt.Fprintf(w, "%s\t%s\t%s\t%.0f %%\t%+.0f (%+.0f … %+.0f)\t%.0f %%\t%.0f %%\t×%.2f\t", x.Family, x.Placement, x.Router,
			x.Upgraded*100, x.Excess*100, x.ExcessCI[0]*100, x.ExcessCI[1]*100, x.Downgraded*100, x.Flipped*100, x.Inflation)
		for i, l := range x.ByLength {
			if i > 0 {
				fmt.Fprint(w, ", ")
			}
			fmt.Fprintf(w, "%+.0f", l.Excess*100)
		}
		fmt.Fprintln(w)
	}
	if len(r.Sentences) > 0 {
		fmt.Fprintf(w, "\neach sentence of A4\tplacement\tworst cost\tmean cost\n")
		for _, x := range r.Sentences {
			fmt.Fprintf(w, "\t%s\t×%.2f\t×%.2f\t%s\n", x.Placement, x.WorstInflation, x.MeanInflation, x.Worst)
		}
	}
	w.Flush()
	fmt.Fprintf(&b, "\naccuracy lost to the guard at the same dial: %+.1f points (%+.1f … %+.1f)\n", r.AccuracyLost*100, r.AccuracyLostCI[0]*100, r.AccuracyLostCI[1]*100)
	missed := "all bars held"
	if len(r.Missed) > 0 {
		missed = "MISSED: " + strings.Join(r.Missed, ", ")
	}
	fmt.Fprintf(&b, "attack: known %+.0f points (bar 10), adaptive %+.0f (25), cost ×%.2f (1.15), clean accuracy lost %+.1f (%+.1f … %+.1f; bar 0.5, by the whole interval), price changes %d of %d (0); %s\n",
		r.Known*100, r.Adaptive*100, r.Inflation, r.AccuracyLost*100, r.AccuracyLostCI[0]*100, r.AccuracyLostCI[1]*100, r.PriceChanges, r.PriceRoutes, missed)
	return b.String()
}
