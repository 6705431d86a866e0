package openai_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// TestPagesOfOtherSites: a client in a browser may ask and read the answer, as it may at OpenAI, errors too; the key is all that
// counts. What is open without a key is not for other sites.
func TestPagesOfOtherSites(t *testing.T) {
	h := openai.NewHandler(config(fakefleet.New()))
	for _, o := range []struct {
		method, path, asks, key string
		status                  int
		readable                bool
	}{
		{http.MethodOptions, "/v1/chat/completions", "POST", "", 204, true},
		{http.MethodOptions, "/v1/models", "GET", "", 204, true},
		{http.MethodOptions, "/v1/models", "", "", 405, true}, // no preflight
		{http.MethodGet, "/v1/models", "", testKey, 200, true},
		{http.MethodGet, "/v1/models", "", "wrong", 401, true},
		{http.MethodOptions, "/v1/providers", "POST", "", 204, true}, // what is not there says so
		{http.MethodPost, "/v1/providers", "", testKey, 404, true},
		{http.MethodOptions, "/chat/completions", "POST", "", 204, true}, // nor is what a base URL without /v1 asks for
		{http.MethodPost, "/chat/completions", "", testKey, 404, true},
		{http.MethodOptions, "/v1/messages", "POST", "", 204, true},
		{http.MethodOptions, "/v1/models", "DELETE", "", 204, true},
		{http.MethodDelete, "/v1/models", "", testKey, 405, true},
		{http.MethodOptions, "/healthz", "GET", "", 405, false},
		{http.MethodGet, "/healthz", "", "", 200, false},
		{http.MethodOptions, "/", "GET", "", 404, false},
	} {
		r := httptest.NewRequest(o.method, o.path, nil)
		r.Header.Set("Origin", "https://chat.example")
		r.Header.Set("Access-Control-Request-Method", o.asks)
		r.Header.Set("Access-Control-Request-Headers", "authorization,x-stainless-lang")
		if o.asks == "" {
			r.Header.Del("Access-Control-Request-Method")
		}
		r.Header.Set("Authorization", "Bearer "+o.key)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		head := w.Header()
		if w.Code != o.status || (head.Get("Access-Control-Allow-Origin") == "*") != o.readable || head.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%+v: %d %v", o, w.Code, head)
		}
		if o.status == 204 && (head.Get("Access-Control-Allow-Methods") != o.asks || head.Get("Access-Control-Allow-Headers") != "authorization,x-stainless-lang") {
			t.Errorf("%+v: %v", o, head)
		}
	}
	if w := do(t, config(fakefleet.New()), http.MethodGet, "/v1/models", ""); w.Header().Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("without an Origin: %v", w.Header())
	}
}
