package routing_test

import (
	"strings"
	"testing"

	"flotilla/routing"

	"pgregory.net/rapid"
)

const (
	smallModel = "qwen2.5-0.5b-instruct"
	largeModel = "llama-3.1-70b-instruct"
)

func TestConversationStaysUnlessASwitchPays(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s1", 100_000), small("s2", 110_000), large("l1", 900_000), large("l2", 950_000)}
	session := func(m routing.ModelID, operator string, cached uint32) routing.Session {
		return routing.Session{Model: m, Operator: operator, CachedTokens: cached}
	}
	tools := session(largeModel, "l2", 10)
	tools.ToolLoop = true
	toolsElsewhere := tools
	toolsElsewhere.Operator = "left"
	// 4000 cached tokens at l2 are worth 4000 × 0.75 × 0.95 = 2850 µUSD, 0.285 of a right answer at dial 7.
	for name, tt := range map[string]struct {
		text     string
		dial     float64
		session  routing.Session
		operator string
		verdict  routing.Verdict
		reason   routing.Reason
	}{
		"a little cheaper elsewhere":          {"easy", 7, session(largeModel, "l2", 4000), "s1", routing.VerdictSwitched, ""},
		"the same, at a dial for quality":     {"hard", 7, session(largeModel, "l2", 4000), "l2", routing.VerdictStayed, routing.ReasonSession},
		"nothing is cached":                   {"hard", 7, session(largeModel, "l2", 0), "l1", routing.VerdictSwitched, ""},
		"it is the best anyway":               {"hard", 7, session(largeModel, "l1", 4000), "l1", routing.VerdictBest, ""},
		"hard turn, weak model":               {"hard", 7, session(smallModel, "s1", 4000), "l1", routing.VerdictSwitched, ""},
		"its operator left, so did the cache": {"easy", 7, session(largeModel, "left", 4000), "s1", routing.VerdictGone, ""},
		"in a tool loop":                      {"easy", 10, tools, "l2", routing.VerdictToolLoop, routing.ReasonToolLoop},
		"in a tool loop, its operator left":   {"easy", 10, toolsElsewhere, "l1", routing.VerdictToolLoop, routing.ReasonToolLoop},
	} {
		d, err := r.Route(t.Context(), routing.Prompt{Text: tt.text, InputTokens: 4100, Session: tt.session}, fleet, routing.Policy{Dial: tt.dial})
		if err != nil {
			t.Fatal(err)
		}
		if d.Pick.Operator != tt.operator || d.Turn == nil || d.Turn.Verdict != tt.verdict || tt.reason != "" && d.Reason != tt.reason {
			t.Errorf("%s: %s (%s), turn %+v", name, d.Pick.Operator, d.Why, d.Turn)
		}
		for _, f := range d.Fallbacks {
			if f.Operator == d.Pick.Operator {
				t.Errorf("%s: the pick is a fallback of itself", name)
			}
		}
	}
	named, err := r.Route(t.Context(), routing.Prompt{Text: "easy", Session: session(smallModel, "s1", 4000)}, fleet, routing.Policy{Model: largeModel})
	if err != nil || named.Turn != nil || named.Pick.Operator != "l1" {
		t.Errorf("a named model does not ask the conversation: %+v, %v", named.Turn, err)
	}
}

// Whoever leaves a conversation gains more than its cache is worth, and whoever stays would not have.
func TestSwitchPaysForTheCache(t *testing.T) {
	r, _ := world(t)
	rapid.Check(t, func(rt *rapid.T) {
		fleet := []routing.Candidate{
			small("s", rapid.Uint64Range(1, 3_000_000).Draw(rt, "small price")),
			large("l", rapid.Uint64Range(1, 3_000_000).Draw(rt, "large price")),
		}
		has := rapid.SampledFrom(fleet).Draw(rt, "session")
		p := routing.Prompt{Text: rapid.SampledFrom([]string{"easy", "hard", "far"}).Draw(rt, "text"), InputTokens: rapid.Uint32Range(1, 100_000).Draw(rt, "input")}
		policy := routing.Policy{Dial: float64(rapid.IntRange(0, 100).Draw(rt, "tenths of dial")) / 10}
		fresh, err := r.Route(t.Context(), p, fleet, policy)
		if err != nil {
			rt.Fatal(err)
		}
		p.Session = routing.Session{Model: has.Model, Operator: has.Operator, CachedTokens: rapid.Uint32Range(0, 200_000).Draw(rt, "cached")}
		d, err := r.Route(t.Context(), p, fleet, policy)
		if err != nil {
			rt.Fatal(err)
		}
		most := float64(min(p.Session.CachedTokens, p.InputTokens)) * float64(has.InputPerMTok) / 1e6
		switch d.Turn.Verdict {
		case routing.VerdictBest:
			if fresh.Pick.Operator != has.Operator {
				rt.Fatalf("best, but without the conversation it is %s", fresh.Pick.Operator)
			}
		case routing.VerdictSwitched:
			if d.Pick.Operator != fresh.Pick.Operator || d.Turn.Gain <= 0 && d.Turn.CacheWorth > 0 {
				rt.Fatalf("left %s for %s with gain %v", has.Operator, d.Pick.Operator, d.Turn.Gain)
			}
		case routing.VerdictStayed:
			if d.Pick.Operator != has.Operator || d.Turn.CacheWorth > most {
				rt.Fatalf("stayed with %s for a cache worth %v, at most %v", d.Pick.Operator, d.Turn.CacheWorth, most)
			}
		default:
			rt.Fatalf("verdict %s", d.Turn.Verdict)
		}
	})
}

func TestDefaultModelDecidesFarFromEverything(t *testing.T) {
	r, _ := world(t)
	fleet := []routing.Candidate{small("s2", 110_000), small("s1", 100_000), large("l", 900_000)}
	for _, tt := range []struct {
		text, name, operator string
		used                 bool
	}{
		{"far", "qwen2.5:0.5b", "s1", true},
		{"far", "", "l", false},
		{"far", "gemma2:9b", "l", false}, // nobody serves it: the general estimate decides
		{"", "qwen2.5:0.5b", "s1", true},
		{"hard", "qwen2.5:0.5b", "l", false},
	} {
		d, err := r.Route(t.Context(), routing.Prompt{Text: tt.text, InputTokens: 50}, fleet, routing.Policy{Dial: 1, Default: tt.name})
		if err != nil {
			t.Fatal(err)
		}
		if d.Pick.Operator != tt.operator || d.UsedDefault != tt.used || (d.Reason == routing.ReasonDefault) != tt.used {
			t.Errorf("%q with default %q: %s, used %v: %s", tt.text, tt.name, d.Pick.Operator, d.UsedDefault, d.Why)
		}
		if tt.text != "hard" && !d.OutOfDistribution {
			t.Errorf("%q is not flagged", tt.text)
		}
		if missing := tt.name == "gemma2:9b"; missing != strings.Contains(d.Why, "cannot be chosen") {
			t.Errorf("%q with default %q: %s", tt.text, tt.name, d.Why)
		}
	}
	// In a conversation a short turn far from everything ("thanks") is no reason to leave it.
	p := routing.Prompt{Text: "far", InputTokens: 4100, Session: routing.Session{Model: largeModel, Operator: "l", CachedTokens: 4000}}
	if d, err := r.Route(t.Context(), p, fleet, routing.Policy{Dial: 1, Default: "qwen2.5:0.5b"}); err != nil || d.Pick.Operator != "l" || d.UsedDefault {
		t.Errorf("in a conversation: %s, %v", d.Why, err)
	}
}
