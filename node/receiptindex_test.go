package node

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"flotilla/node/admin"
	"flotilla/node/feedback"
	"flotilla/node/requestlog"
	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/settlement"
)

// A key gets the generation that its own receipt names, whatever became of the index since, and nobody else's; of one with rows
// from prompts of others it is told whom to ask.
func TestTheIndexOfAReceipt(t *testing.T) {
	w := feedbackWorld(t, 0)
	first := w.answered(worldAPIKey, "auto", "what is a lane?")
	if resp, raw := w.post(worldAPIKey, "/v1/feedback", verdict(first, 0.9)); resp.StatusCode != http.StatusOK {
		t.Fatalf("feedback: %s %s", resp.Status, raw)
	}
	w.review(first, feedback.Accepted)
	verdicts := w.answered(worldAPIKey, "auto", "what is a voucher?")
	others := w.answered(otherAPIKey, "auto", "what is a gateway?")
	w.edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "judge", 3)) })
	judged := w.answered(worldAPIKey, "auto", "what is an operator?")
	w.edit(func(b *index.Builder) error { _, err := index.Removal{Source: "judge"}.Apply(b); return err })
	w.edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "our customers", 3)) })
	tabled := w.answered(worldAPIKey, "auto", "what is a table?")
	w.edit(func(b *index.Builder) error { _, err := index.Removal{Source: "our customers"}.Apply(b); return err })
	w.edit(func(b *index.Builder) error { return b.Import(rowsOf(t, "probe:gemma-3-270m@0xabc", 3)) })
	probed := w.answered(worldAPIKey, "auto", "what is a probe?")

	w.replays(worldAPIKey, first)
	w.replays(worldAPIKey, verdicts)
	w.refusesIndex(otherAPIKey, others, 403, "index_not_shared")
	w.refusesIndex(worldAPIKey, judged, 403, "index_not_shared")
	w.refusesIndex(worldAPIKey, tabled, 403, "index_not_shared")
	w.replays(worldAPIKey, probed)
	w.refusesIndex(otherAPIKey, first, 404, "receipt_not_found")
	w.refusesIndex(worldAPIKey, "0x00", 400, "invalid_value")
	elsewhere := "0x" + strings.Repeat("cd", 32)
	mine, err := w.gateway.Gateway.gate.requests.Find(t.Context(), first)
	if err != nil {
		t.Fatal(err)
	}
	w.gateway.Gateway.gate.requests.Add(requestlog.Record{ID: "req_1", At: time.Now(), Key: mine.Key, Receipt: elsewhere}) // as another gateway does
	w.refusesIndex(worldAPIKey, elsewhere, 404, "receipt_elsewhere")
	w.refusesIndex(otherAPIKey, elsewhere, 404, "receipt_not_found")
	// As after the gateway's signing key was replaced: it cannot tell any more whose the receipt is, but has it itself.
	w.gateway.Gateway.gate.requests.Add(requestlog.Record{ID: "req_2", At: time.Now(), Key: mine.Key, Receipt: others})
	w.refusesIndex(worldAPIKey, others, 404, "receipt_not_found")
	w.wantRefused(worldAPIKey, verdict(elsewhere, 1), 404, "receipt_elsewhere")
	if resp, raw := w.send(http.MethodGet, worldAPIKey, "/v1/receipts/"+elsewhere, ""); resp.StatusCode != 404 || !strings.Contains(string(raw), "ask at that gateway's own address") {
		t.Errorf("another gateway's receipt: %s %s", resp.Status, raw)
	}

	w.share(ShareAll)
	w.replays(otherAPIKey, others)
	w.replays(worldAPIKey, judged)
	w.share(ShareOff)
	w.refusesIndex(worldAPIKey, first, 403, "index_not_shared")
	w.share(ShareAll)
	for range indexBurst { // some were asked for already
		if resp, _ := w.send(http.MethodGet, worldAPIKey, "/v1/receipts/"+first+"/index", ""); resp.StatusCode == http.StatusTooManyRequests {
			break
		}
	}
	w.refusesIndex(worldAPIKey, first, 429, "index_rate")
	w.replays(otherAPIKey, others)

	o, id := owner{w.gateway}, w.decisionOf(worldAPIKey, judged).IndexID
	x, err := o.ExportIndex(t.Context(), id[:8])
	if err != nil || x.(*index.Index).ID() != id {
		t.Errorf("the owner's export: %v", err)
	}
	if _, err := o.ExportIndex(t.Context(), strings.Repeat("0", 64)); !errors.Is(err, admin.ErrNotFound) {
		t.Errorf("an unknown generation: %v", err)
	}
}

func (w *world) edit(change func(*index.Builder) error) {
	w.t.Helper()
	if _, err := w.gateway.Gateway.router.Edit(change); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) share(s IndexSharing) {
	w.t.Helper()
	c := *w.gateway.Gateway.cfg.Load()
	c.ShareIndex = s
	if err := w.gateway.Gateway.Reconfigure(w.t.Context(), c); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) decisionRecord(key, receipt string) []byte {
	w.t.Helper()
	_, raw := w.send(http.MethodGet, key, "/v1/receipts/"+receipt, "")
	b, err := settlement.DecodeBundle(raw)
	if err != nil {
		w.t.Fatalf("receipt %s: %v %s", receipt, err, raw)
	}
	return b.DecisionJSON
}

func (w *world) decisionOf(key, receipt string) routing.Decision {
	w.t.Helper()
	d, err := routing.ReadRecord(w.decisionRecord(key, receipt))
	if err != nil {
		w.t.Fatal(err)
	}
	return d
}

// replays makes the receipt's decision again with the index that the gateway sends for it.
func (w *world) replays(key, receipt string) {
	w.t.Helper()
	resp, raw := w.send(http.MethodGet, key, "/v1/receipts/"+receipt+"/index", "")
	x, err := index.Decode(raw)
	if resp.StatusCode != http.StatusOK || err != nil {
		w.t.Errorf("index of %s: %s, %v", receipt, resp.Status, err)
		return
	}
	if err := routing.Replay(context.Background(), w.decisionRecord(key, receipt), x); err != nil {
		w.t.Errorf("replay: %v", err)
	}
}

func (w *world) refusesIndex(key, receipt string, status int, code string) {
	w.t.Helper()
	resp, raw := w.send(http.MethodGet, key, "/v1/receipts/"+receipt+"/index", "")
	if resp.StatusCode != status || !strings.Contains(string(raw), `"code":"`+code+`"`) {
		w.t.Errorf("index of %s: %s %.300s, want %d %s", receipt, resp.Status, raw, status, code)
	}
}
