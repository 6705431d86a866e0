package main

import (
	"bytes"
	"strings"
	"testing"

	"flotilla/node/requestlog"
	"flotilla/settlement"
)

// Who may send a request, or hand over a receipt file, does not write on the screen of whoever looks at it.
func TestStrangersTextStaysOnItsLine(t *testing.T) {
	const name = "x\x1b[2J\x1b[1A\n2026-11-29 key_forged\t200\u202e"
	var out bytes.Buffer
	if err := printRequests(&out, requestlog.Page{Requests: []requestlog.Record{{Asked: name, Why: "the default " + name + " cannot be chosen"}}}); err != nil {
		t.Fatal(err)
	}
	printReports(&out, []settlement.Report{{Checks: []settlement.Check{{Name: checkServed, Evidence: name}}}})
	if text := out.String(); strings.ContainsAny(text, "\x1b\u202e\t") || strings.Count(text, "\n") != 4 {
		t.Errorf("printed %q", text)
	}
	if got := plainLines("a\x1b[2J\nb"); got != "a\ufffd[2J\nb" {
		t.Errorf("two lines became %q", got)
	}
}
