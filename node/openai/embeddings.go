package openai

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"
)

// embeddingsRoute is the address of vectors.
const embeddingsRoute = "/v1/embeddings"

// EmbeddingModel is the gateway's own sentence encoder, the one that it routes by. It costs nothing and needs no operator.
type EmbeddingModel struct {
	ID  string // as clients name it
	Dim int
	// Embed returns the vector of any text, Dim long. It must be safe for concurrent use.
	Embed func(ctx context.Context, text string) ([]float32, error)
	// Tokens counts what the encoder reads of a text; nil where it cannot tell, which counts bytes.
	Tokens func(text string) int
}

const (
	// maxInputs bounds the texts of one request: encoding 256 long ones takes a core for seconds.
	maxInputs = 256
	// floatBytes is a float32's size.
	floatBytes = 4
)

// embeddingSlots leaves half of the machine to routing, which embeds too.
var embeddingSlots = make(chan struct{}, max(1, runtime.GOMAXPROCS(0)/2))

// serveEmbeddings embeds with the gateway's own encoder, or has an operator do it that offers the named model.
func (h *handler) serveEmbeddings(x *exchange) {
	body, api := x.readBody()
	if api != nil {
		x.fail(api)
		return
	}
	req, api := readEmbedding(body)
	switch {
	case api != nil:
	case h.cfg.Embeddings != nil && strings.EqualFold(req.model, h.cfg.Embeddings.ID):
		h.embedHere(x, req)
		return
	case req.model == "":
		api = &APIError{Status: http.StatusBadRequest, Code: codeNoModel, Param: "model", NoRetry: true, Message: "model is missing: GET /v1/models lists those that make embeddings"}
	case IsAuto(req.model):
		api = &APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true, Message: "vectors of different models cannot be compared, so none is chosen for you: name one; GET /v1/models lists those that make embeddings"}
	default:
		h.embedThere(x, body, req)
		return
	}
	x.fail(api)
}

// embedHere embeds with the gateway's own encoder.
func (h *handler) embedHere(x *exchange, req embeddingRequest) {
	texts, api := h.cfg.Embeddings.check(req)
	if api != nil {
		x.fail(api)
		return
	}
	tokens := 0
	for _, text := range texts {
		tokens += h.cfg.Embeddings.tokens(text)
	}
	if api := x.ask(&Request{ID: x.id, Key: x.key, Model: h.cfg.Embeddings.ID, Embeds: max(1, tokens)}); api != nil {
		x.fail(api)
		return
	}
	answer, err := h.embed(x.r.Context(), texts, req.packed)
	if err != nil {
		x.failWith(err)
		return
	}
	answer.Usage = embeddingUsage{PromptTokens: tokens, TotalTokens: tokens}
	x.info.Model, x.final.PromptTokens = answer.Model, uint32(tokens)
	x.sendJSON(http.StatusOK, answer)
}

func (m *EmbeddingModel) tokens(text string) int {
	if m.Tokens == nil {
		return (len(text) + 3) / 4
	}
	return m.Tokens(text)
}

// check refuses what the gateway's own encoder cannot do.
func (m *EmbeddingModel) check(req embeddingRequest) ([]string, *APIError) {
	switch {
	case req.texts == nil:
		return nil, badRequest("input", "input must be a string or an array of strings: arrays of token ids are not supported, since they are another model's tokens")
	case len(req.texts) > maxInputs:
		return nil, badRequest("input", "input has %d texts; 1 to %d can be embedded at once", len(req.texts), maxInputs)
	case req.dimensions != 0 && req.dimensions != uint32(m.Dim):
		return nil, badRequest("dimensions", "this model's vectors have %d dimensions and cannot be shortened: leave dimensions out", m.Dim)
	}
	return req.texts, nil
}

type embeddingList struct {
	Object string         `json:"object"`
	Data   []embedding    `json:"data"`
	Model  string         `json:"model"`
	Usage  embeddingUsage `json:"usage"`
}

type embedding struct {
	Object    string `json:"object"`
	Index     int    `json:"index"`
	Embedding any    `json:"embedding"` // []float32, or a string in base64
}

type embeddingUsage struct {
	PromptTokens int     `json:"prompt_tokens"`
	TotalTokens  int     `json:"total_tokens"`
	Cost         float64 `json:"cost"` // always 0: the gateway's own work
}

func (h *handler) embed(ctx context.Context, texts []string, packed bool) (embeddingList, error) {
	m := h.cfg.Embeddings
	select {
	case embeddingSlots <- struct{}{}:
		defer func() { <-embeddingSlots }()
	case <-ctx.Done():
		return embeddingList{}, context.Cause(ctx)
	}
	out := embeddingList{Object: "list", Model: m.ID, Data: make([]embedding, len(texts))}
	for i, text := range texts {
		v, err := m.Embed(ctx, text)
		if err != nil {
			return embeddingList{}, fmt.Errorf("embed: %w", err)
		}
		out.Data[i] = embedding{Object: "embedding", Index: i, Embedding: v}
		if packed {
			out.Data[i].Embedding = packFloats(v)
		}
	}
	return out, nil
}

// packFloats is what client libraries unpack: base64 of little-endian float32.
func packFloats(v []float32) string {
	raw := make([]byte, 0, len(v)*floatBytes)
	for _, f := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// wire is the model list's entry.
func (m *EmbeddingModel) wire() wireModel {
	return wireModel{
		ID: m.ID, Object: "model", OwnedBy: "flotilla", CanonicalSlug: m.ID, Name: m.ID,
		Description:  "The gateway's own sentence encoder, the one that it routes by. Texts are cut at its 256 tokens.",
		Architecture: textArchitecture("embeddings", false), Pricing: &wirePricing{Prompt: "0", Completion: "0", Request: "0"},
		SupportedParameters: []string{"encoding_format"},
	}
}
