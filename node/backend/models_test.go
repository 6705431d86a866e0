package backend_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/backend"
)

// routes answers each path with its JSON and everything else with 404.
func routes(answers map[string]string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		path := r.URL.Path
		if r.Method == http.MethodPost {
			data, _ := io.ReadAll(r.Body)
			path += " " + string(data)
		}
		body, ok := answers[path]
		if !ok {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, body)
	}
}

var runtimes = map[string]struct {
	answers map[string]string
	want    []backend.Model
}{
	"llama.cpp": {map[string]string{
		"/v1/models": `{"object":"list","data":[{"id":"smollm2-135m","owned_by":"llamacpp","meta":{"n_ctx":2048,"n_ctx_train":8192,"ftype":"Q4_1"}}]}`,
		"/props":     `{"default_generation_settings":{"n_ctx":1024},"model_path":"/x/smol.Q8_0.gguf","chat_template":"{% if tools %}","modalities":{"vision":true}}`,
	}, []backend.Model{{ID: "smollm2-135m", ContextLength: 1024, Quantization: "Q4_1", Runtime: backend.LlamaCpp, TokenCounting: "llama.cpp/gguf-chat-template", Features: []string{"json", "tools", "vision"}}}},
	"llama.cpp with --embedding": {map[string]string{
		"/v1/models": `{"data":[{"id":"nomic","owned_by":"llamacpp","meta":{"n_ctx":2048,"ftype":"F16"}}]}`,
		"/props":     `{"default_generation_settings":{"n_ctx":2048}}`,
		`/v1/embeddings {"input":"a","encoding_format":"float"}`: `{"data":[{"index":0,"embedding":[0.5,1]}]}`,
	}, []backend.Model{{ID: "nomic", ContextLength: 2048, Quantization: "F16", Runtime: backend.LlamaCpp, TokenCounting: "llama.cpp/gguf-chat-template", Features: []string{"embeddings"}}}},
	"older llama.cpp without /props": {map[string]string{
		"/v1/models": `{"data":[{"id":"/m/Gemma-3-270m-Q4_K_M.gguf","owned_by":"llamacpp","meta":null}]}`,
	}, []backend.Model{{ID: "/m/Gemma-3-270m-Q4_K_M.gguf", Quantization: "Q4_K_M", Runtime: backend.LlamaCpp, TokenCounting: "llama.cpp/gguf-chat-template"}}},
	"ollama": {map[string]string{
		"/v1/models":                        `{"data":[{"id":"llama3.2:1b","owned_by":"library"},{"id":"long:latest","owned_by":"me"},{"id":"loaded:1","owned_by":"me"},{"id":"embed:v1","owned_by":"library"}]}`,
		"/api/version":                      `{"version":"0.17.4"}`,
		"/api/tags":                         `{"models":[{"name":"llama3.2:1b","details":{"quantization_level":"Q8_0"}}]}`,
		"/api/ps":                           `{"models":[{"name":"loaded:1","context_length":32768}]}`,
		`/api/show {"model":"llama3.2:1b"}`: `{"parameters":"stop \"x\"\nnum_ctx      2048","model_info":{"llama.context_length":131072},"capabilities":["completion","tools"]}`,
		`/api/show {"model":"long:latest"}`: `{"model_info":{"llama.context_length":131072}}`,
		`/api/show {"model":"loaded:1"}`:    `{"model_info":{"llama.context_length":131072}}`,
		`/api/show {"model":"embed:v1"}`:    `{"model_info":{"bert.context_length":2048},"capabilities":["embedding"]}`,
	}, []backend.Model{
		{ID: "llama3.2:1b", ContextLength: 2048, Quantization: "Q8_0", Runtime: backend.Ollama, TokenCounting: "ollama/template", Features: []string{"json", "tools"}},
		{ID: "long:latest", ContextLength: 4096, Runtime: backend.Ollama, TokenCounting: "ollama/template", Features: []string{"json"}},
		{ID: "loaded:1", ContextLength: 32768, Runtime: backend.Ollama, TokenCounting: "ollama/template", Features: []string{"json"}},
		{ID: "embed:v1", ContextLength: 2048, Runtime: backend.Ollama, TokenCounting: "ollama/template", Features: []string{"embeddings"}},
	}},
	"vllm": {map[string]string{
		"/v1/models": `{"data":[{"id":"Qwen/Qwen2.5-0.5B-Instruct-AWQ","owned_by":"vllm","max_model_len":32768}]}`,
	}, []backend.Model{{ID: "Qwen/Qwen2.5-0.5B-Instruct-AWQ", ContextLength: 32768, Quantization: "AWQ", Runtime: backend.VLLM, TokenCounting: "vllm/hf-chat-template", Features: []string{"json"}}}},
	"lmstudio": {map[string]string{
		"/v1/models":     `{"data":[{"id":"qwen","owned_by":"organization_owner"},{"id":"nomic","owned_by":"organization_owner"}]}`,
		"/api/v0/models": `{"data":[{"id":"qwen","type":"llm","quantization":"4bit","max_context_length":32768,"loaded_context_length":4096,"capabilities":["tool_use"]},{"id":"nomic","type":"embeddings","max_context_length":2048}]}`,
	}, []backend.Model{{ID: "qwen", ContextLength: 4096, Quantization: "4bit", Runtime: backend.LMStudio, TokenCounting: "lmstudio/model-template", Features: []string{"json", "tools"}},
		{ID: "nomic", ContextLength: 2048, Runtime: backend.LMStudio, TokenCounting: "lmstudio/model-template", Features: []string{"embeddings"}}}},
	"any other": {map[string]string{"/v1/models": `{"data":[{"id":"m"}]}`},
		[]backend.Model{{ID: "m", Runtime: backend.OpenAICompatible, TokenCounting: "openai-compatible/reported"}}},
}

func TestModelsOfRuntimes(t *testing.T) {
	for name, tc := range runtimes {
		got, err := serve(t, routes(tc.answers)).Models(t.Context())
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestReady(t *testing.T) {
	list := routes(map[string]string{"/v1/models": `{"data":[{"id":"own-name:latest"}]}`})
	if err := serve(t, list).Ready(t.Context()); err != nil {
		t.Error(err)
	}
	if err := serve(t, list).WithModel("other").Ready(t.Context()); err == nil || strings.Contains(err.Error(), "127.0.0.1") { // gateways are told it
		t.Errorf("ready without the model, with which llama.cpp would answer for another, or the server's address is told: %v", err)
	}
	if err := serve(t, loading).Ready(t.Context()); !errors.Is(err, backend.ErrNotReady) {
		t.Errorf("loading: %v", err)
	}
	for _, body := range []string{"<html>", "{}", "[]", `{"data":7}`} {
		b := serve(t, func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, body) })
		if err := b.Ready(t.Context()); !errors.Is(err, backend.ErrBadAnswer) {
			t.Errorf("%s: %v", body, err)
		}
	}
	gone := httptest.NewServer(http.HandlerFunc(loading))
	gone.Close()
	b, err := backend.New(gone.URL, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Ready(t.Context()); err == nil || errors.Is(err, backend.ErrNotReady) {
		t.Errorf("nobody listening: %v", err)
	}
}

func loading(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`)
}

func TestDetect(t *testing.T) {
	var hosts, want []string
	add := func(h http.HandlerFunc, found bool) {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		hosts = append(hosts, strings.TrimPrefix(srv.URL, "http://"))
		if found {
			want = append(want, srv.URL+"/v1")
		}
	}
	add(routes(runtimes["ollama"].answers), true)
	add(loading, true)
	add(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "<html>") }, false) // some other web server
	add(http.NotFound, false)
	slices.Sort(want)
	if found := backend.Detect(t.Context(), append(hosts, hosts...)); !slices.Equal(found, want) {
		t.Errorf("found %q, want %q", found, want)
	}
}
