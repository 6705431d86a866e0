package openai_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

func TestWholeAnswer(t *testing.T) {
	f := fakefleet.New()
	w := chat(t, f, `{"model":"auto",`+ask+`}`)
	if w.Code != http.StatusOK {
		t.Fatalf("status %d: %s", w.Code, w.Body)
	}
	got := object(t, w.Body.Bytes())
	if got["id"] != "chatcmpl-"+strings.TrimPrefix(fakefleet.ReceiptID, "0x") || got["model"] != model || got["object"] != "chat.completion" {
		t.Errorf("id, model or object: %s", w.Body)
	}
	if !strings.Contains(w.Body.String(), `"timings":{"ms":1.50}`) {
		t.Errorf("an unknown field must come through byte for byte: %s", w.Body)
	}
	want := map[string]any{
		"prompt_tokens": 37.0, "completion_tokens": 3.0, "total_tokens": 40.0, "cost": 0.000002,
		"vendor_detail": map[string]any{"x": 1.0}, "prompt_tokens_details": map[string]any{"cached_tokens": 5.0},
		"flotilla": map[string]any{
			"model": model, "operator": "0xA11ce", "reason": "cheapest_capable",
			"why": "cheapest of 2 that are good enough – measured on 32 neighbours", "predicted_quality": 0.75,
			"receipt_id": fakefleet.ReceiptID, "cost_micro_usd": 2.0, "cache": map[string]any{"status": "off"}, "baseline_model": "big-model", "baseline_micro_usd": 12.0,
			"input_micro_usd_per_mtok": 20000.0, "output_micro_usd_per_mtok": 40000.0, "per_request_micro_usd": 1.0,
		},
	}
	if diff := cmp.Diff(any(want), got["usage"]); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if f.Closed.Load() != 1 {
		t.Errorf("reply was closed %d times", f.Closed.Load())
	}
}

func TestDecisionHeaders(t *testing.T) {
	few := map[string]string{
		"Model": model, "Operator": "0xA11ce", "Reason": "cheapest_capable", "Receipt": fakefleet.ReceiptID,
		"Expected-Cost": "0.000001500", "Cost": "0.000002",
	}
	all := map[string]string{
		"Why":               "cheapest of 2 that are good enough ? measured on 32 neighbours", // printable ASCII only
		"Predicted-Quality": "0.7500", "Dial": "7", "Input-Per-Mtok": "0.02", "Output-Per-Mtok": "0.04", "Per-Request": "0.000001",
		"Baseline-Model": "big-model", "Baseline-Cost": "0.000012000",
	}
	for _, debug := range []bool{false, true} {
		var header []string
		if debug {
			header = []string{"X-Flotilla-Debug", "1"}
		}
		h := chat(t, fakefleet.New(), `{"model":"auto",`+ask+`}`, header...).Header()
		for name, want := range few {
			if got := h.Get("X-Flotilla-" + name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		for name, want := range all {
			if !debug {
				want = ""
			}
			if got := h.Get("X-Flotilla-" + name); got != want {
				t.Errorf("debug %v: %s = %q, want %q", debug, name, got, want)
			}
		}
	}
}

// TestBadWholeAnswers: an operator's nonsense is a 502 that client libraries do not pay for again, never a 200.
func TestBadWholeAnswers(t *testing.T) {
	ok := `{"choices":[{"message":{"content":"x"}}]}`
	for name, raw := range map[string][]json.RawMessage{
		"html": {json.RawMessage("<html>")}, "no choices": {json.RawMessage(`{"id":"x"}`)}, "null choices": {json.RawMessage(`{"choices":null}`)},
		"two objects": {json.RawMessage(ok), json.RawMessage(ok)}, "nothing": {}, "array": {json.RawMessage("[]")},
		"empty choices": {json.RawMessage(`{"choices":[]}`)}, "a choice of null": {json.RawMessage(`{"choices":[null]}`)},
		"no message": {json.RawMessage(`{"choices":[{"index":0}]}`)}, "a message of null": {json.RawMessage(`{"choices":[{"message":null}]}`)},
		"one of two": {json.RawMessage(`{"choices":[{"message":{"content":"x"}},7]}`)}, "no UTF-8": {json.RawMessage("{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}")},
	} {
		if len(raw) == 1 && (openai.Request{}).CheckAnswer(raw[0]) == nil {
			t.Errorf("%s: would be paid for", name)
		}
		f := fakefleet.New()
		f.Raw = raw
		w := chat(t, f, `{"model":"auto",`+ask+`}`)
		if e := apiError(t, w); w.Code != http.StatusBadGateway || e["code"] != "bad_answer" || w.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if f.Closed.Load() != 1 {
			t.Errorf("%s: reply was closed %d times", name, f.Closed.Load())
		}
	}
}

// TestBrokenBeforeSending: an answer that breaks after its first byte from the operator, before its first to the
// client, still gets a status, and tells what it cost.
func TestBrokenBeforeSending(t *testing.T) {
	for _, stream := range []string{"false", "true"} {
		f := fakefleet.New()
		f.BreakAt, f.BreakWith = 0, errors.New("secret detail")
		w := chat(t, f, `{"model":"auto","stream":`+stream+`,`+ask+`}`)
		e := apiError(t, w)
		if w.Code != http.StatusInternalServerError || e["code"] != "internal_error" || w.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("stream %s: %d %s", stream, w.Code, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("internal error reached the client: %s", w.Body)
		}
		want := map[string]any{"receipt_id": fakefleet.ReceiptID, "cost_micro_usd": 2.0, "partial": true}
		if diff := cmp.Diff(any(want), e["flotilla"]); diff != "" {
			t.Errorf("bill in the error (-want +got):\n%s", diff)
		}
	}
}
