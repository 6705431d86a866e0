package index

import (
	_ "embed"
	"fmt"
)

// defaultFile is made by 'flotilla index add'; NOTICE names its sources and their licences, docs/routing.md the commands.
//
//go:embed default.fidx
var defaultFile []byte

// Default decodes the index inside the binary: open-weight outcomes of public evaluations, and probe rows for the
// demo's models. It takes some ten milliseconds; keep the result.
func Default() (*Index, error) {
	x, err := Decode(defaultFile)
	if err != nil {
		return nil, fmt.Errorf("open built-in index: %w", err)
	}
	return x, nil
}
