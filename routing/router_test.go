package routing_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/index"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

const dim = 16

// mapEmbedder embeds the texts it was told of, and others along an axis no row uses.
type mapEmbedder struct {
	vectors map[string][]float32
	calls   int
	err     error
}

func (e *mapEmbedder) ID() string { return "map" }
func (e *mapEmbedder) Dim() int   { return dim }
func (e *mapEmbedder) Embed(_ context.Context, text string) ([]float32, error) {
	e.calls++
	if e.err != nil {
		return nil, e.err
	}
	if v, ok := e.vectors[text]; ok {
		return v, nil
	}
	far := make([]float32, dim)
	far[dim-1] = 1
	return far, nil
}

// world is two kinds of prompts: "easy" ones, where small and large do equally well, and "hard" ones, where only the
// large model does.
func world(t testing.TB) (*routing.Router, *mapEmbedder) {
	t.Helper()
	rng := worldSource()
	e := &mapEmbedder{vectors: map[string][]float32{"easy": near(rng, 0), "hard": near(rng, 1)}}
	r, err := routing.New(routing.Config{Embedder: e, Index: worldIndex(t)})
	if err != nil {
		t.Fatal(err)
	}
	return r, e
}

func worldSource() *rand.Rand { return rand.New(rand.NewPCG(1, 2)) }

func worldIndex(t testing.TB) *index.Index {
	t.Helper()
	rng := worldSource()
	near(rng, 0)
	near(rng, 1) // world's own two
	b, err := index.NewBuilder("map", dim)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		kind := i % 2
		small := 0.91
		if kind == 1 {
			small = 0.2
		}
		r := index.Row{Vector: near(rng, kind), Source: "test", Outcomes: []index.Outcome{
			{Model: "qwen2.5-0.5b-instruct", Score: small, OutputTokens: 100},
			{Model: "llama-3.1-70b-instruct", Score: 0.9, OutputTokens: 400},
		}}
		if err := b.Add(r); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// near is a unit vector close to an axis; the last dimension stays empty.
func near(rng *rand.Rand, axis int) []float32 {
	v := make([]float32, dim)
	sum := 0.0
	for i := range dim - 1 {
		x := 0.05 * rng.NormFloat64()
		if i == axis {
			x++
		}
		v[i] = float32(x)
		sum += x * x
	}
	for i := range v {
		v[i] /= float32(math.Sqrt(sum))
	}
	return v
}

func small(op string, price uint64) routing.Candidate {
	return routing.Candidate{Operator: op, Model: "qwen2.5-0.5b-instruct", InputPerMTok: price, OutputPerMTok: price}
}

func large(op string, price uint64) routing.Candidate {
	return routing.Candidate{Operator: op, Model: "llama-3.1-70b-instruct", InputPerMTok: price, OutputPerMTok: price}
}

func route(t testing.TB, r *routing.Router, text string, cs []routing.Candidate, p routing.Policy) routing.Decision {
	t.Helper()
	d, err := r.Route(context.Background(), routing.Prompt{Text: text, InputTokens: 50}, cs, p)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestCheapestCapableOperatorWins(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s1", 100_000), large("l2", 1_000_000), large("l1", 900_000), small("s2", 120_000)}
	tests := []struct {
		text, operator string
		dial           float64
		reason         routing.Reason
		why            string
	}{
		{"easy", "s1", 7, routing.ReasonNearTie, "equally good"},
		{"easy", "s1", 8, routing.ReasonNearTie, "equally good"},
		{"easy", "l1", 0, routing.ReasonLeader, "not better beyond doubt"}, // where money is no object the proven best stays
		{"hard", "l1", 7, routing.ReasonWorthPrice, "dial 7 takes the better"},
		{"hard", "l1", 0, routing.ReasonWorthPrice, ""},
	}
	for _, tt := range tests {
		d := route(t, r, tt.text, fleet, routing.Policy{Dial: tt.dial})
		if d.Pick.Operator != tt.operator || d.Reason != tt.reason || !strings.Contains(d.Why, tt.why) {
			t.Errorf("%s at dial %v: %s because %s: %s", tt.text, tt.dial, d.Pick.Operator, d.Reason, d.Why)
		}
		if d.OutOfDistribution || len(d.Neighbors) == 0 || d.Neighbors[0].Source != "test" {
			t.Errorf("%s: neighbours %v, out of distribution %v", tt.text, d.Neighbors, d.OutOfDistribution)
		}
		if d.Baseline.Operator != "l1" {
			t.Errorf("always-best would run l1, baseline says %s", d.Baseline.Operator)
		}
	}
	// With the large model dear enough, dial 10 accepts a worse answer.
	dear := []routing.Candidate{small("s1", 100_000), large("l1", 5_000_000)}
	if d := route(t, r, "hard", dear, routing.Policy{Dial: 10}); d.Pick.Operator != "s1" || d.Reason != routing.ReasonDial {
		t.Errorf("dial 10: %s because %s", d.Pick.Operator, d.Why)
	}
}

func TestEstimatesComeFromTheNeighbors(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s", 100_000), large("l", 900_000)}
	for text, want := range map[string]float64{"easy": 0.92, "hard": 0.2} {
		d := route(t, r, text, fleet, routing.Policy{Dial: 7})
		for _, c := range d.Considered {
			if c.Model != "qwen2.5-0.5b-instruct" {
				continue
			}
			if math.Abs(c.Quality-want) > 0.05 || c.QualitySE <= 0 || c.QualitySE > 0.1 || c.Evidence < 30 {
				t.Errorf("%s: quality %.3f ± %.3f from %.0f neighbours, want %.1f", text, c.Quality, c.QualitySE, c.Evidence, want)
			}
			if c.ExpectedOutputTokens < 95 || c.ExpectedOutputTokens > 105 {
				t.Errorf("%d tokens expected, all answers had 100", c.ExpectedOutputTokens)
			}
			if wantCost := (50 + float64(c.ExpectedOutputTokens)) * 0.1; math.Abs(c.ExpectedCost-wantCost) > 1e-9 {
				t.Errorf("cost %v base units, want %v", c.ExpectedCost, wantCost)
			}
		}
	}
	d, err := r.Route(context.Background(), routing.Prompt{Text: "hard", InputTokens: 50, MaxOutputTokens: 7}, fleet, routing.Policy{Dial: 7})
	if err != nil || d.Pick.ExpectedOutputTokens != 7 {
		t.Errorf("the request's limit must cap the expected length: %d, %v", d.Pick.ExpectedOutputTokens, err)
	}
}

func TestFarPromptsFallBackToGeneralAbilityAndSaySo(t *testing.T) {
	r, e := world(t)
	fleet := []routing.Candidate{small("s", 100_000), large("l", 900_000)}
	d := route(t, r, "nothing like it", fleet, routing.Policy{Dial: 7})
	if !d.OutOfDistribution || d.NoText || !strings.Contains(d.Why, "no labelled prompt is near") {
		t.Errorf("far prompt: %+v", d.Why)
	}
	calls := e.calls
	empty := route(t, r, " \n", fleet, routing.Policy{Dial: 7})
	if !empty.OutOfDistribution || !empty.NoText || e.calls != calls {
		t.Errorf("empty prompt: out of distribution %v, %d embeddings", empty.OutOfDistribution, e.calls-calls)
	}
	for _, x := range []routing.Decision{d, empty} {
		for _, c := range x.Considered {
			if c.Evidence != 0 || c.QualitySE < 0.1 {
				t.Errorf("%s: evidence %v, standard error %v though nothing is near", c.Model, c.Evidence, c.QualitySE)
			}
		}
	}
}

func TestUnmeasuredModelsGetTheirSizesPrior(t *testing.T) {
	r, _ := world(t)
	d := route(t, r, "easy", []routing.Candidate{
		{Operator: "a", Model: "llama-3.1-8b-instruct", InputPerMTok: 1},
		{Operator: "b", Model: "mystery", InputPerMTok: 1},
	}, routing.Policy{Dial: 7})
	for _, c := range d.Considered {
		if c.Unknown != (c.Model == "mystery") {
			t.Errorf("%s: unknown %v", c.Model, c.Unknown)
		}
	}
	if d.Pick.Model != "llama-3.1-8b-instruct" {
		t.Errorf("an unknown model at the same price won: %s", d.Why)
	}
}

func TestNamedModelBypassesThePrompt(t *testing.T) {
	r, e := world(t)
	fleet := []routing.Candidate{small("s", 1), large("l2", 1_000_000), large("l1", 900_000)}
	for _, name := range []string{"llama3.1:70b", "meta-llama/Llama-3.1-70B-Instruct", "llama-3.1-70b-instruct"} {
		d := route(t, r, "easy", fleet, routing.Policy{Dial: 10, Model: name})
		if d.Pick.Operator != "l1" || !d.Pinned || d.Reason != routing.ReasonPinned || len(d.Fallbacks) != 1 || d.Fallbacks[0].Operator != "l2" {
			t.Errorf("%s: %s, fallbacks %v", name, d.Why, d.Fallbacks)
		}
	}
	if e.calls != 0 {
		t.Errorf("%d embeddings for named models", e.calls)
	}
	// What always asking the best would have cost is told beside a named model too, of those that the policy permits.
	for _, tt := range []struct {
		block    []string
		baseline string
	}{{nil, "l1"}, {[]string{"llama*"}, "s"}} {
		if d := route(t, r, "easy", fleet, routing.Policy{Dial: 10, Model: "qwen2.5:0.5b", Block: tt.block}); d.Pick.Operator != "s" || d.Baseline.Operator != tt.baseline {
			t.Errorf("%s, with %v blocked the baseline is %s", d.Pick.Operator, tt.block, d.Baseline.Operator)
		}
	}
	_, err := r.Route(context.Background(), routing.Prompt{Text: "easy"}, fleet, routing.Policy{Model: "gemma2:27b"})
	if !errors.Is(err, routing.ErrUnknownModel) {
		t.Errorf("nobody serves it: %v", err)
	}
	_, err = r.Route(context.Background(), routing.Prompt{Text: "easy", Tools: true}, fleet, routing.Policy{Model: "llama3.1:70b"})
	var infeasible *routing.InfeasibleError
	if !errors.As(err, &infeasible) || len(infeasible.Rejected) != 3 {
		t.Errorf("served, but not with tools: %v", err)
	}
}

func TestWhatCannotServeIsRuledOutWithItsReason(t *testing.T) {
	r, _ := world(t)
	able := routing.Candidate{Operator: "ok", Model: "llama-3.1-70b-instruct", InputPerMTok: 1000, OutputPerMTok: 1000, MaxContext: 8192, Tools: true, JSONMode: true, Vision: true}
	edit := func(op string, f func(*routing.Candidate)) routing.Candidate {
		c := able
		c.Operator = op
		f(&c)
		return c
	}
	fleet := []routing.Candidate{able,
		edit("blocked", func(c *routing.Candidate) { c.Model = "llama-2-70b-instruct" }),
		edit("not allowed", func(c *routing.Candidate) { c.Model = "qwen2.5-72b-instruct" }),
		edit("gone", func(c *routing.Candidate) { c.Unavailable = "no answer since 12:00" }),
		edit("short", func(c *routing.Candidate) { c.MaxContext = 1024 }),
		edit("tools", func(c *routing.Candidate) { c.Tools = false }),
		edit("json", func(c *routing.Candidate) { c.JSONMode = false }),
		edit("vision", func(c *routing.Candidate) { c.Vision = false }),
		edit("dear", func(c *routing.Candidate) { c.OutputPerMTok = math.MaxUint64 }),
		edit("full", func(c *routing.Candidate) { c.Load = 1 }),
		edit("confused", func(c *routing.Candidate) { c.Load = math.NaN() }),
	}
	p := routing.Prompt{Text: "easy", InputTokens: 1000, MaxOutputTokens: 500, Tools: true, JSONMode: true, Vision: true}
	policy := routing.Policy{Dial: 7, Allow: []string{"llama-*"}, Block: []string{"llama-2-*"}, MaxCost: 100}
	d, err := r.Route(context.Background(), p, fleet, policy)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]routing.RejectReason{"blocked": routing.RejectBlocked, "not allowed": routing.RejectBlocked, "gone": routing.RejectUnavailable,
		"short": routing.RejectContext, "tools": routing.RejectTools, "json": routing.RejectJSONMode, "vision": routing.RejectVision,
		"dear": routing.RejectTooDear, "full": routing.RejectFull, "confused": routing.RejectFull}
	got := map[string]routing.RejectReason{}
	for _, x := range d.Rejected {
		got[x.Operator] = x.Reason
	}
	if diff := cmp.Diff(want, got); diff != "" || d.Pick.Operator != "ok" || len(d.Fallbacks) != 0 {
		t.Errorf("pick %s, rejected (-want +got):\n%s", d.Pick.Operator, diff)
	}
	if _, err := r.Route(context.Background(), p, fleet[1:9], policy); err == nil || !strings.Contains(err.Error(), "2 × blocked by policy") {
		t.Errorf("nothing fits: %v", err)
	}
	// Only full operators left: better a queue than a refusal.
	if d, err := r.Route(context.Background(), p, fleet[9:10], policy); err != nil || d.Pick.Operator != "full" {
		t.Errorf("only a full operator: %v, %v", d.Pick.Operator, err)
	}
}

func TestPriceCeilingHoldsForTheWorstCase(t *testing.T) {
	r, _ := world(t)
	c := []routing.Candidate{{Operator: "o", Model: "llama-3.1-70b-instruct", InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000, PerRequest: 5}}
	p := routing.Prompt{Text: "easy", InputTokens: 10, MaxOutputTokens: 100}
	for ceiling, ok := range map[uint64]bool{215: true, 214: false} { // 10·1 + 100·2 + 5
		if _, err := r.Route(context.Background(), p, c, routing.Policy{MaxCost: ceiling}); (err == nil) != ok {
			t.Errorf("ceiling %d: %v", ceiling, err)
		}
	}
}

func TestIdleOperatorIsPreferredAtEqualPrice(t *testing.T) {
	r, _ := world(t)
	busy, idle := large("a-busy", 900_000), large("b-idle", 900_000)
	busy.Load, idle.Load = 0.9, 0.1
	d := route(t, r, "hard", []routing.Candidate{busy, idle}, routing.Policy{Dial: 7})
	if d.Pick.Operator != "b-idle" || d.Fallbacks[0].Operator != "a-busy" {
		t.Errorf("picked %s", d.Pick.Operator)
	}
}

func TestFallbacksTryTheSameModelFirst(t *testing.T) {
	r, _ := world(t)
	var fleet []routing.Candidate
	for i := range 12 {
		fleet = append(fleet, small(fmt.Sprintf("s%02d", i), 100_000), large(fmt.Sprintf("l%02d", i), 900_000+uint64(i)))
	}
	d := route(t, r, "hard", fleet, routing.Policy{Dial: 7})
	if len(d.Fallbacks) != routing.MaxFallbacks {
		t.Fatalf("%d fallbacks", len(d.Fallbacks))
	}
	for i, c := range d.Fallbacks {
		if want := fmt.Sprintf("l%02d", i+1); c.Operator != want {
			t.Errorf("fallback %d is %s, want %s", i, c.Operator, want)
		}
	}
}

func TestErrorsOfBadCalls(t *testing.T) {
	r, e := world(t)
	ctx := context.Background()
	if _, err := r.Route(ctx, routing.Prompt{Text: "x"}, nil, routing.Policy{}); !errors.Is(err, routing.ErrNoCandidate) {
		t.Errorf("no candidates: %v", err)
	}
	var bad *routing.PolicyError
	for _, p := range []routing.Policy{{Dial: -1}, {Dial: 11}, {Block: []string{"["}}} {
		if _, err := r.Route(ctx, routing.Prompt{Text: "x"}, []routing.Candidate{small("s", 1)}, p); !errors.As(err, &bad) {
			t.Errorf("policy %+v: %v", p, err)
		}
	}
	e.err = context.Canceled
	if _, err := r.Route(ctx, routing.Prompt{Text: "x"}, []routing.Candidate{small("s", 1)}, routing.Policy{}); !errors.Is(err, context.Canceled) {
		t.Errorf("canceled: %v", err)
	}
}

type otherEmbedder struct{ mapEmbedder }

func (*otherEmbedder) ID() string { return "other" }

func TestIndexOfAnotherEmbedderIsRefused(t *testing.T) {
	b, _ := index.NewBuilder("map", dim)
	_ = b.Add(index.Row{Vector: near(rand.New(rand.NewPCG(1, 1)), 0), Outcomes: []index.Outcome{{Model: "m", Score: 1}}})
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := routing.New(routing.Config{Embedder: &otherEmbedder{}, Index: x}); !errors.Is(err, index.ErrEmbedderMismatch) {
		t.Errorf("got %v", err)
	}
}

func TestDecisionIsReproducibleAndItsJSONReadsBack(t *testing.T) {
	fleet := []routing.Candidate{small("s", 100_000), large("l", 900_000)}
	var first routing.Decision
	for i := range 3 {
		r, _ := world(t)
		if i == 2 { // the order of advertisements must not matter
			fleet[0], fleet[1] = fleet[1], fleet[0]
		}
		d := route(t, r, "hard", fleet, routing.Policy{Dial: 7})
		if i == 0 {
			first = d
		}
		if d.Digest() != first.Digest() {
			t.Fatalf("run %d decided differently:\n%s\n%s", i, first.JSON(), d.JSON())
		}
	}
	var back routing.Decision
	if err := json.Unmarshal(first.JSON(), &back); err != nil {
		t.Fatal(err)
	}
	if string(back.JSON()) != string(first.JSON()) {
		t.Error("JSON does not survive a round trip")
	}
	// Any change of what was decided changes the digest.
	back.Pick.OutputPerMTok++
	if back.Digest() == first.Digest() {
		t.Error("a changed price has the same digest")
	}
}

func drawCandidate(t *rapid.T, label string) routing.Candidate {
	return drawOffer(t, label, []string{"qwen2.5-0.5b-instruct", "llama-3.1-70b-instruct", "llama-3.1-8b-instruct", "gemma-3-270m", "junk"})
}

// drawOffer is an offer of one of the models.
func drawOffer(t *rapid.T, label string, models []string) routing.Candidate {
	price := rapid.OneOf(rapid.Uint64Range(0, 3_000_000), rapid.Just(uint64(math.MaxUint64)))
	return routing.Candidate{
		Operator: rapid.StringMatching(`[a-z]{3}`).Draw(t, label+" operator"), Model: routing.ModelID(rapid.SampledFrom(models).Draw(t, label+" model")),
		InputPerMTok: price.Draw(t, label+" in"), OutputPerMTok: price.Draw(t, label+" out"), PerRequest: rapid.Uint64Range(0, 500).Draw(t, label+" flat"),
		Load: rapid.Float64Range(0, 0.99).Draw(t, label+" load"),
	}
}

// One more operator either wins the request or changes nothing: no price and no quality of others moves a route, unless it
// becomes the leader, which gets the request at the dial's capable end when nothing is known of it.
func TestAnotherOperatorWinsOrChangesNothing(t *testing.T) {
	r, _ := world(t)
	rapid.Check(t, func(rt *rapid.T) {
		var fleet []routing.Candidate
		for i := range rapid.IntRange(1, 6).Draw(rt, "fleet") {
			fleet = append(fleet, drawCandidate(rt, fmt.Sprint(i)))
		}
		text := rapid.SampledFrom([]string{"easy", "hard", "far", ""}).Draw(rt, "text")
		policy := routing.Policy{Dial: float64(rapid.IntRange(0, 100).Draw(rt, "tenths of dial")) / 10}
		before := route(t, r, text, fleet, policy)
		extra := drawCandidate(rt, "extra")
		after := route(t, r, text, append([]routing.Candidate{extra}, fleet...), policy)
		same := cmp.Equal(before.Pick, after.Pick)
		won := after.Pick.Operator == extra.Operator && after.Pick.Model == extra.Model && after.Pick.InputPerMTok == extra.InputPerMTok
		leads := after.Leader == extra.Model && before.Leader != extra.Model
		if !same && !won && !leads {
			rt.Fatalf("%s was picked; with %+v in the fleet it is %s", before.Pick.Operator, extra, after.Pick.Operator)
		}
	})
}

// The attack that re-routes up to 92 % of prompts under min-max scaling: absurd prices and zero-quality clones.
func TestAbsurdPricesAndZeroQualityClonesMoveNothing(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s", 100_000), large("l", 900_000)}
	junk := []routing.Candidate{small("x3", 300_000), small("x10", 1_000_000), large("x100", 90_000_000), large("max", math.MaxUint64),
		{Operator: "clone", Model: "llama-3-chatqa-0.05b", InputPerMTok: 100_000_000, OutputPerMTok: 100_000_000}}
	for dial := float64(routing.MinDial); dial <= routing.MaxDial; dial++ {
		for _, text := range []string{"easy", "hard", "far", ""} {
			before := route(t, r, text, fleet, routing.Policy{Dial: dial})
			after := route(t, r, text, append(junk, fleet...), routing.Policy{Dial: dial})
			if !cmp.Equal(before.Pick, after.Pick) {
				t.Errorf("%s at dial %v: %s before, %s after", text, dial, before.Pick.Operator, after.Pick.Operator)
			}
		}
	}
}

// Turning the dial up never buys a dearer answer, and turning it down never a worse one.
func TestDialIsMonotone(t *testing.T) {
	r, _ := world(t)
	rapid.Check(t, func(rt *rapid.T) {
		var fleet []routing.Candidate
		for i := range rapid.IntRange(1, 6).Draw(rt, "fleet") {
			fleet = append(fleet, drawCandidate(rt, fmt.Sprint(i)))
		}
		text := rapid.SampledFrom([]string{"easy", "hard", "far"}).Draw(rt, "text")
		last := math.Inf(1)
		for dial := float64(routing.MinDial); dial <= routing.MaxDial; dial++ {
			d := route(t, r, text, fleet, routing.Policy{Dial: dial})
			if d.Pick.ExpectedCost > last*(1+1e-12) {
				rt.Fatalf("dial %v costs %v, the one before %v", dial, d.Pick.ExpectedCost, last)
			}
			last = d.Pick.ExpectedCost
		}
	})
}
