package openai_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const respond = `{"model":"auto","input":"Hi"}`

func TestResponses(t *testing.T) {
	f := fakefleet.New()
	cfg := config(f)
	w := do(t, cfg, http.MethodPost, "/v1/responses", `{"model":"auto","input":"Hi","instructions":"Be kind.","max_output_tokens":9,"cost_quality_tradeoff":2,"x_new":[1.0],"store":true}`)
	got := object(t, w.Body.Bytes())
	id := got["id"].(string)
	if w.Code != http.StatusOK || id != "resp_"+strings.TrimPrefix(fakefleet.ReceiptID, "0x") || got["object"] != "response" || got["status"] != "completed" || got["model"] != model || got["store"] != false {
		t.Errorf("answer: %d %s", w.Code, w.Body)
	}
	for _, want := range []string{`"output_text","annotations":[],"logprobs":[],"text":"Hello from the fleet."`, `"input_tokens":37,`, `"output_tokens":3,`, `"total_tokens":40,`, `"cached_tokens":5`, `"cost":0.000002`, `"receipt_id":"` + fakefleet.ReceiptID, `"timings":{"ms":1.50}`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s: %s", want, w.Body)
		}
	}
	if w.Header().Get("X-Flotilla-Cost") != "0.000002" || w.Header().Get("X-Flotilla-Model") != model {
		t.Errorf("headers: %v", w.Header())
	}
	if do(t, cfg, http.MethodGet, "/v1/receipts/"+id, "").Code != http.StatusOK {
		t.Errorf("the answer's id %s finds no record", id)
	}
	req := f.Requests()[0]
	if want := `{"model":"auto","x_new":[1.0],"max_tokens":9,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"}]}`; string(req.Body) != want {
		t.Errorf("sent on: %s\nwant:    %s", req.Body, want)
	}
	if req.Dial != 2 || req.MaxTokens != 9 || req.PromptText != "Hi" || f.Closed.Load() != 1 {
		t.Errorf("routed by %+v, closed %d times", req, f.Closed.Load())
	}
}

// named splits a stream into the names of its events and their data, after checking that each has both.
func named(t *testing.T, body string) (names, data []string) {
	t.Helper()
	lines := bufio.NewScanner(strings.NewReader(body))
	for name := ""; lines.Scan(); {
		if n, ok := strings.CutPrefix(lines.Text(), "event: "); ok {
			name = n
		} else if d, ok := strings.CutPrefix(lines.Text(), "data: "); ok {
			if name == "" || object(t, []byte(d))["type"] != name {
				t.Errorf("event %q: %s", name, d)
			}
			names, data, name = append(names, strings.TrimPrefix(name, "response.")), append(data, d), ""
		}
	}
	return names, data
}

func TestResponsesStream(t *testing.T) {
	for _, root := range []string{"", "/api"} {
		w := do(t, config(fakefleet.New()), http.MethodPost, root+"/v1/responses", `{"model":"auto","input":"Hi","stream":true,
			"tools":[{"type":"function",
			"name":"f"}]}`) // line breaks in what the answer repeats must not break an event
		names, data := named(t, w.Body.String())
		const want = "created in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.delta output_text.done content_part.done output_item.done completed"
		if strings.Join(names, " ") != want || w.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: events %v %v", root, names, w.Header())
		}
		if last := data[len(data)-1]; !strings.Contains(last, `"cost":0.000002`) || !strings.Contains(last, `"vendor_detail"`) || !strings.Contains(last, `"text":"Hello from the fleet."`) {
			t.Errorf("%s: last %s", root, last)
		}
	}
}

// TestResponsesBreak: what breaks is an error with its status before the first event, and a failed response after it; never a clean end.
func TestResponsesBreak(t *testing.T) {
	lost := &openai.APIError{Status: 502, Code: "operator_lost", Message: "it is gone"}
	for at, want := range map[int]string{
		0: "", 2: "created in_progress output_item.added content_part.added output_text.delta error failed", 5: "created in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.delta error failed",
	} {
		f := fakefleet.New()
		f.BreakAt, f.BreakWith = at, lost
		w := do(t, config(f), http.MethodPost, "/v1/responses", `{"model":"auto","input":"Hi","stream":true}`)
		if at == 0 {
			if e := apiError(t, w); w.Code != 502 || e["code"] != "operator_lost" {
				t.Errorf("before the first: %d %s", w.Code, w.Body)
			}
			continue
		}
		names, data := named(t, w.Body.String())
		if strings.Join(names, " ") != want {
			t.Errorf("broken before %d: %v", at, names)
		}
		if e := data[len(data)-2]; !strings.Contains(e, `"error":{"message":"it is gone","type":"server_error","param":null,"code":"operator_lost","flotilla":{"receipt_id":"`+fakefleet.ReceiptID) {
			t.Errorf("error %s", e)
		}
		if last := data[len(data)-1]; !strings.Contains(last, `"status":"failed"`) || !strings.Contains(last, `"partial":true`) {
			t.Errorf("last %s", last)
		}
	}
	for _, stream := range []string{"false", "true"} {
		for _, raw := range []string{`{"choices":[{"message":{"content":5},"delta":{"content":5}}]}`, `{"choices":[{"message":{"tool_calls":5},"delta":{"tool_calls":5}}]}`} {
			f := fakefleet.New()
			f.Raw = []json.RawMessage{json.RawMessage(raw)}
			if w := do(t, config(f), http.MethodPost, "/v1/responses", `{"model":"auto","input":"Hi","stream":`+stream+`}`); w.Code != 502 || apiError(t, w)["code"] != "bad_answer" {
				t.Errorf("streamed %s: %d %s", stream, w.Code, w.Body)
			}
		}
	}
}

func TestResponsesRefuse(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"auto","input":"x","previous_response_id":"resp_1"}`: "previous_response_id",
		`{"model":"auto","input":"x","tools":[{"type":"web_search"}]}`: "tools[0].type",
		`{"model":"auto","input":"x","model":"b"}`:                     "model",
		`{"input":"x"}`: "model",
		`{"model":"auto","input":"x","cost_quality_tradeoff":11}`:          "cost_quality_tradeoff",
		`{"model":"auto","input":"x","modalities":["audio"]}`:              "modalities",
		`{"model":"auto","input":"x","stream":"yes"}`:                      "stream",
		`{"model":"auto",` + ask + `}`:                                     "messages",
		`{"model":"auto","input":` + strings.Repeat("[", 20_000) + `}`:     "", // no JSON that Go reads
		`{"model":"auto","input":[{"role":"user","content":[[[[[[]]]]]]}]`: "",
	} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/responses", body)
		if e := apiError(t, w); w.Code != http.StatusBadRequest || param != "" && e["param"] != param {
			t.Errorf("%.200s: %d %s, want 400 for %s", body, w.Code, w.Body, param)
		}
	}
	w := do(t, config(fakefleet.New()), http.MethodPost, "/api/v1/responses", `{"model":"auto","input":"x","background":true}`)
	if e := apiError(t, w); e["code"] != 400.0 || e["metadata"].(map[string]any)["error_type"] != "unsupported_parameter" {
		t.Errorf("to OpenRouter's clients: %s", w.Body)
	}
	cfg := config(fakefleet.New())
	cfg.MaxBodyBytes = 1000
	if w := do(t, cfg, http.MethodPost, "/v1/responses", `{"model":"auto","input":"x","tools":[`+strings.TrimSuffix(strings.Repeat(`{"type":"function","name":"f"},`, 30), ",")+`]}`); w.Code != 413 {
		t.Errorf("a body that grows over the cap: %d %s", w.Code, w.Body)
	}
}

// TestDryRunOfResponse: a dry run takes what either API takes, and its requests are routed alike.
func TestDryRunOfResponse(t *testing.T) {
	f := fakefleet.New()
	w := do(t, config(f), http.MethodPost, "/v1/route", `{"input":[{"role":"user","content":[{"type":"input_text","text":"Hi"}]}],"cost_quality_tradeoff":3}`)
	if w.Code != 200 || !strings.Contains(w.Body.String(), `"dial":3`) || f.Requests()[0].PromptText != "Hi" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	do(t, config(f), http.MethodPost, "/v1/responses", respond)
	do(t, config(f), http.MethodPost, "/v1/chat/completions", `{"model":"auto","messages":[{"role":"user","content":"Hi"}]}`)
	if got := f.Requests(); string(got[1].Body) != string(got[2].Body) || got[1].Conversation != got[2].Conversation {
		t.Errorf("a response and a chat of one text: %s and %s", got[1].Body, got[2].Body)
	}
}
