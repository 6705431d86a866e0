package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"

	"flotilla/routing"
)

type routeCmd struct {
	Prompt  string    `arg:"" help:"The prompt."`
	Gateway serverURL `help:"URL of the gateway." env:"FLOTILLA_GATEWAY" default:"http://127.0.0.1:8420"`
	APIKey  string    `help:"API key of the gateway." name:"api-key" env:"FLOTILLA_API_KEY" required:"" placeholder:"KEY"`
	Model   string    `help:"Model, or auto." default:"auto"`
	Dial    float64   `help:"0 = most capable … 10 = cheapest capable." default:"7"`
	JSON    bool      `help:"Print the whole decision as JSON." name:"json"`
}

// Run asks the gateway for a dry run: the same code path as a live request, without running anything.
func (c *routeCmd) Run(ctx context.Context, s *streams) error {
	var raw json.RawMessage
	if err := postGateway(ctx, c.Gateway, c.APIKey, "/v1/route", map[string]any{
		"model": c.Model, "cost_quality_tradeoff": c.Dial, "messages": []map[string]string{{"role": "user", "content": c.Prompt}},
	}, &raw); err != nil {
		return err
	}
	if c.JSON {
		_, err := fmt.Fprintln(s.out, string(raw))
		return err
	}
	var d struct {
		routing.Decision
		Cache *struct {
			Age       uint64 `json:"age_seconds"`
			ReceiptID string `json:"receipt_id"`
		} `json:"cache"`
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		return fmt.Errorf("read the decision: %w", err)
	}
	if d.Cache != nil {
		fmt.Fprintf(s.out, "the key's cache has the answer, %d s old, of receipt %s: it is given again and nothing is run. Without it:\n", d.Cache.Age, plain(d.Cache.ReceiptID))
	}
	if len(d.Considered) == 0 {
		_, err := fmt.Fprintln(s.out, "nobody can be asked now")
		return err
	}
	printDecision(s.out, d.Decision)
	return nil
}

// printDecision prints what operators call their models as it may be printed.
func printDecision(out io.Writer, d routing.Decision) {
	fmt.Fprintf(out, "%s on %s\n%s\n", plain(string(d.Pick.Model)), plain(d.Pick.Operator), plain(d.Why))
	for _, c := range d.Considered {
		fmt.Fprintf(out, "  considered %-28s %-20s quality %.2f ± %.2f, about %.0f µUSD\n", plain(string(c.Model)), plain(c.Operator), c.Quality, c.QualitySE, c.ExpectedCost)
	}
	for _, r := range d.Rejected {
		fmt.Fprintf(out, "  ruled out  %-28s %-20s %s\n", plain(string(r.Model)), plain(r.Operator), r.Reason)
	}
	for _, n := range d.Neighbors[:min(5, len(d.Neighbors))] {
		fmt.Fprintf(out, "  neighbour  row %d, similarity %.3f\n", n.Row, n.Similarity)
	}
	fmt.Fprintf(out, "dial %v, index %.12s, embedder %.12s, decision %x\n", d.Dial, d.IndexID, d.EmbedderID, d.Digest())
}
