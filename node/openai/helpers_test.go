package openai_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const (
	testKey = "sk-flotilla-test-key"
	model   = "smollm2-135m-instruct"
	ask     = `"messages":[{"role":"user","content":"Hi"}]`
)

func config(f openai.Completer) openai.Config {
	return openai.Config{Completer: f, Keys: fakefleet.Keys(testKey)}
}

// do sends one request straight to the handler.
func do(t *testing.T, cfg openai.Config, method, path, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	openai.NewHandler(cfg).ServeHTTP(w, r)
	return w
}

func chat(t *testing.T, f *fakefleet.Fleet, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	return do(t, config(f), http.MethodPost, "/v1/chat/completions", body, header...)
}

func object(t *testing.T, data []byte) map[string]any {
	t.Helper()
	var v map[string]any
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatalf("not a JSON object: %v\n%s", err, data)
	}
	return v
}

// apiError is the error of an answer, after checking that it has OpenAI's shape.
func apiError(t *testing.T, w *httptest.ResponseRecorder) map[string]any {
	t.Helper()
	e, ok := object(t, w.Body.Bytes())["error"].(map[string]any)
	if !ok {
		t.Fatalf("no error object: %s", w.Body)
	}
	for _, key := range []string{"message", "type", "param", "code"} {
		if _, ok := e[key]; !ok {
			t.Errorf("error has no %q: %s", key, w.Body)
		}
	}
	if !strings.HasPrefix(w.Header().Get("X-Request-Id"), "req_") || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("headers: %v", w.Header())
	}
	return e
}

// events splits a stream into its data, comments left out, as the clients do.
func events(t *testing.T, body io.Reader) []string {
	t.Helper()
	var out []string
	s := bufio.NewScanner(body)
	for s.Scan() {
		if data, ok := strings.CutPrefix(s.Text(), "data: "); ok {
			out = append(out, data)
		} else if s.Text() != "" && !strings.HasPrefix(s.Text(), ":") {
			t.Errorf("line is neither data, comment nor empty: %q", s.Text())
		}
	}
	return out
}

// eventually waits for what another goroutine is about to do; a minute means never.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never happened: %s", what)
		}
	}
}

func bufferLog(buf *bytes.Buffer) *slog.Logger {
	return slog.New(slog.NewJSONHandler(buf, &slog.HandlerOptions{Level: slog.LevelDebug}))
}
