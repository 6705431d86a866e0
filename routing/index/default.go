package index

import (
	_ "embed"
	"fmt"
)

// defaultFile is made by 'flotilla index add'; NOTICE names its sources and their licences, docs/routing.md the commands.
//
//go:embed default.fidx
var defaultFile []byte

// staticFile holds the rows of defaultFile under the vectors of the static embedder.
//
//go:embed default-static.fidx
var staticFile []byte

// Default decodes the index inside the binary: open-weight outcomes of public evaluations, and probe rows for the
// demo's models. It takes some ten milliseconds; keep the result.
func Default() (*Index, error) {
	x, err := Decode(defaultFile)
	if err != nil {
		return nil, fmt.Errorf("open built-in index: %w", err)
	}
	return x, nil
}

// DefaultStatic is Default for the static embedder.
func DefaultStatic() (*Index, error) {
	x, err := Decode(staticFile)
	if err != nil {
		return nil, fmt.Errorf("open built-in index for the static embedder: %w", err)
	}
	return x, nil
}
