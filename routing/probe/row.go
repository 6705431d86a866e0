package probe

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Row is the outcome of one prompt on every model that was asked, as the index builder reads it.
type Row struct {
	Prompt       string             `json:"prompt"`
	Scores       map[string]float64 `json:"scores"`        // by model id, 0..1
	OutputTokens map[string]int     `json:"output_tokens"` // by model id
	Source       string             `json:"source"`
	Category     string             `json:"category"`
	ID           string             `json:"id"`
}

// Rows joins the results of several models, keyed by model id, into one row per probe, in the order
// of probes. A probe that no model was asked gets no row.
func Rows(probes []Probe, byModel map[string][]Result) []Row {
	var rows []Row
	at := map[string]int{}
	for _, p := range probes {
		row := Row{Prompt: p.Prompt, Scores: map[string]float64{}, OutputTokens: map[string]int{}, Source: Version, Category: p.Category, ID: p.ID}
		at[p.ID] = len(rows)
		rows = append(rows, row)
	}
	for model, results := range byModel {
		for _, r := range results {
			if i, ok := at[r.ID]; ok {
				rows[i].Scores[model] = r.Score
				rows[i].OutputTokens[model] = r.OutputTokens
			}
		}
	}
	asked := rows[:0]
	for _, row := range rows {
		if len(row.Scores) > 0 {
			asked = append(asked, row)
		}
	}
	return asked
}

// WriteLines writes values as JSON lines. Map keys are sorted, so equal rows give equal bytes.
func WriteLines[T any](w io.Writer, values []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for _, v := range values {
		if err := enc.Encode(v); err != nil {
			return fmt.Errorf("write json line: %w", err)
		}
	}
	return nil
}

// ReadLines reads JSON lines that WriteLines wrote, of any length: the caller bounds r.
func ReadLines[T any](r io.Reader) ([]T, error) {
	var values []T
	for dec := json.NewDecoder(r); ; {
		var v T
		if err := dec.Decode(&v); errors.Is(err, io.EOF) {
			return values, nil
		} else if err != nil {
			return nil, fmt.Errorf("read json line %d: %w", len(values)+1, err)
		}
		values = append(values, v)
	}
}
