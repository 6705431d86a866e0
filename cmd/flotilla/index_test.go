package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// The index of a running gateway is edited from the command line; after a kill -9 it starts with what edits have made.
func TestTheIndexOfARunningGatewayIsEdited(t *testing.T) {
	f := newFleet(t)
	admin := "http://127.0.0.1:" + strconv.Itoa(freePort(t))
	f.startGateway("--admin-listen", strings.TrimPrefix(admin, "http://"))
	want := func(text string, args ...string) {
		t.Helper()
		if status, out := f.command(append(append([]string{"index"}, args...), "--admin", admin)...); status != 0 || !strings.Contains(out, text) {
			t.Fatalf("flotilla index %s: status %d, want %q in\n%s", strings.Join(args, " "), status, text, out)
		}
	}
	dir := t.TempDir()
	tab := filepath.Join(dir, "mine.jsonl")
	if err := os.WriteFile(tab, []byte(`{"prompt":"Name a colour.","scores":{"gemma-2-9b-it":1}}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	part := filepath.Join(dir, "part.fidx")
	want("generation 4", "add", tab, "--source", "mine")
	want("mine", "inspect")
	want("discriminating", "health")
	want("wrote    1 rows of mine", "export", part, "--source", "mine")
	want("removed  1 outcomes, 1 rows", "remove", "--source", "mine")
	want("generation 6", "import", part)
	f.gateway.kill()
	f.startGateway("--admin-listen", strings.TrimPrefix(admin, "http://"))
	want("generation 6", "inspect")
	if status, out := f.command("index", "remove", "--source", "yours", "--admin", admin); status == 0 || !strings.Contains(out, "sources are") {
		t.Errorf("unknown source: %d %s", status, out)
	}
}
