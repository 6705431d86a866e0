package main

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// A customer judges an answer, the owner takes the verdict into the index, the next decision rests on it; customer and outsider make that
// decision again, and the owner takes the verdict back for good. Who is refused is told what to do.
func TestFromAVerdictToItsRemoval(t *testing.T) {
	const otherKey = "sk-other"
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--settle-every", "1h", "--admin-listen", strings.TrimPrefix(admin, "http://"), "--api-key", testKey, "--api-key", otherKey)
	f.startOperator("alder", newModelServer(t, 6, -1).URL, "10/20")
	f.waitServing(1)
	run := func(want int, says string, args ...string) {
		t.Helper()
		status, out := f.command(args...)
		if status != want || !strings.Contains(out, says) {
			t.Errorf("flotilla %s: status %d, want %d and %q\n%s", strings.Join(args, " "), status, want, says, out)
		}
	}
	ask := func() {
		t.Helper()
		if _, err := f.call("POST", "/v1/chat/completions", map[string]any{"model": "auto", "stream": true, "max_tokens": 20, "messages": []any{map[string]string{"role": "user", "content": "What is the boiling point of water?"}}}); err != nil {
			t.Fatal(err)
		}
	}
	ask()
	first := f.bundles()[0].ID().String()
	if _, err := f.call("POST", "/v1/feedback", map[string]any{"receipt_id": first, "score": 0.4}); err != nil {
		t.Fatal(err)
	}
	run(0, "pending ", "feedback", "list", "--admin", admin)
	run(0, "1 verdicts accepted", "feedback", "accept", first, "--admin", admin)
	run(0, "feedback:", "index", "inspect", "--admin", admin)
	ask()
	run(0, "settled", "settle", "now", "--admin", admin)
	dir := t.TempDir()
	receipt, indexID := filepath.Join(dir, "receipt.json"), ""
	for _, b := range f.bundles() {
		if b.ID().String() == first {
			continue
		}
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		write(t, receipt, raw)
		indexID = indexOf(b)
	}
	verify := []string{"verify", receipt, "--rpc", f.chain.URL()}
	gateway := []string{"--gateway", "http://" + f.http}
	customer := append(append(verify[:len(verify):len(verify)], gateway...), "--api-key", testKey)
	run(0, "ok   decision_replay", customer...)
	run(2, "its owner exports it with", verify...) // the outsider has the file alone
	run(2, "given to the key that paid for the answer alone", append(append(verify[:len(verify):len(verify)], gateway...), "--api-key", otherKey)...)
	exported := filepath.Join(dir, "that.fidx")
	run(0, "id "+indexID, "index", "export", "--generation", indexID, exported, "--admin", admin)
	run(0, "ok   decision_replay", append(verify[:len(verify):len(verify)], "--index", exported)...)
	run(0, "1 verdicts pending", "feedback", "remove", first, "--admin", admin)
	run(0, "pending ", "feedback", "list", "--admin", admin)
	run(0, "1 verdicts rejected", "feedback", "reject", first, "--admin", admin)
	run(0, "ok   decision_replay", customer...)
	run(0, "removed  ", "index", "forget-generations", "--admin", admin)
	run(2, "and its owner may remove those too", customer...)
	run(0, "ok   decision_replay", append(verify[:len(verify):len(verify)], "--index", exported)...)
	run(1, "no feedback on that receipt", "feedback", "accept", "0x"+strings.Repeat("ab", 32), "--admin", admin)
}
