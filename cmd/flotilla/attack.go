package main

import (
	"context"
	"fmt"
	"strings"

	"flotilla/routing/attack"
	"flotilla/routing/index"
)

type attackCmd struct {
	Quick bool   `help:"Fewer prompts and shorter climbs: two minutes on two idle cores instead of some ten."`
	JSON  string `help:"Also write the report to this file." name:"json" type:"path" placeholder:"FILE"`
	Seed  uint64 `help:"Seed of everything drawn at random." default:"1"`
}

// Run attacks the router; it fails with status 1 when a bar is missed.
func (c *attackCmd) Run(ctx context.Context, s *streams) error {
	if c.JSON != "" {
		if err := checkWritable(c.JSON); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	m, closeEmbedder, err := embedderFlags{}.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmbedder()
	x, err := index.Default()
	if err != nil {
		return err
	}
	report, err := attack.Run(ctx, m, x, attack.Options{Seed: c.Seed, Quick: c.Quick, Progress: func(step string) {
		fmt.Fprintf(s.err, "%s\n", step)
	}})
	if err != nil {
		return err
	}
	if c.JSON != "" {
		if err := writeJSON(c.JSON, report); err != nil {
			return err
		}
	}
	if _, err := fmt.Fprint(s.out, report.Text()); err != nil {
		return err
	}
	if len(report.Missed) > 0 {
		return &exitError{1, fmt.Errorf("bars missed: %s", strings.Join(report.Missed, ", "))}
	}
	return nil
}
