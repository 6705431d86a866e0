package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"flotilla/node/access"
	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/node/page"
	"flotilla/node/requestlog"
)

// see asks for a view of the page and returns its status.
func (w *world) see(key, view string, into any) int {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, "http://"+w.gateway.HTTPAddr()+"/page/data/"+view, nil)
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(into); err != nil {
		w.t.Fatal(err)
	}
	return resp.StatusCode
}

// Each view has what its key did and nothing of another's, whatever id is asked for; the figures are the receipts'.
func TestPageShowsAKeyItsOwn(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	alice, bob := w.newKey(access.Terms{Name: "alice"}), w.newKey(access.Terms{Name: "bob"})
	bill := w.tell(alice.Secret, "hello", true)

	var own page.Requests
	w.eventually("the request is on the page", func() bool { return w.see(alice.Secret, "requests", &own) == http.StatusOK && own.Open != nil })
	r := own.Open.Request
	if len(own.Requests) != 1 || r.CostMicroUSD != bill || own.Open.Receipt == nil || own.Open.Receipt.CostMicroUSD != bill || len(own.Open.Decision) < 100 {
		t.Errorf("alice sees %+v, was charged %d", own, bill)
	}
	for _, view := range []string{"requests", "requests?open=" + r.ID, "requests?open=" + r.Receipt} {
		var got page.Requests
		if status := w.see(bob.Secret, view, &got); status != http.StatusOK || len(got.Requests) != 0 || got.Open != nil {
			t.Errorf("bob sees %d %+v of %s", status, got, view)
		}
	}
	var refused map[string]string
	if status := w.see(bob.Secret, "receipt?id="+r.Receipt, &refused); status != http.StatusNotFound {
		t.Errorf("bob gets alice's receipt: %d", status)
	}
	var bundle json.RawMessage
	asServed, err := w.gateway.Gateway.Receipt(t.Context(), openai.KeyInfo{ID: string(alice.ID)}, r.Receipt)
	if status := w.see(alice.Secret, "receipt?id="+r.Receipt, &bundle); status != http.StatusOK || err != nil || !bytes.Equal(bundle, asServed) {
		t.Errorf("alice saves %d %s, GET /v1/receipts gives %s (%v)", status, bundle, asServed, err)
	}
	var signed struct {
		Advert struct{ InputPerMTok, OutputPerMTok, PerRequest uint64 }
	}
	line := own.Open.Receipt
	if err := json.Unmarshal(bundle, &signed); err != nil || signed.Advert != struct{ InputPerMTok, OutputPerMTok, PerRequest uint64 }{line.InputPerMTok, line.OutputPerMTok, line.PerRequest} {
		t.Errorf("the bill's price is %+v, the receipt's %+v (%v)", line, signed.Advert, err)
	}
	var spend page.Spend
	if w.see(bob.Secret, "spend", &spend); spend.Requests != 0 || len(spend.Keys) != 1 || spend.Keys[0].Name != "bob" {
		t.Errorf("bob's spend is %+v", spend)
	}
	var receipts page.Receipts
	if w.see(bob.Secret, "receipts", &receipts); len(receipts.Receipts) != 0 || receipts.Settling != nil {
		t.Errorf("bob's receipts are %+v", receipts)
	}
	views := pageViews{w.gateway, w.gateway.Gateway, w.gateway.Gateway.gate.book}
	all, err := views.Spend(t.Context(), page.Viewer{Owner: true})
	if err != nil || all.CostMicroUSD != bill || len(all.Keys) < 2 {
		t.Errorf("the owner sees %+v (%v)", all, err)
	}
	if got, err := views.Receipts(t.Context(), page.Viewer{Owner: true}); err != nil || len(got.Receipts) != 1 || got.Settling == nil {
		t.Errorf("the owner sees %+v (%v)", got, err)
	}
}

// What the log has from before a start is on the page after it, and what came since is not counted twice.
func TestPageRemembersAcrossAStart(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	bill := w.tell(worldAPIKey, "hello", true)
	w.eventually("the request is logged", func() bool { return len(w.logged(requestlog.Filter{})) == 1 })
	for start, want := range map[time.Time]uint64{w.gateway.started: 0, time.Now(): bill} {
		g := &gate{log: slog.New(slog.DiscardHandler), requests: w.gateway.requests, book: page.NewBook(time.Now), upgrades: openai.NewUpgradeBook(openai.UpgradeLimits{})}
		g.remember(t.Context(), start)
		if s := g.book.Spend(page.Viewer{Owner: true}); s.CostMicroUSD != want {
			t.Errorf("started %s: %d µUSD from before, want %d", start, s.CostMicroUSD, want)
		}
	}
}

// A restart does not begin a new day of upgrades: those of the log count, but for what is older than a day or came out of the
// cache.
func TestUpgradesCountAcrossAStart(t *testing.T) {
	dir := t.TempDir()
	log, err := requestlog.Open(dir, requestlog.Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	for i, r := range []requestlog.Record{
		{At: start.Add(-time.Hour), Model: "m", UpgradeMicroUSD: 300}, {At: start.Add(-20 * time.Hour), Model: "m", UpgradeMicroUSD: 200},
		{At: start.Add(-25 * time.Hour), Model: "m", UpgradeMicroUSD: 400}, {At: start.Add(-time.Minute), Model: "m", Cache: "exact", UpgradeMicroUSD: 100},
		{At: start.Add(time.Second), Model: "m", UpgradeMicroUSD: 50}, {At: start.Add(-time.Minute)},
	} {
		r.ID, r.Key = fmt.Sprint("req_", i), "key_a"
		log.Add(r)
	}
	if err := log.Close(); err != nil { // which writes what is queued
		t.Fatal(err)
	}
	if log, err = requestlog.Open(dir, requestlog.Options{}); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = log.Close() }()
	g := &gate{log: slog.New(slog.DiscardHandler), requests: log, book: page.NewBook(time.Now), upgrades: openai.NewUpgradeBook(openai.UpgradeLimits{MaxMicroUSD: 1_000})}
	g.remember(t.Context(), start)
	if got := g.upgrades.Left(openai.KeyInfo{ID: "key_a"}); got != (openai.Upgrades{Bounded: true, LeftMicroUSD: 500}) {
		t.Errorf("after 500 µUSD of the last day %+v is left of 1,000", got)
	}
}

// A view counts in a key's requests a minute, and a key that is gone sees nothing any more.
func TestPageObeysTheKeysLimits(t *testing.T) {
	w := newWorld(t)
	k := w.newKey(access.Terms{Name: "slow", RequestsPerMinute: 2})
	for i, want := range []int{200, 200, 429} {
		var got map[string]any
		if status := w.see(k.Secret, "fleet", &got); status != want {
			t.Errorf("view %d: %d %v, want %d", i, status, got, want)
		}
	}
	if _, err := w.gateway.keys.Revoke(t.Context(), k.ID, false); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if status := w.see(k.Secret, "fleet", &got); status != http.StatusUnauthorized {
		t.Errorf("revoked: %d %v", status, got)
	}
}

// TestPageShowsWhichModelIsPaused: an operator that is asked for one of its models is in no trouble; the model that is paused is.
func TestPageShowsWhichModelIsPaused(t *testing.T) {
	w := newWorld(t)
	w.operator(OperatorConfig{})
	b, err := backend.New(w.modelURL, backend.Options{})
	if err != nil {
		t.Fatal(err)
	}
	served := func(model string) ServedModel {
		return ServedModel{Model: model, BackendModel: worldModel, Backend: b, Price: Price{InputPerMTok: 1, OutputPerMTok: 1}}
	}
	w.open(Config{DataDir: t.TempDir(), Key: testKey(t), Bootstrap: w.gateway.Addrs(), Operator: &OperatorConfig{
		Stake: 50_000_000, Models: []ServedModel{served("hangs"), served("serves")},
	}})
	w.waitServing(3)
	g := w.gateway.Gateway
	for _, c := range g.candidates(g.now()) {
		if p := c.Ref.(*priced); p.advert.Model == "hangs" {
			g.health.fault(p.endpoint(), errRefusedAlone, g.now().Add(time.Hour))
		}
	}
	fleet, err := pageViews{g: g}.Fleet(t.Context(), page.Viewer{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range fleet.Operators {
		if o.Trouble != "" {
			t.Errorf("an operator that serves is %q", o.Trouble)
		}
		for _, m := range o.Offers {
			if (m.Trouble != "") != (m.Model == "hangs") {
				t.Errorf("%s is %q", m.Model, m.Trouble)
			}
		}
	}
}
