package node

import (
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
	"flotilla/node/backend/scripted"
	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/settlement"
)

func TestNamedOperators(t *testing.T) {
	for _, c := range []struct {
		name string
		list []string
		want bool
	}{
		{"0xaa01/peerA1", []string{"0xAA01"}, true}, {"0xaa01/peerA1", []string{"0xaa01/peerA2"}, false},
		{"0xaa01/peerA2", []string{"0xbb02", "0xAA01/peerA2"}, true}, {"0xaa01/peerA1", []string{"0xaa"}, false}, {"0xaa01/peerA1", nil, false},
	} {
		if got := isNamed(routing.Candidate{Operator: c.name}, c.list); got != c.want {
			t.Errorf("%s in %v: %v, want %v", c.name, c.list, got, c.want)
		}
	}
}

func TestQuantizationClass(t *testing.T) {
	for own, want := range map[string]string{
		"Q4_K_M": "int4", "IQ4_XS": "int4", "AWQ": "int4", "4bit": "int4", "Q8_0": "int8", "F16": "fp16", "bf16": "bf16", "FP8": "fp8",
		"MXFP4": "fp4", "Q5_K_M": "unknown", "Q2_K": "unknown", "": "unknown",
	} {
		if got := quantizationClass(own); got != want {
			t.Errorf("%q is %s, want %s", own, got, want)
		}
	}
}

// An operator may sign any price: one whose sum does not fit a number is dear, not cheap.
func TestPricesThatDoNotAddUp(t *testing.T) {
	offers := []routing.Candidate{
		{Operator: "dear", Model: "m", InputPerMTok: math.MaxUint64, OutputPerMTok: 2},
		{Operator: "cheap", Model: "m", InputPerMTok: 10, OutputPerMTok: 10},
	}
	if list := modelList(offers); list[0].InputPerMTok != 10 {
		t.Errorf("listed at %d", list[0].InputPerMTok)
	}
	g := &Gateway{health: newHealth()}
	if first := g.bySort(offers, openai.SortPrice)[0][0]; first.Operator != "cheap" {
		t.Errorf("sorted by price, the first is %s", first.Operator)
	}
}

// TestProvider: each member of OpenRouter's provider object binds, fallbacks too, with three real operators of one model.
func TestProvider(t *testing.T) {
	w := newWorld(t)
	names := map[string]string{} // by short name
	var servers []*scripted.Server
	for i, m := range []ServedModel{
		{Price: Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000}, Quantization: "Q4_K_M"},
		{Price: Price{InputPerMTok: 2_000_000, OutputPerMTok: 4_000_000}, Quantization: "Q8_0"},
		{Price: Price{InputPerMTok: 3_000_000, OutputPerMTok: 6_000_000, PerRequest: 5}, Quantization: "F16"},
	} {
		before := w.gateway.Gateway.Serving()
		servers = append(servers, w.scriptedModel(m))
		for _, name := range w.gateway.Gateway.Serving() {
			if !slices.Contains(before, name) {
				names[[]string{"a", "b", "c"}[i]] = name
			}
		}
	}
	a, b, c := names["a"], names["b"], names["c"]
	ask := func(script string, provider map[string]any) (*http.Response, string) {
		t.Helper()
		w.waitServing(3) // the breakers of earlier faults are closed again
		resp, body, err := w.run(t.Context(), false, script, "provider", provider)
		if err != nil {
			t.Fatal(err)
		}
		return resp, body
	}
	for want, provider := range map[string]map[string]any{
		a + " cheapest": {}, b + " order": {"order": []string{b, a}}, c + " only": {"only": []string{c}}, b + " ignore": {"ignore": []string{strings.Split(a, "/")[0]}},
		a + " max": {"max_price": map[string]any{"prompt": 1, "completion": "2.0"}}, c + " fp16": {"quantizations": []string{"fp16", "bf16"}},
		b + " native": {"quantizations": []string{"q8_0"}}, a + " price": {"sort": "price", "ignore": []string{}},
		b + " order of what is allowed": {"order": []string{c, b}, "ignore": []string{c}}, a + " require": {"require_parameters": true},
	} {
		resp, body := ask("tokens=1", provider)
		if got := resp.Header.Get("X-Flotilla-Operator"); resp.StatusCode != 200 || got != strings.Split(want, " ")[0] {
			t.Errorf("%v: %d by %s, want %s\n%s", provider, resp.StatusCode, got, want, body)
		}
		// b and c are not the cheapest, and why does not say that they are.
		if told := strings.Contains(body, "only among the operators that provider"); !told && !strings.HasPrefix(want, a) || told && len(provider) == 0 {
			t.Errorf("%v: %s", provider, body)
		}
	}
	// Nobody is left: said clearly, and the same in a dry run.
	for _, provider := range []map[string]any{
		{"ignore": []string{strings.Split(a, "/")[0], b, c}}, {"only": []string{"0x00"}}, {"max_price": map[string]any{"prompt": 0.5}}, {"quantizations": []string{"fp4"}}, {"order": []string{"0x00"}, "allow_fallbacks": false},
	} {
		if resp, body := ask("tokens=1", provider); resp.StatusCode != 404 || !strings.Contains(body, "operator_not_found") {
			t.Errorf("%v: %d %s, want 404", provider, resp.StatusCode, body)
		}
	}
	resp, body, err := w.run(t.Context(), false, "tokens=1", "provider", map[string]any{"require_parameters": true}, "logit_bias", map[string]int{"1": 1})
	if err != nil || resp.StatusCode != 404 || !strings.Contains(body, "logit_bias") {
		t.Errorf("a parameter that nobody promises: %v %s", resp, body)
	}
	t.Run("fallbacks", func(t *testing.T) { // every server fails, so all that may be tried are
		for i, c := range []struct {
			provider string
			want     int
		}{
			{`{}`, 3}, {`{"allow_fallbacks":false}`, 1}, {fmt.Sprintf(`{"order":[%q,%q],"allow_fallbacks":false}`, c, b), 2},
			{fmt.Sprintf(`{"only":[%q]}`, b), 1}, {fmt.Sprintf(`{"order":[%q]}`, c), 3},
		} {
			w.waitServing(3)
			tag := fmt.Sprintf("tag=fallbacks-%d", i)
			if resp, _, err := w.run(t.Context(), true, "status=500 "+tag, "provider", json.RawMessage(c.provider)); err != nil || resp.StatusCode != 502 {
				t.Fatalf("%s: %v, %v", c.provider, resp, err)
			}
			asked := 0
			for _, s := range servers {
				asked += s.Stats(strings.TrimPrefix(tag, "tag=")).Calls
			}
			if asked != c.want {
				t.Errorf("%s: %d operators were asked, want %d", c.provider, asked, c.want)
			}
		}
	})
}

// TestSortBySpeed: the faster of two with this model, whatever others it has, is asked first; one that was never asked comes last.
func TestSortBySpeed(t *testing.T) {
	g := &Gateway{health: newHealth()}
	offer := func(name string) routing.Candidate {
		return routing.Candidate{Operator: name, Model: "m", Ref: &priced{peer: p2p.PeerID(name), advert: settlement.Advert{Model: "m"}}}
	}
	all := []routing.Candidate{offer("never"), offer("slow"), offer("quick")}
	for range 3 {
		g.health.timed(endpoint{"slow", "m"}, 300*time.Millisecond, 100, 2*time.Second)
		g.health.timed(endpoint{"slow", "a small model"}, time.Millisecond, 100, time.Millisecond)
		g.health.timed(endpoint{"quick", "m"}, 100*time.Millisecond, 100, time.Second)
	}
	g.health.timed(endpoint{"slow", "m"}, time.Millisecond, 0, 0) // one good moment does not make it the faster one
	for _, by := range []openai.Sort{openai.SortLatency, openai.SortThroughput} {
		var got []string
		for _, tier := range g.bySort(all, by) {
			got = append(got, tier[0].Operator)
		}
		if diff := cmp.Diff([]string{"quick", "slow", "never"}, got); diff != "" {
			t.Errorf("%s: %s", by, diff)
		}
	}
}

// TestDrawn: requests spread over equal offers, the busier of two drawn is never taken, and a dearer one neither.
func TestDrawn(t *testing.T) {
	g := &Gateway{health: newHealth()}
	choice := func(name string, price uint64) routing.Choice {
		return routing.Choice{Operator: name, Model: "m", InputPerMTok: price, Utility: 0.5, Ref: &priced{peer: p2p.PeerID(name)}}
	}
	tries := []routing.Choice{choice("a", 1), choice("b", 1), choice("c", 1), choice("dear", 2)}
	d := routing.Decision{Pick: tries[0]}
	g.health.enter(endpoint{peer: "c"})
	taken := map[string]int{}
	for range 300 {
		out := g.drawn(d, append([]routing.Choice(nil), tries...), openai.Session{Model: "m", Operator: "gone"})
		taken[out[0].Operator]++
		if len(out) != 4 || out[3].Operator != "dear" {
			t.Fatalf("order %v", out)
		}
	}
	if taken["a"] == 0 || taken["b"] == 0 || taken["c"] != 0 || taken["dear"] != 0 {
		t.Errorf("taken %v; want a and b, never the busier c, never the dear one", taken)
	}
	for who, want := range map[string]string{"c": "c", "dear": "a or b"} {
		for range 50 {
			got := g.drawn(d, append([]routing.Choice(nil), tries...), openai.Session{Model: "m", Operator: who})[0].Operator
			if (got == "c") != (who == "c") || got == "dear" {
				t.Fatalf("a conversation that %s had goes on with %s, want %s", who, got, want)
			}
		}
	}
}

// A model that waits for its tools goes on with them, also where provider.order would try another's operator first: that one may
// have been away when the conversation began. A dry run says the same, in the same words.
func TestToolLoopGoesBeforeTheOrder(t *testing.T) {
	w := textWorld(t, 0)
	price := Price{InputPerMTok: 1_000_000, OutputPerMTok: 1_000_000}
	for _, model := range []string{"gemma-2-9b-it", "llama-3.1-8b-instruct"} {
		w.scriptedModel(ServedModel{Model: model, Price: price})
	}
	w.waitServing(2)
	k := w.newKey(access.Terms{})
	ask := func(members, more string) (by, operator, why string) {
		t.Helper()
		body := fmt.Sprintf(`{"model":"auto",%s"max_tokens":20,"messages":[{"role":"user","content":"@script tokens=3"}%s]}`, members, more)
		_, dry := w.post(k.Secret, "/v1/route", body)
		resp, raw := w.post(k.Secret, "/v1/chat/completions", body)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("%s: %d %s", body, resp.StatusCode, raw)
		}
		by, operator = resp.Header.Get("X-Flotilla-Model"), resp.Header.Get("X-Flotilla-Operator")
		why = w.loggedAs(resp.Header.Get("X-Request-Id")).Why
		if !strings.Contains(string(dry), `"pick":{"operator":"`+operator) || !strings.Contains(string(dry), `"why":"`+why+`"`) {
			t.Errorf("%s: by %s, since %s; a dry run says %s", body, operator, why, dry)
		}
		return by, operator, why
	}
	_, gemma, _ := ask(`"allowed_models":["gemma*"],`, "")
	by, _, _ := ask(`"allowed_models":["llama*"],`, "")
	order := fmt.Sprintf(`"provider":{"order":[%q]},`, gemma)
	const call, result = `,{"role":"assistant","content":null,"tool_calls":[{"id":"1","type":"function","function":{"name":"f","arguments":"{}"}}]}`, `,{"role":"tool","tool_call_id":"1","content":"5"}`
	if on, _, why := ask(order, call+result); on != by || !strings.Contains(why, "waiting for the results") || strings.Contains(why, "puts first") {
		t.Errorf("%s called a tool, %s goes on: %s", by, on, why)
	}
	if on, _, _ := ask(order, call+result+`,{"role":"assistant","content":"x"},{"role":"user","content":"hi"}`); on != "gemma-2-9b-it" {
		t.Errorf("after the tools %s goes on, whose operator is not first in the order", on)
	}
}

// A conversation with a named model goes on where it was, of operators that are as good: its model server may still know the text.
func TestNamedModelsConversationStays(t *testing.T) {
	w := textWorld(t, 0)
	for range 2 {
		w.scriptedModel(ServedModel{Model: "gemma-2-9b-it", Price: Price{InputPerMTok: 1_000_000, OutputPerMTok: 1_000_000}})
	}
	w.waitServing(2)
	k := w.newKey(access.Terms{})
	asked := map[string]int{}
	for i := range 12 {
		messages, first := fmt.Sprintf(`{"role":"system","content":"%d"},{"role":"user","content":"@script tokens=3"}`, i), ""
		for turn := range 3 {
			resp, raw := w.post(k.Secret, "/v1/chat/completions", fmt.Sprintf(`{"model":"gemma-2-9b-it","max_tokens":20,"messages":[%s]}`, messages))
			by := resp.Header.Get("X-Flotilla-Operator")
			if resp.StatusCode != http.StatusOK {
				t.Fatalf("%d %s", resp.StatusCode, raw)
			}
			if turn == 0 {
				first = by
				asked[by]++
			}
			if by != first {
				t.Errorf("conversation %d, turn %d: by %s, and began with %s", i, turn, by, first)
			}
			messages += `,{"role":"assistant","content":"a"},{"role":"user","content":"@script tokens=3"}`
		}
	}
	if len(asked) != 2 {
		t.Errorf("conversations began with %v, want both", asked)
	}
}

// Who offers a model is told by price, without those that cannot be asked.
func TestEndpointsAreTheCheapest(t *testing.T) {
	offers := []routing.Candidate{
		{Operator: "0xc/dear", Model: "m", InputPerMTok: 30, OutputPerMTok: 30, JSONMode: true}, {Operator: "0xa/away", Model: "m", Unavailable: "paused"},
		{Operator: "0xb/other", Model: "n"}, {Operator: "0xb/cheap", Model: "m", InputPerMTok: 10, OutputPerMTok: 20, Tools: true},
	}
	for i := range openai.MaxEndpoints {
		offers = append(offers, routing.Candidate{Operator: fmt.Sprintf("0xd/%03d", i), Model: "m", InputPerMTok: 100})
	}
	got := endpoints(offers, "m")
	if len(got) != openai.MaxEndpoints || got[0].Operator != "0xb/cheap" || got[1].Operator != "0xc/dear" || got[2].Operator != "0xd/000" {
		t.Fatalf("%d: %v", len(got), got[:3])
	}
	if !slices.Contains(got[0].SupportedParameters, "tools") || !slices.Contains(got[1].SupportedParameters, "structured_outputs") || len(got[2].SupportedParameters) > 0 {
		t.Errorf("%v", got[:3])
	}
}
