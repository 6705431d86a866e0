package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/index"
	"flotilla/routing/indexfile"
	"flotilla/settlement"
	"flotilla/testnet"
)

// A batch file and receipt files verify from the RPC URL alone; a changed one exits with 1, a chain that is away with 2,
// and the JSON report says which check failed.
func TestVerifyReceiptsAndBatches(t *testing.T) {
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--settle-every", "1h", "--admin-listen", strings.TrimPrefix(admin, "http://"))
	f.startOperator("alder", newModelServer(t, 6, -1).URL, "10/20")
	f.waitServing(1)
	for range 3 {
		if a := f.chat("hello"); !a.done {
			t.Fatalf("answer %+v", a)
		}
	}
	if status, out := f.command("settle", "now", "--admin", admin); status != 0 || !strings.Contains(out, "settled     1 batches") {
		t.Fatalf("settle now: %d\n%s", status, out)
	}
	dir := t.TempDir()
	for i, b := range f.bundles() {
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, "receipt"+strconv.Itoa(i)+".json"), raw)
	}
	status, batch := f.command("settle", "batch", "1", "--admin", admin)
	if status != 0 {
		t.Fatalf("settle batch: %d\n%s", status, batch)
	}
	write(t, filepath.Join(dir, "batch.json"), []byte(batch))
	if status, out := f.command("verify", "--all", dir, "--rpc", f.chain.URL()); status != 0 || strings.Count(out, "\nreceipt 0x") != 3 || !strings.Contains(out, "batch 1 of ") || strings.Contains(out, "FAIL") {
		t.Fatalf("verify --all: %d\n%s", status, out)
	}

	if status, out := f.command("verify", dir, "--rpc", f.chain.URL()); status != 2 || !strings.Contains(out, "--all "+dir) {
		t.Errorf("verify a folder as if it were a file: %d\n%s", status, out)
	}

	stray := filepath.Join(dir, "stray.json")
	write(t, stray, []byte(`{"name":"a package"}`))
	if status, out := f.command("verify", "--all", dir, "--rpc", f.chain.URL()); status != 2 || strings.Count(out, "\nreceipt 0x") != 3 ||
		!strings.Contains(out, "stray.json is no receipt or batch file") || !strings.Contains(out, "of 5 files 4 hold, 0 are false, 1 could not be checked") {
		t.Errorf("verify --all with a file that is no receipt: %d\n%s", status, out)
	}
	if err := os.Remove(stray); err != nil {
		t.Fatal(err)
	}

	forged := strings.Replace(batch, `"receiptCount": 3`, `"receiptCount": 4`, 1)
	if forged == batch {
		t.Fatalf("nothing was forged in %s", batch)
	}
	file := filepath.Join(t.TempDir(), "forged.json")
	write(t, file, []byte(forged))
	status, out := f.command("verify", file, "--json", "--rpc", f.chain.URL())
	var reports []settlement.Report
	if err := json.NewDecoder(strings.NewReader(out)).Decode(&reports); err != nil || status != 1 || len(reports) != 1 {
		t.Fatalf("verify a forged batch: %d (%v)\n%s", status, err, out)
	}
	failed := map[string]bool{}
	for _, c := range reports[0].Checks {
		failed[c.Name] = !c.OK && !c.Skipped && c.Error != ""
	}
	if !failed[settlement.CheckBatchSignature] || !failed[settlement.CheckBatchRoot] || failed[settlement.CheckLaneTotal] {
		t.Errorf("failed checks are %v", failed)
	}
	if status, _ := f.command("verify", "--all", dir, "--rpc", "http://127.0.0.1:1"); status != 2 {
		t.Errorf("without a chain: status %d, want 2", status)
	}
	if status, _ := f.command("settle", "batch", "9", "--admin", admin); status != 1 {
		t.Errorf("a batch that is not there: status %d, want 1", status)
	}
}

// The routing decision of a served request is made again by another process: from an index in the binary, or from the
// file of the generation that it names. Where that is not at hand the status is 2; a false record is found.
func TestVerifyReplaysTheDecision(t *testing.T) {
	f := newFleet(t)
	own := filepath.Join(t.TempDir(), "own.fidx")
	writeNextIndex(t, own)
	for i, c := range []struct {
		args   []string
		values string
	}{
		{nil, "400"}, {[]string{"--index", own}, "400"}, {[]string{"--embedder", "static"}, "272"},
	} {
		admin := "127.0.0.1:" + strconv.Itoa(freePort(t))
		if i > 0 {
			f.gateway.kill()
		}
		f.startGateway(append([]string{"--settle-every", "1h", "--admin-listen", admin}, c.args...)...)
		if i == 0 {
			f.startOperator("alder", newModelServer(t, 6, -1).URL, "10/20")
		}
		f.waitServing(1)
		request := map[string]any{"model": "auto", "stream": true, "max_tokens": 20, "messages": []any{map[string]string{"role": "user", "content": "What is the boiling point of water at sea level?"}}}
		if _, err := f.call("POST", "/v1/chat/completions", request); err != nil {
			t.Fatal(err)
		}
		if status, out := f.command("settle", "now", "--admin", "http://"+admin); status != 0 {
			t.Fatalf("settle now: %d\n%s", status, out)
		}
		raw, err := json.Marshal(f.bundles()[0])
		if err != nil {
			t.Fatal(err)
		}
		body, err := json.Marshal(request)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		receipt, prompt, other := filepath.Join(dir, "receipt.json"), filepath.Join(dir, "request.json"), filepath.Join(dir, "other.txt")
		write(t, receipt, raw)
		write(t, prompt, body)
		write(t, other, []byte("Write a poem about the sea."))
		verify := func(want int, says string, args ...string) {
			t.Helper()
			if status, out := f.command(append([]string{"verify", receipt, "--rpc", f.chain.URL()}, args...)...); status != want || !strings.Contains(out, says) {
				t.Errorf("verify %v: status %d, want %d and %q\n%s", args, status, want, says, out)
			}
		}
		if i == 1 {
			verify(2, "name its file with --index, or have the gateway")
		}
		verify(0, "ok   decision_replay", "--index", own)
		verify(0, "query differs from that of the prompt in 0 of "+c.values+" steps", "--index", own, "--prompt", prompt)
		verify(1, "made for another text", "--index", own, "--prompt", other)
	}
}

// writeNextIndex writes the built-in index with one row more.
func writeNextIndex(t *testing.T, file string) {
	t.Helper()
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	b, err := index.NewBuilder(x.EmbedderID(), x.Dim())
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Import(x); err != nil {
		t.Fatal(err)
	}
	v := make([]float32, x.Dim())
	v[0] = 1
	if err := b.Add(index.Row{Vector: v, Source: "test", Outcomes: []index.Outcome{{Model: testModel, Score: 1}}}); err != nil {
		t.Fatal(err)
	}
	next, err := b.Build()
	if err == nil {
		err = indexfile.Write(file, next)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// What stands in a receipt file is judged, not believed.
func TestFalseDecisionsAreFound(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	router, err := routing.New(routing.Config{Embedder: form.Join(m), Index: x})
	if err != nil {
		t.Fatal(err)
	}
	advert := settlement.Advert{Operator: testnet.DevAddress("alder"), Model: "gemma2:9b", InputPerMTok: 200_000, OutputPerMTok: 300_000}
	fleet := []routing.Candidate{
		{Operator: strings.ToLower(advert.Operator.Hex()) + "/abcdef", Model: "gemma-2-9b-it", InputPerMTok: 200_000, OutputPerMTok: 300_000},
		{Operator: "0xother/abcdef", Model: "qwen2.5-72b-instruct", InputPerMTok: 90_000_000, OutputPerMTok: 90_000_000},
	}
	d, err := router.Route(t.Context(), routing.Prompt{Text: "What is the boiling point of water?"}, fleet, routing.Policy{Dial: 10})
	if err != nil {
		t.Fatal(err)
	}
	r, err := (&verifyCmd{}).newReplayer(1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]struct {
		edit   func(*routing.Decision, *settlement.Bundle)
		failed []string
	}{
		"true":             {func(*routing.Decision, *settlement.Bundle) {}, nil},
		"another quality":  {func(d *routing.Decision, _ *settlement.Bundle) { d.Pick.Quality += 0.01 }, []string{checkReplay}},
		"another price":    {func(_ *routing.Decision, b *settlement.Bundle) { b.Advert.OutputPerMTok++ }, []string{checkServed}},
		"another model":    {func(_ *routing.Decision, b *settlement.Bundle) { b.Advert.Model = "gemma2:2b" }, []string{checkServed}},
		"dearer input":     {func(_ *routing.Decision, b *settlement.Bundle) { b.Advert.InputPerMTok++ }, []string{checkServed}},
		"a dearer request": {func(_ *routing.Decision, b *settlement.Bundle) { b.Advert.PerRequest++ }, []string{checkServed}},
		"another operator": {func(_ *routing.Decision, b *settlement.Bundle) { b.Advert.Operator[0]++ }, []string{checkServed}},
		"nobody":           {func(d *routing.Decision, _ *settlement.Bundle) { d.Considered = nil }, []string{checkReplay}},
	} {
		decision, b := d, settlement.Bundle{Advert: advert}
		change.edit(&decision, &b)
		b.DecisionJSON = decision.JSON()
		report := settlement.Report{Checks: r.checks(t.Context(), b)}
		if diff := cmp.Diff(change.failed, report.Failed(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: failed checks (-want +got):\n%s", name, diff)
		}
	}
	// Beside the request both checks of it are made too.
	request := filepath.Join(t.TempDir(), "request.json")
	write(t, request, []byte(`{"model":"auto","cost_quality_tradeoff":3,"prompt":"Write a poem about the sea."}`))
	if r, err = (&verifyCmd{Prompt: request}).newReplayer(1, io.Discard); err != nil {
		t.Fatal(err)
	}
	report := settlement.Report{Checks: r.checks(t.Context(), settlement.Bundle{Advert: advert, DecisionJSON: d.JSON()})}
	if diff := cmp.Diff([]string{checkQuery, checkAsked}, report.Failed()); diff != "" {
		t.Errorf("beside another request: failed checks (-want +got):\n%s", diff)
	}
	if _, err := (&verifyCmd{Prompt: request}).newReplayer(2, io.Discard); err == nil {
		t.Error("one request is taken for that of two receipts")
	}
	old := settlement.Bundle{DecisionJSON: []byte(`{"pick":{}}`)}
	for name, b := range map[string]settlement.Bundle{"a record of an older release": old, "no record": {}} {
		if err := (settlement.Report{Checks: r.checks(t.Context(), b)}).Err(); !errors.Is(err, settlement.ErrCannotCheck) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func write(t *testing.T, file string, raw []byte) {
	t.Helper()
	if err := os.WriteFile(file, bytes.TrimSpace(raw), 0o600); err != nil {
		t.Fatal(err)
	}
}
