package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flotilla/node/admin"
	"flotilla/node/feedback"
	"flotilla/routing"
	"flotilla/routing/indexfile"
)

const otherAPIKey = "sk-other"

// feedbackWorld has a gateway that routes by text, with two keys and an operator.
func feedbackWorld(t *testing.T, accept int) *world {
	t.Helper()
	w := textWorld(t, accept)
	w.honestOperator()
	w.waitServing(1)
	return w
}

// textWorld is feedbackWorld without its operator.
func textWorld(t *testing.T, accept int) *world {
	t.Helper()
	w := newWorld(t)
	router, err := routing.New(routing.Config{Embedder: seedEmbedder{}, Index: rowsOf(t, "probe", 300)})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	w.gateway = w.open(Config{
		DataDir: dir, Key: testKey(t), Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Gateway: &GatewayConfig{Router: router, IndexFile: dir + "/index.fidx", HTTPListen: "127.0.0.1:0", APIKeys: []string{worldAPIKey, otherAPIKey}, LaneDeposit: 1_000_000, AcceptFeedback: accept},
	})
	return w
}

// post sends body to the gateway and returns the answer with its body.
func (w *world) post(key, path, body string) (*http.Response, []byte) {
	w.t.Helper()
	return w.postWith(key, path, body)
}

// postWith is post with headers, as name and value.
func (w *world) postWith(key, path, body string, header ...string) (*http.Response, []byte) {
	w.t.Helper()
	return w.send(http.MethodPost, key, path, body, header...)
}

// send is one request and its answer.
func (w *world) send(method, key, path, body string, header ...string) (*http.Response, []byte) {
	w.t.Helper()
	req, err := http.NewRequestWithContext(w.t.Context(), method, "http://"+w.gateway.HTTPAddr()+path, strings.NewReader(body))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	return resp, raw
}

// answered is the receipt of an answer that the key asks for.
func (w *world) answered(key, model, prompt string) string {
	w.t.Helper()
	resp, raw := w.post(key, "/v1/chat/completions", fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":20,"messages":[{"role":"user","content":%q}]}`, model, prompt))
	if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), "[DONE]") {
		w.t.Fatalf("chat: %s %s", resp.Status, raw)
	}
	return resp.Header.Get("X-Flotilla-Receipt")
}

func verdict(receipt string, score float64) string {
	return fmt.Sprintf(`{"receipt_id":%q,"score":%v}`, receipt, score)
}

func (w *world) wantRefused(key, body string, status int, code string) {
	w.t.Helper()
	resp, raw := w.post(key, "/v1/feedback", body)
	if resp.StatusCode != status || !strings.Contains(string(raw), `"code":"`+code+`"`) {
		w.t.Errorf("feedback %s: %s %s, want %d %s", body, resp.Status, raw, status, code)
	}
}

func (w *world) review(receipt string, to feedback.State) Edited {
	w.t.Helper()
	v, err := owner{w.gateway}.ReviewFeedback(w.t.Context(), func(into any) error {
		return json.NewDecoder(bytes.NewReader(mustJSON(w.t, FeedbackReview{Receipts: []string{receipt}, State: to, Weight: 2}))).Decode(into)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.(Edited)
}

func TestFeedbackBecomesRowsAfterReviewAndGoesAgain(t *testing.T) {
	w := feedbackWorld(t, 0)
	receipt := w.answered(worldAPIKey, "auto", "what is a lane?")
	for _, score := range []float64{0.2, 0.9} { // the later one replaces
		if resp, raw := w.post(worldAPIKey, "/v1/feedback", verdict(receipt, score)); resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), receipt) {
			t.Fatalf("feedback: %s %s", resp.Status, raw)
		}
	}
	router := w.gateway.Gateway.router
	if n := router.Index().Len(); n != 300 {
		t.Errorf("%d rows before any review", n)
	}
	if e := w.review(receipt, feedback.Accepted); e.Added != 2 || e.Rows != 302 {
		t.Errorf("accepted with weight 2: %+v", e)
	}
	// The prompt's own text now finds its row: the vector is the one it was routed by.
	d, err := w.gateway.Gateway.router.Route(t.Context(), routing.Prompt{Text: "what is a lane?"}, []routing.Candidate{{Operator: "a", Model: worldModel}}, routing.Policy{})
	if err != nil || !strings.HasPrefix(d.Neighbors[0].Source, "feedback:key_") || d.Neighbors[0].Similarity < 0.999 {
		t.Errorf("nearest neighbour %+v, %v", d.Neighbors, err)
	}
	if cell, ok := router.Index().Cell(301, 1); !ok || cell.Score != 230 { // 0.9 of 255, rounded
		t.Errorf("the row says %+v", cell)
	}
	w.wantRefused(worldAPIKey, verdict(receipt, 0), http.StatusConflict, "feedback_reviewed")
	if e := w.review(receipt, feedback.Rejected); e.Rows != 300 {
		t.Errorf("taken back: %+v", e)
	}
}

// A verdict that was never a row leaves no trace in the index, so decisions made before can be made again from it.
func TestRejectingWhatNeverWasARowKeepsTheIndex(t *testing.T) {
	w := feedbackWorld(t, 0)
	accepted, rejected := w.answered(worldAPIKey, "auto", "what is a lane?"), w.answered(worldAPIKey, "auto", "and a voucher?")
	for _, receipt := range []string{accepted, rejected} {
		w.post(worldAPIKey, "/v1/feedback", verdict(receipt, 0.9))
	}
	before := w.review(accepted, feedback.Accepted)
	for _, to := range []feedback.State{feedback.Rejected, feedback.Pending, feedback.Rejected} {
		if e := w.review(rejected, to); e.ID != before.ID || e.Generation != before.Generation {
			t.Errorf("%s: generation %d, want %d", to, e.Generation, before.Generation)
		}
	}
	if e := w.review(accepted, feedback.Rejected); e.Rows != 300 || e.Generation == before.Generation {
		t.Errorf("a row is taken out: %+v", e)
	}
}

// What a crash left between store and index, the same review again makes good.
func TestTheSameReviewAgainBringsTheIndexUpToTheStore(t *testing.T) {
	w := feedbackWorld(t, 0)
	receipt := w.answered(worldAPIKey, "auto", "what is a lane?")
	w.post(worldAPIKey, "/v1/feedback", verdict(receipt, 0.9))
	for _, step := range []struct {
		to   feedback.State
		rows int
	}{{feedback.Accepted, 302}, {feedback.Rejected, 300}} {
		if _, err := w.gateway.feedback.Review([]string{receipt}, step.to, 2); err != nil { // and the crash
			t.Fatal(err)
		}
		if e := w.review(receipt, step.to); e.Rows != step.rows {
			t.Errorf("%s again: %d rows, want %d", step.to, e.Rows, step.rows)
		}
	}
}

// A review whose rows cannot be kept leaves its verdicts as they were, to be reviewed again.
func TestReviewThatFailsChangesNothing(t *testing.T) {
	w := feedbackWorld(t, 0)
	receipt := w.answered(worldAPIKey, "auto", "what is a lane?")
	w.post(worldAPIKey, "/v1/feedback", verdict(receipt, 0.2))
	if err := indexfile.Write(filepath.Join(w.gateway.cfg.DataDir, IndexFileName), rowsOf(t, "by hand", 3)); err != nil {
		t.Fatal(err)
	}
	accept := func() ([]feedback.Entry, error) {
		return w.gateway.feedback.Review([]string{receipt}, feedback.Accepted, 1)
	}
	if _, err := w.gateway.Gateway.review(feedback.Accepted, accept); !errors.Is(err, indexfile.ErrChanged) {
		t.Fatal(err)
	}
	if all := w.gateway.feedback.List(); len(all) != 1 || all[0].State != feedback.Pending {
		t.Errorf("verdicts: %+v", all)
	}
	if resp, raw := w.post(worldAPIKey, "/v1/feedback", verdict(receipt, 0.9)); resp.StatusCode != http.StatusOK {
		t.Errorf("another verdict: %s %s", resp.Status, raw)
	}
}

// One key that asks one thing again and again has one row of it: what it said on the whole.
func TestOneKeysVerdictsOnOnePromptAreOneRow(t *testing.T) {
	w := feedbackWorld(t, 0)
	var receipts []string
	for _, score := range []float64{1, 0, 0.2} {
		receipt := w.answered(worldAPIKey, "auto", "what is a lane?")
		w.post(worldAPIKey, "/v1/feedback", verdict(receipt, score))
		receipts = append(receipts, receipt)
	}
	other := w.answered(worldAPIKey, "auto", "and a voucher?")
	w.post(worldAPIKey, "/v1/feedback", verdict(other, 1))
	for i, want := range []Edited{{Rows: 302}, {Rows: 302}, {Rows: 302}} {
		if e := w.review(receipts[i], feedback.Accepted); e.Rows != want.Rows {
			t.Errorf("accepted %d: %+v", i, e)
		}
	}
	scores := func() (all []uint8) { // in no order: verdicts of one moment are in none
		x := w.gateway.Gateway.router.Index()
		for i := 300; i < x.Len(); i++ {
			cell, _ := x.Cell(i, 1)
			all = append(all, cell.Score)
		}
		slices.Sort(all)
		return all
	}
	if got := scores(); !slices.Equal(got, []uint8{102, 102}) { // 0.4 of 255
		t.Errorf("the rows say %v", got)
	}
	if e := w.review(other, feedback.Accepted); e.Rows != 304 {
		t.Errorf("another prompt: %+v", e)
	}
	// The crash comes between store and index; there are as many rows as there should be, but they say something else.
	if _, err := w.gateway.feedback.Review(receipts[1:2], feedback.Rejected, 1); err != nil {
		t.Fatal(err)
	}
	w.review(receipts[1], feedback.Rejected)
	if got := scores(); !slices.Equal(got, []uint8{153, 153, 255, 255}) { // 0.6, and the other prompt's
		t.Errorf("the rows say %v after one verdict was rejected", got)
	}
}

// A key that has said the same sixty times does not weigh sixty times what another says that agrees.
func TestAgreementTakesOneVerdictAKey(t *testing.T) {
	w := feedbackWorld(t, 2)
	for i := range 4 {
		w.post(worldAPIKey, "/v1/feedback", verdict(w.answered(worldAPIKey, "auto", "hello there"+strings.Repeat(" ", i)), 1))
	}
	w.post(otherAPIKey, "/v1/feedback", verdict(w.answered(otherAPIKey, "auto", "hello there"), 1))
	if n := w.gateway.Gateway.router.Index().Len(); n != 302 {
		t.Errorf("%d rows, want one of each of the two keys beside 300", n)
	}
}

func TestFeedbackIsRefused(t *testing.T) {
	w := feedbackWorld(t, 0)
	mine := w.answered(worldAPIKey, "auto", "hello there")
	named := w.answered(worldAPIKey, worldModel, "hello there")
	w.wantRefused(otherAPIKey, verdict(mine, 1), http.StatusNotFound, "receipt_not_found")
	w.wantRefused(worldAPIKey, verdict("0x"+strings.Repeat("ab", 32), 1), http.StatusNotFound, "receipt_not_found")
	w.wantRefused(worldAPIKey, verdict(named, 1), http.StatusBadRequest, "not_routed")
	for _, body := range []string{verdict(mine, 1.5), `{"receipt_id":"` + mine + `"}`, `{"score":1}`, `{"receipt_id":"x","score":1}`, `{"receipt_id":"` + mine + `","score":"good"}`} {
		w.wantRefused(worldAPIKey, body, http.StatusBadRequest, "invalid_value")
	}
	for range feedbackBurst {
		w.post(otherAPIKey, "/v1/feedback", verdict(mine, 1))
	}
	w.wantRefused(otherAPIKey, verdict(mine, 1), http.StatusTooManyRequests, "feedback_rate")
}

// The owner's own mistakes are no failures of the gateway.
func TestAReviewThatCannotBeIsABadRequest(t *testing.T) {
	w := feedbackWorld(t, 0)
	receipt := w.answered(worldAPIKey, "auto", "what is a lane?")
	w.post(worldAPIKey, "/v1/feedback", verdict(receipt, 1))
	for _, r := range []FeedbackReview{
		{Receipts: []string{receipt}, State: feedback.Accepted, Weight: feedback.MaxWeight + 1}, {Receipts: []string{receipt}, State: feedback.Accepted, Weight: -1},
		{Receipts: []string{"0x1"}, State: feedback.Accepted}, {State: feedback.Accepted}, {Receipts: []string{receipt}, State: "good"},
	} {
		_, err := owner{w.gateway}.ReviewFeedback(t.Context(), func(into any) error { return json.Unmarshal(mustJSON(t, r), into) })
		if !errors.Is(err, admin.ErrBadRequest) {
			t.Errorf("%+v: %v", r, err)
		}
	}
}

func TestFeedbackOfSeveralKeysIsAcceptedByPolicy(t *testing.T) {
	w := feedbackWorld(t, 2)
	a, b := w.answered(worldAPIKey, "auto", "hello there"), w.answered(otherAPIKey, "auto", "hello there")
	w.post(worldAPIKey, "/v1/feedback", verdict(a, 1))
	if n := w.gateway.Gateway.router.Index().Len(); n != 300 {
		t.Errorf("%d rows after one key's verdict", n)
	}
	w.post(otherAPIKey, "/v1/feedback", verdict(b, 0.9))
	if n := w.gateway.Gateway.router.Index().Len(); n != 302 {
		t.Errorf("%d rows after two keys agreed", n)
	}
}
