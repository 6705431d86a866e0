package openai_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const sendMessage = `{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Hi"}]}`

// anthropicError is the error of an answer or an event, after checking that it has the shape of Anthropic's.
func anthropicError(t *testing.T, body []byte, requestID string) map[string]any {
	t.Helper()
	obj := object(t, body)
	e, ok := obj["error"].(map[string]any)
	if !ok || obj["type"] != "error" || obj["request_id"] != requestID || !strings.HasPrefix(requestID, "req_") || e["message"] == "" {
		t.Fatalf("not Anthropic's error, to request %q: %s", requestID, body)
	}
	details, _ := e["details"].(map[string]any)
	e["code"] = details["error_code"]
	return e
}

func TestMessages(t *testing.T) {
	f := fakefleet.New()
	cfg := config(f)
	w := do(t, cfg, http.MethodPost, "/v1/messages", `{"model":"auto","max_tokens":9,"system":"Be kind.","messages":[{"role":"user","content":[{"type":"text","text":"Hi","cache_control":{"type":"ephemeral"}}]}],"stop_sequences":["END"],"metadata":{"user_id":"u"},"cost_quality_tradeoff":2,"x_new":[1.0]}`)
	got := object(t, w.Body.Bytes())
	id := got["id"].(string)
	if w.Code != http.StatusOK || id != "msg_"+strings.TrimPrefix(fakefleet.ReceiptID, "0x") || got["type"] != "message" || got["role"] != "assistant" || got["stop_reason"] != "end_turn" || got["model"] != model {
		t.Errorf("answer: %d %s", w.Code, w.Body)
	}
	for _, want := range []string{`"content":[{"type":"text","text":"Hello from the fleet."}]`, `"input_tokens":37,`, `"output_tokens":3,`, `"cost":0.000002`, `"receipt_id":"` + fakefleet.ReceiptID, `"timings":{"ms":1.50}`} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s: %s", want, w.Body)
		}
	}
	if h := w.Header(); h.Get("X-Flotilla-Cost") != "0.000002" || h.Get("X-Flotilla-Model") != model || h.Get("Request-Id") == "" || h.Get("Request-Id") != h.Get("X-Request-Id") {
		t.Errorf("headers: %v", h)
	}
	if do(t, cfg, http.MethodGet, "/v1/receipts/"+id, "").Code != http.StatusOK {
		t.Errorf("the answer's id %s finds no record", id)
	}
	req := f.Requests()[0]
	if want := `{"model":"auto","max_tokens":9,"messages":[{"role":"system","content":"Be kind."},{"role":"user","content":"Hi"}],"x_new":[1.0],"stop":["END"]}`; string(req.Body) != want {
		t.Errorf("sent on: %s\nwant:    %s", req.Body, want)
	}
	if req.Dial != 2 || req.MaxTokens != 9 || req.PromptText != "Hi" || f.Closed.Load() != 1 {
		t.Errorf("routed by %+v, closed %d times", req, f.Closed.Load())
	}
}

func TestMessagesStream(t *testing.T) {
	for _, root := range []string{"", "/api"} {
		w := do(t, config(fakefleet.New()), http.MethodPost, root+"/v1/messages", strings.Replace(sendMessage, "{", `{"stream":true,`, 1))
		names, data := named(t, w.Body.String())
		const want = "message_start content_block_start content_block_delta content_block_delta content_block_delta content_block_stop message_delta message_stop"
		if strings.Join(names, " ") != want || w.Header().Get("Content-Type") != "text/event-stream" {
			t.Errorf("%s: events %v %v", root, names, w.Header())
		}
		if last := data[len(data)-2]; !strings.Contains(last, `"cost":0.000002`) || !strings.Contains(last, `"stop_reason":"end_turn"`) || !strings.Contains(last, `"input_tokens":37`) {
			t.Errorf("%s: last %s", root, last)
		}
	}
}

// TestMessagesBreak: what breaks is an error with its status before the first event, and an error event after it; never a clean end.
func TestMessagesBreak(t *testing.T) {
	lost := &openai.APIError{Status: 502, Code: "operator_lost", Message: "it is gone"}
	for at, want := range map[int]string{
		0: "", 2: "message_start content_block_start content_block_delta error", 5: "message_start content_block_start content_block_delta content_block_delta content_block_delta error",
	} {
		f := fakefleet.New()
		f.BreakAt, f.BreakWith = at, lost
		w := do(t, config(f), http.MethodPost, "/v1/messages", strings.Replace(sendMessage, "{", `{"stream":true,`, 1))
		if at == 0 {
			if e := anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id")); w.Code != 502 || e["type"] != "api_error" || e["code"] != "operator_lost" {
				t.Errorf("before the first: %d %s", w.Code, w.Body)
			}
			continue
		}
		names, data := named(t, w.Body.String())
		if strings.Join(names, " ") != want {
			t.Errorf("broken before %d: %v", at, names)
		}
		e := anthropicError(t, []byte(data[len(data)-1]), w.Header().Get("Request-Id"))
		if e["type"] != "api_error" || e["message"] != "it is gone" || e["flotilla"].(map[string]any)["receipt_id"] != fakefleet.ReceiptID {
			t.Errorf("error %v", e)
		}
	}
	for _, stream := range []string{"false", "true"} {
		for _, raw := range []string{`{"choices":[{"message":{"content":5},"delta":{"content":5}}]}`, `{"choices":[{"message":{"tool_calls":5},"delta":{"tool_calls":5}}]}`} {
			f := fakefleet.New()
			f.Raw = []json.RawMessage{json.RawMessage(raw)}
			w := do(t, config(f), http.MethodPost, "/v1/messages", strings.Replace(sendMessage, "{", `{"stream":`+stream+`,`, 1))
			if w.Code != 502 || anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id"))["code"] != "bad_answer" {
				t.Errorf("streamed %s: %d %s", stream, w.Code, w.Body)
			}
		}
	}
}

// TestMessagesStayAlive: a quiet stream has Anthropic's pings.
func TestMessagesStayAlive(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakefleet.New()
		f.Step = make(chan struct{})
		go func() {
			f.Step <- struct{}{}
			time.Sleep(25 * time.Second)
			close(f.Step)
		}()
		w := do(t, config(f), http.MethodPost, "/v1/messages", strings.Replace(sendMessage, "{", `{"stream":true,`, 1))
		names, _ := named(t, w.Body.String())
		if got := strings.Join(names, " "); strings.Count(got, "ping") != 2 || !strings.HasSuffix(got, " message_stop") || strings.Contains(w.Body.String(), "keep-alive") {
			t.Errorf("%s", w.Body)
		}
	})
}

func TestMessagesRefuse(t *testing.T) {
	const ask = `"max_tokens":9,"messages":[{"role":"user","content":"Hi"}]`
	for body, param := range map[string]string{
		`{"model":"auto","messages":[{"role":"user","content":"Hi"}]}`:                              "max_tokens",
		`{"model":"auto","tools":[{"type":"web_search_20250305","name":"web_search"}],` + ask + `}`: "tools[0].type",
		`{"model":"auto","model":"b",` + ask + `}`:                                                  "model",
		`{` + ask + `}`: "model",
		`{"model":"auto","cost_quality_tradeoff":11,` + ask + `}`:                                                                          "cost_quality_tradeoff",
		`{"model":"auto","stream":"yes",` + ask + `}`:                                                                                      "stream",
		`{"model":"auto","max_tokens":0,"messages":[{"role":"user","content":"Hi"}]}`:                                                      "max_tokens",
		`{"model":"auto","max_tokens":9,"messages":` + strings.Repeat("[", 20_000) + `}`:                                                   "", // no JSON that Go reads
		`{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":[[[[]]]]}]}`:                                                  "messages[0].content[0]",
		`{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":[{"type":"image","source":{"type":"file","file_id":"f"}}]}]}`: "messages[0].content[0].source",
	} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/messages", body)
		if e := anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id")); w.Code != http.StatusBadRequest || e["type"] != "invalid_request_error" || param != "" && e["param"] != param {
			t.Errorf("%.200s: %d %s, want 400 for %s", body, w.Code, w.Body, param)
		}
	}
}

// TestMessagesErrors: each status has Anthropic's type, whatever refuses.
func TestMessagesErrors(t *testing.T) {
	for status, want := range map[int]string{
		400: "invalid_request_error", 402: "billing_error", 403: "permission_error", 404: "not_found_error", 413: "request_too_large", 422: "invalid_request_error", 429: "rate_limit_error",
		500: "api_error", 502: "api_error", 503: "overloaded_error", 504: "timeout_error",
	} {
		f := fakefleet.New()
		f.CompleteErr = &openai.APIError{Status: status, Code: "c", Message: "no", RetryAfter: 1500 * time.Millisecond}
		w := do(t, config(f), http.MethodPost, "/v1/messages", sendMessage)
		if e := anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id")); w.Code != status || e["type"] != want || w.Header().Get("Retry-After") != "2" {
			t.Errorf("%d: %d %v %s", status, w.Code, w.Header(), w.Body)
		}
	}
	for _, ask := range []struct {
		method, path string
		status       int
		want         string
	}{
		{http.MethodGet, "/v1/messages", 405, "invalid_request_error"},
		{http.MethodPost, "/v1/messages/batches", 404, "not_found_error"},
		{http.MethodPost, "/v1/v1/messages", 404, "not_found_error"},
		{http.MethodGet, "/v1/models/none", 404, "not_found_error"},
	} {
		w := do(t, config(fakefleet.New()), ask.method, ask.path, "", "Anthropic-Version", "2023-06-01")
		if e := anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id")); w.Code != ask.status || e["type"] != ask.want {
			t.Errorf("%+v: %d %s", ask, w.Code, w.Body)
		}
	}
	for _, path := range []string{chatPath, "/v1/responses", "/v1/completions", "/v1/embeddings", "/api/v1/chat/completions"} { // whatever a proxy passes on
		if w := do(t, config(fakefleet.New()), http.MethodPost, path, "{}", "Anthropic-Version", "2023-06-01"); w.Code != 400 || object(t, w.Body.Bytes())["type"] != nil || apiError(t, w)["type"] != "invalid_request_error" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	f := fakefleet.New()
	f.CompleteErr = &openai.APIError{Status: 503, Code: "no_capable_operator", Message: "nobody has tools", NoRetry: true}
	if w := do(t, config(f), http.MethodPost, "/v1/messages", sendMessage); anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id"))["type"] != "api_error" || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("what does not pass: %v %s", w.Header(), w.Body)
	}
	cfg := config(fakefleet.New())
	cfg.MaxBodyBytes = 50
	if w := do(t, cfg, http.MethodPost, "/v1/messages", sendMessage); w.Code != 413 || anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id"))["type"] != "request_too_large" {
		t.Errorf("too large: %d %s", w.Code, w.Body)
	}
}

// TestAnthropicKey: its clients' header is as good as a bearer token, on each route, and no better.
func TestAnthropicKey(t *testing.T) {
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"X-Api-Key", testKey}, 200}, {[]string{"X-Api-Key", "wrong"}, 401}, {[]string{"X-Api-Key", ""}, 401}, {nil, 401},
		{[]string{"Authorization", "Bearer " + testKey, "X-Api-Key", "wrong"}, 200}, {[]string{"Authorization", "Bearer wrong", "X-Api-Key", testKey}, 401},
		{[]string{"Authorization", "Basic x", "X-Api-Key", testKey}, 200},
	} {
		for _, path := range []string{"/v1/messages", "/v1/messages/count_tokens", "/v1/route"} {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(sendMessage))
			for i := 0; i < len(c.header); i += 2 {
				r.Header.Set(c.header[i], c.header[i+1])
			}
			w := httptest.NewRecorder()
			openai.NewHandler(config(fakefleet.New())).ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("%s %v: %d %s", path, c.header, w.Code, w.Body)
			}
			if path != "/v1/route" && w.Code == 401 && anthropicError(t, w.Body.Bytes(), w.Header().Get("Request-Id"))["type"] != "authentication_error" {
				t.Errorf("%s %v: %s", path, c.header, w.Body)
			}
		}
	}
}

func TestCountTokens(t *testing.T) {
	f := fakefleet.New()
	body := `{"model":"auto","system":"` + strings.Repeat("s", 40) + `","messages":[{"role":"user","content":"` + strings.Repeat("u", 41) + `"}]}`
	w := do(t, config(f), http.MethodPost, "/v1/messages/count_tokens", body)
	if w.Code != 200 || w.Body.String() != `{"input_tokens":20,"estimated":true}` || len(f.Requests()) != 0 {
		t.Errorf("%d %s, asked %d times", w.Code, w.Body, len(f.Requests()))
	}
	if w := do(t, config(f), http.MethodPost, "/v1/messages/count_tokens", `{"model":"auto"}`); w.Code != 400 {
		t.Errorf("nothing to count: %d %s", w.Code, w.Body)
	}
}

// TestModelsForAnthropic: its clients find their members, and OpenAI's none of these.
func TestModelsForAnthropic(t *testing.T) {
	w := do(t, config(fakefleet.New()), http.MethodGet, "/v1/models", "", "Anthropic-Version", "2023-06-01")
	list := object(t, w.Body.Bytes())
	first := list["data"].([]any)[0].(map[string]any)
	if list["has_more"] != false || list["first_id"] != "auto" || list["last_id"] != model || first["type"] != "model" || first["display_name"] != "Automatic choice" || first["object"] != "model" {
		t.Errorf("%s", w.Body)
	}
	if at, err := time.Parse(time.RFC3339, first["created_at"].(string)); err != nil || at.Unix() != int64(first["created"].(float64)) {
		t.Errorf("created_at %v: %v", first, err)
	}
	if w := do(t, config(fakefleet.New()), http.MethodGet, "/v1/models/auto", "", "Anthropic-Version", "2023-06-01"); object(t, w.Body.Bytes())["type"] != "model" {
		t.Errorf("%s", w.Body)
	}
	if w := do(t, config(fakefleet.New()), http.MethodGet, "/v1/models", ""); strings.Contains(w.Body.String(), "display_name") || strings.Contains(w.Body.String(), "has_more") {
		t.Errorf("to OpenAI's clients: %s", w.Body)
	}
}

// TestDryRunOfMessage: a dry run takes what this API takes, and its requests are routed alike.
func TestDryRunOfMessage(t *testing.T) {
	f := fakefleet.New()
	w := do(t, config(f), http.MethodPost, "/v1/route", `{"system":"S","messages":[{"role":"user","content":[{"type":"image","source":{"type":"base64","media_type":"image/png","data":"eA=="}},{"type":"text","text":"Hi"}]}],"cost_quality_tradeoff":3}`)
	if r := f.Requests()[0]; w.Code != 200 || !strings.Contains(w.Body.String(), `"dial":3`) || r.PromptText != "Hi" || !r.Vision {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	do(t, config(f), http.MethodPost, "/v1/messages", sendMessage)
	do(t, config(f), http.MethodPost, "/v1/chat/completions", sendMessage)
	if got := f.Requests(); string(got[1].Body) != string(got[2].Body) || got[1].Conversation != got[2].Conversation {
		t.Errorf("a message and a chat of one text: %s and %s", got[1].Body, got[2].Body)
	}
}
