package node

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flotilla/node/access"
	"flotilla/node/requestlog"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/settlement"
)

// TestModelsInTurn: of OpenRouter's models the first that gives an answer is it, and everything tells that one.
func TestModelsInTurn(t *testing.T) {
	w := textWorld(t, 0)
	failing := func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat/completions" {
			http.Error(rw, `{"error":{"message":"out of order"}}`, http.StatusInternalServerError)
			return
		}
		fiveTokens(rw, r)
	}
	w.operatorOf(failing, OperatorConfig{})
	const other = "llama-3.1-8b-instruct"
	w.scriptedModel(ServedModel{Model: other, Price: Price{InputPerMTok: 100_000_000, OutputPerMTok: 200_000_000}})
	any := access.Terms{}
	for i, c := range []struct {
		named    string // members of the request
		terms    access.Terms
		status   int
		asked    string
		attempts int
		want     []string // in the body
	}{
		{`"models":["nobody","` + other + `"]`, any, 200, "nobody, " + other, 1, []string{"asked for after nobody"}},
		{`"model":"` + worldModel + `","models":["` + worldModel + `","` + other + `"]`, any, 200, worldModel + ", " + other, 2, []string{"asked for after " + worldModel}},
		{`"model":"nobody","models":["auto"]`, access.Terms{Allow: []string{"llama-*"}}, 200, "nobody, auto", 1, []string{"asked for after nobody"}},
		{`"models":["` + worldModel + `","` + other + `"]`, access.Terms{Block: []string{"smollm*"}}, 200, worldModel + ", " + other, 1, nil},
		{`"models":["` + other + `","` + worldModel + `"]`, access.Terms{Block: []string{"llama-*"}}, 502, other + ", " + worldModel, 1, []string{"may not use the model", "out of order"}},
		{`"models":["` + worldModel + `","nobody"]`, any, 502, worldModel + ", nobody", 1, []string{"out of order", "no operator serves"}},
		{`"models":["` + other + `","nobody"]`, access.Terms{Block: []string{"llama-*"}}, 404, other + ", nobody", 0, []string{"model_not_found", "may not use the model", "no operator serves"}},
		{`"model":"nobody","allowed_models":["none*"],"models":["auto"]`, any, 503, "nobody, auto", 0, []string{"no_capable_operator", "no operator serves"}},
	} {
		k := w.newKey(c.terms)
		for _, stream := range []bool{false, true} {
			w.forgiveFaults()
			what := fmt.Sprintf("%d, stream %v", i, stream)
			body := fmt.Sprintf(`{%s,"stream":%v,"stream_options":{"include_usage":true},"max_tokens":20,"messages":[{"role":"user","content":"@script tokens=3"}]}`, c.named, stream)
			w.waitServing(2)
			dry, record := w.post(k.Secret, "/v1/route", body)
			resp, raw := w.post(k.Secret, "/v1/chat/completions", body)
			if resp.StatusCode != c.status {
				t.Fatalf("%s: %d %s", what, resp.StatusCode, raw)
			}
			for _, text := range c.want {
				if !strings.Contains(string(raw), text) {
					t.Errorf("%s: %s lacks %q", what, raw, text)
				}
			}
			logged := w.loggedAs(resp.Header.Get("X-Request-Id"))
			if logged.Asked != c.asked || logged.Attempts != c.attempts || logged.Status != c.status {
				t.Errorf("%s: logged %+v", what, logged)
			}
			if c.status != 200 {
				continue
			}
			if got := resp.Header.Get("X-Flotilla-Model"); got != other || logged.Model != other || !strings.Contains(string(raw), `"model":"`+other+`"`) {
				t.Errorf("%s: by %s, logged %s: %s", what, got, logged.Model, raw)
			}
			if c.attempts == 1 && (dry.StatusCode != 200 || !strings.Contains(string(record), `"pick":{"operator":"`+resp.Header.Get("X-Flotilla-Operator"))) {
				t.Errorf("%s: a dry run says %d %s", what, dry.StatusCode, record)
			}
			if c.attempts == 1 && !strings.Contains(string(record), strconv.Quote(logged.Why)) {
				t.Errorf("%s: the answer says %q, a dry run %s", what, logged.Why, record)
			}
			b := w.bundleOf(resp.Header.Get("X-Flotilla-Receipt"))
			if b.Advert.Model != other || logged.Receipt != b.ID().String() || logged.CostMicroUSD != uint64(b.Receipt.Amount) || !strings.Contains(string(raw), fmt.Sprintf(`"cost_micro_usd":%d`, b.Receipt.Amount)) {
				t.Errorf("%s: the receipt is for %s, %d: %+v", what, b.Advert.Model, b.Receipt.Amount, logged)
			}
		}
		if u := w.usage(k.ID); c.status == 200 && u.Receipts != 2 || c.status != 200 && u.Spent != 0 || u.Held != 0 {
			t.Errorf("%d: %+v", i, u)
		}
	}
}

// forgiveFaults closes all breakers, which would by themselves ever more slowly.
func (w *world) forgiveFaults() {
	g := w.gateway.Gateway
	for _, c := range g.candidates(g.now()) {
		g.health.success(c.Ref.(*priced).endpoint())
	}
}

// loggedAs waits for a request's record.
func (w *world) loggedAs(id string) (found requestlog.Record) {
	w.t.Helper()
	w.eventually("the request is logged", func() bool {
		log := w.logged(requestlog.Filter{})
		i := slices.IndexFunc(log, func(r requestlog.Record) bool { return r.ID == id })
		if i >= 0 {
			found = log[i]
		}
		return i >= 0
	})
	return found
}

// bundleOf a receipt.
func (w *world) bundleOf(id string) settlement.Bundle {
	w.t.Helper()
	for _, b := range w.receipts() {
		if b.ID().String() == id {
			return b
		}
	}
	w.t.Fatalf("no receipt %s", id)
	return settlement.Bundle{}
}

// A budget that is too small for the first model may do for the next.
func TestModelsInTurnFitTheBudget(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	const dear = "llama-3.1-8b-instruct"
	w.scriptedModel(ServedModel{Model: dear, Price: Price{InputPerMTok: 100_000_000, OutputPerMTok: 200_000_000}})
	k := w.newKey(access.Terms{Budget: 1000})
	body := fmt.Sprintf(`{"models":[%q,%q],"stream":true,"max_tokens":20,"messages":[{"role":"user","content":"hello there"}]}`, dear, worldModel)
	resp, raw := w.post(k.Secret, "/v1/chat/completions", body)
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Flotilla-Model") != worldModel {
		t.Errorf("%s by %q: %s", resp.Status, resp.Header.Get("X-Flotilla-Model"), raw)
	}
	resp, raw = w.post(k.Secret, "/v1/chat/completions", strings.Replace(body, `"`+worldModel+`"`, `"nobody"`, 1))
	wantError(t, resp, raw, http.StatusTooManyRequests, "insufficient_quota")
	// Nor is a budget that is too small for the first model all there is to say while the next is paused.
	g := w.gateway.Gateway
	for _, c := range g.candidates(g.now()) {
		if c.Model == worldModel {
			g.health.fault(c.Ref.(*priced).endpoint(), errRefusedAlone, g.now().Add(worldWait))
		}
	}
	resp, raw = w.post(k.Secret, "/v1/chat/completions", body)
	wantError(t, resp, raw, http.StatusServiceUnavailable, "no_capable_operator")
	if resp.Header.Get("Retry-After") == "" || resp.Header.Get("X-Should-Retry") != "" {
		t.Errorf("%v: %s", resp.Header, raw)
	}
}

// Where one model is too dear for what is left of the budget and the other is busy, the request waits for that.
func TestModelsInTurnWaitBesideTheBudget(t *testing.T) {
	w := newWorld(t)
	model := w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	full, release := context.WithCancel(t.Context())
	defer release()
	left := make(chan error, 4) // OperatorConfig.MaxConcurrent
	for range cap(left) {
		go func() { _, _, err := w.run(full, true, "hold=0 tag=held"); left <- err }()
	}
	w.eventually("every slot is taken", func() bool { return model.Stats("held").Calls == cap(left) })
	w.gateway.Gateway.queue.wait = worldWait
	const dear = "llama-3.1-8b-instruct"
	w.scriptedModel(ServedModel{Model: dear, Price: Price{InputPerMTok: 100_000_000, OutputPerMTok: 200_000_000}})
	k := w.newKey(access.Terms{Budget: 2000})
	answered := make(chan string, 1)
	go func() {
		resp, raw := w.post(k.Secret, "/v1/chat/completions", fmt.Sprintf(`{"models":[%q,%q],"max_tokens":20,"messages":[{"role":"user","content":"@script tokens=3"}]}`, dear, worldModel))
		answered <- fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("X-Flotilla-Model"), " ", string(raw))
	}()
	w.eventually("it waits or is refused", func() bool { return w.queued() == 1 || len(answered) == 1 })
	release()
	if got := <-answered; !strings.HasPrefix(got, "200 "+worldModel) {
		t.Error(got)
	}
	for range cap(left) {
		<-left
	}
}

// What was answered by a list of models is given again to the same list only.
func TestModelsInTurnAreCachedAsSuch(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	k := w.newKey(access.Terms{Cache: access.Caching{Mode: access.CacheExact}})
	for i, want := range []string{"miss", "hit", "miss", "miss"} {
		names := mustJSON(t, [][]string{{"nobody", worldModel}, {"nobody", worldModel}, {"none", worldModel}, {"none", worldModel, "nobody"}}[i])
		resp, raw := w.post(k.Secret, "/v1/chat/completions", `{"models":`+string(names)+`,"stream":true,"max_tokens":20,"messages":[{"role":"user","content":"hello there"}]}`)
		if got, _, _ := strings.Cut(resp.Header.Get("X-Flotilla-Cache"), ";"); got != want {
			t.Errorf("%s: %q, want %s: %s", names, got, want, raw)
		}
	}
}

// A price that has changed is seen whatever other operators said before.
func TestStalePriceIsSeenAmongOthers(t *testing.T) {
	said := func(operator, code string) error {
		return &attemptError{operator, fmt.Errorf("open: %w", &p2p.RejectedError{Code: code})}
	}
	for _, c := range []struct {
		codes []string
		want  bool
	}{{[]string{codeStalePrice}, true}, {[]string{codeNeedVoucher, codeStalePrice}, true}, {[]string{codeNeedVoucher, codeBadOrder}, false}, {nil, false}} {
		var faults []error
		for _, code := range c.codes {
			faults = append(faults, said("op", code))
		}
		one := &noAnswerError{faults}
		if got := priceIsStale(one); got != c.want {
			t.Errorf("%v: %v", c.codes, got)
		}
		if got := priceIsStale(unservedError{{"a", routing.ErrUnknownModel}, {"b", one}}); got != c.want {
			t.Errorf("%v, of one model of two: %v", c.codes, got)
		}
	}
}

// What a receipt alone tells of an answer names the model as the answer did, however its operator spells it.
func TestGenerationOfAReceiptNamesTheModelAsTheAnswerDid(t *testing.T) {
	b := settlement.Bundle{Advert: settlement.Advert{Model: "HuggingFaceTB/SmolLM2-135M-Instruct"}}
	if got := generationFrom(b).Info.Model; got != worldModel {
		t.Errorf("named %q, in the answer %q", got, worldModel)
	}
}
