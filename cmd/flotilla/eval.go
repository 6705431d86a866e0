package main

import (
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"flotilla/routing/embed"
	"flotilla/routing/eval"
	"flotilla/routing/index"
)

type evalCmd struct {
	Table string `arg:"" help:"Outcomes: JSON lines (may be .gz) with prompt, scores and output_tokens by model." type:"existingfile"`
	Folds int    `help:"Folds of the cross-validation." default:"5"`
}

// Run prints quality and cost of the router beside what people would take instead.
func (c *evalCmd) Run(ctx context.Context, s *streams) error {
	f, err := os.Open(c.Table)
	if err != nil {
		return fmt.Errorf("open table: %w", err)
	}
	defer f.Close()
	var r io.Reader = f
	if strings.HasSuffix(c.Table, ".gz") {
		zr, err := gzip.NewReader(f)
		if err != nil {
			return fmt.Errorf("read %s: %w", c.Table, err)
		}
		r = zr
	}
	rows, err := index.ReadSamples(r)
	if err != nil {
		return fmt.Errorf("read %s: %w", c.Table, err)
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		return fmt.Errorf("load MiniLM: %w", err)
	}
	report, err := eval.Run(ctx, rows, m, eval.Options{Folds: c.Folds})
	if err != nil {
		return fmt.Errorf("evaluate: %w", err)
	}
	_, err = fmt.Fprint(s.out, report.Text())
	return err
}
