package node

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/cache"
	"flotilla/node/requestlog"
	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/index"
)

// chatText is the text of an answer, streamed or not, and the cache's part of its usage.
func chatText(t *testing.T, raw []byte) (text string, usage map[string]any) {
	t.Helper()
	for event := range strings.SplitSeq(strings.TrimSpace(string(raw)), "\n\n") {
		event = strings.TrimPrefix(event, "data: ")
		if event == "[DONE]" {
			continue
		}
		var a struct {
			Choices []struct {
				Message, Delta struct{ Content string }
			}
			Usage map[string]any
		}
		if err := json.Unmarshal([]byte(event), &a); err != nil {
			t.Fatalf("%s: %v", event, err)
		}
		for _, c := range a.Choices {
			text += c.Message.Content + c.Delta.Content
		}
		if a.Usage != nil {
			usage = a.Usage
		}
	}
	return text, usage
}

// say asks for a chat with more members, as text after a comma; header pairs follow.
func (w *world) say(key, text, members string, header ...string) (*http.Response, []byte) {
	w.t.Helper()
	quoted, _ := json.Marshal(text)
	body := fmt.Sprintf(`{"model":%q,"max_tokens":50,"messages":[{"role":"user","content":%s}]%s}`, worldModel, quoted, members)
	return w.postWith(key, "/v1/chat/completions", body, header...)
}

// answerID of an answer, streamed or not.
func answerID(raw []byte) string {
	_, id, _ := strings.Cut(string(raw), `"id":"`)
	id, _, _ = strings.Cut(id, `"`)
	return id
}

const streamed = `,"stream":true,"stream_options":{"include_usage":true}`

// A key with a cache gets an answer again: for nothing, without a receipt, in the shape that it asks for. One without, and
// another with, do not.
func TestExactCache(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k, other, off := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}}), w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}}), w.newKey(access.Terms{})
	const ask = "@script tokens=4 tag=t"
	calls := func() int { return model.Stats("t").Calls }

	resp, raw := w.say(k.Secret, ask, "")
	first, bill := chatText(t, raw)
	if resp.Header.Get("X-Flotilla-Cache") != "miss" || first == "" || bill["cost"] == 0.0 || calls() != 1 {
		t.Fatalf("the first: %v %s", resp.Header, raw)
	}
	receipt := resp.Header.Get("X-Flotilla-Receipt")
	spent := w.usage(k.ID).Spent
	for _, members := range []string{"", streamed, `,"user":"u","metadata":{"a":"b"}`} {
		resp, raw = w.say(k.Secret, ask, members)
		text, usage := chatText(t, raw)
		head := resp.Header.Get("X-Flotilla-Cache")
		if text != first || !strings.HasPrefix(head, "hit; kind=exact; age=") || !strings.HasSuffix(head, "receipt="+receipt) || resp.Header.Get("X-Flotilla-Receipt") != "" {
			t.Errorf("%s: %v %s", members, resp.Header, raw)
		}
		detail := usage["flotilla"].(map[string]any)
		from := detail["cache"].(map[string]any)
		if usage["cost"] != 0.0 || usage["completion_tokens"] != bill["completion_tokens"] || detail["receipt_id"] != "" || from["receipt_id"] != receipt || from["saved_micro_usd"] != float64(spent) {
			t.Errorf("%s: usage %v", members, usage)
		}
		if strings.Contains(string(raw), strings.TrimPrefix(receipt, "0x")+`"`) && strings.Contains(string(raw), `"id":"chatcmpl-`+strings.TrimPrefix(receipt, "0x")) {
			t.Errorf("an answer that is given again has an id of its own: %s", raw)
		}
	}
	if calls() != 1 || w.usage(k.ID).Spent != spent || len(w.receipts()) != 1 {
		t.Errorf("%d calls, %s spent of %s, %d receipts", calls(), w.usage(k.ID).Spent, spent, len(w.receipts()))
	}
	// Not across keys, not for a key without a cache, and not for another request.
	for i, o := range []struct{ key, members string }{{other.Secret, ""}, {off.Secret, ""}, {worldAPIKey, ""}, {k.Secret, `,"temperature":0.5`}, {k.Secret, `,"seed":1`}} {
		if resp, raw := w.say(o.key, ask, o.members); strings.HasPrefix(resp.Header.Get("X-Flotilla-Cache"), "hit") || calls() != i+2 {
			t.Errorf("%+v: %v %s", o, resp.Header, raw)
		}
	}
	var record struct {
		Data struct {
			Cost     float64 `json:"total_cost"`
			Discount float64 `json:"cache_discount"`
			Flotilla struct {
				Cache   string
				Receipt string `json:"cache_receipt_id"`
			}
		}
	}
	w.eventually("its record can be found", func() bool {
		found, raw := w.get(k.Secret, "/v1/generation?id="+answerID(raw))
		return found.StatusCode == http.StatusOK && json.Unmarshal(raw, &record) == nil
	})
	if d := record.Data; d.Cost != 0 || math.Round(d.Discount*1e6) != float64(spent) || d.Flotilla.Cache != "exact" || d.Flotilla.Receipt != receipt {
		t.Errorf("the record of an answer that is given again: %+v", record)
	}
	w.eventually("all is logged", func() bool { return len(w.logged(requestlog.Filter{Key: string(k.ID)})) == 6 })
	hits := 0
	for _, r := range w.logged(requestlog.Filter{Key: string(k.ID)}) {
		if r.Cache == "exact" {
			if hits++; r.CostMicroUSD != 0 || r.BaselineMicroUSD != 0 || r.Receipt != "" || r.CacheSavedMicroUSD != uint64(spent) || r.Attempts != 0 || r.Reason != "cached" {
				t.Errorf("%+v", r)
			}
		}
	}
	if hits != 3 {
		t.Errorf("%d hits in the log", hits)
	}
	if cost, requests := w.metered(k.ID); cost != 3*uint64(spent) || requests < 6 { // and those that looked for a record
		t.Errorf("metrics: %d µUSD in %d requests", cost, requests)
	}
	s := w.gateway.Gateway.cache.Stats()
	if s.ExactHits != 3 || s.SimilarHits != 0 || s.SavedMicroUSD != 3*uint64(spent) || s.Entries != 4 {
		t.Errorf("the cache says %+v", s)
	}
}

// A streamed answer is given whole, and as a stream that ends well.
func TestCachedStream(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	for _, script := range []string{"@script tokens=4 tag=t", "@script tool=1 tag=t"} {
		before := model.Stats("t").Calls
		_, raw := w.say(k.Secret, script, streamed)
		first, _ := chatText(t, raw)
		for _, members := range []string{streamed, ""} {
			resp, raw := w.say(k.Secret, script, members)
			text, _ := chatText(t, raw)
			if text != first || !strings.HasPrefix(resp.Header.Get("X-Flotilla-Cache"), "hit") || (members != "") != strings.HasSuffix(string(raw), "data: [DONE]\n\n") {
				t.Errorf("%s %s: %v %s", script, members, resp.Header, raw)
			}
			if strings.Contains(script, "tool") && !strings.Contains(string(raw), "tool_calls") {
				t.Errorf("the tool call is gone: %s", raw)
			}
		}
		if n := model.Stats("t").Calls; n != before+1 {
			t.Errorf("%d calls", n-before)
		}
	}
}

// A request can do without, and what is no whole answer is not given again.
func TestCacheIsBypassed(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	for i, o := range []struct{ control, want string }{
		{"no-store", "bypass"}, {"", "miss"}, {"", "hit"}, {"no-cache", "bypass"}, {"max-age=0, no-transform", "bypass"}, {"max-age=60", "hit"},
	} {
		resp, raw := w.say(k.Secret, "@script tokens=2 tag=t", "", "Cache-Control", o.control)
		if got, _, _ := strings.Cut(resp.Header.Get("X-Flotilla-Cache"), ";"); got != o.want {
			t.Errorf("%d: %q is %q: %s", i, o.control, got, raw)
		}
	}
	if n := model.Stats("t").Calls; n != 4 {
		t.Errorf("%d calls", n)
	}
	for _, script := range []string{"@script status=400 tag=x", "@script tokens=9 cut=3 tag=x", "@script tokens=3 finish=length tag=x"} {
		before := model.Stats("x").Calls
		for range 2 {
			w.eventually("the operator is asked again", func() bool { return len(w.gateway.Gateway.Serving()) == 1 })
			w.say(k.Secret, script, `,"stream":true`)
		}
		if n := model.Stats("x").Calls - before; n != 2 {
			t.Errorf("%s: %d calls of 2", script, n)
		}
	}
}

// The gateway's own setting holds for keys that leave it open, and can change while it runs.
func TestGatewaysCache(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	never := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheOff}})
	cfg := *w.gateway.Gateway.cfg.Load()
	cfg.Cache = access.Caching{Mode: access.CacheExact}
	w.reconfigure(cfg)
	for _, key := range []string{worldAPIKey, never.Secret} {
		w.say(key, "@script tokens=2", "")
		resp, _ := w.say(key, "@script tokens=2", "")
		if hit := strings.HasPrefix(resp.Header.Get("X-Flotilla-Cache"), "hit"); hit != (key == worldAPIKey) {
			t.Errorf("a hit: %v: %v", hit, resp.Header)
		}
	}
	cfg.Cache = access.Caching{}
	w.reconfigure(cfg)
	if resp, _ := w.say(worldAPIKey, "@script tokens=2", ""); resp.Header.Get("X-Flotilla-Cache") != "" {
		t.Errorf("switched off: %v", resp.Header)
	}
}

// A shorter time binds what was kept under a longer one.
func TestCacheTimeIsLowered(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	var later atomic.Int64
	w.gateway.Gateway.cache = cache.New(1, func() time.Time { return time.Now().Add(time.Duration(later.Load())) })
	cfg := *w.gateway.Gateway.cfg.Load()
	for _, step := range []struct {
		seconds uint64
		later   time.Duration
		want    string
	}{{7200, 0, "miss"}, {7200, 90 * time.Minute, "hit"}, {3600, 90 * time.Minute, "miss"}} {
		later.Store(int64(step.later))
		cfg.Cache = access.Caching{Mode: access.CacheExact, Seconds: step.seconds}
		w.reconfigure(cfg)
		resp, _ := w.say(worldAPIKey, "@script tokens=2", "")
		if got := resp.Header.Get("X-Flotilla-Cache"); !strings.HasPrefix(got, step.want) {
			t.Errorf("%d s, %s later: %q, want %s", step.seconds, step.later, got, step.want)
		}
	}
}

// meaningWorld has a gateway with the real sentence encoder.
func meaningWorld(t *testing.T) *world {
	t.Helper()
	w := newEmptyWorld(t)
	e, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	joined := form.Join(e)
	b, err := index.NewBuilder(joined.ID(), joined.Dim())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"What is the capital of Spain?", "Write a poem about the sea."} {
		v, err := joined.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Add(index.Row{Vector: v, Source: "test", Outcomes: []index.Outcome{{Model: worldModel, Score: 0.5, OutputTokens: 10}}}); err != nil {
			t.Fatal(err)
		}
	}
	x, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if w.router, err = routing.New(routing.Config{Embedder: joined, Index: x}); err != nil {
		t.Fatal(err)
	}
	w.gateway = w.open(w.gatewayConfig())
	return w
}

// Another wording of a question gets its answer again, another question does not, however near it lies.
func TestSemanticCache(t *testing.T) {
	w := meaningWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k, exact := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheSemantic}}), w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	for _, key := range []string{k.Secret, exact.Secret} {
		w.say(key, "What is the capital of France?", "")
		w.say(key, "What is 17 + 25?", "")
	}
	for _, o := range []struct {
		key, text, members, want string
	}{
		{k.Secret, "what is the  capital of france?", "", "hit; kind=semantic"},
		{k.Secret, "What is the capital of France?", "", "hit; kind=exact"},
		{k.Secret, "What's the capital of France?", streamed, "hit; kind=semantic"},
		{k.Secret, "What is the capital of Germany?", "", "miss"},
		{k.Secret, "What is 17 + 26?", "", "miss"},
		{k.Secret, "what is the  capital of france?", `,"temperature":1`, "miss"},
		{exact.Secret, "what is the  capital of france?", "", "miss"},
	} {
		resp, raw := w.say(o.key, o.text, o.members)
		if got := resp.Header.Get("X-Flotilla-Cache"); !strings.HasPrefix(got, o.want) {
			t.Errorf("%q %s: %q, want %s: %s", o.text, o.members, got, o.want, raw)
		}
	}
	// The lists of a key bind what was said before, too.
	for _, auto := range []string{"auto", "flotilla/auto"} {
		body := func(extra string) string {
			return fmt.Sprintf(`{"model":%q%s,"messages":[{"role":"user","content":"What is the capital of France?"}]}`, auto, extra)
		}
		if resp, raw := w.postWith(k.Secret, "/v1/chat/completions", body("")); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s", resp.Status, raw)
		}
		if resp, raw := w.postWith(k.Secret, "/v1/chat/completions", body(`,"blocked_models":["smollm2*"]`)); resp.StatusCode == http.StatusOK {
			t.Errorf("a blocked model's answer is given again: %s", raw)
		}
	}
}

// A dry run says what the cache would do, and changes nothing by asking.
func TestDryRunTellsOfTheCache(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	const body = `{"model":"` + worldModel + `","max_tokens":50,"messages":[{"role":"user","content":"@script tokens=2"}]}`
	type record struct {
		Pick  struct{ Model string }
		Cache *struct {
			Status, Kind string
			Receipt      string  `json:"receipt_id"`
			Saved        float64 `json:"saved_micro_usd"`
		}
	}
	dry := func(key string, want int, header ...string) (*http.Response, record) {
		t.Helper()
		resp, raw := w.postWith(key, "/v1/route", body, header...)
		var r record
		if err := json.Unmarshal(raw, &r); err != nil || resp.StatusCode != want {
			t.Fatalf("%s %s %v", resp.Status, raw, err)
		}
		return resp, r
	}
	head := func(resp *http.Response) string {
		status, _, _ := strings.Cut(resp.Header.Get("X-Flotilla-Cache"), ";")
		return status
	}
	if resp, r := dry(worldAPIKey, http.StatusOK); head(resp) != "" || r.Cache != nil || r.Pick.Model != worldModel {
		t.Errorf("a key without a cache: %v %+v", resp.Header, r)
	}
	if resp, r := dry(k.Secret, http.StatusOK); head(resp) != "miss" || r.Cache != nil || r.Pick.Model != worldModel {
		t.Errorf("before the answer: %v %+v", resp.Header, r)
	}
	live, _ := w.say(k.Secret, "@script tokens=2", "")
	receipt, spent := live.Header.Get("X-Flotilla-Receipt"), float64(w.usage(k.ID).Spent)
	if receipt == "" || head(live) != "miss" {
		t.Fatalf("%v", live.Header)
	}
	before := w.gateway.Gateway.cache.Stats()
	if resp, r := dry(k.Secret, http.StatusOK); head(resp) != "hit" || r.Pick.Model != worldModel || r.Cache == nil || r.Cache.Status != "hit" || r.Cache.Kind != "exact" || r.Cache.Receipt != receipt || r.Cache.Saved != spent {
		t.Errorf("after it: %v %+v", resp.Header, r)
	}
	if resp, r := dry(k.Secret, http.StatusOK, "Cache-Control", "no-cache"); head(resp) != "bypass" || r.Cache != nil {
		t.Errorf("no-cache: %v %+v", resp.Header, r)
	}
	if after := w.gateway.Gateway.cache.Stats(); after != before {
		t.Errorf("dry runs are counted: %+v, before %+v", after, before)
	}
	// Nobody need be there for it, as for the answer itself.
	g := w.gateway.Gateway
	for _, c := range g.candidates(time.Now()) {
		g.health.fault(c.Ref.(*priced).endpoint(), errors.New("lost"), time.Now().Add(time.Hour))
	}
	if resp, _ := w.say(k.Secret, "@script tokens=3", ""); resp.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("somebody can be asked: %v", resp.Status)
	}
	if resp, r := dry(k.Secret, http.StatusOK); head(resp) != "hit" || r.Cache == nil || r.Pick.Model != "" {
		t.Errorf("when nobody is there: %v %+v", resp.Header, r)
	}
	dry(worldAPIKey, http.StatusServiceUnavailable)
}

// A request may take an answer that was given before and none else: 504 where there is none, as HTTP has it, and client libraries
// must not repeat that.
func TestOnlyIfCached(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	k := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	refused := func(key, control, members string) {
		t.Helper()
		resp, raw := w.say(key, "@script tokens=2 tag=t", members, "Cache-Control", control)
		var e struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(raw, &e); err != nil || resp.StatusCode != http.StatusGatewayTimeout || e.Error.Code != "not_cached" || resp.Header.Get("X-Should-Retry") != "false" {
			t.Errorf("%s: %s %v %s", control, resp.Status, resp.Header, raw)
		}
	}
	calls := func() int { return model.Stats("t").Calls }
	refused(k.Secret, "only-if-cached", "")
	refused(k.Secret, "only-if-cached", streamed)
	refused(worldAPIKey, "only-if-cached", "") // which has no cache
	if resp, raw := w.postWith(k.Secret, "/v1/route", `{"model":"`+worldModel+`","messages":[{"role":"user","content":"hi"}]}`, "Cache-Control", "only-if-cached"); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("a dry run: %s %s", resp.Status, raw)
	}
	if resp, raw := w.postWith(k.Secret, "/v1/embeddings", `{"model":"some-embedder","input":"hi"}`, "Cache-Control", "only-if-cached"); resp.StatusCode != http.StatusGatewayTimeout {
		t.Errorf("vectors, which are never kept: %s %s", resp.Status, raw)
	}
	if misses := w.gateway.Gateway.cache.Stats().Misses; calls() != 0 || misses != 2 { // a dry run does not count
		t.Fatalf("%d calls, %d misses", calls(), misses)
	}
	w.say(k.Secret, "@script tokens=2 tag=t", "")
	for _, members := range []string{"", streamed} {
		if resp, raw := w.say(k.Secret, "@script tokens=2 tag=t", members, "Cache-Control", "max-age=60, Only-If-Cached"); resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("X-Flotilla-Cache"), "hit") {
			t.Errorf("%s: %s %s", members, resp.Status, raw)
		}
	}
	refused(k.Secret, "only-if-cached, no-cache", "")
	if calls() != 1 {
		t.Errorf("%d calls", calls())
	}
}
