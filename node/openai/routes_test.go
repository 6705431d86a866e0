package openai_test

import (
	"bytes"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

func TestRoutesAndMethods(t *testing.T) {
	for _, tc := range []struct {
		method, path string
		status       int
		code         string
	}{
		{"GET", "/v1/chat/completions", 405, "method_not_allowed"}, {"DELETE", "/v1/models", 405, "method_not_allowed"},
		{"POST", "/v1/receipts", 405, "method_not_allowed"}, {"GET", "/v1/responses", 405, "method_not_allowed"}, {"DELETE", "/v1/responses/resp_1", 404, "unknown_url"}, {"GET", "/", 404, "unknown_url"}, {"GET", "/v1", 404, "unknown_url"},
		{"POST", "//v1/chat/completions", 404, "unknown_url"}, {"GET", "/v1/models/", 404, "unknown_url"},
		{"GET", "/v1/models/../../etc", 404, "model_not_found"}, {"GET", "/v1/models/no/such", 404, "model_not_found"},
		{"GET", "/v1/receipts/xyz", 400, "invalid_value"}, {"GET", "/v1/receipts/0x" + strings.Repeat("ab", 32), 404, "receipt_not_found"},
		{"GET", "/v1/generation", 400, "invalid_value"}, {"GET", "/v1/receipts?limit=0", 400, "invalid_value"},
		{"GET", "/v1/receipts?limit=1001", 400, "invalid_value"}, {"GET", "/v1/receipts?limit=x", 400, "invalid_value"},
	} {
		w := do(t, config(fakefleet.New()), tc.method, tc.path, "")
		if e := apiError(t, w); w.Code != tc.status || e["code"] != tc.code {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
		if tc.status == 405 && w.Header().Get("Allow") == "" {
			t.Errorf("%s %s: 405 without Allow", tc.method, tc.path)
		}
	}
}

// What is not served says what to do, also to who has mistaken the base URL or speaks another API.
func TestUnknownAddressAdvises(t *testing.T) {
	for path, want := range map[string]string{
		"/chat/completions": "there is /v1/chat/completions: a client's base URL", "/v1/v1/completions": "there is /v1/completions:",
		"//v1/chat/completions": "there is /v1/chat/completions:", "/v1/embeddings/": "there is /v1/embeddings:", "/x/v1/key": "there is /v1/key:", "/api/v2/key": "there is /v1/key:",
		"/openai/deployments/x/chat/completions": "there is /v1/chat/completions:", "/v1/models/": "there is /v1/models:",
		"/v1/responses/resp_1": "not kept", "/v1/responses/resp_1/cancel": "not kept", "/responses": "there is /v1/responses:", "/messages": "there is /v1/messages: the base URL of Anthropic's clients", "/v1/v1/messages": "without /v1", "/v1/providers": "/v1/models/{id}/endpoints",
		"/v1/images/generations": "there are /v1/chat/completions, ",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			w := do(t, config(fakefleet.New()), method, path, "")
			if e := apiError(t, w); w.Code != 404 || e["code"] != "unknown_url" || !strings.Contains(e["message"].(string), want) {
				t.Errorf("%s %s: %d %s, want %q", method, path, w.Code, w.Body, want)
			}
		}
	}
}

func TestKeys(t *testing.T) {
	h := openai.NewHandler(config(fakefleet.New()))
	for _, path := range []string{"/v1/models", "/v1/receipts", "/v1/generation?id=x", "/v1/key", "/v1/credits", "/v1/models/count", "/v1/models/auto/endpoints", "/v1/models/auto", "/v1/receipts/" + fakefleet.ReceiptID} {
		for value, code := range map[string]string{
			"": "missing_api_key", "Bearer": "missing_api_key", "Bearer ": "missing_api_key", "Basic " + testKey: "missing_api_key",
			"Bearer wrong": "invalid_api_key", "Bearer " + testKey + "x": "invalid_api_key", "Bearer " + strings.Repeat("x", 10_000): "invalid_api_key",
		} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Authorization", value)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if e := apiError(t, w); w.Code != 401 || e["code"] != code {
				t.Errorf("%s with %.20q: %d %s", path, value, w.Code, w.Body)
			}
		}
	}
	if w := do(t, openai.Config{Completer: fakefleet.New()}, "GET", "/v1/models", ""); w.Code != 401 {
		t.Errorf("without a key check everything must be refused, got %d", w.Code)
	}
	if _, err := openai.NewServer(openai.Config{Completer: fakefleet.New()}); err == nil {
		t.Error("a server without keys must not start")
	}
	if _, err := openai.NewServer(openai.Config{Keys: fakefleet.Keys()}); err == nil {
		t.Error("a server without a completer must not start")
	}
}

func TestModels(t *testing.T) {
	f := fakefleet.New()
	f.List = append(f.List, openai.Model{ID: "org/model:free", ContextLength: 8192, SupportedParameters: []string{"tools"}})
	list := object(t, do(t, config(f), "GET", "/v1/models", "").Body.Bytes())
	data := list["data"].([]any)
	var ids []any
	for _, m := range data {
		ids = append(ids, m.(map[string]any)["id"])
	}
	if diff := cmp.Diff([]any{"auto", model, "org/model:free"}, ids); diff != "" || list["object"] != "list" {
		t.Errorf("ids (-want +got):\n%s", diff)
	}
	m := data[1].(map[string]any)
	// 20,000 µUSD per million tokens are 2 cents per million, 2e-8 USD per token.
	if diff := cmp.Diff(any(map[string]any{"prompt": "0.00000002", "completion": "0.00000004", "request": "0.000001"}), m["pricing"]); diff != "" {
		t.Errorf("pricing (-want +got):\n%s", diff)
	}
	for _, want := range []string{"tools", "temperature"} { // of auto, what any model has
		if params := data[0].(map[string]any)["supported_parameters"].([]any); !slices.Contains(params, any(want)) {
			t.Errorf("auto, without %s: %v", want, params)
		}
	}
	if params := m["supported_parameters"].([]any); !slices.Contains(params, any("temperature")) || slices.Contains(params, any("tools")) {
		t.Errorf("parameters: %v", params)
	}
	if m["object"] != "model" || m["owned_by"] != "flotilla" || m["context_length"] != 2048.0 {
		t.Errorf("model: %v", m)
	}
	for path, want := range map[string]string{"org/model:free": "org/model:free", "org%2Fmodel:free": "org/model:free", "flotilla/auto": "auto"} {
		if got := object(t, do(t, config(f), "GET", "/v1/models/"+path, "").Body.Bytes()); got["id"] != want {
			t.Errorf("model %s: %v", path, got)
		}
	}
	f.List = nil
	if w := do(t, config(f), "GET", "/v1/models", ""); w.Code != 200 || w.Body.String() != `{"object":"list","data":[],"total_count":0,"links":{"next":null}}` {
		t.Errorf("no operator up: %d %s", w.Code, w.Body)
	}
}

func TestReceiptsAndDryRun(t *testing.T) {
	f := fakefleet.New()
	answer := "chatcmpl-" + strings.TrimPrefix(fakefleet.ReceiptID, "0x")
	record := `{"receipt":{"request":"` + fakefleet.ReceiptID + `"}}`
	for path, want := range map[string]string{
		"/v1/receipts/" + fakefleet.ReceiptID: record,
		"/v1/receipts/" + answer:              record,
		"/v1/receipts?limit=5":                `{"object":"list","data":["` + fakefleet.ReceiptID + `"],"has_more":true,"next":"there"}`,
		"/v1/receipts?after=there":            `{"object":"list","data":[],"has_more":false}`,
	} {
		if w := do(t, config(f), "GET", path, ""); w.Code != 200 || w.Body.String() != want {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	w := do(t, config(f), "POST", "/v1/route", `{"cost_quality_tradeoff":2,`+ask+`}`)
	if w.Code != 200 || w.Body.String() != `{"pick":{"model":"`+model+`"},"dial":2}` {
		t.Errorf("dry run: %d %s", w.Code, w.Body)
	}
	if reqs := f.Requests(); len(reqs) != 1 || !reqs[0].Auto || f.Closed.Load() != 0 {
		t.Errorf("a dry run must run nothing: %+v", reqs)
	}
}

func TestProbes(t *testing.T) {
	f := fakefleet.New()
	h := openai.NewHandler(config(f))
	get := func(method, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, path, nil)) // no key
		return w
	}
	if w := get("GET", "/healthz"); w.Code != 200 {
		t.Errorf("healthz: %d", w.Code)
	}
	if w := get("HEAD", "/readyz"); w.Code != 200 || w.Body.Len() != 0 {
		t.Errorf("HEAD readyz: %d %q", w.Code, w.Body)
	}
	f.NotReady = errors.New("no operator yet")
	if w := get("GET", "/readyz"); w.Code != 503 || !strings.Contains(w.Body.String(), "no operator yet") {
		t.Errorf("readyz: %d %s", w.Code, w.Body)
	}
}

func TestErrorsOfTheFleet(t *testing.T) {
	f := fakefleet.New()
	f.CompleteErr = &openai.APIError{Status: 429, Code: "rate_limit_exceeded", Message: "slow down", RetryAfter: 1500 * time.Millisecond, NoRetry: true}
	w := chat(t, f, `{"model":"auto",`+ask+`}`)
	if e := apiError(t, w); w.Code != 429 || e["type"] != "rate_limit_error" || e["param"] != nil {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{"Retry-After": "2", "Retry-After-Ms": "1500", "X-Should-Retry": "false"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s = %q, want %q", name, got, want)
		}
	}
	if w = chat(t, fakefleet.New(), `{"model":"nobody",`+ask+`}`); w.Code != 404 || apiError(t, w)["code"] != "model_not_found" {
		t.Errorf("unknown model: %d %s", w.Code, w.Body)
	}
}

func TestBodyCap(t *testing.T) {
	cfg := config(fakefleet.New())
	cfg.MaxBodyBytes = 1000
	for _, known := range []bool{true, false} {
		r := httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(strings.Repeat(" ", 1001)))
		r.Header.Set("Authorization", "Bearer "+testKey)
		if !known {
			r.ContentLength = -1
		}
		w := httptest.NewRecorder()
		openai.NewHandler(cfg).ServeHTTP(w, r)
		if e := apiError(t, w); w.Code != 413 || e["code"] != "request_too_large" {
			t.Errorf("length known %v: %d %s", known, w.Code, w.Body)
		}
	}
	// A text completion grows on its way into a chat: JSON may leave U+2028 as it is, and Go writes six bytes for its three.
	grows := fakefleet.New()
	cfg.Completer = grows
	if w := do(t, cfg, http.MethodPost, "/v1/completions", `{"model":"auto","prompt":"`+strings.Repeat("\u2028", 300)+`"}`); w.Code != 413 || len(grows.Requests()) != 0 {
		t.Errorf("a prompt that grows over the cap: %d %s, reached the fleet %d times", w.Code, w.Body, len(grows.Requests()))
	}
	big := strings.Repeat("x", 1<<20)
	f := fakefleet.New()
	if w := chat(t, f, `{"model":"auto","messages":[{"role":"user","content":"`+big+`"}]}`); w.Code != 200 || len(f.Requests()[0].Body) <= 1<<20 || len(f.Requests()[0].PromptText) != 32<<10 {
		t.Errorf("1 MiB prompt: %d", w.Code)
	}
}

// TestCompressedBody: a body that is compressed is refused for that, whatever it would unpack to.
func TestCompressedBody(t *testing.T) {
	f := fakefleet.New()
	for encoding, want := range map[string]int{"gzip": 415, "br, gzip": 415, "identity": 200, "": 200} {
		w := chat(t, f, `{"model":"auto",`+ask+`}`, "Content-Encoding", encoding)
		if w.Code != want || want == 415 && (apiError(t, w)["code"] != "unsupported_encoding" || w.Header().Get("Accept-Encoding") != "identity") {
			t.Errorf("%q: %d %s, want %d", encoding, w.Code, w.Body, want)
		}
	}
	if n := len(f.Requests()); n != 2 {
		t.Errorf("%d requests reached the fleet, want 2", n)
	}
}

// TestNothingSecretIsLogged: no prompts, answers, keys or panic values, and one line a request.
func TestNothingSecretIsLogged(t *testing.T) {
	var buf bytes.Buffer
	f := fakefleet.New()
	f.Pieces = []string{"SECRET-ANSWER"}
	cfg := config(f)
	cfg.Logger = bufferLog(&buf)
	body := `{"model":"auto","messages":[{"role":"user","content":"SECRET-PROMPT"}]}`
	do(t, cfg, "POST", "/v1/chat/completions", body)
	do(t, cfg, "POST", "/v1/chat/completions", body+"}")
	do(t, cfg, "GET", "/v1/models", "", "Authorization", "Bearer sk-SECRET-wrong")
	if n := bytes.Count(buf.Bytes(), []byte("\n")); n != 3 {
		t.Errorf("%d log lines for 3 requests:\n%s", n, buf.Bytes())
	}
	f.PanicAt = 0
	if w := do(t, cfg, "POST", "/v1/chat/completions", body); w.Code != 500 || apiError(t, w)["code"] != "internal_error" || strings.Contains(w.Body.String(), "goroutine") {
		t.Errorf("panic: %d %s", w.Code, w.Body)
	}
	for _, secret := range []string{"SECRET", testKey, "told to"} {
		if strings.Contains(buf.String(), secret) {
			t.Errorf("%s was logged:\n%s", secret, buf.String())
		}
	}
	for _, want := range []string{`"receipt_id":"` + fakefleet.ReceiptID, `"cost_micro_usd":2`, `"request_id":"req_`, `"outcome":"invalid_json"`, `"outcome":"panic"`, `"stack":`} {
		if !strings.Contains(buf.String(), want) {
			t.Errorf("log lacks %s:\n%s", want, buf.String())
		}
	}
	if f.Closed.Load() != 2 {
		t.Errorf("%d replies closed, want 2, also after a panic", f.Closed.Load())
	}
}

// TestModelsOfAKey: a key is shown what its lists let it ask for.
func TestModelsOfAKey(t *testing.T) {
	for _, c := range []struct {
		rules openai.KeyRules
		want  []string
	}{
		{openai.KeyRules{}, []string{"auto", "big-70b", model, "flotilla/tiny"}},
		{openai.KeyRules{Allow: []string{"smollm*"}}, []string{"auto", model}},
		{openai.KeyRules{Block: []string{"smollm*", "flotilla/*"}}, []string{"auto", "big-70b"}},
		{openai.KeyRules{Allow: []string{"flotilla/*"}}, []string{"flotilla/tiny"}},
	} {
		f := fakefleet.New()
		f.List = append([]openai.Model{{ID: "big-70b"}}, f.List...)
		cfg := config(f)
		cfg.Embeddings = &openai.EmbeddingModel{ID: "flotilla/tiny"}
		cfg.Keys = func(string) (openai.KeyInfo, error) { return openai.KeyInfo{ID: "k", Rules: &c.rules}, nil }
		got := []string{}
		for _, m := range object(t, do(t, cfg, "GET", "/v1/models", "").Body.Bytes())["data"].([]any) {
			got = append(got, m.(map[string]any)["id"].(string))
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", c.rules, diff)
		}
		for _, id := range []string{"auto", "big-70b", model, "flotilla/tiny"} {
			want := http.StatusNotFound
			if slices.Contains(c.want, id) {
				want = http.StatusOK
			}
			if w := do(t, cfg, "GET", "/v1/models/"+id, ""); w.Code != want {
				t.Errorf("%+v: %s is %d, want %d", c.rules, id, w.Code, want)
			}
		}
	}
	auto := object(t, do(t, config(fakefleet.New()), "GET", "/v1/models/auto", "").Body.Bytes())
	if diff := cmp.Diff(any(map[string]any{"prompt": "-1", "completion": "-1", "request": "-1"}), auto["pricing"]); diff != "" {
		t.Errorf("auto's pricing, which OpenRouter's clients read of every entry (-want +got):\n%s", diff)
	}
}
