package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
)

// modelServer speaks as llama.cpp's server does and can stop at any token. A real model cannot be stopped between two
// tokens, which is what these tests are about; the demo and the client tests run the real ones.
type modelServer struct {
	*httptest.Server
	tokens   int           // of a whole answer
	holdAt   int           // token before which it waits for ever; -1 never
	reached  chan struct{} // closed when it waits
	once     sync.Once
	requests atomic.Int32
	gone     atomic.Int32 // requests whose client left before the end
}

func newModelServer(t *testing.T, tokens, holdAt int) *modelServer {
	m := &modelServer{tokens: tokens, holdAt: holdAt, reached: make(chan struct{})}
	m.Server = httptest.NewServer(http.HandlerFunc(m.serve))
	t.Cleanup(func() { m.CloseClientConnections(); m.Close() })
	return m
}

func (m *modelServer) serve(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/v1/models":
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"object":"model","owned_by":"llamacpp","meta":{"n_ctx":2048}}]}`, testModel)
		return
	case "/health":
		fmt.Fprint(w, `{"status":"ok"}`)
		return
	case "/props":
		fmt.Fprintf(w, `{"default_generation_settings":{"n_ctx":2048},"model_alias":%q}`, testModel)
		return
	case "/v1/chat/completions":
	default:
		http.NotFound(w, r)
		return
	}
	m.requests.Add(1)
	_, _ = io.Copy(io.Discard, r.Body)
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(s string) { fmt.Fprintf(w, "data: %s\n\n", s); w.(http.Flusher).Flush() }
	chunk := func(delta, finish string) string {
		return fmt.Sprintf(`{"id":"x","object":"chat.completion.chunk","created":1,"model":%q,"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`, testModel, delta, finish)
	}
	for i := range m.tokens {
		if i == m.holdAt {
			w.(http.Flusher).Flush()
			m.once.Do(func() { close(m.reached) })
			<-r.Context().Done()
			m.gone.Add(1)
			return
		}
		send(chunk(fmt.Sprintf(`{"content":"tok%d "}`, i), "null"))
	}
	send(chunk(`{}`, `"stop"`))
	send(fmt.Sprintf(`{"id":"x","object":"chat.completion.chunk","created":1,"model":%q,"choices":[],"usage":{"prompt_tokens":11,"completion_tokens":%d,"total_tokens":%d}}`, testModel, m.tokens, m.tokens+11))
	send("[DONE]")
}
