package table_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"flotilla/routing/index"
	"flotilla/routing/table"

	"github.com/google/go-cmp/cmp"
)

// lengthEmbedder tells prompts apart by their length, which is all these tests need.
type lengthEmbedder struct{}

func (lengthEmbedder) ID() string { return "length" }
func (lengthEmbedder) Dim() int   { return 2 }
func (lengthEmbedder) Embed(_ context.Context, text string) ([]float32, error) {
	if len(text)%2 == 0 {
		return []float32{1, 0}, nil
	}
	return []float32{0, 1}, nil
}

func samples(t *testing.T, text string) []index.Sample {
	t.Helper()
	s, err := index.ReadSamples(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestProvidersAndProbesBecomeOneRowAPrompt(t *testing.T) {
	tab, err := table.New(samples(t, `{"prompt":"What is 2+2?","scores":{"Llama-3.1-405B-Inst-fp8":1,"Llama-3.1-405B-Inst@sambanova":0,"gpt-4o-2024-08-06":1},"output_tokens":{"Llama-3.1-405B-Inst-fp8":100,"Llama-3.1-405B-Inst@sambanova":300}}
{"prompt":"closed models only","scores":{"gpt-4o-2024-08-06":1}}
{"prompt":"Name a colour.","scores":{"smollm2-135m-instruct":1},"output_tokens":{"smollm2-135m-instruct":2}}
{"prompt":"Name a colour.","scores":{"gemma-3-270m":0},"output_tokens":{"gemma-3-270m":64}}
`))
	if err != nil {
		t.Fatal(err)
	}
	want := table.Table{
		Prompts: []string{"What is 2+2?", "Name a colour."},
		Outcomes: [][]index.Outcome{
			{{Model: "llama-3.1-405b-instruct", Score: 0.5, OutputTokens: 200}},
			{{Model: "gemma-3-270m", Score: 0, OutputTokens: 64}, {Model: "smollm2-135m-instruct", Score: 1, OutputTokens: 2}},
		},
		LeftOut: []string{"gpt-4o-2024-08-06"},
	}
	if diff := cmp.Diff(want, tab); diff != "" {
		t.Error(diff)
	}
	b, err := index.NewBuilder("length", 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := tab.AddTo(t.Context(), b, lengthEmbedder{}, "public", nil); err != nil {
		t.Fatal(err)
	}
	x, err := b.Build()
	if err != nil || x.Len() != 2 || x.Source(1) != "public" || len(x.Cells(1)) != 2 {
		t.Errorf("%v, %v", x, err)
	}
}

// A prompt that was asked twice, or by two people, is no place in the table that counts more, and no line of it is lost.
func TestSeveralScoresOfOneModelAreTheirMean(t *testing.T) {
	tab, err := table.New(samples(t, `{"prompt":"Name a colour.","scores":{"gemma-3-270m":1,"smollm2-135m-instruct":1},"output_tokens":{"gemma-3-270m":10,"smollm2-135m-instruct":0}}
{"prompt":"What is 2+2?","scores":{"gemma-3-270m":1}}
{"prompt":"Name a colour.","scores":{"gemma-3-270m":0},"output_tokens":{"gemma-3-270m":30}}
{"prompt":"Name a colour.","scores":{"gemma-3-270m":0.5,"smollm2-135m-instruct":1},"output_tokens":{"smollm2-135m-instruct":8}}
`))
	want := table.Table{
		Prompts: []string{"Name a colour.", "What is 2+2?"},
		Outcomes: [][]index.Outcome{
			{{Model: "gemma-3-270m", Score: 0.5, OutputTokens: 20}, {Model: "smollm2-135m-instruct", Score: 1, OutputTokens: 8}},
			{{Model: "gemma-3-270m", Score: 1}},
		},
	}
	if diff := cmp.Diff(want, tab); err != nil || diff != "" {
		t.Error(err, diff)
	}
}

func TestUnusableTablesAreRefused(t *testing.T) {
	if _, err := table.New(samples(t, `{"prompt":"a","scores":{"gpt-4o-2024-08-06":1}}`)); err == nil || !strings.Contains(err.Error(), "gpt-4o-2024-08-06") {
		t.Errorf("closed models only: %v", err)
	}
	var lines strings.Builder
	rng := rand.New(rand.NewPCG(1, 1))
	for i := range 300 {
		hard := rng.IntN(2)
		fmt.Fprintf(&lines, `{"prompt":"p%d","scores":{"gemma-2-9b-it":%d,"qwen2.5-7b-instruct":%d,"llama-3.1-8b-instruct":%d}}`+"\n", i, hard, hard, rng.IntN(2))
	}
	_, err := table.New(samples(t, lines.String()))
	if bad := new(index.IncoherentError); !errors.As(err, &bad) || !cmp.Equal(bad.Columns, []string{"llama-3.1-8b-instruct"}) {
		t.Errorf("one column of another order: %v", err)
	}
}
