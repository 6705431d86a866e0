package routing_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flotilla/routing"
	"flotilla/routing/index"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "make the golden records anew; after a change of what decisions come out as, raise routing.Rules first")

const golden = "testdata/replay"

// request is one golden case: all that Route gets.
type request struct {
	prompt routing.Prompt
	fleet  []routing.Candidate
	policy routing.Policy
}

func goldenRequests() map[string]request {
	fleet := []routing.Candidate{small("s1", 100_000), large("l2", 1_000_000), large("l1", 900_000), small("s2", 120_000)}
	var crowd []routing.Candidate
	for i := range 100 {
		crowd = append(crowd, small(fmt.Sprintf("s%02d", i), 100_000+uint64(i)), large(fmt.Sprintf("l%02d", i), 900_000+uint64(i)))
	}
	ask := func(text string) routing.Prompt { return routing.Prompt{Text: text, InputTokens: 50} }
	talk := func(text string, s routing.Session) routing.Prompt {
		return routing.Prompt{Text: text, InputTokens: 4000, MaxOutputTokens: 300, Session: s}
	}
	long := routing.Session{Model: "qwen2.5-0.5b-instruct", Operator: "s2", CachedTokens: 3900}
	tools := routing.Session{Model: "llama-3.1-70b-instruct", Operator: "l2", CachedTokens: 3900, ToolLoop: true}
	return map[string]request{
		"easy":         {ask("easy"), fleet, routing.Policy{Dial: 7}},
		"hard":         {ask("hard"), fleet, routing.Policy{Dial: 7}},
		"hard-dial-10": {ask("hard"), []routing.Candidate{small("s1", 100_000), large("l1", 5_000_000)}, routing.Policy{Dial: 10}},
		"far":          {ask("far"), fleet, routing.Policy{Dial: 7}},
		"far-default":  {ask("far"), fleet, routing.Policy{Dial: 7, Default: "qwen2.5:0.5b"}},
		"no-text":      {ask(""), fleet, routing.Policy{Dial: 3}},
		"named":        {ask("easy"), fleet, routing.Policy{Dial: 7, Model: "llama3.1:70b"}},
		"policy":       {ask("hard"), append(fleet, large("dear", 90_000_000)), routing.Policy{Dial: 7, Block: []string{"qwen*"}, MaxCost: 1000}},
		"unmeasured":   {ask("easy"), append(fleet, routing.Candidate{Operator: "m", Model: "mystery", InputPerMTok: 7}), routing.Policy{Dial: 7}},
		"crowd":        {ask("hard"), crowd, routing.Policy{Dial: 7, Default: "qwen2.5:0.5b"}},
		"stays":        {talk("easy", long), fleet, routing.Policy{Dial: 7}},
		"switches":     {talk("hard", long), fleet, routing.Policy{Dial: 1}},
		"tool-loop":    {talk("easy", tools), fleet, routing.Policy{Dial: 10}},
	}
}

// The golden records replay bit for bit, and routing their requests anew gives the same bytes. Other machines run the
// same test: make golden does so for 32-bit and fused-multiply-add code.
func TestGoldenRecordsReplay(t *testing.T) {
	r, _ := world(t)
	if *update {
		writeGolden(t, r)
	}
	raw, err := os.ReadFile(filepath.Join(golden, "index.fidx"))
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Decode(raw)
	if err != nil {
		t.Fatal(err)
	}
	for name, q := range goldenRequests() {
		record, err := os.ReadFile(filepath.Join(golden, name+".json"))
		if err != nil {
			t.Fatal(err)
		}
		if err := routing.Replay(t.Context(), record, x); err != nil {
			t.Errorf("%s: %v (a wanted change: raise routing.Rules, then go test ./routing -run Golden -update)", name, err)
		}
		d, err := r.Route(t.Context(), q.prompt, q.fleet, q.policy)
		if err != nil {
			t.Fatal(err)
		}
		if string(d.JSON()) != string(record) {
			t.Errorf("%s: routed anew it is\n%s\nnot\n%s", name, d.JSON(), record)
		}
	}
}

func writeGolden(t *testing.T, r *routing.Router) {
	t.Helper()
	if err := os.MkdirAll(golden, 0o755); err != nil {
		t.Fatal(err)
	}
	write := func(name string, raw []byte) {
		if err := os.WriteFile(filepath.Join(golden, name), raw, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("index.fidx", worldIndex(t).Encode())
	for name, q := range goldenRequests() {
		d, err := r.Route(t.Context(), q.prompt, q.fleet, q.policy)
		if err != nil {
			t.Fatal(err)
		}
		write(name+".json", d.JSON())
	}
}

// Whatever the fleet, the prompt, the policy and the conversation: the record alone gives the decision again.
func TestEveryDecisionReplays(t *testing.T) {
	r, _ := world(t)
	x := worldIndex(t)
	rapid.Check(t, func(rt *rapid.T) {
		var fleet []routing.Candidate
		for i := range drawFleetSize(rt) {
			fleet = append(fleet, drawCandidate(rt, fmt.Sprint(i)))
		}
		replaysOf(rt, r, x, rapid.SampledFrom([]string{"easy", "hard", "far", ""}).Draw(rt, "text"), fleet)
	})
}

// The same with the guard, on texts whose versions disagree.
func TestEveryGuardedDecisionReplays(t *testing.T) {
	r, x := disagreeing(t)
	models := append([]string{"junk"}, x.Models()...)
	rapid.Check(t, func(rt *rapid.T) {
		var fleet []routing.Candidate
		for i := range drawFleetSize(rt) {
			fleet = append(fleet, drawOffer(rt, fmt.Sprint(i), models))
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(sentences), 0, 8).Draw(rt, "text"), " ")
		replaysOf(rt, r, x, text, fleet)
	})
}

// An operator may offer one model at one price under as many names as an advertisement holds. However many offers are alike,
// the record gives the decision again.
func TestRepeatedOffersReplay(t *testing.T) {
	r, x := disagreeing(t)
	models := append([]string{"junk"}, x.Models()...)
	rapid.Check(t, func(rt *rapid.T) {
		var fleet []routing.Candidate
		for i := range rapid.IntRange(1, 12).Draw(rt, "offers") {
			c := drawOffer(rt, fmt.Sprint(i), models)
			fleet = append(fleet, slices.Repeat([]routing.Candidate{c}, rapid.SampledFrom([]int{1, 2, 64}).Draw(rt, "times"))...)
		}
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(sentences), 0, 8).Draw(rt, "text"), " ")
		replaysOf(rt, r, x, text, fleet)
	})
}

var sentences = []string{
	"Tell me about the sea and its ships.", "How many hours does it take to travel two hundred miles?", "Name one of them, please.",
	"taxon brewery secluded explains matrix roots fender", "Then explain in two sentences why the same argument fails.",
}

func drawFleetSize(rt *rapid.T) int {
	return rapid.OneOf(rapid.IntRange(1, 8), rapid.IntRange(routing.MaxRecorded-2, 200)).Draw(rt, "fleet")
}

// replaysOf routes a text under some policy and in some conversation, and replays the record.
func replaysOf(rt *rapid.T, r *routing.Router, x *index.Index, text string, fleet []routing.Candidate) {
	somebody := rapid.SampledFrom(fleet).Draw(rt, "session")
	p := routing.Prompt{Text: text, InputTokens: rapid.Uint32().Draw(rt, "input"), MaxOutputTokens: rapid.Uint32().Draw(rt, "limit")}
	if rapid.Bool().Draw(rt, "conversation") {
		p.Session = routing.Session{Model: somebody.Model, Operator: somebody.Operator, CachedTokens: rapid.Uint32().Draw(rt, "cached"), ToolLoop: rapid.Bool().Draw(rt, "tool loop")}
	}
	p.Tools, p.JSONMode, p.Vision = rapid.Bool().Draw(rt, "tools"), rapid.Bool().Draw(rt, "json"), rapid.Bool().Draw(rt, "vision")
	for i := range fleet { // one offer in a few lacks something
		able := rapid.IntRange(0, 9)
		fleet[i].Tools, fleet[i].JSONMode, fleet[i].Vision = able.Draw(rt, "has tools") > 0, able.Draw(rt, "has json") > 0, able.Draw(rt, "sees") > 0
	}
	policy := routing.Policy{Dial: float64(rapid.IntRange(0, 100).Draw(rt, "tenths of dial")) / 10, Default: rapid.SampledFrom([]string{"", "gemma-3-270m", "nobody"}).Draw(rt, "default"),
		Block: rapid.SampledFrom([][]string{nil, {"junk"}, {"q*"}}).Draw(rt, "block")}
	if rapid.Bool().Draw(rt, "allowance") {
		policy.Allowance = routing.Allowance{Bounded: true, Left: rapid.Uint64Range(0, 1000).Draw(rt, "left")}
	}
	if rapid.Bool().Draw(rt, "named") {
		policy.Model = string(somebody.Model)
	}
	d, err := r.Route(context.Background(), p, fleet, policy)
	var nobody *routing.InfeasibleError
	if errors.As(err, &nobody) {
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	if err := routing.Replay(context.Background(), d.JSON(), x); err != nil {
		rt.Fatalf("%v\n%s", err, d.JSON())
	}
}

// Any number of a record that is changed makes its replay fail, and the error says where.
func TestChangedRecordIsFound(t *testing.T) {
	x := worldIndex(t)
	for name, change := range map[string]struct {
		record string
		edit   func(*routing.Decision)
		field  string
	}{
		"an estimate":       {"hard", func(d *routing.Decision) { d.Considered[1].Quality = math.Nextafter(d.Considered[1].Quality, 1) }, "considered[1].quality"},
		"the pick":          {"hard", func(d *routing.Decision) { d.Pick = d.Considered[1] }, "pick.operator"},
		"a price":           {"easy", func(d *routing.Decision) { d.Considered[0].OutputPerMTok-- }, "pick.expected_cost"},
		"a neighbour":       {"easy", func(d *routing.Decision) { d.Neighbors[3].Similarity += 1. / index.SimilarityOne }, "neighbors[3].similarity"},
		"the query":         {"easy", func(d *routing.Decision) { d.Query[5] += 40 }, "pick.quality"},
		"the flag":          {"far", func(d *routing.Decision) { d.OutOfDistribution = false }, "out_of_distribution"},
		"a choice hidden":   {"hard", func(d *routing.Decision) { d.Considered = d.Considered[1:]; d.ConsideredTotal-- }, "pick.operator"},
		"who stays":         {"stays", func(d *routing.Decision) { d.Turn.CachedTokens = 0 }, "pick.operator"},
		"a blocked model":   {"policy", func(d *routing.Decision) { d.Block = nil }, "rejected[0].reason"},
		"above the ceiling": {"policy", func(d *routing.Decision) { d.MaxCost = 2 }, "considered"},
		"the default":       {"far-default", func(d *routing.Decision) { d.Default = "" }, "pick.operator"},
		"the dial":          {"hard-dial-10", func(d *routing.Decision) { d.Dial = 0 }, "pick.operator"},
		"the baseline":      {"easy", func(d *routing.Decision) { d.Baseline = d.Pick }, "baseline.operator"},
		"a block not kept":  {"easy", func(d *routing.Decision) { d.Block = []string{"llama*"} }, "considered"},
		"a turn of nobody":  {"easy", func(d *routing.Decision) { d.Turn = &routing.Turn{} }, "turn"},
		"a fallback hidden": {"easy", func(d *routing.Decision) { d.Fallbacks = d.Fallbacks[:1] }, "length of fallbacks"},
	} {
		raw, err := os.ReadFile(filepath.Join(golden, change.record+".json"))
		if err != nil {
			t.Fatal(err)
		}
		d, err := routing.ReadRecord(raw)
		if err != nil {
			t.Fatal(err)
		}
		change.edit(&d)
		err = routing.Replay(t.Context(), d.JSON(), x)
		var diff *routing.DifferenceError
		if !errors.As(err, &diff) || !strings.HasPrefix(diff.Field, change.field) {
			t.Errorf("%s: %v, want a difference in %s", name, err, change.field)
		}
	}
}

func TestReplaySaysWhatItCannotTell(t *testing.T) {
	r, _ := world(t)
	d := route(t, r, "easy", []routing.Candidate{small("s", 1)}, routing.Policy{Dial: 7})
	other, err := index.Default()
	if err != nil {
		t.Fatal(err)
	}
	if err := routing.Replay(t.Context(), d.JSON(), other); !errors.Is(err, routing.ErrOtherIndex) {
		t.Errorf("another index: %v", err)
	}
	d.Rules++
	if err := routing.Replay(t.Context(), d.JSON(), other); !errors.Is(err, routing.ErrOtherRules) {
		t.Errorf("other rules: %v", err)
	}
	if err := routing.Replay(t.Context(), []byte(`{"rules":`), other); err == nil {
		t.Error("half a record was replayed")
	}
	d.Rules--
	if err := routing.Replay(t.Context(), append([]byte(" "), d.JSON()...), worldIndex(t)); err == nil || !strings.Contains(err.Error(), "canonical form") {
		t.Errorf("a record with a blank before it: %v", err)
	}
}

// A record lists all, or as many as are recorded of more: choices and rejections cannot be said to have been more.
func TestFalseTotalsAreFound(t *testing.T) {
	r, _ := world(t)
	x := worldIndex(t)
	for name, change := range map[string]func(*routing.Decision){
		"considered":           func(d *routing.Decision) { d.ConsideredTotal++ },
		"considered, many":     func(d *routing.Decision) { d.ConsideredTotal = 1000 },
		"considered, none":     func(d *routing.Decision) { d.ConsideredTotal = 0 },
		"rejected":             func(d *routing.Decision) { d.RejectedTotal++ },
		"rejected, many":       func(d *routing.Decision) { d.RejectedTotal = 1000 },
		"rejected, below zero": func(d *routing.Decision) { d.RejectedTotal = -1 },
	} {
		d := route(t, r, "easy", []routing.Candidate{small("s", 1), large("l", 2)}, routing.Policy{Dial: 7})
		change(&d)
		if err := routing.Replay(t.Context(), d.JSON(), x); err == nil {
			t.Errorf("%s: it replays", name)
		}
	}
}

// What a stranger's record makes a replay do is bounded by its lists.
func TestLongRecordsAreRefused(t *testing.T) {
	r, _ := world(t)
	for name, change := range map[string]func(*routing.Decision){
		"choices":    func(d *routing.Decision) { d.Considered = slices.Repeat(d.Considered, routing.MaxRecorded+1) },
		"rejections": func(d *routing.Decision) { d.Rejected = make([]routing.Rejection, routing.MaxRecorded+1) },
		"views":      func(d *routing.Decision) { d.Guard = &routing.GuardNote{Views: make([]routing.View, 99)} },
		"no choice":  func(d *routing.Decision) { d.Considered = nil },
	} {
		d := route(t, r, "easy", []routing.Candidate{small("s", 1)}, routing.Policy{Dial: 7})
		change(&d)
		d.ConsideredTotal, d.RejectedTotal = len(d.Considered), len(d.Rejected)
		if _, err := routing.ReadRecord(d.JSON()); err == nil {
			t.Errorf("%s: it is read", name)
		}
	}
}

// In a fleet of which not all is recorded, the most able model may be too dear and too little use here to be among what is.
func TestBaselineThatIsNotRecordedReplays(t *testing.T) {
	rng := worldSource()
	e := &mapEmbedder{vectors: map[string][]float32{"easy": near(rng, 0)}}
	b, err := index.NewBuilder("map", dim)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 400 {
		scores := [][3]float64{{0.95, 0.9, 0.8}, {0.1, 0.2, 1}}[i%2]
		row := index.Row{Vector: near(rng, i%2), Source: "test"}
		for k, model := range []string{"qwen2.5-0.5b-instruct", "llama-3.1-8b-instruct", "llama-3.1-70b-instruct"} {
			row.Outcomes = append(row.Outcomes, index.Outcome{Model: model, Score: scores[k], OutputTokens: 100})
		}
		if err := b.Add(row); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	r, err := routing.New(routing.Config{Embedder: e, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	fleet := []routing.Candidate{large("dear", 90_000_000_000), {Operator: "middle", Model: "llama-3.1-8b-instruct", InputPerMTok: 200_000, OutputPerMTok: 200_000}}
	for i := range 2 * routing.MaxRecorded {
		fleet = append(fleet, small(fmt.Sprint("s", i), 100_000))
	}
	d := route(t, r, "easy", fleet, routing.Policy{Dial: 7})
	if d.Baseline.Operator != "dear" || slices.ContainsFunc(d.Considered, func(c routing.Choice) bool { return c.Operator == "dear" }) {
		t.Fatalf("the baseline is of %s, or recorded: the fleet is not what the test needs", d.Baseline.Operator)
	}
	if err := routing.Replay(t.Context(), d.JSON(), x); err != nil {
		t.Error(err)
	}
}

// The baseline is what savings are measured by: one that nobody offered is found, where all offers are recorded.
func TestMadeUpBaselineIsFound(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s1", 100_000), small("s2", 120_000)}
	d := route(t, r, "easy", fleet, routing.Policy{Dial: 7})
	d.Baseline = route(t, r, "easy", append(fleet, large("nobody", 90_000_000)), routing.Policy{Dial: 7}).Baseline
	var diff *routing.DifferenceError
	if err := routing.Replay(t.Context(), d.JSON(), worldIndex(t)); !errors.As(err, &diff) || diff.Field != "baseline.operator" {
		t.Errorf("%v, want a difference in baseline.operator", err)
	}
}

// Whatever stands in a record, replaying it ends with an answer.
func FuzzReplay(f *testing.F) {
	for name := range goldenRequests() {
		raw, err := os.ReadFile(filepath.Join(golden, name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	x := worldIndex(f)
	f.Fuzz(func(t *testing.T, record []byte) {
		if err := routing.Replay(t.Context(), record, x); err == nil && !json.Valid(record) {
			t.Error("no JSON, yet it replays")
		}
	})
}

// The record of a decision over a large fleet stays small enough to be kept with every receipt
// (settlement.MaxDecisionBytes is 128 KiB), and says how much was left out.
func TestRecordIsBounded(t *testing.T) {
	r, _ := world(t)
	var fleet []routing.Candidate
	for i := range routing.MaxCandidates {
		c := routing.Candidate{
			Operator: fmt.Sprintf("0x%040d/%06d", i, i), Model: "llama-3.1-70b-instruct",
			InputPerMTok: uint64(900_000 + i), OutputPerMTok: uint64(900_000 + i), MaxContext: 8192,
		}
		if i%2 == 1 {
			c.Unavailable = "not connected"
		}
		fleet = append(fleet, c)
	}
	d, err := r.Route(t.Context(), routing.Prompt{Text: "hard"}, fleet, routing.Policy{Dial: 7})
	if err != nil {
		t.Fatal(err)
	}
	if d.ConsideredTotal != len(fleet)/2 || d.RejectedTotal != len(fleet)/2 {
		t.Errorf("totals %d and %d, want %d each", d.ConsideredTotal, d.RejectedTotal, len(fleet)/2)
	}
	if n := len(d.JSON()); n > 128<<10 {
		t.Errorf("record of %d bytes", n)
	}
	if d.Considered[0].Operator != d.Pick.Operator {
		t.Errorf("the pick %s is not the first of those recorded, %s", d.Pick.Operator, d.Considered[0].Operator)
	}
}
