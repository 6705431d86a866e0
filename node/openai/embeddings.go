package openai

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"runtime"
	"strings"

	"flotilla/node/rawjson"
)

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

type embeddingRequest struct {
	inputs []string
	packed bool // base64 of little-endian float32
}

func (h *handler) serveEmbeddings(x *exchange) {
	body, api := x.readBody()
	if api != nil {
		x.fail(api)
		return
	}
	req, api := h.parseEmbedding(body)
	if api != nil {
		x.fail(api)
		return
	}
	tokens := 0
	for _, text := range req.inputs {
		tokens += h.cfg.Embeddings.tokens(text)
	}
	if api := x.ask(&Request{ID: x.id, Key: x.key, Model: h.cfg.Embeddings.ID, Embeds: max(1, tokens)}); api != nil {
		x.fail(api)
		return
	}
	answer, err := h.embed(x.r.Context(), req)
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

func (h *handler) parseEmbedding(body []byte) (embeddingRequest, *APIError) {
	var req embeddingRequest
	obj, api := parseObject(body)
	if api != nil {
		return req, api
	}
	var model, format string
	if api := decode(obj, "model", &model, "a string"); api != nil {
		return req, api
	}
	if h.cfg.Embeddings == nil || !strings.EqualFold(model, h.cfg.Embeddings.ID) {
		return req, h.noEmbeddingModel(model)
	}
	if api := decode(obj, "encoding_format", &format, `"float" or "base64"`); api != nil {
		return req, api
	}
	if format != "" && format != "float" && format != "base64" {
		return req, badRequest("encoding_format", `encoding_format must be "float" or "base64"`)
	}
	req.packed = format == "base64"
	if dims, ok := obj.Get("dimensions"); ok && !rawjson.IsNull(dims) && string(dims) != fmt.Sprint(h.cfg.Embeddings.Dim) {
		return req, badRequest("dimensions", "this model's vectors have %d dimensions and cannot be shortened: leave dimensions out", h.cfg.Embeddings.Dim)
	}
	req.inputs, api = readInputs(obj)
	return req, api
}

func (h *handler) noEmbeddingModel(model string) *APIError {
	api := &APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true}
	switch {
	case h.cfg.Embeddings == nil:
		api.Message = "this gateway serves no embedding model"
	case model == "":
		api.Status, api.Code = http.StatusBadRequest, codeNoModel
		api.Message = fmt.Sprintf("model is missing: this gateway embeds with %q", h.cfg.Embeddings.ID)
	default:
		api.Message = fmt.Sprintf("%q is no embedding model here: this gateway embeds with %q", clip(model, 100), h.cfg.Embeddings.ID)
	}
	return api
}

// readInputs takes a text or an array of texts.
func readInputs(obj rawjson.Object) ([]string, *APIError) {
	raw, ok := obj.Get("input")
	if !ok || rawjson.IsNull(raw) {
		return nil, badRequest("input", "input is missing: a string, or an array of strings")
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return []string{one}, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil {
		return nil, badRequest("input", "input must be a string or an array of strings: arrays of token ids are not supported, since they are another model's tokens")
	}
	if len(many) == 0 || len(many) > maxInputs {
		return nil, badRequest("input", "input has %d texts; 1 to %d can be embedded at once", len(many), maxInputs)
	}
	return many, nil
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

func (h *handler) embed(ctx context.Context, req embeddingRequest) (embeddingList, error) {
	m := h.cfg.Embeddings
	select {
	case embeddingSlots <- struct{}{}:
		defer func() { <-embeddingSlots }()
	case <-ctx.Done():
		return embeddingList{}, context.Cause(ctx)
	}
	out := embeddingList{Object: "list", Model: m.ID, Data: make([]embedding, len(req.inputs))}
	for i, text := range req.inputs {
		v, err := m.Embed(ctx, text)
		if err != nil {
			return embeddingList{}, fmt.Errorf("embed: %w", err)
		}
		out.Data[i] = embedding{Object: "embedding", Index: i, Embedding: v}
		if req.packed {
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
