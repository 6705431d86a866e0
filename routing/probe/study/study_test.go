package study_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing/eval"
	"flotilla/routing/index"
	"flotilla/routing/probe"
	"flotilla/routing/probe/study"
)

const dim = 8

// axes is an embedder's fingerprint; the vectors are made with the samples.
type axes struct{}

func (axes) ID() string { return "axes" }
func (axes) Dim() int   { return dim }
func (axes) Embed(context.Context, string) ([]float32, error) {
	return nil, fmt.Errorf("all prompts have vectors")
}

const (
	small  = "qwen2.5-0.5b-instruct"
	middle = "qwen2.5-7b-instruct"
	large  = "llama-3.1-70b-instruct"
	twin   = "Meta-Llama-3.1-70B-Instruct@elsewhere"
)

// set has prompts of two kinds: easy ones, which the middle model answers as well as the large one, and hard ones, on
// which it fails. The small model fails on both. The twin is the large model again, with one answer in twenty flipped.
func set(n int) eval.Set {
	rng := rand.New(rand.NewPCG(6, 6))
	coin := func(p float64) float64 {
		if rng.Float64() < p {
			return 1
		}
		return 0
	}
	s := eval.Set{Name: "made", Prices: map[string]eval.Price{small: {Input: 0.1, Output: 0.1}, middle: {Input: 0.2, Output: 0.2}, large: {Input: 2, Output: 2}}}
	for i := range n {
		kind := i % 2
		v := make([]float32, dim)
		v[kind] = 1
		sum := float32(1)
		for d := 2; d < dim; d++ {
			v[d] = 0.2 * float32(rng.NormFloat64())
			sum += v[d] * v[d]
		}
		for d := range v {
			v[d] /= float32(math.Sqrt(float64(sum)))
		}
		l := coin(0.9)
		again := l
		if rng.Float64() < 0.05 {
			again = 1 - l
		}
		s.Train.Samples = append(s.Train.Samples, index.Sample{Prompt: fmt.Sprint("prompt ", i), InputTokens: 50,
			Scores:       map[string]float64{small: coin(0.1), middle: coin([]float64{0.9, 0.1}[kind]), large: l, twin: again},
			OutputTokens: map[string]float64{small: 100, middle: 100, large: 100}})
		s.Train.Vectors = append(s.Train.Vectors, v)
	}
	return s
}

func TestFewProbesBringMostOfAModelsSaving(t *testing.T) {
	run := func() study.NewModelReport {
		r, err := study.NewModels(t.Context(), set(600), axes{}, study.Options{Probes: 60, Keep: 0.95, Deals: 2})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	r := run()
	if diff := cmp.Diff(r, run()); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	for _, m := range r.Models {
		if m.Model != middle {
			continue
		}
		// Half of the prompts can go to a model that costs a tenth.
		if m.Full < 0.35 || m.Without > 0.1 || m.Probed[probe.DefaultRule] < 0.8*m.Full {
			t.Errorf("the middle model: %+v", m)
		}
	}
	if text := r.String(); !strings.Contains(text, "600 prompts; savings at 95 %") || !strings.Contains(text, "folds dealt 2×") || !strings.Contains(text, "| "+middle) {
		t.Errorf("text:\n%s", text)
	}
}

func TestImpostorsAreCaughtAndTwinsAreNot(t *testing.T) {
	r, err := study.Impostors(t.Context(), set(600), study.ImpostorOptions{Draws: 50})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Unknown) != 3 || len(r.Known) != 3 || len(r.Honest) != 1 || len(r.Limit) != 3 {
		t.Fatalf("%d unknown, %d known, %d honest, %d at the limit", len(r.Unknown), len(r.Known), len(r.Honest), len(r.Limit))
	}
	for _, p := range r.Known {
		if p.Caught < 0.95 || p.Median < 1 || p.Median > 30 {
			t.Errorf("known impostor %+v", p)
		}
	}
	if h := r.Honest[0]; h.Claimed != large || h.Served != twin || h.Caught > 0.02 {
		t.Errorf("the same weights elsewhere: %+v", h)
	}
	for _, p := range r.Limit {
		if p.Caught > 0.04 {
			t.Errorf("honest at the claim's limit: %+v", p)
		}
	}
	if text := r.String(); !strings.Contains(text, "honest: "+large+" = "+twin) {
		t.Errorf("text:\n%s", text)
	}
}

func TestTablesThatCannotBeStudiedAreRefused(t *testing.T) {
	few := set(60)
	if _, err := study.NewModels(t.Context(), few, axes{}, study.Options{}); err == nil || !strings.Contains(err.Error(), "60 prompts") {
		t.Errorf("few prompts: %v", err)
	}
	two := set(600)
	delete(two.Prices, small)
	if _, err := study.NewModels(t.Context(), two, axes{}, study.Options{}); err == nil || !strings.Contains(err.Error(), "three at least") {
		t.Errorf("two models: %v", err)
	}
	if _, err := study.Impostors(t.Context(), two, study.ImpostorOptions{}); err == nil || !strings.Contains(err.Error(), "three at least") {
		t.Errorf("two models: %v", err)
	}
}

func TestNumbersThatCannotBeMeantAreRefused(t *testing.T) {
	for _, o := range []study.ImpostorOptions{{Draws: -1}, {Probes: -1}, {Pool: -1}} {
		if _, err := study.Impostors(t.Context(), set(600), o); err == nil || !strings.Contains(err.Error(), "want one of each") {
			t.Errorf("%+v: %v", o, err)
		}
	}
	for _, o := range []study.Options{{Probes: -5}, {Deals: -1}, {Folds: 1}} {
		if _, err := study.NewModels(t.Context(), set(600), axes{}, o); err == nil || !strings.Contains(err.Error(), "1, 2 and 1 at least") {
			t.Errorf("%+v: %v", o, err)
		}
	}
}

// Two providers of one model need not have been asked the same prompts: nothing is said of them then, and the report is JSON.
func TestTwinsWithoutACommonPromptAreNoPair(t *testing.T) {
	apart := set(600)
	for i, s := range apart.Train.Samples {
		delete(s.Scores, []string{large, twin}[i/2%2])
	}
	r, err := study.Impostors(t.Context(), apart, study.ImpostorOptions{Draws: 5})
	if err != nil || len(r.Honest) != 0 {
		t.Errorf("%d pairs: %v", len(r.Honest), err)
	}
	if _, err := json.Marshal(r); err != nil {
		t.Error(err)
	}
}
