package main

import (
	"context"
	"fmt"
	"testing"

	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/index"
)

// fixedEmbedder takes the embedding out of a measurement.
type fixedEmbedder struct {
	*form.Embedder
	vector []float32
}

func (f fixedEmbedder) Embed(context.Context, string) ([]float32, error) { return f.vector, nil }

// BenchmarkDecision is one routing decision on the index in the binary, over a fleet of 30 operators: with the
// embedding of a prompt of about 15 tokens, and without.
func BenchmarkDecision(b *testing.B) {
	const prompt = "Write a Python function that returns the square of a number."
	miniLM, err := embed.NewMiniLM()
	if err != nil {
		b.Fatal(err)
	}
	m := form.Join(miniLM)
	ix, err := index.Default()
	if err != nil {
		b.Fatal(err)
	}
	vector, err := m.Embed(b.Context(), prompt)
	if err != nil {
		b.Fatal(err)
	}
	models := ix.Models()
	var fleet []routing.Candidate
	for i := range 30 {
		fleet = append(fleet, routing.Candidate{
			Operator: fmt.Sprintf("op%02d", i), Model: routing.ModelID(models[i%len(models)]),
			InputPerMTok: uint64(100_000 + 10_000*i), OutputPerMTok: uint64(200_000 + 20_000*i), MaxContext: 8192,
		})
	}
	for _, c := range []struct {
		name string
		emb  routing.Embedder
	}{{"with-embedding", m}, {"without-embedding", fixedEmbedder{m, vector}}} {
		b.Run(c.name, func(b *testing.B) {
			r, err := routing.New(routing.Config{Embedder: c.emb, Index: ix})
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				if _, err := r.Route(b.Context(), routing.Prompt{Text: prompt}, fleet, routing.Policy{Dial: 7}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
