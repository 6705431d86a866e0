package eval_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"flotilla/routing/eval"
	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
)

const dim = 8

// hashEmbedder puts a prompt near the axis its first letter names.
type hashEmbedder struct{}

func (hashEmbedder) ID() string { return "hash" }
func (hashEmbedder) Dim() int   { return dim }
func (hashEmbedder) Embed(_ context.Context, text string) ([]float32, error) {
	seed := uint64(0)
	for _, b := range []byte(text) {
		seed = seed*131 + uint64(b)
	}
	rng := rand.New(rand.NewPCG(seed, 7))
	v := make([]float32, dim)
	sum := 0.0
	for i := range v {
		x := 0.1 * rng.NormFloat64()
		if i == int(text[0]-'a') {
			x++
		}
		v[i] = float32(x)
		sum += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v, nil
}

// samples: on "a…" prompts both models answer right 8 times in 10, on "b…" prompts only the large one does.
func samples(n int) []index.Sample {
	rng := rand.New(rand.NewPCG(4, 2))
	coin := func(p float64) float64 {
		if rng.Float64() < p {
			return 1
		}
		return 0
	}
	var out []index.Sample
	for i := range n {
		kind, p := "a", 0.8
		if i%2 == 1 {
			kind, p = "b", 0.1
		}
		out = append(out, index.Sample{ID: fmt.Sprint(i), Prompt: fmt.Sprintf("%s %d", kind, i), InputTokens: 40,
			Scores:       map[string]float64{"qwen2.5-0.5b-instruct": coin(p), "llama-3.1-70b-instruct": coin(0.8), "gpt-4o": 1},
			OutputTokens: map[string]float64{"qwen2.5-0.5b-instruct": 100, "llama-3.1-70b-instruct": 200}})
	}
	return out
}

var prices = map[string]eval.Price{"qwen2.5-0.5b-instruct": {Input: 0.1, Output: 0.1}, "llama-3.1-70b-instruct": {Input: 0.9, Output: 0.9}}

func run(t *testing.T, s []index.Sample, o eval.Options) (eval.Report, map[string]eval.Line) {
	t.Helper()
	r, err := eval.Run(context.Background(), s, hashEmbedder{}, o)
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]eval.Line{}
	for _, l := range r.Lines {
		lines[l.Name] = l
	}
	return r, lines
}

func TestRouterSavesWhereTheSmallModelSuffices(t *testing.T) {
	r, l := run(t, samples(600), eval.Options{Prices: prices, Resamples: 200})
	best, ours, oracle, cheap := l["best single"], l["flotilla dial 7"], l["oracle"], l["cheapest"]
	if best.Kept != 1 || best.Saved != 0 || best.KeptCI != (eval.Interval{Low: 1, High: 1}) {
		t.Errorf("best single against itself: %+v", best)
	}
	if oracle.Quality < ours.Quality || cheap.Cost > ours.Cost || cheap.Quality > 0.6 {
		t.Errorf("oracle %+v, ours %+v, cheapest %+v", oracle, ours, cheap)
	}
	// Half of the prompts can go to a model that costs a fifteenth.
	if ours.Kept < 0.95 || ours.Saved < 0.25 || ours.Saved > 0.55 {
		t.Errorf("dial 7 keeps %.3f and saves %.3f", ours.Kept, ours.Saved)
	}
	if !(ours.SavedCI.Low < ours.Saved && ours.Saved < ours.SavedCI.High) {
		t.Errorf("interval %v does not hold %v", ours.SavedCI, ours.Saved)
	}
	if l["flotilla dial 0"].Cost < l["flotilla dial 10"].Cost {
		t.Error("dial 10 costs more than dial 0")
	}
	for _, want := range []string{"600 prompts, 2 models, 5-fold", "| kNN-40 ", "| flotilla dial 10 "} {
		if !strings.Contains(r.Text(), want) {
			t.Errorf("table lacks %q:\n%s", want, r.Text())
		}
	}
}

func TestReportIsDeterministicAndTheSeedMatters(t *testing.T) {
	a, _ := run(t, samples(200), eval.Options{Prices: prices, Resamples: 50})
	b, _ := run(t, samples(200), eval.Options{Prices: prices, Resamples: 50})
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	c, _ := run(t, samples(200), eval.Options{Prices: prices, Resamples: 50, Seed: 9})
	if cmp.Equal(a, c) {
		t.Error("another seed gives the same folds and resamples")
	}
}

// A prompt that occurs many times with contradicting labels: if its copies sat in the training folds, nearest
// neighbours would answer it perfectly.
func TestCopiesOfATestPromptAreKeptOutOfTheIndex(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	var s []index.Sample
	for i := range 200 {
		small := float64(rng.IntN(2))
		for range 2 {
			s = append(s, index.Sample{Prompt: fmt.Sprintf("a %d", i), InputTokens: 40,
				Scores: map[string]float64{"qwen2.5-0.5b-instruct": small, "llama-3.1-70b-instruct": 1 - small}})
		}
	}
	_, l := run(t, s, eval.Options{Prices: prices, Resamples: 50})
	if q := l["kNN-10"].Quality; q > 0.65 {
		t.Errorf("kNN-10 reaches %.2f on coin flips: the index holds the answers", q)
	}
}

func TestUnusableInputIsRefusedWithWhatToDo(t *testing.T) {
	for name, c := range map[string]struct {
		samples []index.Sample
		prices  map[string]eval.Price
		want    string
	}{
		"few":       {samples(50), prices, "want 100 at least"},
		"one model": {samples(200), map[string]eval.Price{"llama-3.1-70b-instruct": {}}, "at least two"},
		"two names": {samples(200), map[string]eval.Price{"llama3.1:70b": {}, "llama-3.1-70b-instruct": {}}, "price only one"},
		"unscored":  {samples(200), map[string]eval.Price{"gemma2:9b": {}, "llama-3.1-70b-instruct": {}}, "0 prompts"},
	} {
		if _, err := eval.Run(context.Background(), c.samples, hashEmbedder{}, eval.Options{Prices: c.prices}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
