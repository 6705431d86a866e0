package main

import (
	"bytes"
	"context"
	"fmt"
	"path/filepath"
	"strings"

	"flotilla/routing/eval"
	"flotilla/routing/index"
	"flotilla/routing/probe/study"
)

// studyFlags name a table of outcomes.
type studyFlags struct {
	Data    string   `help:"Outcomes: JSON lines (may be .gz) with prompt, scores and output_tokens by model." required:"" type:"existingfile" placeholder:"FILE"`
	Prices  string   `help:"JSON file with USD per million tokens by model, {\"MODEL\": [INPUT, OUTPUT]}, or one such object by set; only these models take part." required:"" type:"existingfile" placeholder:"FILE"`
	Set     string   `help:"The set's name in the price file; the data file's base name by default." placeholder:"NAME"`
	Without []string `help:"Models that are left out." placeholder:"MODEL"`
	JSON    bool     `help:"Print the report as JSON." name:"json"`
}

// set has the prices, and no samples yet.
func (f *studyFlags) set() (eval.Set, error) {
	set := eval.Set{Name: f.Set}
	if set.Name == "" {
		set.Name, _, _ = strings.Cut(filepath.Base(f.Data), ".")
	}
	var err error
	if set.Prices, err = readPrices(f.Prices, set.Name); err != nil {
		return set, err
	}
	for _, m := range f.Without {
		if _, ok := set.Prices[m]; !ok {
			return set, fmt.Errorf("--without: no price is given for %q", m)
		}
		delete(set.Prices, m)
	}
	return set, nil
}

// outcomes has the samples without vectors.
func (f *studyFlags) outcomes() (eval.Set, error) {
	set, err := f.set()
	if err != nil {
		return set, err
	}
	raw, err := readBounded(f.Data, maxOutcomesBytes)
	if err != nil {
		return set, fmt.Errorf("read outcomes: %w", err)
	}
	if set.Train.Samples, err = index.ReadSamples(bytes.NewReader(raw)); err != nil {
		return set, fmt.Errorf("%s: %w", f.Data, err)
	}
	return set, nil
}

// print writes a report as JSON or as text.
func (f *studyFlags) print(s *streams, report fmt.Stringer) error {
	if !f.JSON {
		_, err := fmt.Fprint(s.out, report)
		return err
	}
	return printJSON(s.out, report)
}

type probeStudyCmd struct {
	studyFlags
	Probes int     `help:"Prompts that a new model is asked." default:"100" positive:""`
	Keep   float64 `help:"Share of the best single model's quality at which savings are compared." default:"0.98"`
	Deals  int     `help:"How often the folds are dealt anew; more make the figures steadier, and take as many times as long." default:"1" positive:""`
	Cache  string  `help:"Folder for prompts' vectors, so that a second run need not embed; \"none\" keeps none. Default: in the user's cache folder." placeholder:"DIR"`
}

// Run prints how much of each model's saving its probe rows bring.
func (c *probeStudyCmd) Run(ctx context.Context, s *streams) error {
	if !(c.Keep > 0 && c.Keep <= 1) {
		return fmt.Errorf("--keep %g: want a share above 0, at most 1", c.Keep)
	}
	set, err := c.set()
	if err != nil {
		return err
	}
	m, closeEmbedder, err := embedderFlags{}.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmbedder()
	bar := newProgressBar(s.err)
	r := outcomeReader{embedder: m, cache: vectorFolder(c.Cache), bar: bar}
	samples, err := r.parse(c.Data)
	if err != nil {
		return err
	}
	set.Train, err = r.embed(ctx, samples)
	bar.clear()
	if err != nil {
		return err
	}
	report, err := study.NewModels(ctx, set, m, study.Options{Probes: c.Probes, Keep: c.Keep, Deals: c.Deals, Progress: func(done, total int) { bar.show("route", done, total) }})
	bar.clear()
	if err != nil {
		return err
	}
	return c.print(s, report)
}

type probeImpostorsCmd struct {
	studyFlags
	Probes int `help:"Most probes of one trial." default:"100" positive:""`
	Draws  int `help:"Trials a pair of models." default:"200" positive:""`
}

// Run prints after how many hidden probes an operator is caught that serves another model than it claims.
func (c *probeImpostorsCmd) Run(ctx context.Context, s *streams) error {
	set, err := c.outcomes()
	if err != nil {
		return err
	}
	report, err := study.Impostors(ctx, set, study.ImpostorOptions{Probes: c.Probes, Draws: c.Draws})
	if err != nil {
		return err
	}
	return c.print(s, report)
}
