package index

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
)

// Sample is a labelled prompt with its text, one JSON object a line: what indexes are built from and routers judged on.
type Sample struct {
	ID           string             `json:"id,omitempty"`
	Task         string             `json:"task,omitempty"` // a router must not read it
	Source       string             `json:"source,omitempty"`
	Prompt       string             `json:"prompt"`
	InputTokens  float64            `json:"input_tokens,omitempty"`  // estimate; 0: characters / 4
	Scores       map[string]float64 `json:"scores"`                  // model name → 0..1
	OutputTokens map[string]float64 `json:"output_tokens,omitempty"` // model name → tokens of the real answer
	CostUSD      map[string]float64 `json:"cost_usd,omitempty"`      // model name → what the answer really cost, where measured
}

// maxSampleLine bounds one line; the longest public prompt seen is 60 kB.
const maxSampleLine = 8 << 20

// ReadSamples reads JSON lines, gzipped or plain. An error names the line.
func ReadSamples(r io.Reader) ([]Sample, error) {
	br := bufio.NewReader(r)
	if head, _ := br.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
		defer zr.Close()
		br = bufio.NewReader(zr)
	}
	sc := bufio.NewScanner(br)
	sc.Buffer(make([]byte, 0, 1<<16), maxSampleLine)
	var out []Sample
	for line := 1; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		var s Sample
		if err := json.Unmarshal(sc.Bytes(), &s); err != nil {
			return nil, fmt.Errorf("read samples: line %d: %w", line, err)
		}
		if len(s.Scores) == 0 {
			return nil, fmt.Errorf("read samples: line %d: no scores; want {\"prompt\":…,\"scores\":{model: 0..1}}", line)
		}
		if s.InputTokens == 0 {
			s.InputTokens = float64(len(s.Prompt)) / 4
		}
		out = append(out, s)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read samples: %w", err)
	}
	return out, nil
}
