// Build makes the router's default index from labelled prompts. It embeds each prompt and writes vectors and outcomes,
// never texts. The same inputs give the same file.
//
//	go run ./routing/index/build -out routing/index/default.fidx \
//	    -in ulab14=DIR/ulab14.jsonl.gz -in zeroeval=DIR/zeroeval.jsonl.gz \
//	    -in 'probe=routing/probe/results/*.jsonl'
//
// The -in files are JSON lines, gzipped or not: {"prompt":"…","scores":{model:0..1},"output_tokens":{model:n}}. The word
// before '=' names the source in the index; a glob is allowed after it. To add rows to an index without redoing it, give
// the old one with -base. Columns of closed models, and those named in columns.go, are left out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"sort"
	"strings"

	"flotilla/routing/embed"
	"flotilla/routing/index"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

type inputs []struct{ source, glob string }

func (in *inputs) String() string { return fmt.Sprint(*in) }

func (in *inputs) Set(v string) error {
	source, glob, ok := strings.Cut(v, "=")
	if !ok || source == "" || glob == "" {
		return errors.New("want SOURCE=FILE")
	}
	*in = append(*in, struct{ source, glob string }{source, glob})
	return nil
}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	var in inputs
	out := flags.String("out", "default.fidx", "file to write")
	base := flags.String("base", "", "index to start from (its rows come first)")
	flags.Var(&in, "in", "SOURCE=FILE of labelled prompts; may be given again")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if len(in) == 0 {
		return errors.New("nothing to read: give at least one -in SOURCE=FILE")
	}
	encoder, err := embed.NewMiniLM()
	if err != nil {
		return fmt.Errorf("open embedder: %w", err)
	}
	b, err := index.NewBuilder(encoder.ID(), encoder.Dim())
	if err != nil {
		return err
	}
	if *base != "" {
		if err := importFile(b, *base); err != nil {
			return err
		}
	}
	for _, i := range in {
		if err := addFiles(ctx, b, encoder, i.source, i.glob, log); err != nil {
			return err
		}
	}
	x, err := b.Build()
	if err != nil {
		return err
	}
	if err := writeFile(*out, x.Encode()); err != nil {
		return err
	}
	report(log, *out, x)
	return nil
}

func importFile(b *index.Builder, name string) error {
	data, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read base index: %w", err)
	}
	x, err := index.Decode(data)
	if err != nil {
		return fmt.Errorf("read base index %s: %w", name, err)
	}
	return b.Import(x)
}

func addFiles(ctx context.Context, b *index.Builder, encoder *embed.MiniLM, source, glob string, log io.Writer) error {
	names, err := filepath.Glob(glob)
	if err != nil {
		return fmt.Errorf("list %s: %w", glob, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("list %s: no such file", glob)
	}
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("open samples: %w", err)
		}
		samples, err := index.ReadSamples(f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := addSamples(ctx, b, encoder, source, name, samples, log); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

func addSamples(ctx context.Context, b *index.Builder, encoder *embed.MiniLM, source, name string, samples []index.Sample, log io.Writer) error {
	left := map[string]bool{}
	for i, s := range merge(samples) {
		outcomes := outcomesOf(s, left)
		if len(outcomes) == 0 {
			continue
		}
		vector, err := encoder.Embed(ctx, s.Prompt)
		if err != nil {
			return err
		}
		if err := b.Add(index.Row{Vector: vector, Outcomes: outcomes, Source: source}); err != nil {
			return fmt.Errorf("sample %d: %w", i, err)
		}
		if (i+1)%500 == 0 {
			fmt.Fprintf(log, "%s: %d of %d\n", filepath.Base(name), i+1, len(samples))
		}
	}
	if len(left) > 0 {
		names := make([]string, 0, len(left))
		for n := range left {
			names = append(names, n)
		}
		sort.Strings(names)
		fmt.Fprintf(log, "%s: columns left out: %s\n", filepath.Base(name), strings.Join(names, " "))
	}
	return nil
}

// merge joins samples that ask the same prompt, as a probe file with one line per model and prompt does. Order is that
// of first appearance.
func merge(samples []index.Sample) []index.Sample {
	place := map[string]int{}
	var out []index.Sample
	for _, s := range samples {
		i, ok := place[s.Prompt]
		if !ok {
			place[s.Prompt] = len(out)
			out = append(out, s)
			continue
		}
		if out[i].OutputTokens == nil {
			out[i].OutputTokens = map[string]float64{}
		}
		for m, v := range s.Scores {
			if _, dup := out[i].Scores[m]; !dup {
				out[i].Scores[m] = v
				if n, ok := s.OutputTokens[m]; ok {
					out[i].OutputTokens[m] = n
				}
			}
		}
	}
	return out
}

// outcomesOf maps a sample's columns to canonical models. Several columns of one model (providers, quantizations)
// become one outcome: their mean score and mean length.
func outcomesOf(s index.Sample, left map[string]bool) []index.Outcome {
	type sum struct{ score, n, tokens, nTokens float64 }
	sums := map[string]*sum{}
	columns := make([]string, 0, len(s.Scores))
	for c := range s.Scores {
		columns = append(columns, c)
	}
	sort.Strings(columns) // so that sums are formed in one order
	var ids []string
	for _, c := range columns {
		id, ok := canonical(c)
		if !ok {
			left[c] = true
			continue
		}
		t := sums[id]
		if t == nil {
			t = &sum{}
			sums[id] = t
			ids = append(ids, id)
		}
		t.score += s.Scores[c]
		t.n++
		if n := s.OutputTokens[c]; n > 0 {
			t.tokens += n
			t.nTokens++
		}
	}
	var out []index.Outcome
	for _, id := range ids {
		t := sums[id]
		o := index.Outcome{Model: id, Score: t.score / t.n}
		if t.nTokens > 0 {
			o.OutputTokens = uint32(max(1, math.Round(t.tokens/t.nTokens)))
		}
		out = append(out, o)
	}
	return out
}

// writeFile replaces name in one step: a crash leaves the old index or the new one, and at worst a .part file.
func writeFile(name string, data []byte) error {
	part := name + ".part"
	if err := os.WriteFile(part, data, 0o644); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	if err := os.Rename(part, name); err != nil {
		return fmt.Errorf("write index: %w", err)
	}
	return nil
}

func report(log io.Writer, name string, x *index.Index) {
	fmt.Fprintf(log, "%s: %d rows, %d models, generation %d, id %s\n", name, x.Len(), len(x.Models()), x.Generation(), x.ID())
	for m, id := range x.Models() {
		mean, _, _ := x.Length(m)
		tokens := 0.0
		if mean > 0 {
			tokens = math.Exp2((mean - 1) / index.LengthSteps)
		}
		fmt.Fprintf(log, "  %-36s %5d rows  ability %.3f  about %4.0f tokens\n", id, x.RowsOf(m), x.Ability(m), tokens)
	}
}
