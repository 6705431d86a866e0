package eval_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/eval"
	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
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

const small, large = "qwen2.5-0.5b-instruct", "llama-3.1-70b-instruct"

var prices = map[string]eval.Price{small: {Input: 0.1, Output: 0.1}, large: {Input: 0.9, Output: 0.9}}

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
		out = append(out, index.Sample{ID: fmt.Sprint(i), Task: kind, Prompt: fmt.Sprintf("%s %d", kind, i), InputTokens: 40,
			Scores:       map[string]float64{small: coin(p), large: coin(0.8), "gpt-4o": 1},
			OutputTokens: map[string]float64{small: 100, large: 200}})
	}
	return out
}

func part(t *testing.T, s []index.Sample) eval.Part {
	t.Helper()
	last := 0
	v, err := eval.Vectors(t.Context(), hashEmbedder{}, s, func(done, _ int) { last = done })
	if err != nil {
		t.Fatal(err)
	}
	if last != len(s) {
		t.Errorf("progress ended at %d of %d", last, len(s))
	}
	return eval.Part{Samples: s, Vectors: v}
}

func run(t *testing.T, set eval.Set, o eval.Options) (eval.Benchmark, map[string]eval.Router) {
	t.Helper()
	if o.Resamples == 0 {
		o.Resamples = 40
	}
	if set.Prices == nil {
		set.Prices = prices
	}
	b, err := eval.Run(t.Context(), set, hashEmbedder{}, o)
	if err != nil {
		t.Fatal(err)
	}
	routers := map[string]eval.Router{}
	for _, r := range b.Routers {
		routers[r.Name] = r
	}
	return b, routers
}

// Several deals judge a prompt several times, which makes nobody surer of it: its places are resampled together.
func TestDealsOfTheFolds(t *testing.T) {
	set := eval.Set{Name: "coins", Train: part(t, samples(300))}
	once, a := run(t, set, eval.Options{Resamples: 400, Routers: []string{"flotilla"}})
	thrice, b := run(t, set, eval.Options{Resamples: 400, Routers: []string{"flotilla"}, Deals: 3})
	if once.N != 300 || thrice.N != 300 || !strings.Contains(thrice.Method, "dealt 3 times") {
		t.Errorf("%d and %d prompts, %s", once.N, thrice.N, thrice.Method)
	}
	if once.BestSingle.Accuracy != thrice.BestSingle.Accuracy || once.BestSingle.Folds != nil || thrice.BestSingle.Folds != nil {
		t.Errorf("best single %+v, then %+v", once.BestSingle, thrice.BestSingle)
	}
	width := func(r eval.Router) float64 {
		ci := r.CI95["dials.0.accuracy"]
		return ci[1] - ci[0]
	}
	if w := width(b["flotilla"]) / width(a["flotilla"]); w < 0.9 || w > 1.1 {
		t.Errorf("three deals' interval is %.2f times as wide as one's", w)
	}
	for _, r := range []eval.Router{a["flotilla"], b["flotilla"]} {
		for _, d := range r.Dials {
			if d.LeastSaved > d.Saved+1e-9 {
				t.Errorf("dial %d: %.4f saved at least in a split, %.4f in all", d.Dial, d.LeastSaved, d.Saved)
			}
		}
		if d := r.Dials[8]; d.LeastSaved == d.Saved {
			t.Errorf("dial 8: each split saves %.4f", d.Saved)
		}
	}
}

func TestRouterSavesWhereTheSmallModelSuffices(t *testing.T) {
	b, r := run(t, eval.Set{Name: "coins", Train: part(t, samples(600))}, eval.Options{Resamples: 200})
	best, ours, oracle, cheap := r["best-single"], r["flotilla"], r["oracle"], r["cheapest"]
	if b.BestSingle.Model != large || b.Cheapest.Model != small || b.N != 600 || b.Models != 2 {
		t.Errorf("%+v", b)
	}
	if best.OperatingPoint.Kept != 1 || best.OperatingPoint.Saved != 0 || best.CI95["operating_point.kept"] != (eval.Interval{1, 1}) {
		t.Errorf("best single against itself: %+v", best)
	}
	if oracle.Frontier.MaxAccuracy < ours.Frontier.MaxAccuracy || cheap.OperatingPoint.Accuracy > 0.6 || oracle.OracleGapClosed != 1 {
		t.Errorf("oracle %+v, ours %+v, cheapest %+v", oracle, ours, cheap)
	}
	// Half of the prompts can go to a model that costs a fifteenth.
	if o := ours.OperatingPoint; o.Kept < 0.95 || o.Saved < 0.25 || o.Saved > 0.55 {
		t.Errorf("the operating point keeps %.3f and saves %.3f", o.Kept, o.Saved)
	}
	if ci := ours.CI95["operating_point.saved"]; !(ci[0] < ours.OperatingPoint.Saved && ours.OperatingPoint.Saved < ci[1]) {
		t.Errorf("interval %v does not hold %v", ci, ours.OperatingPoint.Saved)
	}
	if len(ours.Dials) != 11 || ours.Dials[0].Cost < ours.Dials[10].Cost {
		t.Errorf("dials %+v", ours.Dials)
	}
	if ours.APGR == nil || *ours.APGR < 0.5 {
		t.Errorf("APGR %v: two models, and better than random calls", ours.APGR)
	}
	if _, guarded := r["flotilla-guarded"]; guarded || len(r) != len(eval.Names())-1 {
		t.Errorf("%d routers ran, want %q without the guarded one", len(r), eval.Names())
	}
	text := eval.Report{Benchmarks: []eval.Benchmark{b}}.Text()
	for _, want := range []string{"600 prompts, 2 models, 5-fold", "| knn-40 ", "flotilla at dial"} {
		if !strings.Contains(text, want) {
			t.Errorf("text lacks %q:\n%s", want, text)
		}
	}
}

// The first word alone asks for the large model, the rest of the text does not: without it the small one would do.
func TestGuardedRouterAsksTheRestOfAText(t *testing.T) {
	texts := samples(600)
	for i := range texts {
		first := map[string]string{"a": "all", "b": "break"}[texts[i].Task]
		texts[i].Prompt = fmt.Sprintf("%s about all and after as %d", first, i)
	}
	dear := map[string]eval.Price{small: {Input: 1, Output: 1}, large: {Input: 9, Output: 9}}
	_, r := run(t, eval.Set{Name: "first words", Train: part(t, texts), Prices: dear}, eval.Options{Routers: []string{"flotilla", "flotilla-guarded"}})
	if vs := r["flotilla"].VsBestBaseline; vs == nil || vs.Baseline == "flotilla-guarded" {
		t.Errorf("the best baseline is %+v, ourselves", vs)
	}
	plain, guarded := r["flotilla"].Dials[routing.DefaultDial], r["flotilla-guarded"].Dials[routing.DefaultDial]
	if small := r["cheapest"].OperatingPoint.Cost; plain.Cost < 4*small || guarded.Cost > 2*small {
		t.Errorf("at the default dial an answer costs %v with the guard and %v without, by the small model %v", guarded.Cost, plain.Cost, small)
	}
}

func TestReportIsDeterministicAndTheSeedMatters(t *testing.T) {
	set := eval.Set{Train: part(t, samples(200))}
	only := []string{"flotilla", "knn-10"}
	a, _ := run(t, set, eval.Options{Routers: only})
	b, _ := run(t, set, eval.Options{Routers: only})
	if diff := cmp.Diff(a, b, cmpopts.IgnoreUnexported(eval.Benchmark{})); diff != "" {
		t.Errorf("two runs differ:\n%s", diff)
	}
	c, _ := run(t, set, eval.Options{Routers: only, Seed: 9})
	if cmp.Equal(a, c, cmpopts.IgnoreUnexported(eval.Benchmark{})) {
		t.Error("another seed gives the same folds and resamples")
	}
}

// A prompt that occurs many times with contradicting labels: if its copies sat in the training folds, nearest
// neighbours would answer it perfectly.
func TestCopiesOfATestPromptAreKeptOutOfTraining(t *testing.T) {
	rng := rand.New(rand.NewPCG(8, 8))
	var s []index.Sample
	for i := range 200 {
		score := float64(rng.IntN(2))
		for range 2 {
			s = append(s, index.Sample{Prompt: fmt.Sprintf("a %d", i), InputTokens: 40, Scores: map[string]float64{small: score, large: 1 - score}})
		}
	}
	for name, set := range map[string]eval.Set{"folds": {Train: part(t, s)}, "test part": {Train: part(t, s), Test: part(t, s[:50])}} {
		if name == "test part" {
			set.Train = part(t, append(s, samples(200)...))
		}
		_, r := run(t, set, eval.Options{Routers: []string{"knn-10"}})
		if q := r["knn-10"].Frontier.MaxAccuracy; q > 0.68 {
			t.Errorf("%s: kNN-10 reaches %.2f on coin flips: the training part holds the answers", name, q)
		}
	}
}

func TestTestPartIsJudgedByWhatTheTrainingPartTeaches(t *testing.T) {
	all := samples(500)
	b, r := run(t, eval.Set{Train: part(t, all[:300]), Test: part(t, all[300:])}, eval.Options{Routers: []string{"flotilla"}})
	if b.N != 200 || !strings.Contains(b.Method, "300 other prompts") {
		t.Errorf("%d judged, %s", b.N, b.Method)
	}
	if o := r["flotilla"].OperatingPoint; o.Kept < 0.9 || o.Saved < 0.25 {
		t.Errorf("%+v", o)
	}
}

// Nothing in training is like an unseen task: the router must say so, and not send hard prompts to the small model.
func TestUnseenTasksAreJudgedAlone(t *testing.T) {
	b, _ := run(t, eval.Set{Train: part(t, samples(400))}, eval.Options{Routers: []string{"flotilla"}, Unseen: []string{"b"}})
	if b.N != 200 || !strings.Contains(b.Method, "left out of training: b") {
		t.Errorf("%d judged, %s", b.N, b.Method)
	}
	if b, _ = run(t, eval.Set{Train: part(t, samples(400))}, eval.Options{Routers: []string{"flotilla"}, Unseen: []string{"each"}}); b.N != 400 {
		t.Errorf("each task in its turn: %d judged, want all 400", b.N)
	}
}

// Each task has prompts of two kinds, which all tasks share. The small model can do the first kind, but in one task the second:
// what is known of the others misleads there, so that no setting keeps 99 %, and the most capable is taken. Among known tasks many do.
func TestOperatingPointForUnseenTasksIsChosenOnUnseenTasks(t *testing.T) {
	const tasks = 6
	s := samples(600)
	p := eval.Part{Samples: s}
	rng := rand.New(rand.NewPCG(8, 1))
	for i := range s {
		kind, task := i%2, i/2%tasks
		s[i].Task = string(rune('p' + task))
		s[i].Prompt = fmt.Sprintf("%d %s %d", kind, s[i].Task, i)
		s[i].Scores = map[string]float64{small: 0, large: float64(min(1, rng.IntN(5)))}
		if (kind == 0) != (task == 0) {
			s[i].Scores[small] = s[i].Scores[large]
		}
		v := make([]float32, dim)
		v[kind], v[2+task] = 0.8, 0.6
		p.Vectors = append(p.Vectors, v)
	}
	_, r := run(t, eval.Set{Train: p}, eval.Options{Routers: []string{"ridge"}, Unseen: []string{"each"}})
	if o := r["ridge"].OperatingPoint; o.Dial != 0 {
		t.Errorf("%+v, want the most capable setting", o)
	}
}

// A model that was run on every third prompt is a candidate there, and nowhere else.
func TestMissingOutcomesAreNeverMadeUp(t *testing.T) {
	s := samples(300)
	for i := range s {
		s[i].Scores["gemma-2-9b-it"] = 1
		if i%3 != 0 {
			delete(s[i].Scores, "gemma-2-9b-it")
		}
	}
	p := map[string]eval.Price{"gemma-2-9b-it": {Input: 0.3, Output: 0.3}}
	for m, v := range prices {
		p[m] = v
	}
	b, r := run(t, eval.Set{Train: part(t, s), Prices: p}, eval.Options{})
	for name, o := range r {
		if share := o.Share["gemma-2-9b-it"]; share > 1./3+1e-9 {
			t.Errorf("%s sends %.2f of the prompts to a model that has a third of them", name, share)
		}
		if math.IsNaN(o.OperatingPoint.Accuracy) || math.IsNaN(o.OperatingPoint.Cost) {
			t.Errorf("%s: %+v", name, o.OperatingPoint)
		}
	}
	if b.BestSingle.Model != "gemma-2-9b-it" {
		t.Errorf("best single %s", b.BestSingle.Model)
	}
}

// Measured costs need no price list, and are what is reported.
func TestMeasuredCostsAreReported(t *testing.T) {
	s := samples(200)
	for i := range s {
		s[i].CostUSD = map[string]float64{small: 0.001, large: 0.010}
	}
	b, r := run(t, eval.Set{Train: part(t, s), Prices: map[string]eval.Price{}}, eval.Options{Routers: []string{"flotilla"}})
	if math.Abs(b.BestSingle.Cost-0.010) > 1e-12 || math.Abs(b.Cheapest.Cost-0.001) > 1e-12 {
		t.Errorf("%+v %+v", b.BestSingle, b.Cheapest)
	}
	if d := r["flotilla"].Dials[10]; d.Cost < 0.001 || d.Cost > 0.010 {
		t.Errorf("%+v", d)
	}
}

func TestMeansOverBenchmarks(t *testing.T) {
	a, _ := run(t, eval.Set{Name: "a", Train: part(t, samples(200))}, eval.Options{Routers: []string{"flotilla", "knn-10"}})
	b, _ := run(t, eval.Set{Name: "b", Train: part(t, samples(300))}, eval.Options{Routers: []string{"flotilla", "knn-10"}})
	r := eval.Report{Benchmarks: []eval.Benchmark{a, b}}
	r.Summarise()
	for _, l := range r.Mean {
		switch l.Name {
		case "flotilla":
			if want := (a.Routers[0].Frontier.AIQ + b.Routers[0].Frontier.AIQ) / 2; math.Abs(l.AIQ-want) > 1e-12 || l.Ours != 0 || l.OursCI95 != (eval.Interval{}) {
				t.Errorf("%+v, want AIQ %v and no difference to itself", l, want)
			}
		case "oracle":
			if !(l.Ours < 0 && l.OursCI95[0] <= l.Ours && l.Ours <= l.OursCI95[1]) {
				t.Errorf("%+v", l)
			}
		}
	}
	if len(r.Mean) != 5 {
		t.Errorf("%d lines, want flotilla, knn-10 and the three yardsticks", len(r.Mean))
	}
}

func TestUnusableInputIsRefusedWithWhatToDo(t *testing.T) {
	both := []string{small, large}
	for name, c := range map[string]struct {
		samples []index.Sample
		prices  map[string]eval.Price
		opts    eval.Options
		want    string
	}{
		"few":          {samples(50), prices, eval.Options{}, "want 100 at least"},
		"one model":    {samples(200), map[string]eval.Price{large: {}}, eval.Options{}, "at least two"},
		"all left out": {samples(200), prices, eval.Options{Without: both}, "at least two"},
		"two names":    {samples(200), map[string]eval.Price{"gpt-4o": {}, "gpt-4o-2024": {}}, eval.Options{}, "at least two"},
		"no router":    {samples(200), prices, eval.Options{Routers: []string{"kNN"}}, `"knn-100"`},
		"no task":      {samples(200), prices, eval.Options{Unseen: []string{"c"}}, `the tasks are ["a" "b"]`},
	} {
		_, err := eval.Run(t.Context(), eval.Set{Name: "x", Train: part(t, c.samples), Prices: c.prices}, hashEmbedder{}, c.opts)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Shares of nothing: a best single model that is right on no judged prompt, or costs nothing there, must not make a report that
// JSON cannot hold. Nothing can be kept of nothing, nor saved.
func TestSharesOfNothingAreNumbers(t *testing.T) {
	train := part(t, samples(200))
	wrong := samples(240)[200:]
	for i := range wrong {
		wrong[i].Scores = map[string]float64{small: 0, large: 0}
	}
	free := samples(240)
	for i := range free {
		free[i].CostUSD = map[string]float64{small: 0.001, large: 0.010}
		if i >= 200 {
			free[i].CostUSD = map[string]float64{small: 0, large: 0}
		}
	}
	alike := samples(200)
	for i := range alike {
		alike[i].Scores[small] = alike[i].Scores[large]
	}
	for name, set := range map[string]eval.Set{
		"one prompt":          {Train: train, Test: part(t, samples(201)[200:])},
		"none right":          {Train: train, Test: part(t, wrong)},
		"free":                {Train: part(t, free[:200]), Test: part(t, free[200:]), Prices: map[string]eval.Price{}},
		"equal models":        {Train: part(t, alike)},
		"the best is cheap":   {Train: train, Prices: map[string]eval.Price{small: {Input: 0.9, Output: 0.9}, large: {Input: 0.1, Output: 0.1}}},
		"none ever was right": {Train: part(t, wrongEverywhere(200))},
	} {
		b, r := run(t, set, eval.Options{})
		if _, err := json.Marshal(b); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if o := r["best-single"].OperatingPoint; o.Kept != 1 || o.Saved != 0 {
			t.Errorf("%s: the best single model keeps %v and saves %v of itself", name, o.Kept, o.Saved)
		}
	}
}

func wrongEverywhere(n int) []index.Sample {
	out := samples(n)
	for i := range out {
		out[i].Scores = map[string]float64{small: 0, large: 0}
	}
	return out
}

// The weak model of two is the other one, though it cost more: the oracle recovers more than the whole gap, always the strong one all.
func TestCallsOfTheStrongModelWhereItIsTheCheaper(t *testing.T) {
	_, r := run(t, eval.Set{Train: part(t, samples(400)), Prices: map[string]eval.Price{small: {Input: 0.9, Output: 0.9}, large: {Input: 0.1, Output: 0.1}}},
		eval.Options{Routers: []string{"random", "oracle", "knn-40"}})
	if a := r["random"].APGR; a == nil || math.Abs(*a-0.5) > 1e-9 {
		t.Errorf("random calls recover %v on average, want half", a)
	}
	if a := r["oracle"].APGR; a == nil || *a <= 0.6 {
		t.Errorf("the oracle recovers %v", a)
	}
}

// Three of the models cost the same, as the dear ones of ulab14 do: none of them is dearer than the others.
func TestEquallyDearModelsDoNotCollapse(t *testing.T) {
	s := samples(200)
	for i := range s {
		s[i].Scores["gemma-2-27b-it"] = s[i].Scores[large]
		s[i].OutputTokens["gemma-2-27b-it"] = 200
		s[i].Scores[small] = 0
	}
	_, r := run(t, eval.Set{Train: part(t, s), Prices: map[string]eval.Price{small: prices[small], large: prices[large], "gemma-2-27b-it": prices[large]}},
		eval.Options{Routers: []string{"best-single"}})
	wrong := 0.0 // there the small one would have been as good
	for _, x := range s {
		wrong += 1 - x.Scores[large]
	}
	if _, ok := r["best-single"].RCI["10"]; !ok {
		t.Error("a router without a knob is at both ends of it")
	}
	if got := r["best-single"].RCI["0"]; math.Abs(got-wrong/200) > 1e-9 {
		t.Errorf("%v of the choices collapsed, want %v", got, wrong/200)
	}
}

// A benchmark's tasks are left out in their turn where they are judged; the training part may have others.
func TestEachJudgedTaskIsLeftOutInItsTurn(t *testing.T) {
	all := samples(500)
	for i := 0; i < 300; i += 3 {
		all[i].Task = "c"
	}
	b, _ := run(t, eval.Set{Train: part(t, all[:300]), Test: part(t, all[300:])}, eval.Options{Routers: []string{"knn-10"}, Unseen: []string{"each"}})
	if b.N != 200 {
		t.Errorf("%d judged, want all 200 of the test part", b.N)
	}
}

// Where folds choose different models the figures are of no single one, and the report must not say so.
func TestBestSingleModelsOfFoldsThatDiffer(t *testing.T) {
	s := samples(300)
	for i := range s {
		s[i].Scores[small] = float64(i / 2 % 2) // both are right on half of the prompts
		s[i].Scores[large] = float64(i % 2)
	}
	b, r := run(t, eval.Set{Name: "ties", Train: part(t, s)}, eval.Options{Routers: []string{"best-single"}})
	if len(b.BestSingle.Folds) != 2 || b.BestSingle.Folds[small]+b.BestSingle.Folds[large] != 5 {
		t.Fatalf("%+v, want the folds of both models", b.BestSingle)
	}
	if n := b.BestSingle.Folds[b.BestSingle.Model]; n < 3 || len(r["best-single"].Share) != 2 {
		t.Errorf("%s is said to be the best single model, of %d folds", b.BestSingle.Model, n)
	}
	want := fmt.Sprintf("Best single model: %s in %d folds, ", b.BestSingle.Model, b.BestSingle.Folds[b.BestSingle.Model])
	if text := (eval.Report{Benchmarks: []eval.Benchmark{b}}).Text(); !strings.Contains(text, want) {
		t.Errorf("text lacks %q:\n%s", want, text)
	}
	if raw, _ := json.Marshal(b.Cheapest); b.Cheapest.Folds != nil || strings.Contains(string(raw), "folds") {
		t.Errorf("%s: one model in all folds", raw)
	}
}

// Of two models that are as good on the training part the cheaper is the best single one: anybody would take it.
func TestOfEqualModelsTheCheaperIsTheBest(t *testing.T) {
	s := samples(200)
	for i := range s {
		s[i].Scores[small] = s[i].Scores[large]
	}
	for _, dear := range []string{small, large} {
		price := map[string]eval.Price{small: {Input: 0.1, Output: 0.1}, large: {Input: 0.1, Output: 0.1}}
		price[dear] = eval.Price{Input: 0.9, Output: 0.9}
		b, _ := run(t, eval.Set{Train: part(t, s), Prices: price}, eval.Options{Routers: []string{"best-single"}})
		if b.BestSingle.Model == dear {
			t.Errorf("%s is the best single model at nine times the price", dear)
		}
	}
}
