package openai_test

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"math"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// withEmbeddings embeds a text as its length and a third.
func withEmbeddings() openai.Config {
	cfg := config(fakefleet.New())
	cfg.Embeddings = &openai.EmbeddingModel{ID: "flotilla/tiny", Dim: 2, Embed: func(_ context.Context, text string) ([]float32, error) {
		return []float32{float32(len(text)), 1.0 / 3}, nil
	}}
	return cfg
}

func TestEmbeddings(t *testing.T) {
	cfg := withEmbeddings()
	list := object(t, do(t, cfg, http.MethodPost, "/v1/embeddings", `{"model":"Flotilla/Tiny","input":["a","four"]}`).Body.Bytes())
	data := list["data"].([]any)
	if diff := cmp.Diff(map[string]any{"object": "embedding", "index": 1.0, "embedding": []any{4.0, 0.33333334}}, data[1]); diff != "" {
		t.Errorf("second vector: %s", diff)
	}
	if list["object"] != "list" || list["model"] != "flotilla/tiny" || len(data) != 2 || list["usage"].(map[string]any)["prompt_tokens"] != 2.0 {
		t.Errorf("list: %v", list)
	}
	packed := object(t, do(t, cfg, http.MethodPost, "/v1/embeddings", `{"model":"flotilla/tiny","input":"four","encoding_format":"base64"}`).Body.Bytes())
	raw, err := base64.StdEncoding.DecodeString(packed["data"].([]any)[0].(map[string]any)["embedding"].(string))
	if err != nil || len(raw) != 8 || math.Float32frombits(binary.LittleEndian.Uint32(raw)) != 4 {
		t.Errorf("base64: %x, %v", raw, err)
	}
	entry := object(t, do(t, cfg, http.MethodGet, "/v1/models/flotilla/tiny", "").Body.Bytes())
	if out := entry["architecture"].(map[string]any)["output_modalities"]; !cmp.Equal(out, []any{"embeddings"}) {
		t.Errorf("model: %v", entry)
	}
}

func TestEmbeddingsRefuse(t *testing.T) {
	for body, want := range map[string]struct {
		status int
		param  string
	}{
		`{"input":"a"}`:                                                     {400, "model"},
		`{"model":"auto","input":"a"}`:                                      {404, "model"},
		`{"model":"flotilla/tiny"}`:                                         {400, "input"},
		`{"model":"flotilla/tiny","input":[]}`:                              {400, "input"},
		`{"model":"flotilla/tiny","input":[1,2]}`:                           {400, "input"},
		`{"model":"flotilla/tiny","input":[[1,2],[3]]}`:                     {400, "input"},
		`{"model":"flotilla/tiny","input":"a","dimensions":1}`:              {400, "dimensions"},
		`{"model":"flotilla/tiny","input":"a","encoding_format":"float16"}`: {400, "encoding_format"},
	} {
		w := do(t, withEmbeddings(), http.MethodPost, "/v1/embeddings", body)
		if e := apiError(t, w); w.Code != want.status || e["param"] != want.param {
			t.Errorf("%s: %d %s, want %d for %s", body, w.Code, w.Body, want.status, want.param)
		}
	}
	if w := do(t, config(fakefleet.New()), http.MethodPost, "/v1/embeddings", `{"model":"x","input":"a"}`); w.Code != 404 {
		t.Errorf("without an embedding model: %d", w.Code)
	}
}
