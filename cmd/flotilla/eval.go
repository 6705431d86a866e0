package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"flotilla/routing/eval"
	"flotilla/routing/eval/chart"
)

type evalCmd struct {
	embedderFlags
	Train   listFlag `help:"Outcomes to learn from, JSON lines (may be .gz) with prompt, scores and output_tokens by model. Each file is a benchmark of its own, named after the file or NAME=FILE." required:"" placeholder:"FILE…"`
	Test    listFlag `help:"Outcomes to judge on, one file for each of --train or several for one. Without, or where it is the same file: cross-validation." placeholder:"FILE…"`
	Prices  string   `help:"JSON file with USD per million tokens by model, {\"MODEL\": [INPUT, OUTPUT]}, or a member of that form for each benchmark; only these models take part. Not needed where the outcomes hold cost_usd." type:"existingfile" placeholder:"FILE"`
	Router  listFlag `help:"Only these routers (listed above)." placeholder:"NAME…"`
	Without listFlag `help:"Leave out these models." placeholder:"MODEL…"`
	Unseen  listFlag `help:"Leave these tasks out of training and judge on them alone; \"each\": every task in its turn." placeholder:"TASK…"`

	Folds     int     `help:"Folds of the cross-validation, also of the one that chooses operating points." default:"5"`
	Keep      float64 `help:"Share of the best single model's quality that an operating point must keep on the training part." default:"0.99"`
	Resamples int     `help:"Bootstrap resamples behind the intervals." default:"1000"`
	Seed      uint64  `help:"Seed of folds, resamples and the routers that draw." default:"1"`
	JSON      string  `help:"Write the figures as one JSON object." type:"path" placeholder:"FILE"`
	Plot      string  `help:"Draw cost against quality, as .svg or .png; of several benchmarks each, with its name before the ending." type:"path" placeholder:"FILE"`
	Cache     string  `help:"Folder for prompts' vectors, so that a second run need not embed; \"none\" keeps none. Default: in the user's cache folder." placeholder:"DIR"`
}

// Help is shown above the flags.
func (c *evalCmd) Help() string {
	return "Every router gets the same folds, the same sweep of its cost knob, and its operating point in the same way: on the training part alone.\n\nRouters: " +
		strings.Join(eval.Names(), ", ") + "."
}

// Run prints quality and cost of the router beside what people would take instead.
func (c *evalCmd) Run(ctx context.Context, s *streams) error {
	pairs, err := c.pairs()
	if err != nil {
		return err
	}
	if ending := filepath.Ext(c.Plot); c.Plot != "" && ending != ".svg" && ending != ".png" {
		return fmt.Errorf("--plot %s: want a name that ends in .svg or .png", c.Plot)
	}
	if c.Folds < 2 || c.Resamples < 40 || !(c.Keep > 0 && c.Keep <= 1) {
		return fmt.Errorf("--folds %d, --resamples %d, --keep %g: want 2, 40 and a share of 1 at least", c.Folds, c.Resamples, c.Keep)
	}
	embedder, closeEmbedder, err := c.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmbedder()
	var report eval.Report
	bar := newProgressBar(s.err)
	defer bar.clear()
	reader := &outcomeReader{embedder: embedder, cache: vectorFolder(c.Cache), bar: bar}
	for _, p := range pairs {
		set := eval.Set{Name: p.name}
		if set.Prices, err = readPrices(c.Prices, p.name, p.trainName); err != nil {
			return err
		}
		if set.Train, err = reader.read(ctx, p.train); err != nil {
			return err
		}
		if p.test != "" {
			if set.Test, err = reader.read(ctx, p.test); err != nil {
				return err
			}
		}
		b, err := eval.Run(ctx, set, embedder, eval.Options{
			Routers: c.Router, Without: c.Without, Unseen: c.Unseen, Folds: c.Folds, Keep: c.Keep, Seed: c.Seed, Resamples: c.Resamples,
			Progress: func(stage string, done, total int) { bar.show(p.name+": "+stage, done, total) },
		})
		if err != nil {
			return err
		}
		report.Benchmarks = append(report.Benchmarks, b)
	}
	report.Summarise()
	bar.clear()
	return c.write(s, report)
}

func (c *evalCmd) write(s *streams, report eval.Report) error {
	if c.JSON != "" {
		raw, err := json.MarshalIndent(report, "", "  ")
		if err != nil {
			return fmt.Errorf("encode report: %w", err)
		}
		if err := os.WriteFile(c.JSON, append(raw, '\n'), 0o644); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if c.Plot != "" {
		if err := c.draw(report); err != nil {
			return err
		}
	}
	_, err := fmt.Fprint(s.out, report.Text())
	return err
}

func (c *evalCmd) draw(report eval.Report) error {
	ending := filepath.Ext(c.Plot)
	for _, b := range report.Benchmarks {
		file := c.Plot
		if len(report.Benchmarks) > 1 {
			file = strings.TrimSuffix(c.Plot, ending) + "-" + b.Name + ending
		}
		var image bytes.Buffer
		if err := chart.Write(&image, b, strings.TrimPrefix(ending, ".")); err != nil {
			return fmt.Errorf("plot %s: %w", b.Name, err)
		}
		if err := os.WriteFile(file, image.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write plot: %w", err)
		}
	}
	return nil
}

// evalPair is one benchmark: what to learn from, and what to judge on ("": cross-validation).
type evalPair struct{ name, trainName, train, test string }

// pairs joins --train and --test: by the sets' names, else in order, else several tests to one training file.
func (c *evalCmd) pairs() ([]evalPair, error) {
	var out []evalPair
	train, test := named(c.Train), named(c.Test)
	switch {
	case len(test) == 0:
		for _, t := range train {
			out = append(out, evalPair{t.name, t.name, t.file, ""})
		}
	case len(train) == 1:
		for _, t := range test {
			out = append(out, evalPair{t.name, train[0].name, train[0].file, t.file})
		}
	case len(train) == len(test):
		inOrder := false
		for _, t := range train {
			inOrder = inOrder || find(test, t.name) < 0
		}
		for i, t := range train {
			j := i
			if !inOrder {
				j = find(test, t.name)
			}
			out = append(out, evalPair{test[j].name, t.name, t.file, test[j].file})
		}
	default:
		return nil, fmt.Errorf("%d files for --train and %d for --test: want one test file for each, or one training file", len(train), len(test))
	}
	for i, p := range out {
		if p.test != "" && sameFile(p.train, p.test) {
			out[i].test = ""
		}
	}
	return out, nil
}

type namedFile struct{ name, file string }

// named takes NAME=FILE apart; without NAME it is the file's base name without .jsonl and .gz.
func named(files []string) []namedFile {
	var out []namedFile
	for _, f := range files {
		name, file, ok := strings.Cut(f, "=")
		if !ok {
			file = f
			name = filepath.Base(f)
			for _, suffix := range []string{".gz", ".jsonl", ".json"} {
				name = strings.TrimSuffix(name, suffix)
			}
		}
		out = append(out, namedFile{name, file})
	}
	return out
}

func find(files []namedFile, name string) int {
	for i, f := range files {
		if f.name == name {
			return i
		}
	}
	return -1
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
