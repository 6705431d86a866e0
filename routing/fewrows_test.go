package routing_test

import (
	"math"
	"testing"

	"flotilla/routing"
	"flotilla/routing/index"
)

const newcomer = "mistral-large-instruct-2407"

var veterans = []string{"llama-3.1-70b-instruct", "qwen2.5-72b-instruct", "qwen2-72b-instruct", "gemma-2-27b-it", "llama-3-70b-instruct", "deepseek-v2.5-0908"}

// fewRows is an index of easy prompts (axis 0) and hard ones (between axes 0 and 1) that six models have done alike; asked is
// what a newcomer has done, if it was asked.
func fewRows(t *testing.T, asked func(i int, hard bool) (score float64, ok bool)) *routing.Router {
	t.Helper()
	rng := worldSource()
	easy := near(rng, 0)
	b, err := index.NewBuilder("map", dim)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 800 {
		hard, score, v := i%2 == 1, 0.9, near(rng, 0)
		if hard {
			score, v = 0.4, between(v, near(rng, 1))
		}
		r := index.Row{Vector: v, Source: "test"}
		for _, m := range veterans {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: m, Score: score})
		}
		if s, ok := asked(i, hard); ok {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: newcomer, Score: s})
		}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: &mapEmbedder{vectors: map[string][]float32{"easy": easy}}, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// between is the unit vector midway between two.
func between(a, b []float32) []float32 {
	out, sum := make([]float32, len(a)), 0.0
	for i := range a {
		out[i] = a[i] + b[i]
		sum += float64(out[i]) * float64(out[i])
	}
	for i := range out {
		out[i] /= float32(math.Sqrt(sum))
	}
	return out
}

func considered(d routing.Decision, m routing.ModelID) routing.Choice {
	for _, c := range d.Considered {
		if c.Model == m {
			return c
		}
	}
	return routing.Choice{}
}

// A newcomer that was asked hard prompts only, and did as well on them as the others, is as good as they on easy ones.
func TestFewRowsAreComparedOnTheSamePrompts(t *testing.T) {
	r := fewRows(t, func(i int, hard bool) (float64, bool) { return 0.4, hard && i < 200 })
	d := route(t, r, "easy", []routing.Candidate{{Operator: "v", Model: routing.ModelID(veterans[0]), InputPerMTok: 1}, {Operator: "n", Model: newcomer, InputPerMTok: 1}}, routing.Policy{Dial: 7})
	if v, n := considered(d, routing.ModelID(veterans[0])).Quality, considered(d, newcomer).Quality; math.Abs(n-v) > 0.1 {
		t.Errorf("the newcomer is predicted at %.2f, the veteran at %.2f: want about the same", n, v)
	}
}
