package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/tradeoff"
)

type indexDialCmd struct {
	indexTarget
	Prices      string    `help:"JSON file with USD per million tokens by model, {\"MODEL\": [INPUT, OUTPUT]}; without it, what --gateway's fleet asks now." type:"existingfile" placeholder:"FILE"`
	Gateway     serverURL `help:"URL of the gateway." env:"FLOTILLA_GATEWAY" default:"http://127.0.0.1:8420"`
	APIKey      string    `help:"API key of the gateway." name:"api-key" env:"FLOTILLA_API_KEY" placeholder:"KEY"`
	InputTokens uint32    `help:"Tokens of a prompt: an index does not know them." default:"200"`
	JSON        bool      `help:"Print it as JSON." name:"json"`
}

// Run routes the index's own prompts, each as if it were new, and prints what every position of the dial brings.
func (c *indexDialCmd) Run(ctx context.Context, s *streams) error {
	offers, err := c.offers(ctx)
	if err != nil {
		return err
	}
	x, err := c.open(ctx)
	if err != nil {
		return err
	}
	curve, err := tradeoff.Measure(ctx, x, offers, tradeoff.Options{InputTokens: c.InputTokens})
	if err != nil {
		return err
	}
	if c.JSON {
		return printJSON(s.out, curve)
	}
	return printCurve(s.out, curve)
}

func (c *indexDialCmd) offers(ctx context.Context) ([]routing.Candidate, error) {
	if c.Prices != "" {
		prices, err := readPrices(c.Prices)
		if err != nil {
			return nil, err
		}
		if len(prices) == 0 {
			return nil, fmt.Errorf("%s names no model: want {\"MODEL\": [INPUT, OUTPUT]}", c.Prices)
		}
		var out []routing.Candidate
		for model, p := range prices {
			out = append(out, offerAt(model, p.Input, p.Output))
		}
		return out, nil
	}
	if c.APIKey == "" {
		return nil, errors.New("give --prices FILE, or --api-key of a running gateway whose prices are to be taken")
	}
	var list struct {
		Data []struct {
			ID           string                                        `json:"id"`
			Pricing      *struct{ Prompt, Completion, Request string } `json:"pricing"`
			Architecture struct {
				Output []string `json:"output_modalities"`
			} `json:"architecture"`
		} `json:"data"`
	}
	if err := getGateway(ctx, c.Gateway, c.APIKey, "/v1/models", &list); err != nil {
		return nil, err
	}
	var out []routing.Candidate
	for _, m := range list.Data {
		if m.ID == "auto" || m.Pricing == nil || slices.Contains(m.Architecture.Output, "embeddings") {
			continue // the router does not choose among these
		}
		input, errIn := strconv.ParseFloat(m.Pricing.Prompt, 64)
		output, errOut := strconv.ParseFloat(m.Pricing.Completion, 64)
		request, errRequest := strconv.ParseFloat(cmp.Or(m.Pricing.Request, "0"), 64)
		if err := errors.Join(errIn, errOut, errRequest); err != nil {
			return nil, fmt.Errorf("price of %s: %w", m.ID, err)
		}
		offer := offerAt(m.ID, input*1e6, output*1e6)
		offer.PerRequest = uint64(math.Round(request * 1e6))
		out = append(out, offer)
	}
	return out, nil
}

// offerAt is an offer of a model, in any spelling, at USD per million tokens.
func offerAt(model string, inputUSD, outputUSD float64) routing.Candidate {
	return routing.Candidate{Operator: "fleet", Model: routing.ModelID(catalogue.ID(model)),
		InputPerMTok: uint64(math.Round(inputUSD * 1e6)), OutputPerMTok: uint64(math.Round(outputUSD * 1e6))}
}

func printCurve(out io.Writer, c tradeoff.Curve) error {
	fmt.Fprintf(out, "%d labelled prompts of the index, each routed as if it were new, among %s.\n", c.Rows, plain(strings.Join(c.Models, ", ")))
	if len(c.Unrated) > 0 {
		fmt.Fprintf(out, "The index has no outcomes of %s; flotilla probe makes some of those that chat; models that make vectors have none.\n", plain(strings.Join(c.Unrated, ", ")))
	}
	fmt.Fprintf(out, "Always the most able model: quality %.3f at %.4f USD per 1,000 answers.\n\n", c.BestSingle.Quality, 1000*c.BestSingle.CostUSD)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "dial\ta right answer is worth, USD\tquality\tkept\tUSD per 1,000\tsaved\t")
	for _, p := range c.Positions {
		fmt.Fprintf(w, "%d\t%.5f\t%.3f\t%.1f %%\t%.4f\t%.1f %%\t\n", p.Dial, p.WorthUSD, p.Quality, 100*p.Kept, 1000*p.CostUSD, 100*p.Saved)
	}
	return w.Flush()
}
