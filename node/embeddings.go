package node

import (
	"fmt"
	"net/http"
	"strings"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/form"
)

// embeddingModel offers the router's own encoder to clients, without the measures of form that routing adds. It is named
// after the weights: the first part of its fingerprint.
func (g *Gateway) embeddingModel() *openai.EmbeddingModel {
	e := g.encoder()
	name, _, _ := strings.Cut(e.ID(), "/")
	m := &openai.EmbeddingModel{ID: "flotilla/" + name, Dim: e.Dim(), Embed: e.Embed}
	if enc, ok := e.(interface{ Encode(text string) []int32 }); ok {
		m.Tokens = func(text string) int { return len(enc.Encode(text)) }
	}
	return m
}

// noEmbeddingOperator: no operator offers the model for vectors.
func noEmbeddingOperator(model string) error {
	return &openai.APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true,
		Message: fmt.Sprintf("no operator offers the embedding model %q now; GET /v1/models lists those that make embeddings, the gateway's own among them", model)}
}

// onlyEmbeds: a chat names a model that makes vectors.
func onlyEmbeds(model string) error {
	return &openai.APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", NoRetry: true,
		Message: fmt.Sprintf("%q makes vectors and does not chat: ask for it at /v1/embeddings", model)}
}

// embeddingModels are the entries of the model list for offers of embedding models.
func embeddingModels(offers []routing.Candidate) []openai.Model {
	list := modelList(offers)
	for i := range list {
		list[i].Embeds, list[i].SupportedParameters = true, nil
	}
	return list
}

// encoder is the router's embedder without the measures of form.
func (g *Gateway) encoder() form.Encoder {
	e := g.cfg.Load().Router.Embedder()
	if joined, ok := e.(*form.Embedder); ok {
		return joined.Encoder()
	}
	return e
}
