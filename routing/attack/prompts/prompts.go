// Package prompts holds the texts that the attack suite attacks: 600 prompts of public evaluations, drawn at random.
package prompts

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// file is one JSON string a line; NOTICE names the source and its licence.
//
//go:embed ulab14.jsonl.gz
var file []byte

// All returns the prompts, in the order drawn.
func All() ([]string, error) {
	zr, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("open built-in prompts: %w", err)
	}
	var out []string
	for dec := json.NewDecoder(zr); ; {
		var p string
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return out, nil
		} else if err != nil {
			return nil, fmt.Errorf("read built-in prompts: %w", err)
		}
		out = append(out, p)
	}
}
