package main

import (
	"os"
	"path/filepath"
	"testing"

	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
)

// A table may have a line for every model and prompt, as index add takes it: alone, none of these lines leaves a router a choice.
func TestOutcomesOfOnePromptAreJoined(t *testing.T) {
	emb, closeEmb, err := embedderFlags{}.openEmbedder()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(closeEmb)
	file := filepath.Join(t.TempDir(), "long.jsonl")
	lines := `{"id":"1","task":"sums","prompt":"What is 2+2?","scores":{"gemma-3-270m":1},"output_tokens":{"gemma-3-270m":4},"cost_usd":{"gemma-3-270m":0.5}}
{"prompt":"What is 2+2?","scores":{"smollm2-135m-instruct":0}}
{"prompt":"Name a colour.","scores":{"gemma-3-270m":1}}
{"prompt":"What is 2+2?","scores":{"gemma-3-270m":0},"cost_usd":{"gemma-3-270m":0}}
`
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	o, err := (&outcomeReader{embedder: emb}).parse(file)
	want := []index.Sample{
		{ID: "1", Task: "sums", Prompt: "What is 2+2?", InputTokens: 3, Scores: index.ByModel{"gemma-3-270m": 0.5, "smollm2-135m-instruct": 0},
			OutputTokens: index.ByModel{"gemma-3-270m": 4}, CostUSD: index.ByModel{"gemma-3-270m": 0.25}},
		{Prompt: "Name a colour.", InputTokens: 3.5, Scores: index.ByModel{"gemma-3-270m": 1}},
	}
	if diff := cmp.Diff(want, o.samples); err != nil || diff != "" {
		t.Error(err, diff)
	}
}
