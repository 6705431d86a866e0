// Build makes the word table of routing/guard from prompts: how often words and pairs of neighbouring words occur, by
// hash, to a power of two, and no text. The prompts that routing/attack ships are left out, so that what is measured on
// them is not measured on what was counted.
//
//	go run ./routing/guard/build -out routing/guard/bigrams.bin \
//	    DIR/ulab14.jsonl.gz DIR/zeroeval.jsonl.gz DIR/mmlupro.jsonl.gz DIR/routellm.jsonl.gz
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"flotilla/routing/attack/prompts"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// least is how often a pair must occur to be kept. Pairs seen once or twice are 70 % of the table and, left out, change
// what is flagged by less than half a percent of prompts.
const least = 3

func main() {
	if err := run(os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(args []string, log io.Writer) error {
	flags := flag.NewFlagSet("build", flag.ContinueOnError)
	out := flags.String("out", "bigrams.bin", "file to write")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		return errors.New("nothing to count: name at least one file of prompts")
	}
	left, err := prompts.All()
	if err != nil {
		return err
	}
	counts, total := map[uint32]int{}, 0
	for _, name := range flags.Args() {
		n, err := count(counts, name, left)
		if err != nil {
			return err
		}
		fmt.Fprintf(log, "%s: %d words\n", name, n)
		total += n
	}
	t := guard.NewTable(counts, least, total)
	data := t.Encode()
	if err := os.WriteFile(*out, data, 0o644); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	fmt.Fprintf(log, "%s: %d bytes, id %s\n", *out, len(data), t.ID())
	return nil
}

func count(counts map[uint32]int, name string, left []string) (total int, err error) {
	f, err := os.Open(name)
	if err != nil {
		return 0, fmt.Errorf("open prompts: %w", err)
	}
	defer f.Close()
	samples, err := index.ReadSamples(f)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	for _, s := range samples {
		if !slices.ContainsFunc(left, func(p string) bool { return strings.Contains(s.Prompt, p) }) {
			total += guard.Count(counts, s.Prompt)
		}
	}
	return total, nil
}
