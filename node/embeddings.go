package node

import (
	"strings"

	"flotilla/node/openai"
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

// encoder is the router's embedder without the measures of form.
func (g *Gateway) encoder() form.Encoder {
	e := g.cfg.Load().Router.Embedder()
	if joined, ok := e.(*form.Embedder); ok {
		return joined.Encoder()
	}
	return e
}
