package eval

import (
	"fmt"

	"flotilla/routing"
)

// figures are a router's measures by name, in the order they were added: once on the judged rows, and once a resample.
type figures struct {
	names  []string
	values []float64
}

func (f *figures) add(name string, v float64) {
	f.names = append(f.names, name)
	f.values = append(f.values, v)
}

func (f *figures) get(name string) float64 {
	for i, n := range f.names {
		if n == name {
			return f.values[i]
		}
	}
	panic("eval: no figure is called " + name)
}

// Names of figures: the paths of the JSON report.
const (
	opAccuracy = "operating_point.accuracy"
	opCost     = "operating_point.cost"
	opSaved    = "operating_point.saved"
	opKept     = "operating_point.kept"
	figSave100 = "frontier.save_at_100"
	figSave99  = "frontier.save_at_99"
	figSave95  = "frontier.save_at_95"
	figMax     = "frontier.max_accuracy"
	figAIQ     = "frontier.aiq"
	figGap     = "oracle_gap_closed"
	figGain    = "perf_gain"
	figOOD     = "ood_share"
	figPareto  = "pareto_dist"
	figECE     = "calibration_error"
	figAPGR    = "apgr"
)

func dialFigure(dial int, what string) string { return fmt.Sprintf("dials.%d.%s", dial, what) }

func rciFigure(dial int) string { return fmt.Sprintf("rci.%d", dial) }

// measure takes every figure of a trace, with the rows weighted as given. It returns the frontier too.
func measure(t *trace, ref references, weights []float64) (*figures, []point) {
	points := make([]point, len(t.knob))
	for k := range t.knob {
		points[k] = point{weightedMean(t.quality[k], weights), weightedMean(t.costUSD[k], weights)}
	}
	frontier := pareto(points)
	f := &figures{}
	op := point{weightedMean(t.op.quality, weights), weightedMean(t.op.costUSD, weights)}
	f.add(opAccuracy, op.accuracy)
	f.add(opCost, op.costUSD)
	f.add(opSaved, 1-ratio(op.costUSD, ref.best.costUSD))
	f.add(opKept, ratio(op.accuracy, ref.best.accuracy))
	f.add(figSave100, saveAt(frontier, 1, ref.best))
	f.add(figSave99, saveAt(frontier, 0.99, ref.best))
	f.add(figSave95, saveAt(frontier, 0.95, ref.best))
	f.add(figMax, maxAccuracy(frontier))
	f.add(figAIQ, aiq(frontier, ref))
	f.add(figGap, gapClosed(points[0].accuracy, ref))
	f.add(figGain, ratio(maxAccuracy(frontier), ref.best.accuracy)-1)
	f.add(figOOD, weightedMean(t.ood, weights))
	if len(t.predicted) > 0 {
		f.add(figECE, calibrationError(t.predicted, weights))
	}
	t.measureCalls(f, points, ref, weights)
	for k, s := range t.knob {
		if s.dial != notDial {
			f.add(dialFigure(s.dial, "accuracy"), points[k].accuracy)
			f.add(dialFigure(s.dial, "cost"), points[k].costUSD)
			f.add(dialFigure(s.dial, "saved"), 1-ratio(points[k].costUSD, ref.best.costUSD))
			f.add(dialFigure(s.dial, "kept"), ratio(points[k].accuracy, ref.best.accuracy))
			f.add(rciFigure(s.dial), weightedMean(t.collapsed[k], weights))
		}
	}
	if t.knob[0].dial == notDial { // the ends of the knob, which are one where there is none
		f.add(rciFigure(routing.MinDial), weightedMean(t.collapsed[0], weights))
		f.add(rciFigure(routing.MaxDial), weightedMean(t.collapsed[len(t.knob)-1], weights))
	}
	return f, frontier
}

// cptLevels are those RouteLLM reports.
var cptLevels = []int{20, 50, 80}

func cptFigure(level int) string { return fmt.Sprintf("cpt.%d", level) }

// measureCalls adds the measures that only a choice between two models has.
func (t *trace) measureCalls(f *figures, points []point, ref references, weights []float64) {
	if len(t.strong) == 0 {
		return
	}
	calls := make([]call, len(points))
	for k := range points {
		calls[k] = call{weightedMean(t.strong[k], weights), points[k].accuracy}
	}
	curve := pgr(calls, weightedMean(t.weak, weights), ref.best.accuracy)
	f.add(figAPGR, apgr(curve))
	for _, level := range cptLevels {
		f.add(cptFigure(level), cpt(curve, float64(level)/100))
	}
}
