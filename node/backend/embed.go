package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"flotilla/node/rawjson"
)

// Embed sends a request for embeddings. Its answer is one event: OpenAI's list of vectors, as numbers, since not every
// server knows base64. The body is forwarded with model and encoding_format set, and otherwise as it came.
func (b *Backend) Embed(ctx context.Context, body []byte) (*Stream, error) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	edits := []rawjson.Edit{{Key: "encoding_format", Value: json.RawMessage(`"float"`)}}
	if b.opts.Model != "" {
		edits = append(edits, rawjson.Edit{Key: "model", Value: rawjson.Quote(b.opts.Model)})
	}
	input, _ := obj.Get("input")
	dimensions, _, err := uintMember(obj, "dimensions")
	if err != nil {
		return nil, err
	}
	return b.ask(ctx, "/v1/embeddings", obj.Apply(edits...), &Stream{member: "data", prompt: input, dimensions: dimensions}, false)
}

// checkDimensions refuses vectors that are longer or shorter than was asked for: llama.cpp and older Ollama do not look at dimensions.
// It says so as a server does that knows that it cannot.
func (s *Stream) checkDimensions(list json.RawMessage) error {
	var vectors []struct {
		Embedding []float32 `json:"embedding"`
	}
	if s.dimensions == 0 || json.Unmarshal(list, &vectors) != nil || len(vectors) == 0 || len(vectors[0].Embedding) == int(s.dimensions) {
		return nil
	}
	return &UpstreamError{Status: http.StatusBadRequest, Type: "invalid_request_error", Code: "invalid_value", Param: "dimensions",
		Message: fmt.Sprintf("this model's vectors have %d dimensions, and its server does not make others: leave dimensions out", len(vectors[0].Embedding))}
}

// embeds asks for one vector. llama.cpp's server does not tell in any other way whether it was started with --embedding and a pooling.
func (b *Backend) embeds(ctx context.Context) bool {
	var list struct {
		Data []struct {
			Embedding []float32 `json:"embedding"`
		} `json:"data"`
	}
	err := b.query(ctx, http.MethodPost, "/v1/embeddings", []byte(`{"input":"a","encoding_format":"float"}`), &list)
	return err == nil && len(list.Data) == 1 && len(list.Data[0].Embedding) > 0
}
