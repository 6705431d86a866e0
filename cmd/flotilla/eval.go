package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"flotilla/routing/eval"
	"flotilla/routing/eval/chart"
)

// maxResamples bounds what a run holds: every router's frontier on each.
const maxResamples = 10_000

// maxDeals bounds the same: every prompt is judged so many times.
const maxDeals = 50

type evalCmd struct {
	embedderFlags
	Train   listFlag `help:"Outcomes to learn from, JSON lines (may be .gz) with prompt, scores and output_tokens by model. Each file is a benchmark of its own, named after the file or NAME=FILE." required:"" placeholder:"FILE…"`
	Test    listFlag `help:"Outcomes to judge on, one file for each of --train or several for one. Without, or where it is the same file: cross-validation." placeholder:"FILE…"`
	Prices  string   `help:"JSON file with USD per million tokens by model, {\"MODEL\": [INPUT, OUTPUT]}, or a member of that form for each benchmark, found by its name or what it begins with (ulab14 for ulab14-test); only these models take part. Not needed where the outcomes hold cost_usd." type:"existingfile" placeholder:"FILE"`
	Router  listFlag `help:"Only these routers (listed above)." placeholder:"NAME…"`
	Without listFlag `help:"Leave out these models." placeholder:"MODEL…"`
	Unseen  listFlag `help:"Leave these tasks out of training and judge on them alone; \"each\": every task in its turn." placeholder:"TASK…"`

	Folds     int     `help:"Folds of the cross-validation, also of the one that chooses operating points." default:"5"`
	Deals     int     `help:"Deal the folds of the cross-validation so many times; intervals count a prompt once." default:"1"`
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
	if err := c.check(pairs); err != nil {
		return err
	}
	embedder, closeEmbedder, err := c.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmbedder()
	var report eval.Report
	bar := newProgressBar(s.err)
	defer bar.clear()
	sets, err := c.read(ctx, &outcomeReader{embedder: embedder, cache: vectorFolder(c.Cache), bar: bar}, pairs)
	if err != nil {
		return err
	}
	for _, set := range sets {
		b, err := eval.Run(ctx, set, embedder, eval.Options{
			Routers: c.Router, Without: c.Without, Unseen: c.Unseen, Folds: c.Folds, Deals: c.Deals, Keep: c.Keep, Seed: c.Seed, Resamples: c.Resamples,
			Progress: func(stage string, done, total int) { bar.show(set.Name+": "+stage, done, total) },
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

// check refuses what would fail after the work.
func (c *evalCmd) check(pairs []evalPair) error {
	if c.Folds < 2 || c.Resamples < 40 || !(c.Keep > 0 && c.Keep <= 1) {
		return fmt.Errorf("--folds %d, --resamples %d, --keep %g: want 2, 40 and a share of 1 at least", c.Folds, c.Resamples, c.Keep)
	}
	if c.Deals < 1 || c.Deals > maxDeals {
		return fmt.Errorf("--deals %d: want 1 to %d", c.Deals, maxDeals)
	}
	if c.Deals > 1 && (len(c.Unseen) > 0 || slices.ContainsFunc(pairs, func(p evalPair) bool { return p.test != "" })) {
		return errors.New("--deals: with --test or --unseen there are no folds to deal: leave it out, or them")
	}
	if c.Resamples > maxResamples {
		return fmt.Errorf("--resamples %d: want at most %d", c.Resamples, maxResamples)
	}
	if c.JSON != "" {
		if err := checkWritable(c.JSON); err != nil {
			return fmt.Errorf("write report: %w", err)
		}
	}
	if c.Plot == "" {
		return nil
	}
	if ending := filepath.Ext(c.Plot); ending != ".svg" && ending != ".png" {
		return fmt.Errorf("--plot %s: want a name that ends in .svg or .png", c.Plot)
	}
	drawn := map[string]bool{}
	for _, p := range pairs {
		if drawn[p.name] {
			return fmt.Errorf("--plot: two benchmarks are called %s: give them names, as in --test NAME=FILE", p.name)
		}
		drawn[p.name] = true
		if err := checkWritable(c.plotFile(p.name, len(pairs))); err != nil {
			return fmt.Errorf("write plot: %w", err)
		}
	}
	return nil
}

// read parses all files before the first prompt is embedded: a fault in the last is told at once.
func (c *evalCmd) read(ctx context.Context, reader *outcomeReader, pairs []evalPair) ([]eval.Set, error) {
	sets := make([]eval.Set, len(pairs))
	files := make([][2]outcomes, len(pairs))
	var models []string
	for i, p := range pairs {
		for side, file := range []string{p.train, p.test} {
			var err error
			if files[i][side], err = reader.parse(file); err != nil {
				return nil, err
			}
		}
		sets[i] = eval.Set{Name: p.name, Train: eval.Part{Samples: files[i][0].samples}}
		prices, err := readPrices(c.Prices, p.name, p.trainName)
		var none *noListError
		if err != nil && !(errors.As(err, &none) && sets[i].Measured()) {
			return nil, err
		}
		sets[i].Prices = prices
		models = append(models, sets[i].Models()...)
	}
	slices.Sort(models)
	for _, m := range c.Without {
		if !slices.Contains(models, m) {
			return nil, fmt.Errorf("--without: no benchmark has a model called %q; there are %q", m, slices.Compact(models))
		}
	}
	for i := range sets {
		for side, part := range []*eval.Part{&sets[i].Train, &sets[i].Test} {
			var err error
			if *part, err = reader.embed(ctx, files[i][side]); err != nil {
				return nil, err
			}
		}
	}
	return sets, nil
}

func (c *evalCmd) write(s *streams, report eval.Report) error {
	if c.JSON != "" {
		if err := writeJSON(c.JSON, report); err != nil {
			return err
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
	for _, b := range report.Benchmarks {
		var image bytes.Buffer
		if err := chart.Write(&image, b, strings.TrimPrefix(filepath.Ext(c.Plot), ".")); err != nil {
			return fmt.Errorf("plot %s: %w", b.Name, err)
		}
		if err := os.WriteFile(c.plotFile(b.Name, len(report.Benchmarks)), image.Bytes(), 0o644); err != nil {
			return fmt.Errorf("write plot: %w", err)
		}
	}
	return nil
}

// plotFile is where the benchmark's chart goes: of several each has its name before the ending.
func (c *evalCmd) plotFile(name string, benchmarks int) string {
	if benchmarks < 2 {
		return c.Plot
	}
	ending := filepath.Ext(c.Plot)
	return strings.TrimSuffix(c.Plot, ending) + "-" + name + ending
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
		inOrder := slices.ContainsFunc(train, func(t namedFile) bool { return find(test, t.name) < 0 })
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

// named takes NAME=FILE apart, unless a file is called so; without NAME it is the file's base name without .jsonl and .gz.
func named(files []string) []namedFile {
	var out []namedFile
	for _, f := range files {
		name, file, ok := strings.Cut(f, "=")
		if _, err := os.Stat(f); err == nil || !ok {
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
	return slices.IndexFunc(files, func(f namedFile) bool { return f.name == name })
}

func sameFile(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}
