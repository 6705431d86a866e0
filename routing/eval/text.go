package eval

import (
	"fmt"
	"maps"
	"slices"
	"sort"
	"strings"
)

// method says how judged prompts were kept apart.
func (o Options) method(t *table) string {
	apart := fmt.Sprintf("%d-fold cross-validation", o.Folds)
	if o.Deals > 1 {
		apart = fmt.Sprintf("%s, dealt %d times", apart, o.Deals)
	}
	if len(t.rows) > t.trained {
		apart = fmt.Sprintf("trained on %d other prompts", t.trained)
	}
	switch {
	case slices.Equal(o.Unseen, []string{unseenEach}):
		return "each task left out of training in its turn"
	case len(o.Unseen) > 0:
		return "judged on tasks left out of training: " + strings.Join(o.Unseen, ", ")
	}
	return apart
}

// Text is the report as Markdown, for terminals and documents alike.
func (r Report) Text() string {
	var b strings.Builder
	for _, x := range r.Benchmarks {
		x.text(&b)
	}
	if len(r.Mean) > 0 {
		fmt.Fprintf(&b, "### Mean over the %d benchmarks\n\n", len(r.Benchmarks))
		rows := [][]string{{"router", "AIQ", "flotilla has more"}}
		for _, l := range r.Mean {
			rows = append(rows, []string{l.Name, points(l.AIQ), signed(l.Ours) + between(l.OursCI95, signed)})
		}
		grid(&b, rows)
	}
	return b.String()
}

func (x Benchmark) text(b *strings.Builder) {
	fmt.Fprintf(b, "### %s\n\n", x.Name)
	fmt.Fprintf(b, "%d prompts, %d models, %s.", x.N, x.Models, x.Method)
	if len(x.Without) > 0 {
		fmt.Fprintf(b, " Without %s.", strings.Join(x.Without, ", "))
	}
	fmt.Fprintf(b, " Best single model: %s, %s %% at %s USD per 1,000 prompts; cheapest: %s, %s %% at %s; oracle: %s %% at %s.\n\n",
		x.BestSingle.names(), points(x.BestSingle.Accuracy), thousand(x.BestSingle.Cost), x.Cheapest.names(), points(x.Cheapest.Accuracy),
		thousand(x.Cheapest.Cost), points(x.Oracle.Accuracy), thousand(x.Oracle.Cost))
	x.tableOfPoints(b)
	x.tableOfFrontiers(b)
	x.tableOfOthers(b)
	for _, r := range x.Routers {
		if len(r.Dials) > 0 {
			r.tableOfDials(b)
		}
	}
}

// names is the model, or those of the folds that differ, the first named first.
func (s Single) names() string {
	if len(s.Folds) == 0 {
		return s.Model
	}
	out := []string{fmt.Sprintf("%s in %d folds", s.Model, s.Folds[s.Model])}
	for _, m := range slices.Sorted(maps.Keys(s.Folds)) {
		if m != s.Model {
			out = append(out, fmt.Sprintf("%s in %d", m, s.Folds[m]))
		}
	}
	return strings.Join(out, ", ")
}

func (x Benchmark) tableOfPoints(b *strings.Builder) {
	rows := [][]string{{"operating point chosen on the training part", "position", "accuracy %", "kept of best single %", "saved %"}}
	for _, r := range x.Routers {
		o := r.OperatingPoint
		rows = append(rows, []string{r.Name, fmt.Sprintf("%.1f", o.Dial), points(o.Accuracy),
			points(o.Kept) + between(r.CI95[opKept], points), points(o.Saved) + between(r.CI95[opSaved], points)})
	}
	grid(b, rows)
}

func (x Benchmark) tableOfFrontiers(b *strings.Builder) {
	rows := [][]string{{"frontier, in hindsight", "saved at 100 %", "at 99 %", "at 95 %", "best accuracy %", "AIQ"}}
	for _, r := range x.Routers {
		f := r.Frontier
		rows = append(rows, []string{r.Name, points(f.SaveAt100) + between(r.CI95[figSave100], points), points(f.SaveAt99) + between(r.CI95[figSave99], points),
			points(f.SaveAt95) + between(r.CI95[figSave95], points), points(f.MaxAccuracy) + between(r.CI95[figMax], points), points(f.AIQ) + between(r.CI95[figAIQ], points)})
	}
	grid(b, rows)
	for _, r := range x.Routers {
		if v := r.VsBestBaseline; v != nil {
			fmt.Fprintf(b, "AIQ of %s less that of the best baseline, %s: %s%s, paired.\n\n", r.Name, v.Baseline, signed(v.AIQ), between(v.CI95, signed))
		}
	}
}

func (x Benchmark) tableOfOthers(b *strings.Builder) {
	rows := [][]string{{"", "oracle gap closed %", "PerfGain %", "ParetoDist", "RCI most capable", "RCI cheapest", "calibration error", "OOD %", "most used at the operating point"}}
	for _, r := range x.Routers {
		rows = append(rows, []string{r.Name, points(r.OracleGapClosed) + between(r.CI95[figGap], points), points(r.PerfGain), fmt.Sprintf("%.3f", r.ParetoDist),
			r.rci("0"), r.rci("10"), optional(r.Calibration), points(r.OODShare), r.mostUsed(3)})
	}
	grid(b, rows)
	rows = [][]string{{"two models", "APGR", "CPT 20", "CPT 50", "CPT 80"}}
	for _, r := range x.Routers {
		if r.APGR != nil {
			rows = append(rows, []string{r.Name, optional(r.APGR), fmt.Sprintf("%.2f", r.CPT["20"]), fmt.Sprintf("%.2f", r.CPT["50"]), fmt.Sprintf("%.2f", r.CPT["80"])})
		}
	}
	if len(rows) > 1 {
		grid(b, rows)
	}
}

func (r Router) tableOfDials(b *strings.Builder) {
	rows := [][]string{{r.Name + " at dial", "accuracy %", "USD/1000", "kept %", "saved %", "least saved in a split %", "RCI"}}
	for _, d := range r.Dials {
		rows = append(rows, []string{fmt.Sprint(d.Dial), points(d.Accuracy), thousand(d.Cost), points(d.Kept) + between(r.CI95[dialFigure(d.Dial, "kept")], points),
			points(d.Saved) + between(r.CI95[dialFigure(d.Dial, "saved")], points), points(d.LeastSaved), fmt.Sprintf("%.2f", d.RCI)})
	}
	grid(b, rows)
}

func (r Router) rci(position string) string {
	v, ok := r.RCI[position]
	if !ok {
		return ""
	}
	return fmt.Sprintf("%.2f", v)
}

// mostUsed lists the n models used most.
func (r Router) mostUsed(n int) string {
	var names []string
	for m := range r.Share {
		names = append(names, m)
	}
	sort.Slice(names, func(i, j int) bool {
		a, b := r.Share[names[i]], r.Share[names[j]]
		return a > b || a == b && names[i] < names[j]
	})
	var out []string
	for _, m := range names[:min(n, len(names))] {
		out = append(out, fmt.Sprintf("%s %.0f %%", m, 100*r.Share[m]))
	}
	return strings.Join(out, ", ")
}

func points(share float64) string { return fmt.Sprintf("%.1f", 100*share) }
func signed(share float64) string { return fmt.Sprintf("%+.2f", 100*share) }
func thousand(usd float64) string { return fmt.Sprintf("%.4f", 1000*usd) }
func optional(v *float64) string {
	if v == nil {
		return ""
	}
	return fmt.Sprintf("%.3f", *v)
}

func between(ci Interval, format func(float64) string) string {
	return " (" + format(ci[0]) + " … " + format(ci[1]) + ")"
}

// grid writes a Markdown table, columns aligned; the first row is the head.
func grid(b *strings.Builder, rows [][]string) {
	width := make([]int, len(rows[0]))
	for _, r := range rows {
		for c, cell := range r {
			width[c] = max(width[c], len([]rune(cell)))
		}
	}
	line := func(cells []string) {
		for c, cell := range cells {
			fmt.Fprintf(b, "| %-*s ", width[c], cell)
		}
		b.WriteString("|\n")
	}
	line(rows[0])
	for c := range width {
		b.WriteString("|" + strings.Repeat("-", width[c]+2))
	}
	b.WriteString("|\n")
	for _, r := range rows[1:] {
		line(r)
	}
	b.WriteString("\n")
}
