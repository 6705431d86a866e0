package settlement_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

func TestBundleRoundTrip(t *testing.T) {
	f := newFixture(t, 2)
	settled := f.settledBundle(t)
	o := f.opening(t, 0)
	for name, b := range map[string]settlement.Bundle{
		"settled": settled,
		"fresh":   f.served(t, 0, o, 1),
		"partial": o.Bundle(testDomain, receipt(t, o, 0), nil),
		"bare":    f.unserved(t, o),
	} {
		t.Run(name, func(t *testing.T) {
			data := mustJSON(t, b)
			var indented bytes.Buffer
			if err := json.Indent(&indented, data, "", "  "); err != nil {
				t.Fatal(err)
			}
			for _, form := range [][]byte{data, indented.Bytes()} {
				got, err := settlement.DecodeBundle(form)
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(b, got); diff != "" {
					t.Errorf("round trip (-want +got):\n%s", diff)
				}
			}
		})
	}
}

// TestBundleKeepsDecisionBytes: the digest is over bytes, so white space, order and escapes must survive.
func TestBundleKeepsDecisionBytes(t *testing.T) {
	f := newFixture(t, 1)
	for _, decision := range []string{`{"b":1, "a":2}`, `{"why":"a<b & c>d"}`, "{\n\t\"é\": \"\u2028\"}", `{"x":1.0e5}`} {
		b := f.served(t, 0, f.opening(t, 0), 1)
		b.DecisionJSON = json.RawMessage(decision)
		got, err := settlement.DecodeBundle(mustJSON(t, b))
		if err != nil || string(got.DecisionJSON) != decision {
			t.Errorf("%q came back as %q (%v)", decision, got.DecisionJSON, err)
		}
	}
}

func TestDecodeBundleRefuses(t *testing.T) {
	f := newFixture(t, 1)
	good := string(mustJSON(t, f.settledBundle(t)))
	for name, bad := range map[string]string{
		"nothing":          "",
		"not an object":    "[]",
		"cut short":        good[:len(good)-1],
		"text after":       good + "{}",
		"unknown field":    `{"surprise":1,` + good[1:],
		"amount as number": strings.Replace(good, `"amount":"42"`, `"amount":42`, 1),
		"short hash":       strings.Replace(good, `"node":"0x`, `"node":"0x0`, 1),
		"huge":             `{"salt":"0x` + strings.Repeat("00", settlement.MaxBundleBytes) + `"}`,
		"decision no JSON": strings.Replace(good, `"decisionJson":"{`, `"decisionJson":"`, 1),
		"endless proof":    strings.Replace(good, `"proof":[`, `"proof":[`+strings.Repeat(`"0x`+strings.Repeat("00", 32)+`",`, 40), 1),
	} {
		if bad == good {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := settlement.DecodeBundle([]byte(bad)); err == nil {
			t.Errorf("%s: decodes", name)
		}
	}
}

func TestBundleRefusesToWriteBadDecisions(t *testing.T) {
	for name, decision := range map[string]string{
		"not UTF-8": "\"\xff\"", "not JSON": "{", "too long": `"` + strings.Repeat("x", settlement.MaxDecisionBytes) + `"`,
	} {
		if _, err := json.Marshal(settlement.Bundle{DecisionJSON: json.RawMessage(decision)}); err == nil {
			t.Errorf("%s: a bundle holds it", name)
		}
	}
}
