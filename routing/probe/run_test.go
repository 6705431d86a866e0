package probe_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flotilla/routing/probe"
)

func TestRunGradesInOrderAndStopsAtAnError(t *testing.T) {
	probes := []probe.Probe{
		{ID: "a-01", Category: "a", Prompt: "1 + 1?", Grader: probe.Number{Want: 2}},
		{ID: "b-01", Category: "b", Prompt: "2 + 2?", Grader: probe.Number{Want: 4}},
		{ID: "b-02", Category: "b", Prompt: "broken", Grader: probe.Number{Want: 4}},
	}
	down := errors.New("server is gone")
	var limits []int
	chat := func(_ context.Context, prompt string, maxTokens int) (probe.Answer, error) {
		limits = append(limits, maxTokens)
		if prompt == "broken" {
			return probe.Answer{}, down
		}
		return probe.Answer{Text: "2", PromptTokens: 7, OutputTokens: 1}, nil
	}
	calls := 0
	got, err := probe.Run(t.Context(), chat, probes, probe.Options{
		MaxTokens: 9, Progress: func(done, total int, _ probe.Result) {
			if calls++; done != calls || total != len(probes) {
				t.Errorf("progress %d of %d at call %d", done, total, calls)
			}
		},
	})
	if !errors.Is(err, down) || !strings.Contains(err.Error(), "b-02") {
		t.Errorf("Run = %v, want the chat's error with the probe's id", err)
	}
	want := []probe.Result{
		{ID: "a-01", Category: "a", Prompt: "1 + 1?", Answer: "2", PromptTokens: 7, OutputTokens: 1, Score: 1},
		{ID: "b-01", Category: "b", Prompt: "2 + 2?", Answer: "2", PromptTokens: 7, OutputTokens: 1, Score: 0},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]int{9, 9, 9}, limits); diff != "" {
		t.Errorf("token limits (-want +got):\n%s", diff)
	}
}

// What an earlier run answered is graded anew and not asked again; an answer to another wording of a probe is no answer.
func TestRunGoesOn(t *testing.T) {
	number := probe.Number{Want: 2}
	probes := []probe.Probe{{ID: "a-01", Prompt: "1 + 1?", Grader: number}, {ID: "a-02", Prompt: "4 - 2?", Grader: number}, {ID: "a-03", Prompt: "3 - 1?", Grader: number}}
	var asked, kept []string
	chat := func(_ context.Context, prompt string, _ int) (probe.Answer, error) {
		asked = append(asked, prompt)
		return probe.Answer{Text: "2"}, nil
	}
	full := errors.New("disk full")
	keep := func(r probe.Result) error {
		if kept = append(kept, r.ID); r.ID == "a-03" {
			return full
		}
		return nil
	}
	known := []probe.Result{{ID: "a-02", Prompt: "4 - 2?", Answer: "2"}, {ID: "a-01", Prompt: "an old wording", Answer: "2"}}
	got, err := probe.Run(t.Context(), chat, probes, probe.Options{Known: known, Keep: keep})
	if !errors.Is(err, full) {
		t.Errorf("Run = %v, want the error of Keep", err)
	}
	want := []probe.Result{{ID: "a-01", Prompt: "1 + 1?", Answer: "2", Score: 1}, {ID: "a-02", Prompt: "4 - 2?", Answer: "2", Score: 1}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("results (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"1 + 1?", "3 - 1?"}, {"a-01", "a-03"}}, [][]string{asked, kept}); diff != "" {
		t.Errorf("asked and kept (-want +got):\n%s", diff)
	}
}

func TestRowsJoinModelsWhateverTheOrder(t *testing.T) {
	probes := []probe.Probe{{ID: "a-01", Category: "a", Prompt: "p"}, {ID: "a-02", Category: "a", Prompt: "q"}, {ID: "a-03", Category: "a", Prompt: "r"}}
	rows := probe.Rows(probes, map[string][]probe.Result{
		"m1": {{ID: "a-02", Score: 0.5, OutputTokens: 10}, {ID: "a-01", Score: 1, OutputTokens: 20}, {ID: "unknown", Score: 1}},
		"m2": {{ID: "a-01", Score: 0, OutputTokens: 30}},
	})
	want := []probe.Row{
		{Prompt: "p", ID: "a-01", Category: "a", Source: probe.Version, Scores: map[string]float64{"m1": 1, "m2": 0}, OutputTokens: map[string]int{"m1": 20, "m2": 30}},
		{Prompt: "q", ID: "a-02", Category: "a", Source: probe.Version, Scores: map[string]float64{"m1": 0.5}, OutputTokens: map[string]int{"m1": 10}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	table := probe.Table(rows)
	if !strings.Contains(table, "| a | 2 | 0.75 | 15 | 0.00 | 30 |") {
		t.Errorf("table:\n%s", table)
	}
}

// TestStoredResultsMatchTheGraders regrades the committed answers: a grader or a prompt that was
// changed without "run -merge" (and a new Version) is caught here.
func TestStoredResultsMatchTheGraders(t *testing.T) {
	files, err := filepath.Glob("results/answers/*.jsonl")
	if err != nil || len(files) != 2 {
		t.Fatalf("answer files: %v, %v", files, err)
	}
	probes := probe.Default()
	byModel := map[string][]probe.Result{}
	for _, name := range files {
		results := readLines[probe.Result](t, name)
		for i, r := range results {
			if i >= len(probes) || r.Prompt != probes[i].Prompt {
				t.Fatalf("%s line %d answers %q, which is not the probe there", name, i+1, r.Prompt)
			}
		}
		probe.Regrade(probes, results)
		byModel[strings.TrimSuffix(filepath.Base(name), ".jsonl")] = results
	}
	want := probe.Rows(probes, byModel)
	if diff := cmp.Diff(want, readLines[probe.Row](t, "results/smollm2-gemma3.jsonl")); diff != "" {
		t.Errorf("results/smollm2-gemma3.jsonl differs from its graded answers (-want +got):\n%s", diff)
	}
	readme, err := os.ReadFile("results/README.md")
	if err != nil || !strings.Contains(string(readme), probe.Table(want)) {
		t.Errorf("results/README.md (%v) lacks the table of the results:\n%s", err, probe.Table(want))
	}
}

func readLines[T any](t *testing.T, name string) []T {
	t.Helper()
	f, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	values, err := probe.ReadLines[T](f)
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestLinesRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := []probe.Row{{
			Prompt: rapid.String().Draw(t, "prompt"), ID: rapid.String().Draw(t, "id"), Source: probe.Version, Category: "c",
			Scores:       map[string]float64{"m": rapid.Float64Range(0, 1).Draw(t, "score")},
			OutputTokens: map[string]int{"m": rapid.IntRange(0, 1<<20).Draw(t, "tokens")},
		}}
		var buf bytes.Buffer
		if err := probe.WriteLines(&buf, rows); err != nil {
			t.Fatal(err)
		}
		got, err := probe.ReadLines[probe.Row](&buf)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(rows, got); diff != "" {
			t.Fatalf("rows after a round trip (-want +got):\n%s", diff)
		}
	})
}

// What was kept of a long answer, or logged of a long prompt, can be read again.
func TestALongLineIsReadAgain(t *testing.T) {
	long := []probe.Result{{ID: "a-01", Answer: strings.Repeat("word ", 1<<18)}, {ID: "a-02", Answer: "short"}}
	var buf bytes.Buffer
	if err := probe.WriteLines(&buf, long); err != nil {
		t.Fatal(err)
	}
	if got, err := probe.ReadLines[probe.Result](&buf); err != nil || !slices.Equal(got, long) {
		t.Errorf("%d results: %v", len(got), err)
	}
}

func FuzzReadLines(f *testing.F) {
	f.Add([]byte("{\"prompt\":\"p\",\"scores\":{\"m\":1}}\n"))
	f.Add([]byte("{}\n\n[1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		rows, err := probe.ReadLines[probe.Row](bytes.NewReader(data))
		if err != nil && rows != nil {
			t.Errorf("rows %v beside error %v", rows, err)
		}
	})
}

func FuzzGrade(f *testing.F) {
	f.Add(" 42\nQuestion: why?\nAnswer: 41")
	f.Add("A) chair\nB) {\"a\": 1}")
	f.Add("-,1,.\x00 is = $€ İ ß")
	var probes []probe.Probe // one of each category keeps a round short
	for _, p := range probe.Default() {
		if strings.HasSuffix(p.ID, "-05") {
			probes = append(probes, p)
		}
	}
	f.Fuzz(func(t *testing.T, reply string) {
		for _, p := range probes {
			if s := probe.Grade(p, reply); !(s >= 0 && s <= 1) {
				t.Fatalf("%s: %q scores %v", p.ID, reply, s)
			}
		}
	})
}
