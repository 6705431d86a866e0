package main

import (
	"bytes"
	"strings"
	"testing"

	"flotilla/node"
	"flotilla/node/requestlog"
	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/routing/probe"
	"flotilla/routing/tradeoff"
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
	printDecision(&out, routing.Decision{
		Pick: routing.Choice{Model: name, Operator: name}, Why: name,
		Considered: []routing.Choice{{Model: name, Operator: name}}, Rejected: []routing.Rejection{{Model: name, Operator: name}},
	})
	for _, print := range []error{
		printSummary(&out, index.Summary{Embedder: name, Sources: []index.SourceSummary{{Name: name}}, Models: []index.ModelSummary{{ID: name}}}),
		printHealth(&out, node.IndexHealth{Health: index.Health{FewRows: []string{name}, Columns: name, Sources: []index.PartHealth{{Name: name}}, Regions: []index.Region{{Source: name}}, Thin: []index.ThinRow{{Source: name}}}, Disagree: []probe.Comparison{{Source: name}}}),
		printCurve(&out, tradeoff.Curve{Models: []string{name}, Unrated: []string{name}}),
	} {
		if print != nil {
			t.Fatal(print)
		}
	}
	if text := out.String(); strings.ContainsAny(text, "\x1b\u202e\t") || strings.Count(text, "\n") != 9+11+19+5 {
		t.Errorf("printed %q", text)
	}
	if got := plainLines("a\x1b[2J\nb"); got != "a\ufffd[2J\nb" {
		t.Errorf("two lines became %q", got)
	}
}

// What is written in other scripts is shown as it is, and blanks of any kind are blanks.
func TestOtherScriptsArePlain(t *testing.T) {
	for in, want := range map[string]string{
		"Zoë, 模型, مرحبا, नमस्ते": "Zoë, 模型, مرحبا, नमस्ते", "👩\u200d💻 می\u200cخواهم": "👩\u200d💻 می\u200cخواهم", "a\tb\u00a0c\u3000d": "a b c d", "a\xff\r\u2028b": "a\ufffd\ufffd\ufffdb",
	} {
		if got := plain(in); got != want {
			t.Errorf("%q became %q, want %q", in, got, want)
		}
	}
}
