package study

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"flotilla/routing/probe"
)

// enough is the share of its full rows' saving that a model's probe rows must bring.
const enough = 0.8

// String is the report as a Markdown table.
func (r NewModelReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d prompts; savings at %.0f %% of best-single quality, %d probes a model, folds dealt %d×; in brackets the share of the full rows' saving\n\n", r.Name, r.Prompts, 100*r.Keep, r.Probes, r.Deals)
	fmt.Fprintf(&b, "| %-36s | %7s | %9s |", "new model", "without", "full rows")
	for _, rule := range r.Rules {
		fmt.Fprintf(&b, " %-17s |", rule)
	}
	fmt.Fprintf(&b, "\n|%s|%s|%s|%s\n", strings.Repeat("-", 38), strings.Repeat("-", 8)+":", strings.Repeat("-", 10)+":", strings.Repeat(strings.Repeat("-", 19)+"|", len(r.Rules)))
	for _, m := range r.Models {
		fmt.Fprintf(&b, "| %-36s | %5.1f %% | %7.1f %% |", m.Model, 100*m.Without, 100*m.Full)
		for _, rule := range r.Rules {
			fmt.Fprintf(&b, " %5.1f %% (%5.1f %%) |", 100*m.Probed[rule], 100*m.share(rule))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "| %-36s | %7s | %9s |", fmt.Sprintf("mean share; models with at least %.0f %%", 100*enough), "", "")
	for _, rule := range r.Rules {
		mean, reached := r.mean(rule)
		fmt.Fprintf(&b, " %5.1f %%; %2d of %2d |", 100*mean, reached, len(r.Models))
	}
	b.WriteString("\n")
	return b.String()
}

// share is the part of the full rows' saving that the rule's probes bring.
func (a Arrival) share(rule probe.Rule) float64 {
	if a.Full == 0 {
		return 1 // there is nothing to bring
	}
	return a.Probed[rule] / a.Full
}

// mean share over the models, and how many have enough.
func (r NewModelReport) mean(rule probe.Rule) (mean float64, reached int) {
	for _, m := range r.Models {
		mean += m.share(rule) / float64(len(r.Models))
		if m.share(rule) >= enough {
			reached++
		}
	}
	return mean, reached
}

// gaps are the classes of pairs that the text shows, by how much better the claimed model is.
var gaps = []struct {
	name       string
	least, top float64
}{{"under 5 points", 0, 0.05}, {"5 to 10", 0.05, 0.10}, {"10 to 20", 0.10, 0.20}, {"over 20", 0.20, 1.01}}

// String is the report as Markdown tables.
func (r ImpostorReport) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %d prompts; trials of at most %d probes, %d a pair; false alarms at most %.1f %%, cleared suspects at most %.1f %%\n\n", r.Name, r.Prompts, r.Probes, r.Draws, 100*r.FalseAlarm, 100*r.Missed)
	fmt.Fprintf(&b, "| %-44s | %5s | %7s | %12s | %8s |\n|%s|------:|--------:|-------------:|---------:|\n", "served instead of the claimed model", "pairs", "caught", "median probes", "cleared", strings.Repeat("-", 46))
	for _, part := range []struct {
		name  string
		pairs []Pair
	}{{"not suspected", r.Unknown}, {"suspected", r.Known}} {
		for _, g := range gaps {
			var in []Pair
			for _, p := range part.pairs {
				if p.Gap >= g.least && p.Gap < g.top {
					in = append(in, p)
				}
			}
			if len(in) > 0 {
				writePairs(&b, fmt.Sprintf("worse by %s, %s", g.name, part.name), in)
			}
		}
	}
	for _, p := range r.Honest {
		writePairs(&b, "honest: "+p.Claimed+" = "+p.Served, []Pair{p})
	}
	writePairs(&b, "honest, simulated at the claim's limit", r.Limit)
	return b.String()
}

// writePairs writes means over pairs, and the median of their medians.
func writePairs(b *strings.Builder, name string, pairs []Pair) {
	caught, cleared := 0.0, 0.0
	medians := make([]float64, 0, len(pairs))
	for _, p := range pairs {
		caught += p.Caught / float64(len(pairs))
		cleared += p.Cleared / float64(len(pairs))
		m := p.Median
		if m == 0 {
			m = math.Inf(1)
		}
		medians = append(medians, m)
	}
	slices.Sort(medians)
	median := "none"
	if m := medians[len(medians)/2]; !math.IsInf(m, 1) {
		median = fmt.Sprintf("%.0f", m)
	}
	fmt.Fprintf(b, "| %-44s | %5d | %5.1f %% | %12s | %6.1f %% |\n", name, len(pairs), 100*caught, median, 100*cleared)
}
