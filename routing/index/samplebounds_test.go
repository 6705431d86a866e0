package index

import (
	"strings"
	"testing"
)

// A small packed file may unpack to more than a machine holds: rows and bytes are bounded, and the line is named.
func TestSamplesAreBounded(t *testing.T) {
	const line = `{"prompt":"a","scores":{"m":1}}` + "\n"
	for name, most := range map[string]sampleLimits{
		"rows":  {rows: 3, bytes: 1 << 20},
		"bytes": {rows: 100, bytes: 3*len(line) + 1},
	} {
		if got, err := readSamples(strings.NewReader(strings.Repeat(line, 3)), most); len(got) != 3 || err != nil {
			t.Errorf("%s: %d samples, %v", name, len(got), err)
		}
		if _, err := readSamples(strings.NewReader(strings.Repeat(line, 4)), most); err == nil || !strings.Contains(err.Error(), "line 4") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
