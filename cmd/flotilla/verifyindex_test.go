package main

import (
	"encoding/json"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The index is edited after each answer; a user on another machine makes all decisions again, with what the gateway sends or its
// owner exports, also after a kill -9 of the gateway.
func TestDecisionsOfEarlierGenerationsAreReplayed(t *testing.T) {
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	start := func(args ...string) {
		f.startGateway(append([]string{"--settle-every", "1h", "--admin-listen", strings.TrimPrefix(admin, "http://")}, args...)...)
	}
	run := func(want int, says string, args ...string) {
		t.Helper()
		if status, out := f.command(args...); status != want || !strings.Contains(out, says) {
			t.Errorf("flotilla %s: status %d, want %d and %q\n%s", strings.Join(args, " "), status, want, says, out)
		}
	}
	start()
	f.startOperator("alder", newModelServer(t, 6, -1).URL, "10/20")
	f.waitServing(1)
	dir := t.TempDir()
	tab := filepath.Join(dir, "mine.jsonl")
	write(t, tab, []byte(`{"prompt":"Name a colour.","scores":{"gemma-2-9b-it":1}}`+"\n"))
	for _, edit := range [][]string{{"add", tab, "--source", "probe:mine"}, {"remove", "--source", "probe:mine"}, {"add", tab, "--source", "probe:other"}} {
		if _, err := f.call("POST", "/v1/chat/completions", map[string]any{"model": "auto", "stream": true, "max_tokens": 20, "messages": []any{map[string]string{"role": "user", "content": "What is the boiling point of water?"}}}); err != nil {
			t.Fatal(err)
		}
		run(0, "now ", append(append([]string{"index"}, edit...), "--admin", admin)...)
	}
	run(0, "settled", "settle", "now", "--admin", admin)
	used, receipts := map[string]bool{}, t.TempDir()
	for i, b := range f.bundles() {
		raw, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(receipts, strconv.Itoa(i)+".json"), raw)
		var d struct {
			IndexID string `json:"index_id"`
		}
		if err := json.Unmarshal(b.DecisionJSON, &d); err != nil {
			t.Fatal(err)
		}
		used[d.IndexID] = true
	}
	if len(used) != 3 {
		t.Fatalf("generations of three decisions: %v", used)
	}

	verify := []string{"verify", "--all", receipts, "--rpc", f.chain.URL()}
	user := append(verify, "--gateway", "http://"+f.http, "--api-key", testKey)
	run(2, "have the gateway that gave the receipt send it", verify...)
	run(0, "ok   decision_replay", user...)
	run(2, "does not know the API key", append(verify, "--gateway", "http://"+f.http, "--api-key", "sk-wrong")...)
	f.gateway.kill()
	start()
	f.waitServing(1)
	run(0, "ok   decision_replay", user...)
	f.gateway.kill()
	start("--share-index", "off")
	f.waitServing(1)
	run(2, "ask the owner for it (flotilla index export --generation", user...)
	for id := range used {
		file := filepath.Join(dir, id+".fidx")
		run(0, "id "+id, "index", "export", "--generation", id[:12], file, "--admin", admin)
		verify = append(verify, "--index", file)
	}
	run(0, "ok   decision_replay", verify...)
	run(1, "is not kept", "index", "export", "--generation", strings.Repeat("0", 64), filepath.Join(dir, "none.fidx"), "--admin", admin)
	run(1, "an --index file is one generation", "index", "export", "--generation", "00000000", "--index", "built-in", filepath.Join(dir, "none.fidx"))
	run(1, "names no generation: that does its id, 64 hex digits", "index", "export", "--generation", ".", filepath.Join(dir, "none.fidx"), "--admin", admin)

	f.gateway.kill()
	start()
	f.waitServing(1)
	run(0, "ok   decision_replay", user...)
	run(0, "removed  3 generations", "index", "forget-generations", "--admin", admin)
	run(2, "is not kept any more", user...)
	run(0, "ok   decision_replay", verify...) // with what was exported before
}
