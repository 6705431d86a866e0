package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flotilla/node"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/testnet"
)

// The whole way of a new model: probed through a gateway, by name and at one operator, paid; its rows in the running
// index; a user's verdict on an answer added to them after review.
func TestANewModelIsProbedAndJudgedThroughTheGateway(t *testing.T) {
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--admin-listen", strings.TrimPrefix(admin, "http://"))
	alder, birch := newModelServer(t, 3, -1), newModelServer(t, 3, -1)
	f.startOperator("alder", alder.URL, "0.10/0.10")
	f.startOperator("birch", birch.URL, "0.90/0.90")
	f.waitServing(2)
	gateway := []string{"--gateway", "http://" + f.http, "--api-key", testKey, "--admin", admin}
	want := func(args []string, texts ...string) string {
		t.Helper()
		status, out := f.command(append(args, gateway...)...)
		for _, text := range texts {
			if status != 0 || !strings.Contains(out, text) {
				t.Fatalf("flotilla %s: status %d, want %q in\n%s", strings.Join(args, " "), status, text, out)
			}
		}
		return out
	}

	answers := filepath.Join(t.TempDir(), "answers.jsonl")
	want([]string{"probe", testModel, "--limit", "4", "--add", "--out", answers}, "4/4", "added    4 rows")
	if alder.requests.Load() != 4 || birch.requests.Load() != 0 {
		t.Errorf("by model, the cheap operator was asked %d times, the dear one %d", alder.requests.Load(), birch.requests.Load())
	}
	// Probing an operator again replaces its rows, and a named operator is the one that answers though another is cheaper.
	want([]string{"probe", testnet.DevAddress("birch").Hex(), "--limit", "2", "--add"}, "2/2", "added    2 rows")
	want([]string{"probe", testnet.DevAddress("birch").Hex(), "--limit", "4", "--add"}, "4/4", "added    4 rows", "removed  2 outcomes, 2 rows")
	if alder.requests.Load() != 4 || birch.requests.Load() != 6 {
		t.Errorf("by operator, the cheap operator was asked %d times, the dear one %d", alder.requests.Load(), birch.requests.Load())
	}
	status, out := f.command("index", "inspect", "--admin", admin)
	if status != 0 || !strings.Contains(out, "probe:"+testModel) {
		t.Fatalf("index inspect: %d\n%s", status, out)
	}
	if lines := strings.Count(readFile(t, answers), "\n"); lines != 4 {
		t.Errorf("%d answers were kept, want 4", lines)
	}
	if got := len(f.bundles()); got != 10 {
		t.Errorf("%d receipts, want 10: each probe is paid", got)
	}

	receipt := f.autoReceipt(t, "What is the capital of France?")
	if _, err := f.call(http.MethodPost, "/v1/feedback", map[string]any{"receipt_id": receipt, "score": 0.25}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		args []string
		want string
	}{
		{[]string{"feedback", "list"}, receipt}, {[]string{"feedback", "list", "--state", "accepted"}, "0 verdicts"},
		{[]string{"feedback", "accept", receipt, receipt, "--weight", "3"}, "1 verdicts accepted"},
		{[]string{"index", "inspect"}, "feedback:key_"},
		{[]string{"feedback", "remove", receipt}, "1 verdicts pending"}, {[]string{"feedback", "reject", receipt}, "1 verdicts rejected"},
	} {
		if status, out := f.command(append(step.args, "--admin", admin)...); status != 0 || !strings.Contains(out, step.want) {
			t.Fatalf("flotilla %s: status %d, want %q in\n%s", strings.Join(step.args, " "), status, step.want, out)
		}
	}
	if _, out := f.command("index", "inspect", "--admin", admin); strings.Contains(out, "feedback:") {
		t.Errorf("rejected verdicts are still in the index:\n%s", out)
	}
}

func readFile(t *testing.T, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// autoReceipt asks without naming a model and returns the receipt's id.
func (f *fleet) autoReceipt(t *testing.T, prompt string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+f.http+"/v1/chat/completions",
		strings.NewReader(fmt.Sprintf(`{"model":"auto","stream":true,"max_tokens":20,"messages":[{"role":"user","content":%q}]}`, prompt)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	for s := bufio.NewScanner(resp.Body); s.Scan(); {
		if s.Text() == "data: [DONE]" {
			return resp.Header.Get("X-Flotilla-Receipt")
		}
	}
	t.Fatalf("answer of status %s has no end", resp.Status)
	return ""
}

// A file of one's own may hold nothing but a model's probes: probing the model again replaces them all.
func TestProbesReplaceAllRowsOfAFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "own.fidx")
	target := indexTarget{Index: file}
	for _, score := range []float64{0, 1} {
		if _, err := target.add(t.Context(), oneRow(t, "probe:m", score), "probe:m"); err != nil {
			t.Fatalf("probes of score %v: %v", score, err)
		}
		x, err := indexfile.Read(file)
		if err != nil {
			t.Fatal(err)
		}
		if got := float64(x.Cells(0)[0].Score) / index.ScoreSteps; x.Len() != 1 || got != score {
			t.Errorf("%d rows, score %v, want one of %v", x.Len(), got, score)
		}
	}
}

// A gateway that was started before the binary was replaced by this one can only append: it must not do so in place of replacing.
func TestProbesAreNotAddedTwiceToAnEarlierGateway(t *testing.T) {
	earlier := http.NewServeMux()
	earlier.HandleFunc("POST /index/rows", func(http.ResponseWriter, *http.Request) { t.Error("the rows are there twice") })
	server := httptest.NewServer(earlier)
	defer server.Close()
	target := indexTarget{adminFlags: adminFlags{Admin: serverURL(server.URL)}}
	if _, err := target.add(t.Context(), oneRow(t, "probe:m", 1), "probe:m"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("the command says %v", err)
	}
}

// What another program has made of the file while an edit was under way stays, and the edit is made of that: twenty times at most.
func TestAnEditOfAFileUndoesNoOther(t *testing.T) {
	target := indexTarget{Index: filepath.Join(t.TempDir(), "own.fidx")}
	if _, err := target.add(t.Context(), oneRow(t, "a", 0), ""); err != nil {
		t.Fatal(err)
	}
	edit := func(others int) error {
		_, err := target.editFile(func(b *index.Builder) (node.Edited, error) {
			if others--; others >= 0 {
				if _, err := target.add(t.Context(), oneRow(t, "b", 0), ""); err != nil {
					t.Fatal(err)
				}
			}
			return node.Edited{}, b.Import(oneRow(t, "c", 0))
		})
		return err
	}
	if err := edit(2); err != nil {
		t.Error(err)
	}
	if x, err := indexfile.Read(target.Index); err != nil || x.Len() != 4 || !slices.Equal(sourcesOf(x), []string{"a", "b", "c"}) {
		t.Errorf("what is there: %v", err)
	}
	if err := edit(maxEdits); !errors.Is(err, indexfile.ErrChanged) || !strings.Contains(err.Error(), "run the command again") {
		t.Errorf("never in turn: %v", err)
	}
}

// Several may add to a file that is not there yet.
func TestAddsToAFileAtOnceAreAllThere(t *testing.T) {
	target := indexTarget{Index: filepath.Join(t.TempDir(), "own.fidx")}
	const adders = 6
	errs := make(chan error, adders)
	rows := oneRow(t, "a", 0)
	for range adders {
		go func() {
			_, err := target.add(t.Context(), rows, "")
			errs <- err
		}()
	}
	for range adders {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
	if x, err := indexfile.Read(target.Index); err != nil || x.Len() != adders {
		t.Errorf("%v, %v", x, err)
	}
}

func oneRow(t *testing.T, source string, score float64) *index.Index {
	t.Helper()
	b, err := index.NewBuilder("e", 2)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Add(index.Row{Vector: []float32{1, 0}, Source: source, Outcomes: []index.Outcome{{Model: "gemma-3-270m", Score: score}}}); err != nil {
		t.Fatal(err)
	}
	rows, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

// Two files of one model, however they spell it: neither is dropped in silence.
func TestMergeRefusesTwoFilesOfOneModel(t *testing.T) {
	dir := t.TempDir()
	answers := []byte(`{"id":"fact-01","category":"fact","prompt":"p","answer":"a","output_tokens":1}` + "\n")
	files := []string{filepath.Join(dir, "qwen2.5-7b-instruct.jsonl"), filepath.Join(dir, "Qwen2.5-7B-Instruct.jsonl")}
	for _, name := range files {
		write(t, name, answers)
	}
	out := filepath.Join(dir, "rows")
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), append([]string{"probe", "merge", "--out", out}, files...), &stdout, &stderr); status == 0 || !strings.Contains(stderr.String(), "both are of qwen2.5-7b-instruct") {
		t.Errorf("status %d: %s%s", status, &stdout, &stderr)
	}
	if status := run(t.Context(), []string{"probe", "merge", "--out", out, files[0]}, &stdout, &stderr); status != 0 {
		t.Errorf("one file: %s", &stderr)
	}
}
