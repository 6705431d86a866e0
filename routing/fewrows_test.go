package routing_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/index"
)

const newcomer routing.ModelID = "mistral-large-instruct-2407"

var veterans = []routing.ModelID{"llama-3.1-70b-instruct", "qwen2.5-72b-instruct", "qwen2-72b-instruct", "gemma-2-27b-it", "llama-3-70b-instruct", "deepseek-v2.5-0908"}

// fewRows is an index of easy prompts (axis 0) and hard ones (between axes 0 and 1) that six models have done alike, the first a little better; asked is
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
		for k, m := range veterans {
			better := 0.0
			if k == 0 {
				better = 0.05
			}
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: string(m), Score: score + better, OutputTokens: 250})
		}
		if s, ok := asked(i, hard); ok {
			r.Outcomes = append(r.Outcomes, index.Outcome{Model: string(newcomer), Score: s, OutputTokens: 250})
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

// offer is a model at a price in base units for a million tokens.
func offer(model routing.ModelID, price uint64) routing.Candidate {
	return routing.Candidate{Operator: "of " + string(model), Model: model, InputPerMTok: price, OutputPerMTok: price}
}

// A newcomer that was asked hard prompts only, and did as well on them as the others, is as good as they on easy ones.
func TestFewRowsAreComparedOnTheSamePrompts(t *testing.T) {
	r := fewRows(t, func(i int, hard bool) (float64, bool) { return 0.4, hard && i < 200 })
	d := route(t, r, "easy", []routing.Candidate{offer(veterans[1], 1), offer(newcomer, 1)}, routing.Policy{Dial: 7})
	if v, n := considered(d, veterans[1]).Quality, considered(d, newcomer).Quality; math.Abs(n-v) > 0.1 {
		t.Errorf("the newcomer is predicted at %.2f, the veteran at %.2f: want about the same", n, v)
	}
}

// A newcomer that seems as good as the leader, or as another model at this dial, and costs a little less, takes its place
// when it has as many rows.
func TestFewRowsMakeDoubt(t *testing.T) {
	leader := routing.Choice{Model: veterans[0], Quality: 0.9, QualitySE: 0.02, Ability: 0.8, Evidence: 200, ExpectedCost: 900}
	other := routing.Choice{Model: veterans[1], Quality: 0.9, QualitySE: 0.02, Ability: 0.7, Evidence: 200, ExpectedCost: 800}
	beside := routing.Choice{Model: newcomer, Quality: 0.91, QualitySE: 0.02, Ability: 0.7, Evidence: 200, ExpectedCost: 790}
	for _, worth := range []float64{40_000, 1_000} { // the leader's margin has melted at both
		for _, proven := range [][]routing.Choice{{leader}, {leader, other}} {
			if got := routing.BestAt(append(proven, beside), worth).Model; got != newcomer {
				t.Errorf("worth %v: %s is picked, and the newcomer has as many rows", worth, got)
			}
			few := beside
			few.Evidence, few.ExpectedCost = 25, proven[len(proven)-1].ExpectedCost-1
			if got := routing.BestAt(append(proven, few), worth).Model; got == newcomer {
				t.Errorf("worth %v: the newcomer is picked with few rows", worth)
			}
		}
	}
}

// Where a proven model that does not lead is kept to because a cheaper one has few rows, the decision says so.
func TestFewRowsAreTheReason(t *testing.T) {
	r := fewRows(t, func(i int, hard bool) (float64, bool) {
		if hard {
			return 0.35, i%20 == 1
		}
		return 0.925, i%20 == 0
	})
	fleet := []routing.Candidate{offer(veterans[0], 90_000_000), offer(veterans[1], 800_000), offer(newcomer, 799_000)}
	d := route(t, r, "easy", fleet, routing.Policy{Dial: 7})
	if d.Pick.Model != veterans[1] || d.Reason != routing.ReasonUnproven || !strings.Contains(d.Why, "too few labelled prompts") {
		t.Errorf("%s is picked because of %s: %s", d.Pick.Model, d.Reason, d.Why)
	}
}

// Models with the same rows share their nearest ones: what is predicted of a model is the same whoever else is in the fleet.
func TestPredictionsDoNotDependOnTheFleet(t *testing.T) {
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(3, 3))
	var all []routing.Candidate
	for _, m := range x.Models() {
		all = append(all, offer(routing.ModelID(m), 1_000_000))
	}
	for i := range 40 {
		e := fixedEmbedder{x.EmbedderID(), moved(rng, x.Vector(i*x.Len()/40), 0.7)}
		r, err := routing.New(routing.Config{Embedder: e, Index: x})
		if err != nil {
			t.Fatal(err)
		}
		together := route(t, r, "x", all, routing.Policy{Dial: 7})
		for _, c := range all {
			got := considered(together, c.Model)
			want := considered(route(t, r, "x", []routing.Candidate{c}, routing.Policy{Dial: 7}), c.Model)
			if got.Quality != want.Quality || got.QualitySE != want.QualitySE || got.Evidence != want.Evidence || got.ExpectedCost != want.ExpectedCost {
				t.Fatalf("prompt %d: %s beside all others %+v, alone %+v", i, c.Model, got, want)
			}
		}
	}
}
