package node

import (
	"strings"

	"flotilla/node/openai"
)

// embeddingModel offers the router's own encoder to clients. It is named after the weights: the first part of its
// fingerprint.
func (g *Gateway) embeddingModel() *openai.EmbeddingModel {
	e := g.cfg.Load().Router.Embedder()
	name, _, _ := strings.Cut(e.ID(), "/")
	m := &openai.EmbeddingModel{ID: "flotilla/" + name, Dim: e.Dim(), Embed: e.Embed}
	if enc, ok := e.(interface{ Encode(text string) []int32 }); ok {
		m.Tokens = func(text string) int { return len(enc.Encode(text)) }
	}
	return m
}
