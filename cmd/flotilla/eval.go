package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"

	"flotilla/routing/embed"
	"flotilla/routing/eval"
	"flotilla/routing/index"
)

type evalCmd struct {
	Table  string `arg:"" help:"Outcomes: JSON lines (may be .gz) with prompt, scores and output_tokens by model." type:"existingfile"`
	Prices string `help:"JSON file with USD per million tokens by model, {\"MODEL\": [INPUT, OUTPUT]}; only these models take part." required:"" type:"existingfile" placeholder:"FILE"`
	Set    string `help:"Take the prices from this member of the file." placeholder:"NAME"`
	Folds  int    `help:"Folds of the cross-validation." default:"5"`
}

// maxPricesBytes bounds a price list: some thousand models.
const maxPricesBytes = 1 << 20

// Run prints quality and cost of the router beside what people would take instead.
func (c *evalCmd) Run(ctx context.Context, s *streams) error {
	prices, err := c.prices()
	if err != nil {
		return err
	}
	samples, err := c.samples()
	if err != nil {
		return err
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		return fmt.Errorf("load MiniLM: %w", err)
	}
	report, err := eval.Run(ctx, samples, m, eval.Options{Prices: prices, Folds: c.Folds, Progress: func(stage string, done, total int) {
		fmt.Fprintf(s.err, "\r%s %d/%d   ", stage, done, total)
	}})
	fmt.Fprintln(s.err)
	if err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, report.Text())
	return err
}

func (c *evalCmd) prices() (map[string]eval.Price, error) {
	raw, err := readBounded(c.Prices, maxPricesBytes)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	if c.Set != "" {
		var sets map[string]json.RawMessage
		if err := json.Unmarshal(raw, &sets); err != nil {
			return nil, fmt.Errorf("read prices: %s: %w", c.Prices, err)
		}
		if raw = sets[c.Set]; raw == nil {
			return nil, fmt.Errorf("read prices: %s has no member %q", c.Prices, c.Set)
		}
	}
	var list map[string][2]float64
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read prices: %s: want {\"MODEL\": [INPUT, OUTPUT]}: %w", c.Prices, err)
	}
	out := make(map[string]eval.Price, len(list))
	for model, p := range list {
		out[model] = eval.Price{Input: p[0], Output: p[1]}
	}
	return out, nil
}

func (c *evalCmd) samples() ([]index.Sample, error) {
	f, err := os.Open(c.Table)
	if err != nil {
		return nil, fmt.Errorf("open table: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(c.Table, ".gz") {
		if r, err = gzip.NewReader(f); err != nil {
			return nil, fmt.Errorf("read %s: %w", c.Table, err)
		}
	}
	samples, err := index.ReadSamples(r)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", c.Table, err)
	}
	return samples, nil
}
