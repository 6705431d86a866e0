// Fit prints the table of usual measures in routing/form: over FILES of prompts, each weighing the same, the mean of each
// measure and its standard deviation.
//
//	go run ./routing/form/fit DIR/ulab14.jsonl.gz DIR/zeroeval.jsonl.gz DIR/mmlupro.jsonl.gz
package main

import (
	"bytes"
	"fmt"
	"math"
	"os"

	"flotilla/routing/form"
	"flotilla/routing/index"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "fit:", err)
		os.Exit(1)
	}
}

func run(files []string) error {
	var mean, deviation [form.Measures]float64
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return fmt.Errorf("read prompts: %w", err)
		}
		samples, err := index.ReadSamples(bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		var sum, squares [form.Measures]float64
		for _, s := range samples {
			for i, v := range form.Measure(s.Prompt) {
				sum[i] += v
				squares[i] += v * v
			}
		}
		for i, n := 0, float64(len(samples)); i < form.Measures; i++ {
			mean[i] += sum[i] / n / float64(len(files))
			deviation[i] += math.Sqrt(squares[i]/n-sum[i]/n*(sum[i]/n)) / float64(len(files))
		}
	}
	for i := range mean {
		fmt.Printf("\t{%.4f, %.4f},\n", mean[i], deviation[i])
	}
	return nil
}
