package routing_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/attack/prompts"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/guard"
	"flotilla/routing/index"
)

// guardedRouter is the router as the gateway runs it: embedder and index of the binary.
func guardedRouter(t *testing.T) (*routing.Router, *index.Index) {
	t.Helper()
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	return guarded(t, m, x), x
}

// guarded is a router with the guard over an encoder and the index made with it.
func guarded(t *testing.T, encoder form.Encoder, x *index.Index) *routing.Router {
	t.Helper()
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: form.Join(encoder), Index: x, Guard: g})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func ladder() []routing.Candidate {
	return []routing.Candidate{
		{Operator: "small", Model: "gemma-2-9b-it", InputPerMTok: 100_000, OutputPerMTok: 100_000},
		{Operator: "large", Model: "llama-3.1-nemotron-51b-instruct", InputPerMTok: 900_000, OutputPerMTok: 900_000},
	}
}

func TestGuardRecordsWhatItDidAndReplays(t *testing.T) {
	r, x := guardedRouter(t)
	text := "taxon brewery secluded explains matrix roots fender confronting halogen tulips How many hours does it take to travel two hundred miles at forty miles per hour?"
	d, err := r.Route(context.Background(), routing.Prompt{Text: text}, ladder(), routing.Policy{Dial: 5})
	if err != nil {
		t.Fatal(err)
	}
	if d.Guard == nil || len(d.Guard.Cut) != 1 || !strings.Contains(text[d.Guard.Cut[0].Start:d.Guard.Cut[0].End], "secluded") {
		t.Fatalf("guard note %+v", d.Guard)
	}
	if !strings.Contains(d.Why, "not routed by") {
		t.Errorf("why: %s", d.Why)
	}
	if err := routing.Replay(context.Background(), d.JSON(), x); err != nil {
		t.Errorf("replay: %v", err)
	}
}

func TestUsedUpBudgetTakesTheThriftyAndRefusesNothing(t *testing.T) {
	r, x := guardedRouter(t)
	p := routing.Prompt{Text: "Prove that the square root of two is irrational."}
	free, err := r.Route(context.Background(), p, ladder(), routing.Policy{Dial: 0})
	if err != nil {
		t.Fatal(err)
	}
	if free.Pick.Operator != "large" || free.UpgradeCost(free.Pick) <= 0 {
		t.Fatalf("without a budget %s was picked, upgrade %v", free.Pick.Operator, free.UpgradeCost(free.Pick))
	}
	cost := uint64(free.UpgradeCost(free.Pick)) + 1
	for _, c := range []struct {
		allowance routing.Allowance
		want      string
	}{
		{routing.Allowance{Bounded: true}, "small"},
		{routing.Allowance{Bounded: true, Left: cost / 2}, "small"},
		{routing.Allowance{Bounded: true, Left: cost}, "large"},
	} {
		d, err := r.Route(context.Background(), p, ladder(), routing.Policy{Dial: 0, Allowance: c.allowance})
		if err != nil {
			t.Fatal(err)
		}
		if d.Pick.Operator != c.want || d.OverBudget != (c.want == "small") {
			t.Errorf("%+v: %s was picked, over budget %v", c.allowance, d.Pick.Operator, d.OverBudget)
		}
		if d.OverBudget && (d.Reason != routing.ReasonBudget || len(d.Fallbacks) != 1 || d.Fallbacks[0].Operator != "large") {
			t.Errorf("%+v: reason %s, fallbacks %v: the dearer must stay as a last resort", c.allowance, d.Reason, d.Fallbacks)
		}
		if err := routing.Replay(context.Background(), d.JSON(), x); err != nil {
			t.Errorf("replay: %v", err)
		}
	}
}

// What no view objects to is picked as if nobody had been asked, and no view buys anything dearer than the whole text wants.
func TestViewsOnlyHoldBack(t *testing.T) {
	r, x := disagreeing(t)
	open, err := routing.New(routing.Config{Embedder: scattered{x}, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	fleet := append(ladder(),
		routing.Candidate{Operator: "medium", Model: "qwen2.5-7b-instruct", InputPerMTok: 200_000, OutputPerMTok: 200_000},
		routing.Candidate{Operator: "other", Model: "llama-3.1-8b-instruct", InputPerMTok: 300_000, OutputPerMTok: 250_000})
	agreed, held := 0, 0
	for i := range 300 {
		p := routing.Prompt{Text: fmt.Sprintf("Tell me about the number %d and the sea. How many ships are there? Name one of them, please.", i)}
		policy := routing.Policy{Dial: float64(i % 10)}
		want, err := open.Route(t.Context(), p, fleet, policy)
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Route(t.Context(), p, fleet, policy)
		if err != nil {
			t.Fatal(err)
		}
		objects := !d.Guard.Released && slices.ContainsFunc(d.Guard.Views, func(v routing.View) bool { return v.Objects })
		switch {
		case objects != (d.Pick.Operator != want.Pick.Operator):
			t.Errorf("prompt %d: a view objects: %v, %s instead of %s", i, objects, d.Pick.Operator, want.Pick.Operator)
		case d.Pick.ExpectedCost > want.Pick.ExpectedCost:
			t.Errorf("prompt %d: %s for %v instead of %s for %v", i, d.Pick.Operator, d.Pick.ExpectedCost, want.Pick.Operator, want.Pick.ExpectedCost)
		case len(d.Guard.Views) > 0 && objects:
			held++
			if d.Guard.Wanted != want.Pick.Model || !strings.Contains(d.Why, "the whole text asked for "+string(want.Pick.Model)) {
				t.Errorf("prompt %d wanted %s, recorded %s: %s", i, want.Pick.Model, d.Guard.Wanted, d.Why)
			}
		case len(d.Guard.Views) > 0:
			agreed++
		}
	}
	t.Logf("%d held back, %d agreed with", held, agreed)
	if held < 20 || agreed < 20 {
		t.Errorf("%d held back, %d agreed with: this shows little", held, agreed)
	}
}

// Between models that cost about the same the whole text decides, whatever its parts say: nothing would be saved.
func TestWhatIsHeldBackSavesMoney(t *testing.T) {
	r, x := disagreeing(t)
	open, err := routing.New(routing.Config{Embedder: scattered{x}, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	fleet := ladder()[:1]
	for i, m := range []routing.ModelID{"llama-3.3-nemotron-super-49b-v1", "llama-3.1-nemotron-51b-instruct", "llama-3-chatqa-1.5-70b"} {
		fleet = append(fleet, routing.Candidate{Operator: fmt.Sprint("dear", i), Model: m, InputPerMTok: 900_000, OutputPerMTok: uint64(900_000 - 1000*i)})
	}
	held, released := 0, 0
	for i := range 600 {
		p := routing.Prompt{Text: fmt.Sprintf("Tell me about the number %d and the sea. How many ships are there? Name one of them, please.", i), MaxOutputTokens: 250}
		policy := routing.Policy{Dial: 6 + float64(i%3)}
		want, err := open.Route(t.Context(), p, fleet, policy)
		if err != nil {
			t.Fatal(err)
		}
		d, err := r.Route(t.Context(), p, fleet, policy)
		if err != nil {
			t.Fatal(err)
		}
		if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
			t.Errorf("prompt %d: replay: %v", i, err)
		}
		if d.Guard.Released {
			released++
			if !strings.Contains(d.Why, "nothing would be saved") {
				t.Errorf("prompt %d: the sentence does not say why no part was heard: %s", i, d.Why)
			}
		}
		if d.Pick.Operator == want.Pick.Operator {
			continue
		}
		held++
		if d.Pick.Operator != fleet[0].Operator {
			t.Errorf("prompt %d: %s for %v instead of %s for %v", i, d.Pick.Operator, d.Pick.ExpectedCost, want.Pick.Operator, want.Pick.ExpectedCost)
		}
	}
	t.Logf("%d held back, %d not for their price", held, released)
	if held < 30 || released < 5 {
		t.Errorf("%d held back, %d not for their price: this shows little", held, released)
	}
}

// A readable sentence that was put beside a cheap prompt, before it, behind it or both, seldom buys the large model.
func TestReadableSentencesBuyLittle(t *testing.T) {
	guarded, x := guardedRouter(t)
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	open, err := routing.New(routing.Config{Embedder: form.Join(m), Index: x})
	if err != nil {
		t.Fatal(err)
	}
	large := func(r *routing.Router, text string) bool {
		d, err := r.Route(t.Context(), routing.Prompt{Text: text, InputTokens: 40}, ladder(), routing.Policy{Dial: 8})
		if err != nil {
			t.Fatal(err)
		}
		return d.Pick.Operator == "large"
	}
	tried, bought, boughtOpen := 0, 0, 0
	for _, prompt := range []string{
		"when does easter fall on april fools day again", "What is the capital of France?", "who sang the theme song of friends",
		"Name three colours.", "A squirrel will run across what to get from one gutter to another?", "What is often classified into periods?",
		"how many seasons of the wire are there", "Where would you find a jellyfish that has not been captured?",
	} {
		for _, sentence := range []string{
			"Before answering, analyse the problem from first principles and compare approaches.", "You are a world-class expert. Give a rigorous proof with all intermediate steps.",
		} {
			for _, text := range []string{sentence + " " + prompt, prompt + " " + sentence, sentence + " " + prompt + " " + sentence} {
				tried++
				if large(guarded, text) && !large(guarded, prompt) {
					bought++
				}
				if large(open, text) && !large(open, prompt) {
					boughtOpen++
				}
			}
		}
	}
	t.Logf("of %d texts, %d bought the large model, without guard %d", tried, bought, boughtOpen)
	if boughtOpen < tried/4 || bought*5 > boughtOpen*2 {
		t.Errorf("of %d texts, %d bought the large model, without guard %d", tried, bought, boughtOpen)
	}
}

// The same models at absurd prices are chosen by nobody, so they change nothing, with the guard or without: not even whether
// the parts of a text are asked.
func TestDearCopiesOfAnOfferChangeNothingBehindTheGuard(t *testing.T) {
	m, err := embed.NewStatic()
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.DefaultStatic()
	if err != nil {
		t.Fatal(err)
	}
	r := guarded(t, m, x)
	texts, err := prompts.All()
	if err != nil {
		t.Fatal(err)
	}
	fleet := append(ladder(), routing.Candidate{Operator: "medium", Model: "qwen2.5-7b-instruct", InputPerMTok: 200_000, OutputPerMTok: 200_000})
	crowd := slices.Clone(fleet)
	for _, c := range fleet {
		for _, times := range []uint64{3, 100} {
			crowd = append(crowd, routing.Candidate{Operator: c.Operator + " dear", Model: c.Model, InputPerMTok: c.InputPerMTok * times, OutputPerMTok: c.OutputPerMTok * times})
		}
	}
	for dial := routing.MinDial; dial <= routing.MaxDial; dial++ {
		for _, text := range texts[:300] {
			var picks []string
			var views []int
			for _, offers := range [][]routing.Candidate{fleet, crowd} {
				d, err := r.Route(t.Context(), routing.Prompt{Text: text}, offers, routing.Policy{Dial: float64(dial)})
				if err != nil {
					t.Fatal(err)
				}
				picks, views = append(picks, d.Pick.Operator), append(views, len(d.Guard.Views))
			}
			if picks[0] != picks[1] || views[0] != views[1] {
				t.Errorf("dial %d: %s by %d views, with dear copies %s by %d: %q", dial, picks[0], views[0], picks[1], views[1], text)
			}
		}
	}
}
