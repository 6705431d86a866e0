package routing_test

import (
	"context"
	"fmt"
	"testing"

	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/index"
)

// fixedEmbedder stands for the default one without its time, so that the benchmark shows the decision's own.
type fixedEmbedder struct {
	id     string
	vector []float32
}

func (e fixedEmbedder) ID() string                                       { return e.id }
func (e fixedEmbedder) Dim() int                                         { return len(e.vector) }
func (e fixedEmbedder) Embed(context.Context, string) ([]float32, error) { return e.vector, nil }

func benchFleet(n int) []routing.Candidate {
	models := []routing.ModelID{"llama-3.1-8b-instruct", "llama-3.1-70b-instruct", "gemma-2-9b-it", "qwen2.5-72b-instruct", "mistral-large-instruct-2407", "phi-3.5-mini-instruct"}
	var out []routing.Candidate
	for i := range n {
		out = append(out, routing.Candidate{Operator: fmt.Sprint("op", i), Model: models[i%len(models)], InputPerMTok: uint64(100_000 + 7000*i), OutputPerMTok: uint64(200_000 + 9000*i)})
	}
	return out
}

// BenchmarkRoute is one decision among 50 operators on the default index.
func BenchmarkRoute(b *testing.B) {
	x, err := index.Default()
	if err != nil {
		b.Fatal(err)
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		b.Fatal(err)
	}
	const text = "A train leaves at 9:40 and arrives at 13:05. How many minutes does the journey take?"
	v, err := m.Embed(context.Background(), text)
	if err != nil {
		b.Fatal(err)
	}
	for name, e := range map[string]routing.Embedder{"without-embedding": fixedEmbedder{m.ID(), v}, "with-embedding": m} {
		b.Run(name, func(b *testing.B) {
			r, err := routing.New(routing.Config{Embedder: e, Index: x})
			if err != nil {
				b.Fatal(err)
			}
			fleet := benchFleet(50)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Route(context.Background(), routing.Prompt{Text: text}, fleet, routing.Policy{Dial: routing.DefaultDial}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
