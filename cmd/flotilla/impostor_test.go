package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/routing/indexfile"
	"flotilla/routing/probe"
)

// recorded are a model's answers to the probes, by prompt.
func recorded(t *testing.T, model string) map[string]string {
	t.Helper()
	results, err := probe.ReadLines[probe.Result](strings.NewReader(readFile(t, filepath.Join("../../routing/probe/results/answers", model+".jsonl"))))
	if err != nil || len(results) == 0 {
		t.Fatalf("answers of %s: %v", model, err)
	}
	answers := map[string]string{}
	for _, r := range results {
		answers[r.Prompt] = r.Answer
	}
	return answers
}

// strong are answers as of a model that is better than both of which there are recorded ones: theirs where one is right, else what the
// grader wants, where it says that in plain words: 252 of 307 are right.
func strong(t *testing.T) map[string]string {
	t.Helper()
	answers := recorded(t, "gemma-3-270m")
	other := recorded(t, "smollm2-135m-instruct")
	for _, p := range probe.Default() {
		for _, candidate := range []string{answers[p.Prompt], other[p.Prompt], strings.Trim(fmt.Sprint(p.Grader), "{}[]")} {
			if probe.Grade(p, candidate) == 1 {
				answers[p.Prompt] = candidate
				break
			}
		}
	}
	return answers
}

// An operator that serves another model under a model's name lowers that model for nobody: its rows bear its name, and where others'
// answers are known, they do not enter the index.
func TestAnImpostorsProbesStayOut(t *testing.T) {
	const model, other = "qwen2.5-7b-instruct", "smollm2-135m-instruct"
	honest, second, impostor := common.Address{1}.Hex(), common.Address{2}.Hex(), common.Address{3}.Hex()
	answers := map[string]map[string]string{honest: strong(t), second: strong(t), impostor: recorded(t, other)}
	gateway := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var req struct {
			Provider struct{ Only []string }
			Messages []struct{ Content string }
		}
		if err := json.NewDecoder(r.Body).Decode(&req); err != nil {
			t.Error(err)
			return
		}
		operator := common.HexToAddress(append(req.Provider.Only, honest)[0]).Hex()
		text, _ := json.Marshal(answers[operator][req.Messages[0].Content])
		w.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":\"stop\"}]}\n\n", text)
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":9,\"flotilla\":{\"operator\":%q}}}\n\ndata: [DONE]\n\n", strings.ToLower(operator)+"/MdHBzX")
	}))
	t.Cleanup(gateway.Close)
	file := filepath.Join(t.TempDir(), "own.fidx")
	command := func(args ...string) (int, string) {
		var out bytes.Buffer
		status := run(t.Context(), args, &out, &out)
		return status, out.String()
	}
	asks := func(who ...string) (int, string) {
		return command(append([]string{"probe", "--gateway", gateway.URL, "--add", "--index", file}, who...)...)
	}
	if status, out := asks(model); status != 0 || !strings.Contains(out, "added    100 rows") {
		t.Fatalf("asked by the model's name: %d\n%s", status, out)
	}
	if status, out := asks(strings.ToLower(second), "--model", model); status != 0 || !strings.Contains(out, "added    100 rows") {
		t.Errorf("another honest operator: %d\n%s", status, out)
	}
	status, out := asks(impostor, "--model", model)
	if status == 0 || strings.Contains(out, "added ") || !strings.Contains(out, "probe:"+model+"@"+impostor+": after ") {
		t.Errorf("an impostor: %d\n%s", status, out)
	}
	for _, of := range []string{honest, second} {
		if !strings.Contains(out, "probe:"+model+"@"+impostor+" and probe:"+model+"@"+of+": ") || !strings.Contains(out, " probes that both answered as "+model+", not one model's") {
			t.Errorf("it does not say that it was compared with %s:\n%s", of, out)
		}
	}
	if _, out := command("index", "health", "--index", file); strings.Contains(out, "disagree") {
		t.Errorf("two honest operators: %s", out)
	}
	// Who has believed both finds out who says what: their rows came in one file, or the test has missed it.
	both, false1 := filepath.Join(t.TempDir(), "both.fidx"), filepath.Join(t.TempDir(), "false.fidx")
	if status, out := command("probe", "--gateway", gateway.URL, "--add", "--index", false1, impostor, "--model", model); status != 0 {
		t.Fatalf("an impostor alone: %d\n%s", status, out)
	}
	for _, of := range []string{file, false1} {
		if status, out := command("index", "import", of, "--index", both); status != 0 {
			t.Fatalf("import: %d\n%s", status, out)
		}
	}
	if _, out := command("index", "health", "--index", both); strings.Count(out, "\ndisagree ") != 2 || strings.Count(out, "@"+impostor+": ")+strings.Count(out, "@"+impostor+" and ") != 2 {
		t.Errorf("health of both:\n%s", out)
	}
	want := []string{"probe:" + model + "@" + honest, "probe:" + model + "@" + second}
	x, err := indexfile.Read(file)
	if err != nil || !slices.Equal(slices.Sorted(slices.Values(sourcesOf(x))), want) {
		t.Fatalf("sources: %v, %q", err, sourcesOf(x))
	}
	if status, out := command("index", "remove", "--index", file, "--source", want[0]); status != 0 {
		t.Errorf("an operator's rows are taken out: %d\n%s", status, out)
	}
	if x, err := indexfile.Read(file); err != nil || x.Len() != 100 || x.Source(0) != want[1] {
		t.Errorf("left: %v", err)
	}
}
