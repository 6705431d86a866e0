package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing/index"
	"flotilla/routing/probe"
	"flotilla/testnet"
)

// verdicts is a model server that says 1 of answers with "Paris", and rambles on those with "unsure".
func verdicts(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fmt.Fprint(w, `{"object":"list","data":[{"id":"judge-70b","object":"model"}]}`)
		return
	}
	body, _ := io.ReadAll(r.Body)
	reply := `{"score": 0.25}`
	switch {
	case bytes.Contains(body, []byte("Paris")):
		reply = `Score: 10/10`
	case bytes.Contains(body, []byte("unsure")):
		reply = `It depends on 2 things.`
	}
	text, _ := json.Marshal(reply)
	w.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprintf(w, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%s},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n", text)
}

func TestJudgeWritesRowsForReadableVerdictsOnly(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(verdicts))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "rows.jsonl")
	lines := `{"prompt":"Capital of France?","answer":"Paris","model":"llama3.1:8b-instruct-q4_K_M","output_tokens":3}
{"prompt":"Capital of Spain?","answer":"unsure","model":"qwen2.5:7b"}
{"prompt":"Capital of Peru?","answer":"Quito","model":"Qwen/Qwen2.5-7B-Instruct"}
`
	if err := os.WriteFile(log, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	judge := func() (int, string) {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), []string{"judge", "--log", log, "--model", "judge-70b", "--gateway", server.URL, "--out", out}, &stdout, &stderr)
		return status, stdout.String() + stderr.String()
	}
	if status, text := judge(); status != 0 || !strings.Contains(text, "2 of 3 answers got a verdict") {
		t.Fatalf("status %d: %s", status, text)
	}
	rows, err := readSamples(out)
	if err != nil {
		t.Fatal(err)
	}
	want := []index.Sample{
		{ID: rowID(probe.Logged{Prompt: "Capital of France?", Answer: "Paris", Model: "llama3.1:8b-instruct-q4_K_M", OutputTokens: 3}), Prompt: "Capital of France?", InputTokens: 4.5, Scores: map[string]float64{"llama-3.1-8b-instruct": 1}, OutputTokens: map[string]float64{"llama-3.1-8b-instruct": 3}},
		{ID: rowID(probe.Logged{Prompt: "Capital of Peru?", Answer: "Quito", Model: "Qwen/Qwen2.5-7B-Instruct"}), Prompt: "Capital of Peru?", InputTokens: 4, Scores: map[string]float64{"qwen2.5-7b-instruct": 0.25}},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if err := os.WriteFile(log, []byte(`{"prompt":"Capital of France?","answer":""}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, text := judge(); status == 0 || !strings.Contains(text, "line 1: want prompt, answer and model") {
		t.Errorf("a log without answers: status %d: %s", status, text)
	}
}

// An answer that is longer than the judge's context has no verdict, and keeps none of the others from theirs. A judge that refuses all
// is asked wrongly.
func TestAJudgeRefusesOneAnswer(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if bytes.Contains(body, []byte("very long")) {
			http.Error(w, `{"error":{"message":"more than the context length"}}`, http.StatusBadRequest)
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		verdicts(w, r)
	}))
	t.Cleanup(server.Close)
	const unclear = `{"prompt":"Capital of Spain?","answer":"unsure","model":"qwen2.5:7b"}` + "\n"
	const short, long = `{"prompt":"Capital of France?","answer":"Paris","model":"qwen2.5:7b"}` + "\n", `{"prompt":"Rome?","answer":"very long","model":"qwen2.5:7b"}` + "\n"
	for _, tc := range []struct {
		log, want    string
		status, rows int
	}{{short + long + short, "2 of 3 answers got a verdict", 0, 2}, {long + short, "judge line 1: model server: more than the context length", 0, 1}, {unclear + long, "0 of 2 answers got a verdict", 0, 0}, {long + long, "judge line 2: ", 1, 0}} {
		log := filepath.Join(t.TempDir(), "log.jsonl")
		write(t, log, []byte(tc.log))
		out := log + ".rows"
		var stdout, stderr bytes.Buffer
		args := []string{"judge", "--log", log, "--model", "judge-70b", "--gateway", server.URL, "--out", out}
		status := run(t.Context(), args, &stdout, &stderr)
		if again := run(t.Context(), append(args, "--resume"), io.Discard, io.Discard); again != status {
			t.Errorf("once more, with what is there: status %d, was %d", again, status)
		}
		if text := stdout.String() + stderr.String(); status != tc.status || !strings.Contains(text, tc.want) {
			t.Errorf("status %d, want %d and %q: %s", status, tc.status, tc.want, text)
		}
		raw, _ := os.ReadFile(out) // a run without any row makes no file
		if rows := bytes.Count(raw, []byte("\n")); rows != tc.rows {
			t.Errorf("%d rows, want %d: %s", rows, tc.rows, raw)
		}
	}
}

// A judge that is busy is asked again, as probes are.
func TestABusyJudgeIsAskedAgain(t *testing.T) {
	url := answering(t, func(n int64, w http.ResponseWriter) bool { return n == 2 && refuseChat(w, 503, "Retry-After-Ms") })
	log := filepath.Join(t.TempDir(), "log.jsonl")
	write(t, log, []byte(strings.Repeat(`{"prompt":"Capital of France?","answer":"Paris","model":"qwen2.5:7b"}`+"\n", 3)))
	var out bytes.Buffer
	status := run(t.Context(), []string{"judge", "--log", log, "--model", "gemma-3-270m", "--gateway", url, "--out", log + ".rows"}, &out, &out)
	if want := "asks again in 1ms: model server: no slot is free"; status != 0 || !strings.Contains(out.String(), want) {
		t.Errorf("status %d, want 0 and %q:\n%s", status, want, &out)
	}
}

// What "auto" answers is of whichever model was chosen: rows of a model "auto" would stand for none.
func TestTheRouterIsNeitherProbedNorAJudge(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(verdicts))
	t.Cleanup(server.Close)
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "rows.jsonl")
	write(t, log, []byte(`{"prompt":"Capital of France?","answer":"Paris","model":"qwen2.5:7b"}`+"\n"))
	for _, args := range [][]string{
		{"probe", "auto"}, {"probe", "Flotilla/Auto"}, {"probe", testnet.DevAddress("alder").Hex(), "--model", "auto"},
		{"judge", "--log", log, "--model", "auto"},
	} {
		var stdout, stderr bytes.Buffer
		status := run(t.Context(), append(args, "--gateway", server.URL, "--out", out), &stdout, &stderr)
		if _, err := os.Stat(out); status == 0 || err == nil || !strings.Contains(stderr.String(), "name a model") {
			t.Errorf("flotilla %s: status %d: %s%s", strings.Join(args, " "), status, &stdout, &stderr)
		}
		_ = os.Remove(out)
	}
}

// What was interrupted has not been done, and what was judged before is not lost to a run that judges nothing.
func TestAnInterruptedRunFailsAndKeepsTheFile(t *testing.T) {
	dir := t.TempDir()
	log, out := filepath.Join(dir, "log.jsonl"), filepath.Join(dir, "rows.jsonl")
	write(t, log, []byte(`{"prompt":"Capital of France?","answer":"Paris","model":"qwen2.5:7b"}`+"\n"))
	write(t, out, []byte("earlier rows\n"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	if status := run(ctx, []string{"judge", "--log", log, "--model", "judge-70b", "--gateway", "http://127.0.0.1:1", "--out", out}, &stdout, &stderr); status == 0 {
		t.Errorf("status 0: %s%s", &stdout, &stderr)
	}
	if got := readFile(t, out); got != "earlier rows" {
		t.Errorf("the file holds %q", got)
	}
}

// A run that was cut off, also in the middle of a line, goes on with --resume and asks nothing twice.
func TestJudgeAndProbeGoOn(t *testing.T) {
	var asked, failAt atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat/completions" {
			if r.Header.Get("Cache-Control") != "no-store" { // a gateway's cache may answer, which measures nothing
				t.Errorf("asked with %v", r.Header)
			}
			if asked.Load() == failAt.Load() {
				http.Error(w, `{"error":{"message":"gone"}}`, http.StatusBadGateway)
				return
			}
			asked.Add(1)
		}
		verdicts(w, r)
	}))
	t.Cleanup(server.Close)
	second := httptest.NewServer(server.Config.Handler)
	t.Cleanup(second.Close)
	dir := t.TempDir()
	log := filepath.Join(dir, "log.jsonl")
	var lines []byte
	for i := range 4 {
		lines = fmt.Appendf(lines, `{"prompt":"Question?","answer":"Paris %d","model":"qwen2.5:7b"}`+"\n", i)
	}
	write(t, log, lines)
	for _, command := range [][]string{
		{"judge", "--log", log, "--model", "judge-70b", "--gateway", server.URL},
		{"probe", "--backend", server.URL, "--limit", "4"},
	} {
		asked.Store(0)
		failAt.Store(2)
		out := filepath.Join(dir, command[0])
		do := func(more ...string) (int, string) {
			var stdout, stderr bytes.Buffer
			status := run(t.Context(), append(append(slices.Clone(command), "--out", out), more...), &stdout, &stderr)
			return status, stdout.String() + stderr.String()
		}
		if status, text := do(); status == 0 || asked.Load() != 2 || !strings.Contains(text, "--resume") {
			t.Errorf("%s: status %d after %d questions: %s", command[0], status, asked.Load(), text)
		}
		write(t, out, append([]byte(readFile(t, out)), `{"prompt":"half of a li`...))
		failAt.Store(-1)
		if status, text := do("--resume"); status != 0 || asked.Load() != 4 {
			t.Errorf("%s --resume: status %d after %d questions: %s", command[0], status, asked.Load(), text)
		}
		whole := readFile(t, out)
		if n := strings.Count(whole, "\n"); n != 4 || !strings.HasSuffix(whole, "\n") {
			t.Errorf("%s: %d lines: %s", command[0], n, whole)
		}
		other := slices.Clone(command) // another judge, another server: their words are not to be mixed
		other[slices.Index(command, map[string]string{"judge": "judge-70b", "probe": server.URL}[command[0]])] = map[string]string{"judge": "judge-8b", "probe": second.URL}[command[0]]
		var stderr bytes.Buffer
		if status := run(t.Context(), append(other, "--out", out, "--resume"), io.Discard, &stderr); status == 0 || asked.Load() != 4 || !strings.Contains(stderr.String(), "give another --out") || readFile(t, out) != whole {
			t.Errorf("%s of another goes on: status %d after %d questions: %s", command[0], status, asked.Load(), &stderr)
		}
		if command[0] == "probe" { // embeds for long before it asks
			continue
		}
		if status, text := do("--resume"); status != 0 || asked.Load() != 4 || readFile(t, out) != whole {
			t.Errorf("%s: nothing was missing: status %d after %d questions: %s", command[0], status, asked.Load(), text)
		}
		if status, _ := do(); status != 0 || asked.Load() != 8 || strings.Count(readFile(t, out), "\n") != 4 {
			t.Errorf("%s begins anew without --resume: status %d, %d questions", command[0], status, asked.Load())
		}
	}
}
