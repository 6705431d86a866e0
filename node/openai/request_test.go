package openai_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// parsed is what the Completer gets for a body.
func parsed(t *testing.T, body string, header ...string) openai.Request {
	t.Helper()
	f := fakefleet.New()
	w := chat(t, f, body, header...)
	if w.Code != http.StatusOK {
		t.Fatalf("%s\n%d %s", body, w.Code, w.Body)
	}
	req := f.Requests()[0]
	if req.ID != w.Header().Get("X-Request-Id") || req.Key.ID == "" || strings.Contains(req.Key.ID, testKey) {
		t.Errorf("id %q, key id %q", req.ID, req.Key.ID)
	}
	return req
}

func TestRequest(t *testing.T) {
	base := openai.Request{Model: "auto", Auto: true, Dial: 7, PromptText: "Hi", PromptBytes: 2, MessageCount: 1, Choices: 1}
	with := func(change func(*openai.Request)) openai.Request {
		r := base
		change(&r)
		return r
	}
	for body, want := range map[string]openai.Request{
		`{"model":"auto",` + ask + `}`:                                                                                     base,
		`{"model":"flotilla/auto",` + ask + `}`:                                                                            with(func(r *openai.Request) { r.Model = "flotilla/auto" }),
		`{"model":"` + model + `",` + ask + `}`:                                                                            with(func(r *openai.Request) { r.Model, r.Auto = model, false }),
		`{"model":"auto","max_tokens":9,"n":2,"x":1e1,` + ask + `}`:                                                        with(func(r *openai.Request) { r.MaxTokens, r.Choices = 9, 2 }),
		`{"model":"auto","max_completion_tokens":3,` + ask + `}`:                                                           with(func(r *openai.Request) { r.MaxTokens = 3 }),
		`{"model":"auto","max_tokens":null,"tools":[],` + ask + `}`:                                                        base,
		`{"model":"auto","tools":[{"type":"function"}],` + ask + `}`:                                                       with(func(r *openai.Request) { r.Tools, r.PromptBytes = true, 23 }),
		`{"model":"auto","response_format":{"type":"json_schema"},` + ask + `}`:                                            with(func(r *openai.Request) { r.JSONMode = true }),
		`{"model":"auto","response_format":{"type":"text"},` + ask + `}`:                                                   base,
		`{"model":"auto","models":null,"x":1,` + ask + `}`:                                                                 base,
		`{"model":"auto","modalities":["text"],"audio":{"voice":"x"},"web_search_options":null,"preset":null,` + ask + `}`: base,
	} {
		got := parsed(t, body)
		if string(got.Body) != strings.Replace(body, `"models":null,`, "", 1) {
			t.Errorf("body changed: %s", got.Body)
		}
		got.Body, got.ID, got.Key, got.Conversation.Opening = nil, "", openai.KeyInfo{}, [32]byte{}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
}

func TestRoutingLimits(t *testing.T) {
	for body, want := range map[string]openai.Request{
		`"cost_quality_tradeoff":0`: {Dial: 0, DialSet: true}, `"cost_quality_tradeoff":10.0`: {Dial: 10, DialSet: true}, `"cost_quality_tradeoff":6.5`: {Dial: 6.5, DialSet: true},
		`"cost_quality_tradeoff":null`: {Dial: 7},
		`"plugins":[{"id":"web","enabled":false},{"id":"auto-router","cost_quality_tradeoff":3,"allowed_models":["a*"]}]`:           {Dial: 3, DialSet: true, Allow: []string{"a*"}},
		`"plugins":[{"id":"auto-router","enabled":false,"cost_quality_tradeoff":3}]`:                                                {Dial: 7},
		`"plugins":[{"id":"auto-router","cost_quality_tradeoff":3}],"cost_quality_tradeoff":4,"blocked_models":["b*"]`:              {Dial: 4, DialSet: true, Block: []string{"b*"}},
		`"provider":{"sort":"price"},"usage":{"include":true},"allowed_models":["x"],"blocked_models":[],"cost_quality_tradeoff":7`: {Dial: 7, DialSet: true, Allow: []string{"x"}, Block: []string{}, Provider: openai.Provider{Sort: "price"}},
		`"models":["a","AUTO","b","A"],"route":"fallback","transforms":["middle-out"]`:                                              {Dial: 7, Fallbacks: []string{"a", "b"}},
		`"default_model":"llama3.1:8b"`: {Dial: 7, DefaultModel: "llama3.1:8b"},
		`"provider":{"only":["0xAB"]}`:  {Dial: 7, Provider: openai.Provider{Only: []string{"0xAB"}}},
	} {
		got := parsed(t, `{"model":"auto",`+body+`,"seed":1.0,`+ask+`}`)
		// Operators must not learn what else would have been acceptable.
		if string(got.Body) != `{"model":"auto","seed":1.0,`+ask+`}` {
			t.Errorf("body sent on: %s", got.Body)
		}
		if diff := cmp.Diff(want, openai.Request{Fallbacks: got.Fallbacks, Dial: got.Dial, DialSet: got.DialSet, Allow: got.Allow, Block: got.Block, DefaultModel: got.DefaultModel, Provider: got.Provider}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", body, diff)
		}
	}
	for value, want := range map[string]uint64{"0.01": 10_000, "1": 1_000_000, ".5": 500_000, "0.0000019": 1, "12.3456789": 12_345_678} {
		if got := parsed(t, `{"model":"auto",`+ask+`}`, "X-Flotilla-Max-Cost", value).MaxCostMicroUSD; got != want {
			t.Errorf("max cost %s = %d µUSD, want %d", value, got, want)
		}
	}
	for _, value := range []string{"0", ".", "0.0000009", "-1", "1e-3", "0.0000019x", "0.0000019/", "1.2.3"} {
		w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/chat/completions", `{"model":"auto",`+ask+`}`, "X-Flotilla-Max-Cost", value)
		if w.Code != 400 || apiError(t, w)["param"] != "x-flotilla-max-cost" {
			t.Errorf("max cost %q: %d %s", value, w.Code, w.Body)
		}
	}
}

// TestPromptText: the router embeds the user's last words, in whatever form content comes, and what they refer to; never
// what a model or a tool wrote.
func TestPromptText(t *testing.T) {
	for messages, want := range map[string]struct {
		text   string
		bytes  int
		vision bool
	}{
		`[{"role":"user","content":"a"},{"role":"assistant","content":"bb"},{"role":"user","content":"ccc"}]`:                              {"ccc\na", 6, false},
		`[{"role":"user","content":"a"},{"role":"assistant","content":null,"tool_calls":[1]},{"role":"tool","content":"result"}]`:          {"a", 10, false},
		`[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url","image_url":{"url":"u"}},{"type":"text","text":"y"}]}]`: {"x\ny", 3, true},
		`[{"role":"user","content":[{"type":"input_audio"}]},{"role":"system","content":"s"}]`:                                             {"s", 1, false},
		`[{"role":"user"}]`: {"", 0, false},
		`[{"role":"tool","content":"t"},{"role":"assistant","content":"a"},{"content":"n"}]`:                                                                                                    {"", 3, false},
		`[{"role":"user","content":"1"},{"role":"user","content":"2"},{"role":"user","content":" "},{"role":"user","content":"3"},{"role":"user","content":"4"},{"role":"user","content":"5"}]`: {"5\n4\n3\n2", 6, false},
		`[{"role":"user","content":"` + strings.Repeat("ä", 150) + `"},{"role":"user","content":"x"}]`:                                                                                          {"x\n" + strings.Repeat("ä", 100), 301, false},
		`[{"role":"user","content":"before"},{"role":"user","content":"` + strings.Repeat("long ", 80) + `"}]`:                                                                                  {strings.Repeat("long ", 80), 406, false},
	} {
		got := parsed(t, `{"model":"auto","messages":`+messages+`}`)
		if got.PromptText != want.text || got.PromptBytes != want.bytes || got.Vision != want.vision {
			t.Errorf("%s: %q, %d bytes, vision %v", messages, got.PromptText, got.PromptBytes, got.Vision)
		}
	}
}

func TestBadRequests(t *testing.T) {
	for body, code := range map[string]string{
		``: "invalid_json", `{`: "invalid_json", `[]`: "invalid_json", `{"model":"auto",` + ask + `}}`: "invalid_json",
		"{\"model\":\"a\xff\"," + ask + "}":                                   "invalid_utf8",
		strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000): "invalid_json",
		`{` + ask + `}`:                                                                        "missing_model",
		`{"model":null,` + ask + `}`:                                                           "missing_model",
		`{"model":1,` + ask + `}`:                                                              "invalid_value",
		`{"model":"",` + ask + `}`:                                                             "invalid_value",
		`{"model":"auto"}`:                                                                     "invalid_value",
		`{"model":"auto","messages":[]}`:                                                       "invalid_value",
		`{"model":"auto","messages":"Hi"}`:                                                     "invalid_value",
		`{"model":"auto","messages":[null]}`:                                                   "invalid_value",
		`{"model":"auto","modalities":["text","audio"],` + ask + `}`:                           "unsupported_parameter",
		`{"model":"auto","modalities":"audio",` + ask + `}`:                                    "invalid_value",
		`{"model":"auto","web_search_options":{},` + ask + `}`:                                 "unsupported_parameter",
		`{"model":"auto","preset":"mine",` + ask + `}`:                                         "unsupported_parameter",
		`{"model":"auto","messages":[1]}`:                                                      "invalid_value",
		`{"model":"auto","messages":[{"role":"user","content":7}]}`:                            "invalid_value",
		`{"model":"auto","stream":"yes",` + ask + `}`:                                          "invalid_value",
		`{"model":"auto","max_tokens":0,` + ask + `}`:                                          "invalid_value",
		`{"model":"auto","max_tokens":-1,` + ask + `}`:                                         "invalid_value",
		`{"model":"auto","max_tokens":4294967296,` + ask + `}`:                                 "invalid_value",
		`{"model":"auto","n":0,` + ask + `}`:                                                   "invalid_value",
		`{"model":"auto","n":2,"max_tokens":2147483648,` + ask + `}`:                           "invalid_value",
		`{"model":"auto","n":129,` + ask + `}`:                                                 "invalid_value",
		`{"model":"auto","cost_quality_tradeoff":11,` + ask + `}`:                              "invalid_value",
		`{"model":"auto","cost_quality_tradeoff":1.55,` + ask + `}`:                            "invalid_value",
		`{"model":"auto","cost_quality_tradeoff":1e300,` + ask + `}`:                           "invalid_value",
		`{"model":"auto","cost_quality_tradeoff":"7",` + ask + `}`:                             "invalid_value",
		`{"model":"auto","plugins":[7],` + ask + `}`:                                           "invalid_value",
		`{"model":"auto","plugins":[{"id":"auto-router","allowed_model":["x"]}],` + ask + `}`:  "invalid_value", // misspelt
		`{"model":"auto","plugins":[{"id":"web"}],` + ask + `}`:                                "unsupported_plugin",
		`{"model":"auto","plugins":[{"id":"auto_router","allowed_models":["x"]}],` + ask + `}`: "unsupported_plugin", // misspelt
		`{"model":"auto","plugins":[{}],` + ask + `}`:                                          "unsupported_plugin",
		`{"model":"auto","blocked_models":["qwen/*"],` + ask + `}`:                             "invalid_value",
		`{"model":"auto","allowed_models":"x",` + ask + `}`:                                    "invalid_value",
		`{"model":"auto","models":"x",` + ask + `}`:                                            "invalid_value",
		`{"models":["x",""],` + ask + `}`:                                                      "invalid_value",
		`{"models":[],` + ask + `}`:                                                            "missing_model",
		`{"models":["1","2","3","4","5","6","7","8","9"],` + ask + `}`:                         "invalid_value",
		`{"models":["x"],"Models":["y"],` + ask + `}`:                                          "invalid_value",
		`{"model":"auto","default_model":7,` + ask + `}`:                                       "invalid_value",
		`{"model":"auto","max_tokens":1,"Max_Tokens":100000,` + ask + `}`:                      "invalid_value", // Ollama would take the second
		`{"model":"auto","model":"big",` + ask + `}`:                                           "invalid_value",
	} {
		f := fakefleet.New()
		w := chat(t, f, body)
		if e := apiError(t, w); w.Code != http.StatusBadRequest || e["code"] != code || e["type"] != "invalid_request_error" {
			t.Errorf("%.80s: %d %s, want %s", body, w.Code, w.Body, code)
		}
		if len(f.Requests()) != 0 {
			t.Errorf("%.80s reached the fleet", body)
		}
	}
	for _, cost := range []string{"0", "-1", "x", "1e3", "0.0000001", "99999999", ".", "1.2.3", "+1", " "} {
		w := chat(t, fakefleet.New(), `{"model":"auto",`+ask+`}`, "X-Flotilla-Max-Cost", cost)
		if cost != " " && w.Code != http.StatusBadRequest {
			t.Errorf("max cost %q: %d", cost, w.Code)
		}
	}
}

// FuzzRequest: whatever the body, the answer is a completion or a 4xx in OpenAI's shape, and what is sent on is JSON
// without the members that are only for the router.
func FuzzRequest(f *testing.F) {
	for _, s := range []string{
		`{"model":"auto",` + ask + `}`, streamed, `{"model":"auto","plugins":[{"id":"auto-router","cost_quality_tradeoff":1}],` + ask + `}`,
		`{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url"}]}],"tools":[{}],"n":3}`,
		`{"model":"auto","messages":[{"content":null,"tool_calls":[{"function":{"arguments":"{}"}}]}],"max_tokens":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		fleet := fakefleet.New()
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(string(body)))
		r.Header.Set("Authorization", "Bearer "+testKey)
		w := httptest.NewRecorder()
		openai.NewHandler(config(fleet)).ServeHTTP(w, r)
		if w.Code != http.StatusOK {
			if apiError(t, w); w.Code < 400 || w.Code > 499 {
				t.Fatalf("status %d: %s", w.Code, w.Body)
			}
		}
		for _, req := range fleet.Requests() {
			sent := object(t, req.Body)
			for _, key := range []string{"plugins", "provider", "cost_quality_tradeoff", "allowed_models", "blocked_models", "default_model", "usage"} {
				if _, ok := sent[key]; ok {
					t.Errorf("%s was sent on: %s", key, req.Body)
				}
			}
			var in map[string]json.RawMessage
			if err := json.Unmarshal(body, &in); err != nil {
				t.Errorf("accepted a body that is no JSON object: %v", err)
			}
			if req.Dial < 0 || req.Dial > 10 || req.Choices == 0 || req.MessageCount == 0 || req.Model == "" {
				t.Errorf("out of range: %+v", req)
			}
		}
	})
}
