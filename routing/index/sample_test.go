package index_test

import (
	"bytes"
	"compress/gzip"
	"strings"
	"testing"

	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
)

func TestSamplesReadPlainAndGzipped(t *testing.T) {
	const text = `{"id":"1","prompt":"What is 2+2?","scores":{"m":1},"output_tokens":{"m":3},"source":"probe","category":"maths"}

{"prompt":"abcd","input_tokens":7,"scores":{"m":0,"n":0.5}}
`
	want := []index.Sample{
		{ID: "1", Source: "probe", Prompt: "What is 2+2?", InputTokens: 3, Scores: map[string]float64{"m": 1}, OutputTokens: map[string]float64{"m": 3}},
		{Prompt: "abcd", InputTokens: 7, Scores: map[string]float64{"m": 0, "n": 0.5}},
	}
	var packed bytes.Buffer
	zw := gzip.NewWriter(&packed)
	if _, err := zw.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := zw.Close(); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string]string{"plain": text, "gzip": packed.String()} {
		got, err := index.ReadSamples(strings.NewReader(data))
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v\n%s", name, err, diff)
		}
	}
}

func TestBadSamplesAreReportedByLine(t *testing.T) {
	for name, data := range map[string]string{
		"no JSON":   "{\"prompt\":\"a\",\"scores\":{\"m\":1}}\nnonsense",
		"no scores": "{\"prompt\":\"a\",\"scores\":{\"m\":1}}\n{\"prompt\":\"b\"}",
	} {
		if _, err := index.ReadSamples(strings.NewReader(data)); err == nil || !strings.Contains(err.Error(), "line 2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := index.ReadSamples(strings.NewReader("\x1f\x8b damaged")); err == nil {
		t.Error("damaged gzip accepted")
	}
}
