package backend_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"testing"

	"flotilla/node/backend"
)

// TestLiveServer talks to a real server if FLOTILLA_BACKEND_URL names one. It checks the protocol, never the answer.
func TestLiveServer(t *testing.T) {
	url := os.Getenv("FLOTILLA_BACKEND_URL")
	if url == "" {
		t.Skip("set FLOTILLA_BACKEND_URL to test against a real model server")
	}
	b, err := backend.New(url, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	models, err := b.Models(t.Context())
	if err != nil || len(models) == 0 {
		t.Fatalf("Models = %v, %v", models, err)
	}
	for _, m := range models {
		t.Run(m.ID, func(t *testing.T) {
			t.Logf("%+v", m)
			if m.Embeds() {
				liveEmbedding(t, b.WithModel(m.ID))
				return
			}
			liveChat(t, b.WithModel(m.ID))
		})
	}
}

func liveEmbedding(t *testing.T, b *backend.Backend) {
	s, err := b.Embed(t.Context(), []byte(`{"model":"asked","input":["Say hello.","Say goodbye."]}`))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	ev, err := s.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var list struct {
		Data []struct{ Embedding []float32 }
	}
	if err := json.Unmarshal(ev.Data, &list); err != nil || len(list.Data) != 2 || len(list.Data[0].Embedding) == 0 || ev.Usage.PromptTokens == 0 {
		t.Errorf("%d vectors, usage %+v, %v", len(list.Data), ev.Usage, err)
	}
}

func liveChat(t *testing.T, b *backend.Backend) {
	if err := b.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, stream := range []bool{false, true} {
		s, err := b.Chat(t.Context(), []byte(`{"model":"auto","messages":[{"role":"user","content":"Say hello."}],"max_tokens":8}`), stream)
		if err != nil {
			t.Fatal(err)
		}
		var usage *backend.Usage
		text, events := "", 0
		for {
			ev, err := s.Next(t.Context())
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			events++
			text += ev.Text
			if ev.Usage != nil {
				usage = ev.Usage
			}
		}
		if text == "" || usage == nil || usage.CompletionTokens == 0 || usage.PromptTokens == 0 {
			t.Errorf("stream %v: text %q, usage %+v", stream, text, usage)
		}
		t.Logf("stream %v: %d events, %d bytes of text, usage %+v", stream, events, len(text), usage)
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}
