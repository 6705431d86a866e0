package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sync"
)

// output is a command's standard output. It remembers a write that failed, so that no command need look after each line: what
// was cut on a full disk, such as a batch or a consent, must not end as if it were whole.
type output struct {
	w io.Writer

	mu     sync.Mutex // guards failed
	failed error
}

// Write implements io.Writer.
func (o *output) Write(p []byte) (int, error) {
	n, err := o.w.Write(p)
	if err != nil {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.failed == nil {
			o.failed = fmt.Errorf("write output: %w", err)
		}
	}
	return n, err
}

// err is the first write that failed.
func (o *output) err() error {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.failed
}

// printJSON prints an answer for a program to read.
func printJSON(out io.Writer, v any) error {
	raw, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("encode answer: %w", err)
	}
	_, err = fmt.Fprintln(out, string(raw))
	return err
}

// writeJSON makes a file of a report.
func writeJSON(file string, report any) error {
	raw, err := json.MarshalIndent(report, "", "  ")
	if err != nil {
		return fmt.Errorf("encode report: %w", err)
	}
	if err := os.WriteFile(file, append(raw, '\n'), 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return nil
}
