package node

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/access"
	"flotilla/node/openai"
	"flotilla/node/requestlog"
	"flotilla/settlement"
)

// newKey makes a key as its owner does.
func (w *world) newKey(t access.Terms) CreatedKey {
	w.t.Helper()
	if t.Name == "" {
		t.Name = "test"
	}
	v, err := owner{w.gateway}.CreateKey(w.t.Context(), func(into any) error {
		return json.NewDecoder(bytes.NewReader(mustJSON(w.t, t))).Decode(into)
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return v.(CreatedKey)
}

func chatBody(model string, stream bool, maxTokens int) string {
	return fmt.Sprintf(`{"model":%q,"stream":%t,"max_tokens":%d,"messages":[{"role":"user","content":"hello there"}]}`, model, stream, maxTokens)
}

func (w *world) ask(key string) (*http.Response, []byte) {
	return w.post(key, "/v1/chat/completions", chatBody(worldModel, true, 20))
}

func wantError(t *testing.T, resp *http.Response, raw []byte, status int, code string) {
	t.Helper()
	if resp.StatusCode != status || !strings.Contains(string(raw), `"code":"`+code+`"`) {
		t.Errorf("%s %s: %d %s, want %d %s", resp.Request.Method, resp.Request.URL.Path, resp.StatusCode, raw, status, code)
	}
}

// usage of a key as 'flotilla keys list' shows it.
func (w *world) usage(id access.KeyID) access.Status {
	w.t.Helper()
	keys, err := w.gateway.keys.List(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	for _, k := range keys {
		if k.ID == id {
			return k
		}
	}
	w.t.Fatalf("no key %s", id)
	return access.Status{}
}

// sumOf the receipts that are the key's.
func (w *world) sumOf(id access.KeyID) (total settlement.Amount, n int) {
	w.t.Helper()
	for _, b := range w.receipts() {
		if w.gateway.Gateway.owners.owns(string(id), b.Order.Nonce) {
			total, n = total+b.Receipt.Amount, n+1
		}
	}
	return total, n
}

func TestInvalidKeys(t *testing.T) {
	w := newWorld(t)
	resp, raw := w.ask("sk-flotilla-nobody")
	wantError(t, resp, raw, http.StatusUnauthorized, "invalid_api_key")
	k := w.newKey(access.Terms{Expires: time.Now().Add(-time.Hour)})
	resp, raw = w.ask(k.Secret)
	wantError(t, resp, raw, http.StatusUnauthorized, "invalid_api_key")
	if !strings.Contains(string(raw), "expired on") {
		t.Errorf("an expired key is not told so: %s", raw)
	}
	k = w.newKey(access.Terms{})
	if resp, raw := w.post(k.Secret, "/v1/feedback", "{}"); resp.StatusCode != http.StatusBadRequest {
		t.Errorf("a new key: %s %s", resp.Status, raw)
	}
	if _, err := w.gateway.keys.Revoke(t.Context(), k.ID, false); err != nil {
		t.Fatal(err)
	}
	resp, raw = w.ask(k.Secret)
	wantError(t, resp, raw, http.StatusUnauthorized, "invalid_api_key")
}

// A key that is forgotten while a request of it is on its way is unknown, wherever that is found out.
func TestForgottenKey(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	g, k := w.gateway.Gateway, w.newKey(access.Terms{Budget: 1_000_000})
	key, err := g.gate.check(k.Secret)
	if err != nil {
		t.Fatal(err)
	}
	admitted, err := g.gate.Enter(t.Context(), key, "req_1")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.gateway.keys.Revoke(t.Context(), k.ID, true); err != nil {
		t.Fatal(err)
	}
	req := openai.Request{Key: key, Visit: admitted, Body: []byte(chatBody(worldModel, true, 20)), Model: worldModel, Choices: 1, MessageCount: 1, MaxTokens: 20, Stream: true}
	for what, err := range map[string]error{
		"admit":         func() error { _, err := g.gate.Enter(t.Context(), key, "req_2"); return err }(),
		"ask":           admitted.Ask(t.Context(), req),
		"hold a budget": func() error { _, err := g.Complete(t.Context(), req); return err }(),
	} {
		var told *openai.APIError
		if !errors.As(err, &told) || told.Status != http.StatusUnauthorized || told.Code != "invalid_api_key" {
			t.Errorf("%s: %v, want 401", what, err)
		}
	}
}

// No route with a key goes round the limits of that key.
func TestEveryRouteIsLimited(t *testing.T) {
	w := newWorld(t)
	k := w.newKey(access.Terms{RequestsPerMinute: 1})
	for i, route := range []string{
		"POST /v1/feedback", "POST /v1/chat/completions", "POST /v1/completions", "POST /v1/responses", "POST /v1/messages", "POST /v1/messages/count_tokens", "POST /v1/embeddings", "POST /v1/route", "GET /v1/models", "GET /v1/models/auto", "GET /v1/receipts",
		"GET /v1/receipts/0x00", "GET /v1/generation",
	} {
		method, path, _ := strings.Cut(route, " ")
		req, err := http.NewRequestWithContext(t.Context(), method, "http://"+w.gateway.HTTPAddr()+path, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+k.Secret)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		h := resp.Header
		switch {
		case i == 0 && (resp.StatusCode != http.StatusBadRequest || h.Get("X-Ratelimit-Limit-Requests") != "1" || h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Reset-Requests") == ""):
			t.Errorf("first request: %s %v", resp.Status, h)
		case i > 0 && (resp.StatusCode != http.StatusTooManyRequests || h.Get("Retry-After") == "" || h.Get("X-Ratelimit-Remaining-Requests") != "0" || h.Get("X-Ratelimit-Reset-Requests") == ""):
			t.Errorf("%s: %s %v, want 429", route, resp.Status, h)
		}
	}
}

func TestTokenRate(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	k := w.newKey(access.Terms{TokensPerMinute: 40})
	resp, raw := w.post(k.Secret, "/v1/chat/completions", chatBody(worldModel, true, 100))
	wantError(t, resp, raw, http.StatusTooManyRequests, "rate_limit_exceeded")
	if resp.Header.Get("X-Should-Retry") != "false" {
		t.Errorf("what never fits is not told so: %v", resp.Header)
	}
	resp, raw = w.ask(k.Secret) // 2 + 20 estimated, 9 + 5 used
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Ratelimit-Remaining-Tokens") != "18" || resp.Header.Get("X-Ratelimit-Limit-Tokens") != "40" {
		t.Fatalf("%s %v %s", resp.Status, resp.Header, raw)
	}
	w.eventually("the estimate becomes the real count", func() bool {
		v, err := w.gateway.keys.Enter(t.Context(), k.ID)
		if err != nil {
			t.Fatal(err)
		}
		defer v.Leave()
		return v.Rates().Tokens.Remaining == 26
	})
	resp, raw = w.post(k.Secret, "/v1/chat/completions", chatBody(worldModel, true, 30))
	wantError(t, resp, raw, http.StatusTooManyRequests, "rate_limit_exceeded")
	if resp.Header.Get("Retry-After") == "" {
		t.Errorf("no Retry-After: %v", resp.Header)
	}
}

func TestModelListsOfKeys(t *testing.T) {
	w := feedbackWorld(t, 0) // routes by text
	for _, k := range []CreatedKey{
		w.newKey(access.Terms{Allow: []string{"llama-*"}}),
		w.newKey(access.Terms{Block: []string{"smollm2*"}}),
		w.newKey(access.Terms{Block: []string{"SmolLM2*"}}),
		w.newKey(access.Terms{Block: []string{"HuggingFaceTB/SmolLM2-135M-Instruct"}}),
	} {
		for _, path := range []string{"/v1/chat/completions", "/v1/route"} {
			resp, raw := w.post(k.Secret, path, chatBody("SmolLM2-135M-Instruct", false, 20))
			wantError(t, resp, raw, http.StatusForbidden, "model_not_allowed")
			resp, raw = w.post(k.Secret, path, chatBody("auto", false, 20))
			wantError(t, resp, raw, http.StatusServiceUnavailable, "no_capable_operator")
		}
	}
	both := w.newKey(access.Terms{Allow: []string{"*-instruct"}})
	body := `{"model":"auto","stream":true,"allowed_models":[%q],"messages":[{"role":"user","content":"hello"}]}`
	resp, raw := w.post(both.Secret, "/v1/chat/completions", fmt.Sprintf(body, "llama-*"))
	wantError(t, resp, raw, http.StatusForbidden, "model_not_allowed")
	if resp, raw := w.post(both.Secret, "/v1/chat/completions", fmt.Sprintf(body, "smollm2-*")); resp.StatusCode != http.StatusOK {
		t.Errorf("what both lists allow: %s %s", resp.Status, raw)
	}
}

// When the only model that a key may use fails, no other stands in for it.
func TestListsOfKeysBindFallbacks(t *testing.T) {
	w := textWorld(t, 0)
	w.operatorOf(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/v1/chat/completions" {
			http.Error(rw, `{"error":{"message":"out of order"}}`, http.StatusInternalServerError)
			return
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	const other = "llama-3.1-8b-instruct"
	w.scriptedModel(ServedModel{Model: other, Price: Price{InputPerMTok: 100_000_000, OutputPerMTok: 200_000_000}})
	w.waitServing(2)
	bound, free := w.newKey(access.Terms{Allow: []string{"smollm2-*"}}), w.newKey(access.Terms{})
	resp, raw := w.post(bound.Secret, "/v1/chat/completions", chatBody("auto", true, 20))
	wantError(t, resp, raw, http.StatusBadGateway, "model_server_error")
	w.eventually("the operator that failed is asked again", func() bool { return len(w.gateway.Gateway.Serving()) == 2 })
	resp, raw = w.post(free.Secret, "/v1/chat/completions", chatBody("auto", true, 20))
	if resp.StatusCode != http.StatusOK || resp.Header.Get("X-Flotilla-Model") != other {
		t.Errorf("without lists: %s by %s: %s", resp.Status, resp.Header.Get("X-Flotilla-Model"), raw)
	}
	w.eventually("both are logged", func() bool { return len(w.logged(requestlog.Filter{})) == 2 })
	if log := w.logged(requestlog.Filter{}); log[0].Attempts != 2 || log[1].Attempts != 1 {
		t.Errorf("%d attempts for the free key, %d for the bound one", log[0].Attempts, log[1].Attempts)
	}
}

func TestDefaultDialOfKeys(t *testing.T) {
	w := feedbackWorld(t, 0)
	dial := float64(2)
	k := w.newKey(access.Terms{Dial: &dial})
	for extra, want := range map[string]string{"": `"dial":2`, `"cost_quality_tradeoff":9,`: `"dial":9`} {
		_, raw := w.post(k.Secret, "/v1/route", `{"model":"auto",`+extra+`"messages":[{"role":"user","content":"hello"}]}`)
		if !strings.Contains(string(raw), want) {
			t.Errorf("%q: %s, want %s", extra, raw, want)
		}
	}
}

// Requests in parallel cannot spend a budget twice: what each may cost at most is held. Nothing is above the budget, all
// that was spent has a receipt, and who is refused is told why.
func TestBudgetBindsInParallel(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	_, raw := w.ask(worldAPIKey)
	bs := w.receipts()
	if len(bs) != 1 {
		t.Fatalf("%d receipts: %s", len(bs), raw)
	}
	most, cost := bs[0].Order.MaxAmount, bs[0].Receipt.Amount
	if cost == 0 || most <= cost {
		t.Fatalf("an answer costs %s of at most %s", cost, most)
	}
	budget := 3*most + 5 // three at once at most
	k := w.newKey(access.Terms{Budget: access.MicroUSD(budget)})
	var wg sync.WaitGroup
	var mu sync.Mutex
	status, refusals := map[int]int{}, map[bool]int{} // by whether they are to be repeated
	for range 40 {
		wg.Go(func() {
			resp, raw := w.ask(k.Secret)
			mu.Lock()
			defer mu.Unlock()
			status[resp.StatusCode]++
			if resp.StatusCode == http.StatusTooManyRequests {
				again := strings.Contains(string(raw), `"budget_held"`)
				refusals[again]++
				if !again {
					wantError(t, resp, raw, http.StatusTooManyRequests, "insufficient_quota")
				}
				if h := resp.Header; again != (h.Get("Retry-After") == "1") || again == (h.Get("X-Should-Retry") == "false") {
					t.Errorf("to be repeated: %v, but the headers are %v", again, h)
				}
			}
		})
	}
	wg.Wait()
	for { // one after the other, down to where nothing fits
		resp, raw := w.ask(k.Secret)
		status[resp.StatusCode]++
		if resp.StatusCode == http.StatusTooManyRequests && strings.Contains(string(raw), `"budget_held"`) {
			time.Sleep(10 * time.Millisecond) // of the one before
			continue
		}
		if resp.StatusCode != http.StatusOK {
			wantError(t, resp, raw, http.StatusTooManyRequests, "insufficient_quota")
			break
		}
	}
	if status[200] == 0 || status[429] == 0 || len(status) != 2 || refusals[true] == 0 {
		t.Fatalf("statuses %v, of the refusals by whether they are to be repeated %v", status, refusals)
	}
	w.eventually("nothing is held", func() bool { return w.usage(k.ID).Held == 0 })
	u := w.usage(k.ID)
	total, n := w.sumOf(k.ID)
	if settlement.Amount(u.Spent) != total || n != status[200] || total > budget || budget-total >= most {
		t.Errorf("spent %s of %s, receipts say %s in %d, %d were answered", u.Spent, budget, total, n, status[200])
	}
}

// What a key is told of itself is what its receipts say.
func TestKeySeesItself(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	k := w.newKey(access.Terms{Name: "alice", Budget: 1_000_000, Reset: access.PeriodDay, RequestsPerMinute: 60})
	if resp, raw := w.ask(k.Secret); resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", resp.StatusCode, raw)
	}
	w.eventually("nothing is held", func() bool { return w.usage(k.ID).Held == 0 })
	total, _ := w.sumOf(k.ID)
	for secret, want := range map[string]string{
		k.Secret:    fmt.Sprintf(`"label":"alice","limit":1,"limit_remaining":%s,"limit_reset":"daily","usage":%s,`, usd(1_000_000-uint64(total)), usd(uint64(total))),
		worldAPIKey: `"limit":null,"limit_remaining":null,"limit_reset":null,"usage":0,"is_free_tier":false,"rate_limit":{"requests":-1,"interval":"60s","note":""},"expires_at":null,`,
	} {
		resp, raw := w.get(secret, "/v1/key")
		if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), want) {
			t.Errorf("%d %s\nwant %s", resp.StatusCode, raw, want)
		}
		spent := "0"
		if secret == k.Secret {
			spent = usd(uint64(total))
		}
		if want := fmt.Sprintf(`"usage_daily":%[1]s,"usage_weekly":%[1]s,"usage_monthly":%[1]s,`, spent); !strings.Contains(string(raw), want) {
			t.Errorf("%s\nwant %s", raw, want)
		}
	}
}

// usd writes 1e-6 USD as the API does.
func usd(micro uint64) string { return strconv.FormatFloat(float64(micro)/1e6, 'f', -1, 64) }

// A key sees its own receipts and no other's.
func TestReceiptsAreTheKeysOwn(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	a, b := w.newKey(access.Terms{}), w.newKey(access.Terms{})
	receipt := w.answered(a.Secret, worldModel, "hello")
	get := func(key, path string) (int, string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+w.gateway.HTTPAddr()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+key)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var text bytes.Buffer
		if _, err := text.ReadFrom(resp.Body); err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, text.String()
	}
	if status, _ := get(a.Secret, "/v1/receipts/"+receipt); status != http.StatusOK {
		t.Errorf("own receipt: %d", status)
	}
	if status, text := get(b.Secret, "/v1/receipts/"+receipt); status != http.StatusNotFound {
		t.Errorf("another's receipt: %d %s", status, text)
	}
	if _, text := get(a.Secret, "/v1/receipts"); !strings.Contains(text, receipt) {
		t.Errorf("own list: %s", text)
	}
	if _, text := get(b.Secret, "/v1/receipts"); strings.Contains(text, receipt) {
		t.Errorf("another's list: %s", text)
	}
}

// All of a key's receipts can be listed, a page at a time, however many there are of others in between.
func TestReceiptsArePaged(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	a, b := w.newKey(access.Terms{}), w.newKey(access.Terms{})
	var want []string // newest first
	for i := range 9 {
		if i%3 != 0 {
			w.answered(b.Secret, worldModel, "hello")
			continue
		}
		want = slices.Insert(want, 0, w.answered(a.Secret, worldModel, "hello"))
	}
	for _, limit := range []int{1, 2, 100} {
		var got []string
		next := ""
		for range len(want) + 1 {
			resp, raw := w.get(a.Secret, fmt.Sprintf("/v1/receipts?limit=%d&after=%s", limit, next))
			var page struct {
				Data    []string `json:"data"`
				HasMore bool     `json:"has_more"`
				Next    string   `json:"next"`
			}
			if err := json.Unmarshal(raw, &page); err != nil || resp.StatusCode != http.StatusOK || len(page.Data) > limit {
				t.Fatalf("page of %d: %s %s", limit, resp.Status, raw)
			}
			got = append(got, page.Data...)
			if next = page.Next; !page.HasMore {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || next != "" {
			t.Errorf("pages of %d, next %q (-want +got):\n%s", limit, next, diff)
		}
	}
	resp, raw := w.get(a.Secret, "/v1/receipts?after=0x12")
	wantError(t, resp, raw, http.StatusBadRequest, "invalid_after")
}
