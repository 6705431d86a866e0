package backend_test

import (
	"errors"
	"io"
	"net/http"
	"testing"

	"flotilla/node/backend"
)

// Vectors are asked for as numbers, under the server's name for the model, and come whole or not at all.
func TestEmbed(t *testing.T) {
	var got string
	answer := func(status int, body string) *backend.Backend {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			raw, _ := io.ReadAll(r.Body)
			got = r.URL.Path + " " + string(raw)
			w.Header().Set("Content-Type", "application/json")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, body)
		})
	}
	const list = `{"object":"list","data":[{"index":0,"embedding":[1,2]}],"usage":{"prompt_tokens":3,"total_tokens":3}}`
	embed := func(b *backend.Backend) (backend.Event, error) {
		s, err := b.Embed(t.Context(), []byte(`{"model":"asked","input":["some text"],"dimensions":2,"encoding_format":"base64"}`))
		if err != nil {
			return backend.Event{}, err
		}
		defer s.Close()
		ev, err := s.Next(t.Context())
		if err == nil {
			if _, end := s.Next(t.Context()); !errors.Is(end, io.EOF) {
				t.Errorf("after the vectors comes %v", end)
			}
		}
		return ev, err
	}
	ev, err := embed(answer(200, list))
	if err != nil || string(ev.Data) != list || ev.Usage == nil || ev.Usage.PromptTokens != 3 || ev.Usage.CompletionTokens != 0 || ev.Text != "" {
		t.Errorf("%+v, %v", ev, err)
	}
	if want := `/v1/embeddings {"model":"own-name","input":["some text"],"dimensions":2,"encoding_format":"float"}`; got != want {
		t.Errorf("the server was asked %s, want %s", got, want)
	}
	if ev, err := embed(answer(200, `{"data":[{"embedding":[1,2]}]}`)); err != nil || !ev.Usage.Estimated || ev.Usage.PromptTokens == 0 || ev.Usage.CompletionTokens != 0 {
		t.Errorf("without usage: %+v, %v", ev, err)
	}
	if _, err := embed(answer(200, `{"choices":[]}`)); !errors.Is(err, backend.ErrBadAnswer) {
		t.Errorf("no vectors: %v", err)
	}
	var upstream *backend.UpstreamError
	if _, err := embed(answer(200, `{"data":[{"embedding":[1,2,3]}]}`)); !errors.As(err, &upstream) || upstream.Status != 400 || upstream.Param != "dimensions" {
		t.Errorf("three dimensions where two were asked for: %v", err)
	}
	if _, err := embed(answer(400, `{"error":{"message":"input is too long"}}`)); !errors.As(err, &upstream) || upstream.Status != 400 {
		t.Errorf("refused: %v", err)
	}
}
