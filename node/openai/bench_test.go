package openai_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// BenchmarkHandler is the cost of the HTTP surface over real connections: ns/op minus that of "bare" is what it adds.
// The bare handler reads the body and writes what the fake fleet would send, in as many writes and flushes.
func BenchmarkHandler(b *testing.B) {
	f := fakefleet.New()
	whole, stream := `{"model":"auto",`+ask+`}`, streamed
	const chat, response, message = "/v1/chat/completions", "/v1/responses", "/v1/messages"
	for _, bm := range []struct {
		name    string
		handler http.Handler
		path    string
		body    string
	}{
		{"json/bare", bare(1), chat, whole},
		{"json/flotilla", openai.NewHandler(config(f)), chat, whole},
		{"json/responses", openai.NewHandler(config(f)), response, respond},
		{"json/messages", openai.NewHandler(config(f)), message, sendMessage},
		{"sse/bare", bare(6), chat, stream},
		{"sse/flotilla", openai.NewHandler(config(f)), chat, stream},
		{"sse/responses", openai.NewHandler(config(f)), response, `{"model":"auto","input":"Hi","stream":true}`},         // 11 events
		{"sse/messages", openai.NewHandler(config(f)), message, strings.Replace(sendMessage, "{", `{"stream":true,`, 1)}, // 8 events
	} {
		b.Run(bm.name, func(b *testing.B) {
			srv := httptest.NewServer(bm.handler)
			defer srv.Close()
			b.ReportAllocs()
			for b.Loop() {
				r, err := http.NewRequest(http.MethodPost, srv.URL+bm.path, strings.NewReader(bm.body))
				if err != nil {
					b.Fatal(err)
				}
				r.Header.Set("Authorization", "Bearer "+testKey)
				resp, err := http.DefaultClient.Do(r)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != 200 {
					b.Fatalf("%d, %v", resp.StatusCode, err)
				}
				resp.Body.Close()
			}
		})
	}
}

func bare(writes int) http.Handler {
	event := []byte(`data: {"id":"up-1","created":1,"model":"upstream-name","choices":[{"index":0,"delta":{"content":" from"},"finish_reason":null}]}` + "\n\n")
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			return
		}
		for range writes {
			if _, err := w.Write(event); err != nil {
				return
			}
			if writes > 1 {
				w.(http.Flusher).Flush()
			}
		}
	})
}
