package probe

import (
	"fmt"
	"maps"
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

// builtIn is the source of the probes in the binary's index.
const builtIn = "probe"

// answers are the scores in an index's rows of probes, by vector, model and source.
type answers map[string]map[string]map[string][]float64

func answersIn(x *index.Index) answers {
	out := answers{}
	for i := range x.Len() {
		source := x.Source(i)
		if !strings.HasPrefix(source, SourcePrefix) && source != Version && source != builtIn {
			continue
		}
		key := x.VectorKey(i)
		if out[key] == nil {
			out[key] = map[string]map[string][]float64{}
		}
		for _, c := range x.Cells(i) {
			name := x.Models()[c.Model]
			if out[key][name] == nil {
				out[key][name] = map[string][]float64{}
			}
			out[key][name][source] = append(out[key][name][source], float64(c.Score)/index.ScoreSteps)
		}
	}
	return out
}

// of is the mean score that the sources which pass gave a model on a probe.
func (a answers) of(key, model string, pass func(source string) bool) (score float64, ok bool) {
	var scores []float64
	for source, of := range a[key][model] {
		if pass(source) {
			scores = append(scores, of...)
		}
	}
	if len(scores) == 0 {
		return 0, false
	}
	slices.Sort(scores) // sums by the map's order would differ from run to run
	return mean(scores), true
}

// Comparison is how the answers that one source of rows has of a model stand to those of another.
type Comparison struct {
	Model     string  `json:"model"`
	Source    string  `json:"source"`
	Other     string  `json:"other"` // "": all others together
	Shared    int     `json:"shared_probes"`
	Agreement float64 `json:"agreement"` // mean of [Agreement] over the shared probes
	Finding   Finding `json:"finding"`   // of the test whether Source serves what Other does
}

// Served says whether who gave rows, the graded answers to probes that are to stand in x under the source, serves the model: by a
// [Trial] against what others gave to the same probes under that name, and what other models gave. Without these it is undecided,
// after no probe. Where x's rows are the false ones, it is they that the answers do not agree with: each has the comparison with one of
// the others.
func Served(x, rows *index.Index, model, source string) (all Comparison, each []Comparison, err error) {
	known := answersIn(x)
	if all, err = known.compare(rows, model, source, ""); err != nil {
		return all, nil, err
	}
	for _, other := range known.sourcesOf(model) {
		if other == source {
			continue
		}
		c, err := known.compare(rows, model, source, other)
		if err != nil {
			return all, nil, err
		}
		if c.Shared > 0 {
			each = append(each, c)
		}
	}
	return all, each, nil
}

// Disagreements are the pairs of sources whose answers as one model are not one model's: who gave one of them serves something else. By
// chance alone, one pair in a hundred.
func Disagreements(x *index.Index) ([]Comparison, error) {
	known := answersIn(x)
	var out []Comparison
	for _, model := range x.Models() {
		sources := known.sourcesOf(model)
		for i, source := range sources {
			for _, other := range sources[:i] {
				c, err := known.compare(x, model, source, other)
				if err != nil {
					return nil, err
				}
				if c.Finding.Verdict == Substituted {
					out = append(out, c)
				}
			}
		}
	}
	return slices.Clip(out), nil
}

// sourcesOf are those that have answers as the model, in order of name.
func (a answers) sourcesOf(model string) []string {
	seen := map[string]bool{}
	for _, models := range a {
		for source := range models[model] {
			seen[source] = true
		}
	}
	return slices.Sorted(maps.Keys(seen))
}

// compare tests the rows that are of the source by what other has, "" for all others.
func (a answers) compare(rows *index.Index, model, source, other string) (Comparison, error) {
	c := Comparison{Model: model, Source: source, Other: other, Finding: Finding{Verdict: Undecided, Evidence: 1}}
	trial, err := NewTrial(1, falseAlarm, missed)
	if err != nil {
		return c, err
	}
	notSource := func(of string) bool { return of != source }
	references := notSource
	if other != "" {
		references = func(of string) bool { return of == other }
	}
	for i := range rows.Len() {
		if rows.Source(i) != source {
			continue
		}
		key := rows.VectorKey(i)
		reference, known := a.of(key, model, references)
		cell, ok := cellOf(rows, i, model)
		if !known || !ok {
			continue
		}
		var others []float64
		for name := range a[key] {
			if score, ok := a.of(key, name, notSource); ok && name != model {
				others = append(others, score)
			}
		}
		slices.Sort(others)
		agreement := Agreement(reference, float64(cell.Score)/index.ScoreSteps)
		c.Shared++
		c.Agreement += agreement
		if c.Finding, err = trial.Observe(NewDoubt(reference, others).Claim(reference, nil), agreement); err != nil {
			return c, fmt.Errorf("test who serves %s: %w", model, err)
		}
	}
	c.Agreement /= float64(max(1, c.Shared))
	return c, nil
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
