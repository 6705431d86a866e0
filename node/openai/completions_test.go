package openai_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai/internal/fakefleet"
)

func TestCompletions(t *testing.T) {
	f := fakefleet.New()
	w := do(t, config(f), http.MethodPost, "/v1/completions", `{"model":"auto","prompt":["Say \"hi\""],"suffix":"","temperature":0.50,"x_new":[1]}`)
	got := object(t, w.Body.Bytes())
	if got["object"] != "text_completion" || !strings.HasPrefix(got["id"].(string), "cmpl-") {
		t.Errorf("answer: %s", w.Body)
	}
	choice := got["choices"].([]any)[0].(map[string]any)
	want := map[string]any{"text": "Hello from the fleet.", "index": 0.0, "logprobs": nil, "finish_reason": "stop"}
	if diff := cmp.Diff(want, choice); diff != "" {
		t.Errorf("choice: %s", diff)
	}
	if id := got["id"].(string); do(t, config(f), http.MethodGet, "/v1/receipts/"+id, "").Code != http.StatusOK {
		t.Errorf("the answer's id %s finds no record", id)
	}
	sent := string(f.Requests()[0].Body)
	if want := `{"model":"auto","temperature":0.50,"x_new":[1],"messages":[{"role":"user","content":"Say \"hi\""}],"max_tokens":16}`; sent != want {
		t.Errorf("sent on: %s\nwant:    %s", sent, want)
	}

	w = do(t, config(f), http.MethodPost, "/v1/completions", `{"model":"auto","prompt":"x","stream":true,"max_tokens":5}`)
	text := ""
	all := events(t, w.Body)
	for _, e := range all[:len(all)-1] {
		c := object(t, []byte(e))
		if c["object"] != "text_completion" {
			t.Errorf("chunk: %s", e)
		}
		for _, choice := range c["choices"].([]any) {
			text += choice.(map[string]any)["text"].(string)
		}
	}
	if text != "Hello from the fleet." || all[len(all)-1] != "[DONE]" {
		t.Errorf("streamed %q", all)
	}
}

// Some model servers send content in parts, which chats get as they come, or one half of a surrogate pair in each of two chunks.
func TestCompletionsOfParts(t *testing.T) {
	for content, want := range map[string]string{`[{"type":"text","text":"Hi"}]`: "Hi", `"Hi"`: "Hi", `null`: "", `[]`: "", `"\ud83d"`: `\ud83d`} {
		for _, stream := range []bool{false, true} {
			f := fakefleet.New()
			f.Raw = []json.RawMessage{json.RawMessage(`{"choices":[{"index":0,"message":{"content":` + content + `},"finish_reason":"stop"}]}`)}
			body := `{"model":"auto","prompt":"x"}`
			if stream {
				f.Raw = []json.RawMessage{json.RawMessage(`{"choices":[{"index":0,"delta":{"content":` + content + `}}]}`)}
				body = `{"model":"auto","prompt":"x","stream":true}`
			}
			if w := do(t, config(f), http.MethodPost, "/v1/completions", body); w.Code != 200 || !strings.Contains(w.Body.String(), `"text":"`+want+`"`) {
				t.Errorf("%s, streamed %v: %d %s", content, stream, w.Code, w.Body)
			}
		}
	}
}

// TestTokenIdsAreToldApart: who sends ids is not told to send fewer texts.
func TestTokenIdsAreToldApart(t *testing.T) {
	for prompt, want := range map[string]string{`[1,2]`: "token ids", `[[1,2],[3]]`: "token ids", `["a",1]`: "token ids", `["a","b"]`: "2 prompts"} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/completions", `{"model":"auto","prompt":`+prompt+`}`)
		if e := apiError(t, w); !strings.Contains(e["message"].(string), want) {
			t.Errorf("%s: %s, want it to speak of %s", prompt, w.Body, want)
		}
	}
}

func TestCompletionsRefuse(t *testing.T) {
	for body, param := range map[string]string{
		`{"model":"auto"}`:                                         "prompt",
		`{"model":"auto","prompt":[1,2]}`:                          "prompt",
		`{"model":"auto","prompt":[[1,2]]}`:                        "prompt",
		`{"model":"auto","prompt":["a","b"]}`:                      "prompt",
		`{"model":"auto","prompt":[]}`:                             "prompt",
		`{"model":"auto","prompt":"a","suffix":"b"}`:               "suffix",
		`{"model":"auto","prompt":"a","logprobs":1}`:               "logprobs",
		`{"model":"auto","prompt":"a","logprobs":""}`:              "logprobs",
		`{"model":"auto","prompt":"a","echo":true}`:                "echo",
		`{"model":"auto","prompt":"a","best_of":2}`:                "best_of",
		`{"model":"auto","prompt":"a","max_tokens":-1}`:            "max_tokens",
		`{"model":"auto","prompt":"a","cost_quality_tradeoff":9e}`: "",
	} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/completions", body)
		if e := apiError(t, w); w.Code != http.StatusBadRequest || param != "" && e["param"] != param {
			t.Errorf("%s: %d %s, want 400 for %s", body, w.Code, w.Body, param)
		}
	}
}
