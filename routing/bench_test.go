package routing_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
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

// moved returns v turned by about acos(cosine) into a random direction.
func moved(rng *rand.Rand, v []float32, cosine float64) []float32 {
	out := make([]float32, len(v))
	sum := 0.0
	for i := range out {
		x := cosine*float64(v[i]) + math.Sqrt((1-cosine*cosine)/float64(len(v)))*rng.NormFloat64()
		out[i] = float32(x)
		sum += x * x
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(sum))
	}
	return out
}

// grownIndex has n rows made of the default index's: each with its outcomes, as far from it as prompts about the same
// thing lie apart.
func grownIndex(b *testing.B, n int) *index.Index {
	b.Helper()
	x, err := index.Default()
	if err != nil {
		b.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(7, 7))
	builder, err := index.NewBuilder(x.EmbedderID(), x.Dim())
	if err != nil {
		b.Fatal(err)
	}
	for i := range n {
		from := i % x.Len()
		r := index.Row{Vector: moved(rng, x.Vector(from), 0.5+0.4*rng.Float64()), Source: x.Source(from)}
		for _, c := range x.Cells(from) {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: x.Models()[c.Model], Score: float64(c.Score) / index.ScoreSteps, OutputTokens: 100})
		}
		if err := builder.Add(r); err != nil {
			b.Fatal(err)
		}
	}
	y, err := builder.Build()
	if err != nil {
		b.Fatal(err)
	}
	return y
}

// BenchmarkDecision is one decision among 50 operators without embedding, for prompts near many places of the index.
// "models" is how many different models the operators serve.
func BenchmarkDecision(b *testing.B) {
	for _, rows := range []int{10_000, 100_000} {
		x := grownIndex(b, rows)
		rng := rand.New(rand.NewPCG(8, 8))
		var routers []*routing.Router
		for i := range 64 {
			v := moved(rng, x.Vector(i*rows/64), 0.4+0.5*rng.Float64())
			r, err := routing.New(routing.Config{Embedder: fixedEmbedder{x.EmbedderID(), v}, Index: x})
			if err != nil {
				b.Fatal(err)
			}
			routers = append(routers, r)
		}
		for _, models := range []int{6, 30} {
			fleet := benchFleet(50)
			for i := range fleet {
				if models > 6 {
					fleet[i].Model = routing.ModelID(x.Models()[i%models])
				}
			}
			b.Run(fmt.Sprintf("rows=%d/models=%d", rows, models), func(b *testing.B) {
				var took []time.Duration
				for i := 0; b.Loop(); i++ {
					start := time.Now()
					if _, err := routers[i%len(routers)].Route(context.Background(), routing.Prompt{Text: "x"}, fleet, routing.Policy{Dial: routing.DefaultDial}); err != nil {
						b.Fatal(err)
					}
					took = append(took, time.Since(start))
				}
				slices.Sort(took)
				b.ReportMetric(float64(took[0].Nanoseconds())/1e3, "µs-least")
				b.ReportMetric(float64(took[len(took)/2].Nanoseconds())/1e3, "µs-p50")
				b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds())/1e3, "µs-p99")
			})
		}
	}
}

// BenchmarkRoute is one decision among 50 operators on the default index.
func BenchmarkRoute(b *testing.B) {
	x, err := index.Default()
	if err != nil {
		b.Fatal(err)
	}
	miniLM, err := embed.NewMiniLM()
	if err != nil {
		b.Fatal(err)
	}
	m := form.Join(miniLM)
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
