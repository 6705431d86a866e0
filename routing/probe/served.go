package probe

import (
	"fmt"
	"slices"
	"strings"

	"flotilla/routing/index"
)

// SourcePrefix begins the sources of index rows that were made of probes: "probe:MODEL", or "probe:MODEL@OPERATOR".
const SourcePrefix = "probe:"

// Error rates of [Served].
const (
	falseAlarm = 0.01
	missed     = 0.01
)

// Served says whether who gave rows, the graded answers to probes that are to stand in x under the source, serves the model: by a
// [Trial] against what others gave to the same probes under that name, and what other models gave. Without these it is undecided,
// after no probe. Where x's rows are the false ones, it is they that the answers do not agree with.
func Served(x, rows *index.Index, model, source string) (Finding, error) {
	scores := map[string]map[string][]float64{} // by vector and model
	for i := range x.Len() {
		if of := x.Source(i); of == source || !strings.HasPrefix(of, SourcePrefix) && of != Version {
			continue
		}
		key := x.VectorKey(i)
		if scores[key] == nil {
			scores[key] = map[string][]float64{}
		}
		for _, c := range x.Cells(i) {
			name := x.Models()[c.Model]
			scores[key][name] = append(scores[key][name], float64(c.Score)/index.ScoreSteps)
		}
	}
	trial, err := NewTrial(1, falseAlarm, missed)
	if err != nil {
		return Finding{}, err
	}
	finding := Finding{Verdict: Undecided, Evidence: 1}
	for i := range rows.Len() {
		there := scores[rows.VectorKey(i)]
		cell, ok := cellOf(rows, i, model)
		if len(there[model]) == 0 || !ok {
			continue
		}
		var others []float64
		for name, of := range there {
			if name != model {
				others = append(others, mean(of))
			}
		}
		slices.Sort(others) // sums by the map's order would differ from run to run
		reference := mean(there[model])
		claim := NewDoubt(reference, others).Claim(reference, nil)
		if finding, err = trial.Observe(claim, Agreement(reference, float64(cell.Score)/index.ScoreSteps)); err != nil {
			return Finding{}, fmt.Errorf("test who serves %s: %w", model, err)
		}
	}
	return finding, nil
}

func cellOf(x *index.Index, row int, model string) (index.Cell, bool) {
	m, ok := x.Model(model)
	if !ok {
		return index.Cell{}, false
	}
	return x.Cell(row, m)
}

func mean(of []float64) float64 {
	sum := 0.0
	for _, v := range of {
		sum += v
	}
	return sum / float64(len(of))
}
