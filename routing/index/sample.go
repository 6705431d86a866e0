package index

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"
)

// Sample is a labelled prompt with its text, one JSON object a line: what indexes are built from and routers judged on.
type Sample struct {
	ID           string  `json:"id,omitempty"`
	Task         string  `json:"task,omitempty"` // a router must not read it
	Source       string  `json:"source,omitempty"`
	Prompt       string  `json:"prompt"`
	InputTokens  float64 `json:"input_tokens,omitempty"`  // estimate; 0: characters / 4
	Scores       ByModel `json:"scores"`                  // 0..1
	OutputTokens ByModel `json:"output_tokens,omitempty"` // tokens of the real answer
	CostUSD      ByModel `json:"cost_usd,omitempty"`      // what the answer really cost, where measured
}

// ByModel is a figure by the model's name. What is null in JSON was not measured, and is left out.
type ByModel map[string]float64

// UnmarshalJSON implements json.Unmarshaler.
func (b *ByModel) UnmarshalJSON(raw []byte) error {
	var figures map[string]*float64
	if err := json.Unmarshal(raw, &figures); err != nil {
		return err
	}
	*b = make(ByModel, len(figures))
	for model, v := range figures {
		if v != nil {
			(*b)[model] = *v
		}
	}
	return nil
}

// byteOrderMark is what some editors begin a file with.
const byteOrderMark = "\ufeff"

// maxSampleLine bounds one line; the longest public prompt seen is 60 kB.
const maxSampleLine = 8 << 20

// maxFigure bounds tokens and dollars: beyond it is no measurement.
const maxFigure = 1e9

// sampleLimits bound a whole file, unpacked.
type sampleLimits struct{ rows, bytes int }

// ReadSamples reads JSON lines, gzipped or plain. An error names the line.
func ReadSamples(r io.Reader) ([]Sample, error) {
	return readSamples(r, sampleLimits{rows: MaxRows, bytes: 1 << 30})
}

func readSamples(r io.Reader, most sampleLimits) ([]Sample, error) {
	br := bufio.NewReader(r)
	if head, _ := br.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		zr, err := gzip.NewReader(br)
		if err != nil {
			return nil, fmt.Errorf("read samples: %w", err)
		}
		defer zr.Close()
		br = bufio.NewReader(zr)
	}
	if mark, _ := br.Peek(len(byteOrderMark)); string(mark) == byteOrderMark {
		_, _ = br.Discard(len(byteOrderMark)) // peeked: it is there
	}
	sc := bufio.NewScanner(br)
	sc.Buffer(make([]byte, 0, 1<<16), maxSampleLine)
	var out []Sample
	line, size := 1, 0
	for ; sc.Scan(); line++ {
		if len(bytes.TrimSpace(sc.Bytes())) == 0 {
			continue
		}
		if size += len(sc.Bytes()) + 1; len(out) == most.rows || size > most.bytes {
			return nil, fmt.Errorf("read samples: line %d: want at most %d prompts, in %d bytes unpacked", line, most.rows, most.bytes)
		}
		var s Sample
		err := errNotUTF8
		if utf8.Valid(sc.Bytes()) {
			if err = json.Unmarshal(sc.Bytes(), &s); err != nil {
				err = fmt.Errorf("%w; want one JSON object a line, {\"prompt\":…,\"scores\":{model: 0..1}}, and null (not NaN) for what was not measured", err)
			}
		}
		if err == nil {
			err = s.check()
		}
		if err != nil {
			return nil, fmt.Errorf("read samples: line %d: %w", line, err)
		}
		if s.InputTokens == 0 {
			s.InputTokens = float64(utf8.RuneCountInString(s.Prompt)) / 4
		}
		out = append(out, s)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("read samples: line %d: %w", line, err)
	}
	return out, nil
}

// errNotUTF8: JSON reads every byte of another encoding as the same sign, so that prompts would become one.
var errNotUTF8 = errors.New("not UTF-8; save the table in that encoding")

// check refuses lines without a prompt, which would become one row, and figures that are no measurements: without it they would end as others in an index, or as a router's wrong costs.
func (s *Sample) check() error {
	switch {
	case strings.TrimSpace(s.Prompt) == "":
		return errors.New("no prompt; want {\"prompt\":…,\"scores\":{model: 0..1}}")
	case len(s.Scores) == 0:
		return errors.New("no scores; want {\"prompt\":…,\"scores\":{model: 0..1}}")
	}
	for model, v := range s.Scores {
		if v < 0 || v > 1 {
			return fmt.Errorf("score %v of %s: want 0 to 1", v, model)
		}
	}
	for name, figures := range map[string]ByModel{"input_tokens": {"the prompt": s.InputTokens}, "output_tokens": s.OutputTokens, "cost_usd": s.CostUSD} {
		for of, v := range figures {
			if v < 0 || v > maxFigure {
				return fmt.Errorf("%s %v of %s: want 0 to %d", name, v, of, int(maxFigure))
			}
		}
	}
	return nil
}

// JoinSamples makes one sample of the lines that ask the same prompt: of every model what the lines have of it, and of what several
// have the mean, so that a prompt that was asked twice counts once and no line is left out. What else a sample has is the first line's.
// Order is that of first appearance.
func JoinSamples(samples []Sample) []Sample {
	place := map[string]int{}
	var groups [][]Sample
	for _, s := range samples {
		i, ok := place[s.Prompt]
		if !ok {
			i = len(groups)
			place[s.Prompt] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], s)
	}
	out := make([]Sample, len(groups))
	for i, g := range groups {
		out[i] = g[0]
		if len(g) > 1 {
			out[i].Scores = joinFigures(g, true, func(s Sample) ByModel { return s.Scores })
			out[i].OutputTokens = joinFigures(g, false, func(s Sample) ByModel { return s.OutputTokens })
			out[i].CostUSD = joinFigures(g, true, func(s Sample) ByModel { return s.CostUSD })
		}
	}
	return out
}

// joinFigures are the models' means over the samples that have a figure, which 0 may be or not; nil where none has.
func joinFigures(samples []Sample, zero bool, of func(Sample) ByModel) ByModel {
	n := map[string]float64{}
	var mean ByModel
	for _, s := range samples {
		for m, v := range of(s) {
			if v == 0 && !zero {
				continue
			}
			if mean == nil {
				mean = ByModel{}
			}
			n[m]++
			mean[m] += v
		}
	}
	for m := range mean {
		mean[m] /= n[m]
	}
	return mean
}
