// Package table makes index rows of published tables of outcomes: it joins lines of one prompt, gives columns their
// models' canonical ids, and refuses a table whose columns cannot belong together.
package table

import (
	"context"
	"fmt"
	"math"
	"slices"

	"flotilla/routing"
	"flotilla/routing/index"
)

// Table is prompts with the outcomes of open-weight models, ready to be embedded.
type Table struct {
	Prompts  []string
	Outcomes [][]index.Outcome // of each prompt
	LeftOut  []string          // columns of closed or unknown models, of those that answer no chats, and those that columns.go names; sorted
}

// New reads samples: each prompt once, each model once (see index.JoinSamples). It refuses a table without any open model, and one whose
// columns do not correlate (*index.IncoherentError).
func New(samples []index.Sample) (Table, error) {
	var t Table
	left := map[string]bool{}
	for _, s := range index.JoinSamples(samples) {
		if outcomes := outcomesOf(s, left); len(outcomes) > 0 {
			t.Prompts = append(t.Prompts, s.Prompt)
			t.Outcomes = append(t.Outcomes, outcomes)
		}
	}
	for column := range left {
		t.LeftOut = append(t.LeftOut, column)
	}
	slices.Sort(t.LeftOut)
	if len(t.Prompts) == 0 {
		return Table{}, fmt.Errorf("read table: none of its columns is a known open-weight model that answers chats: %v", t.LeftOut)
	}
	if err := index.CheckCoherence(t.Outcomes); err != nil {
		return Table{}, fmt.Errorf("read table: %w", err)
	}
	return t, nil
}

// AddTo embeds the prompts with the builder's embedder and appends a row for each. progress may be nil; it is called
// after each prompt.
func (t Table) AddTo(ctx context.Context, b *index.Builder, embedder routing.Embedder, source string, progress func(done, total int)) error {
	for i, prompt := range t.Prompts {
		vector, err := embedder.Embed(ctx, prompt)
		if err != nil {
			return fmt.Errorf("embed prompt %d: %w", i, err)
		}
		if err := b.Add(index.Row{Vector: vector, Outcomes: t.Outcomes[i], Source: source}); err != nil {
			return fmt.Errorf("prompt %d: %w", i, err)
		}
		if progress != nil {
			progress(i+1, len(t.Prompts))
		}
	}
	return nil
}

// sum adds up the columns of one model.
type sum struct{ score, n, tokens, nTokens float64 }

// outcomesOf maps a sample's columns to canonical models. Several columns of one model (providers, quantizations)
// become one outcome: their mean score and mean length.
func outcomesOf(s index.Sample, left map[string]bool) []index.Outcome {
	columns := make([]string, 0, len(s.Scores))
	for c := range s.Scores {
		columns = append(columns, c)
	}
	slices.Sort(columns) // so that sums are formed in one order
	sums := map[string]*sum{}
	var ids []string
	for _, c := range columns {
		id, ok := canonical(c)
		if !ok {
			left[c] = true
			continue
		}
		t := sums[id]
		if t == nil {
			t = &sum{}
			sums[id] = t
			ids = append(ids, id)
		}
		t.score += s.Scores[c]
		t.n++
		if n := s.OutputTokens[c]; n > 0 {
			t.tokens += n
			t.nTokens++
		}
	}
	var out []index.Outcome
	for _, id := range ids {
		t := sums[id]
		o := index.Outcome{Model: id, Score: t.score / t.n}
		if t.nTokens > 0 {
			o.OutputTokens = uint32(max(1, math.Round(t.tokens/t.nTokens)))
		}
		out = append(out, o)
	}
	return out
}
