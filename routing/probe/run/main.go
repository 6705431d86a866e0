// Command run asks one served model all probes and writes the graded answers as JSON lines; with
// -merge it joins such files, one per model, into the rows that the routing index is built from:
//
//	go run ./routing/probe/run -url http://127.0.0.1:18091 -model gemma-3-270m -out routing/probe/results/answers/gemma-3-270m.jsonl
//	go run ./routing/probe/run -merge -out routing/probe/results/smollm2-gemma3.jsonl routing/probe/results/answers/*.jsonl
//
// Merging grades the stored answers again, so a changed grader needs no new run of the models.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"

	"flotilla/routing/probe"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	url := flag.String("url", "", "address of an OpenAI-compatible server, without /v1")
	model := flag.String("model", "", "model name, as in the server's /v1/models")
	out := flag.String("out", "", "file to write")
	limit := flag.Int("limit", 0, "ask about this many probes, spread over all of them; 0 asks all")
	categories := flag.String("categories", "", "ask only these categories, separated by commas; empty asks all")
	merge := flag.Bool("merge", false, "join the answer files named as arguments, <model>.jsonl each")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	switch {
	case *out == "":
		return fmt.Errorf("-out is missing: name the file to write")
	case *merge:
		return mergeAnswers(flag.Args(), *out)
	case *url == "" || *model == "":
		return fmt.Errorf("-url and -model are both needed, e.g. -url http://127.0.0.1:8080 -model gemma-3-270m")
	}
	probes, err := choose(*categories, *limit)
	if err != nil {
		return err
	}
	return ask(ctx, client{url: strings.TrimSuffix(*url, "/"), model: *model}, *out, probes)
}

// choose returns the probes of the named categories, thinned out to about limit.
func choose(categories string, limit int) ([]probe.Probe, error) {
	var known []string
	wanted := strings.Split(categories, ",")
	var probes []probe.Probe
	for _, p := range probe.Default() {
		if !slices.Contains(known, p.Category) {
			known = append(known, p.Category)
		}
		if categories == "" || slices.Contains(wanted, p.Category) {
			probes = append(probes, p)
		}
	}
	if len(probes) == 0 {
		return nil, fmt.Errorf("no probe in categories %q: choose from %s", categories, strings.Join(known, ","))
	}
	if limit <= 0 || limit >= len(probes) {
		return probes, nil
	}
	spread := make([]probe.Probe, limit)
	for i := range spread {
		spread[i] = probes[i*len(probes)/limit]
	}
	return spread, nil
}

// ask runs the probes and writes what was answered, also when it ends early.
func ask(ctx context.Context, c client, out string, probes []probe.Probe) error {
	results, err := probe.Run(ctx, c.chat, probes, probe.Options{
		Progress: func(done, total int, r probe.Result) {
			fmt.Fprintf(os.Stderr, "%3d/%d %-18s %.2f %4d tokens\n", done, total, r.ID, r.Score, r.OutputTokens)
		},
	})
	if writeErr := writeFile(out, results); writeErr != nil {
		return writeErr
	}
	if err != nil {
		return err
	}
	fmt.Print(probe.Table(probe.Rows(probes, map[string][]probe.Result{c.model: results})))
	return nil
}

// mergeAnswers grades stored answers, writes the rows and prints the table for the README.
func mergeAnswers(files []string, out string) error {
	probes := probe.Default()
	byModel := map[string][]probe.Result{}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("open answers: %w", err)
		}
		results, err := probe.ReadLines[probe.Result](f)
		f.Close()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		probe.Regrade(probes, results)
		if err := writeFile(name, results); err != nil {
			return err
		}
		byModel[strings.TrimSuffix(filepath.Base(name), ".jsonl")] = results
	}
	rows := probe.Rows(probes, byModel)
	if err := writeFile(out, rows); err != nil {
		return err
	}
	fmt.Print(probe.Table(rows))
	return nil
}

// writeFile writes values as JSON lines; a crash leaves the old file and a ".part" beside it.
func writeFile[T any](name string, values []T) error {
	f, err := os.Create(name + ".part")
	if err != nil {
		return fmt.Errorf("create output: %w", err)
	}
	err = probe.WriteLines(f, values)
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	return os.Rename(name+".part", name)
}
