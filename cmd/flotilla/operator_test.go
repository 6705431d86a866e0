package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestNothingToServe: an operator that would serve nothing says what its servers have, and which flag leaves it out.
func TestNothingToServe(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/models" {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"qwen2.5-7b-instruct","object":"model"}]}`)
	}))
	defer server.Close()
	for name, test := range map[string]struct {
		cmd  operatorCmd
		want string
	}{
		"no price":    {operatorCmd{Price: map[string]string{"other": "1/2"}}, "no price"},
		"other model": {operatorCmd{Price: map[string]string{"*": "1/2"}, Model: []string{"other"}}, "--model"},
	} {
		t.Run(name, func(t *testing.T) {
			test.cmd.Backend = []string{server.URL}
			_, _, err := test.cmd.models(t.Context(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), "qwen2.5-7b-instruct") {
				t.Errorf("said %v, want what is there and %q", err, test.want)
			}
		})
	}
}

// TestServerWithoutModels: a model server that was started and has no model yet is told apart from prices that are missing.
func TestServerWithoutModels(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"object":"list","data":[]}`)
	}))
	defer server.Close()
	cmd := operatorCmd{Backend: []string{server.URL}, Price: map[string]string{"*": "1/2"}}
	if _, _, err := cmd.models(t.Context(), slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "list no model: load one") {
		t.Errorf("said %v", err)
	}
}

// TestServerThatWantsAKey: vLLM's --api-key and the like. The key goes to the server that it is for, and to no other.
func TestServerThatWantsAKey(t *testing.T) {
	server := func(key string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch got := r.Header.Get("Authorization"); {
			case got == "Bearer "+key && r.URL.Path == "/v1/models":
				_, _ = io.WriteString(w, `{"object":"list","data":[{"id":"qwen2.5-7b-instruct","object":"model"}]}`)
			case got == "Bearer "+key:
				http.NotFound(w, r)
			default:
				http.Error(w, `{"error":"Unauthorized"}`, http.StatusUnauthorized)
			}
		}))
		t.Cleanup(s.Close)
		return s.URL
	}
	one, other := server("secret-one"), server("secret-other")
	for name, test := range map[string]struct {
		keys map[string]string
		want string // of the error; empty: all is served
	}{
		"each its own":    {map[string]string{one: "secret-one", other + "/v1/": "secret-other"}, ""},
		"and the rest":    {map[string]string{one: "secret-one", "*": "secret-other"}, ""},
		"none":            {nil, "--backend-key"},
		"another's":       {map[string]string{"*": "secret-other"}, "--backend-key"},
		"no such backend": {map[string]string{one: "secret-one", "http://127.0.0.1:9": "secret-other"}, "there is no --backend http://127.0.0.1:9"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := operatorCmd{Backend: []string{one + "/v1", other}, BackendKey: test.keys, Price: map[string]string{"*": "1/2"}}
			served, _, err := cmd.models(t.Context(), slog.New(slog.DiscardHandler))
			switch {
			case test.want == "" && (err != nil || len(served) != 2):
				t.Errorf("%d models, %v", len(served), err)
			case test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want) || strings.Contains(err.Error(), "secret")):
				t.Errorf("said %v, want %q", err, test.want)
			}
		})
	}
}
