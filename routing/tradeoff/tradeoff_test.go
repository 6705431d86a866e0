package tradeoff_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/routing/tradeoff"
)

func offer(model string, perMTok uint64) routing.Candidate {
	return routing.Candidate{Operator: "op", Model: routing.ModelID(model), InputPerMTok: perMTok, OutputPerMTok: perMTok}
}

func measure(t *testing.T, offers ...routing.Candidate) tradeoff.Curve {
	t.Helper()
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	c, err := tradeoff.Measure(t.Context(), x, offers, tradeoff.Options{Rows: 500})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestCurveOfTheBuiltInIndex(t *testing.T) {
	ladder := []routing.Candidate{offer("gemma-2-9b-it", 100_000), offer("llama-3.1-8b-instruct", 200_000), offer("llama-3.1-nemotron-51b-instruct", 900_000)}
	c := measure(t, ladder...)
	if c.Rows != 500 || len(c.Models) != 3 || len(c.Positions) != routing.MaxDial+1 {
		t.Fatalf("%d rows, models %q, %d positions", c.Rows, c.Models, len(c.Positions))
	}
	if c.BestSingle.Quality < 0.4 || c.BestSingle.CostUSD <= 0 {
		t.Errorf("best single %+v", c.BestSingle)
	}
	for i, p := range c.Positions {
		if p.Dial != i || p.CostUSD <= 0 {
			t.Errorf("position %d: %+v", i, p)
		}
		if i > 0 && p.CostUSD > c.Positions[i-1].CostUSD {
			t.Errorf("dial %d costs %v, the one before %v", i, p.CostUSD, c.Positions[i-1].CostUSD)
		}
	}
	if first, last := c.Positions[0], c.Positions[routing.MaxDial]; first.Kept < 0.97 || last.Saved < 0.5 || last.Quality > first.Quality {
		t.Errorf("capable end %+v, cheap end %+v", first, last)
	}
	// Nobody takes the dearer offer of a model; one that the index does not know is told, and judged by nobody.
	more := append(slices.Clone(ladder), offer("gemma-2-9b-it", 5_000_000), offer("nobody-knows-7b", 1))
	slices.Reverse(more)
	d := measure(t, more...)
	if diff := cmp.Diff(c.Positions, d.Positions); diff != "" || !slices.Equal(d.Unrated, []string{"nobody-knows-7b"}) {
		t.Errorf("unrated %q, positions differ: %s", d.Unrated, diff)
	}
}

func TestTooFewRowsAreTold(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	_, err = tradeoff.Measure(t.Context(), x, []routing.Candidate{offer("gemma-2-9b-it", 1)}, tradeoff.Options{})
	if err == nil || !strings.Contains(err.Error(), "offer others") {
		t.Errorf("error %v", err)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = tradeoff.Measure(stopped, x, []routing.Candidate{offer("gemma-2-9b-it", 1), offer("codegemma-7b", 2)}, tradeoff.Options{})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}
