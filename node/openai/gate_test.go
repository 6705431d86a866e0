package openai_test

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// turnstile is a gate that admits up to some number of requests and notes how they ended.
type turnstile struct {
	mu       sync.Mutex
	admits   int
	refusal  error // of Ask
	outcomes []openai.Outcome
}

func (g *turnstile) Enter(context.Context, openai.KeyInfo, string) (openai.Visit, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.admits--; g.admits < 0 {
		return nil, &openai.APIError{Status: http.StatusTooManyRequests, Code: "rate_limit_exceeded", RetryAfter: 1500 * time.Millisecond, Message: "slowly"}
	}
	return g, nil
}

func (g *turnstile) Ask(context.Context, openai.Request) error { return g.refusal }

func (g *turnstile) Rates() openai.Rates {
	return openai.Rates{Requests: &openai.Rate{Limit: 9, Remaining: 4, Reset: 1500 * time.Millisecond}, Tokens: &openai.Rate{Limit: 90, Remaining: 40, Reset: time.Minute}}
}

func (g *turnstile) End(o openai.Outcome) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.outcomes = append(g.outcomes, o)
}

// Every visit ends once, however the request does, and with the bill that the client was told.
func TestEveryVisitEndsOnce(t *testing.T) {
	cut := fakefleet.New()
	cut.BreakAt, cut.BreakWith = 1, &openai.APIError{Status: http.StatusBadGateway, Code: "operator_lost", Message: "gone"}
	panics := fakefleet.New()
	panics.PanicAt = 0
	for name, c := range map[string]struct {
		fleet  *fakefleet.Fleet
		body   string
		status int
		code   string
		billed bool
	}{
		"whole":    {fakefleet.New(), `{"model":"auto",` + ask + `}`, 200, "", true},
		"streamed": {fakefleet.New(), streamed, 200, "", true},
		"cut":      {cut, streamed, 200, "cut: operator_lost", true},
		"panic":    {panics, streamed, 500, "panic", false},
		"bad":      {fakefleet.New(), `{`, 400, "invalid_json", false},
		"unknown":  {fakefleet.New(), `{"model":"none",` + ask + `}`, 404, "model_not_found", false},
	} {
		gate := &turnstile{admits: 1}
		cfg := config(c.fleet)
		cfg.Gate = gate
		w := do(t, cfg, http.MethodPost, "/v1/chat/completions", c.body)
		if len(gate.outcomes) != 1 {
			t.Fatalf("%s: ended %d times", name, len(gate.outcomes))
		}
		o := gate.outcomes[0]
		if o.Status != c.status || o.Status != w.Code || o.Code != c.code || (o.Final.ReceiptID != "") != c.billed || o.Method != http.MethodPost || o.Total <= 0 {
			t.Errorf("%s: %d, outcome %+v", name, w.Code, o)
		}
		if c.billed && (o.FirstByte <= 0 || o.FirstByte > o.Total || o.Info.Operator == "") {
			t.Errorf("%s: outcome %+v", name, o)
		}
	}
}

func TestGateRefusesAndShowsRates(t *testing.T) {
	gate := &turnstile{admits: 2}
	cfg := config(fakefleet.New())
	cfg.Gate = gate
	h := do(t, cfg, http.MethodGet, "/v1/models", "").Header()
	for name, want := range map[string]string{
		"X-Ratelimit-Limit-Requests": "9", "X-Ratelimit-Remaining-Requests": "4", "X-Ratelimit-Reset-Requests": "1.5s",
		"X-Ratelimit-Limit-Tokens": "90", "X-Ratelimit-Remaining-Tokens": "40", "X-Ratelimit-Reset-Tokens": "1m0s",
	} {
		if got := h.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	gate.refusal = &openai.APIError{Status: http.StatusTooManyRequests, Type: "insufficient_quota", Code: "insufficient_quota", NoRetry: true, Message: "spent"}
	w := do(t, cfg, http.MethodPost, "/v1/chat/completions", streamed)
	if e := apiError(t, w); w.Code != 429 || e["code"] != "insufficient_quota" || e["type"] != "insufficient_quota" || w.Header().Get("X-Should-Retry") != "false" {
		t.Errorf("no budget: %d %s %v", w.Code, w.Body, w.Header())
	}
	w = do(t, cfg, http.MethodPost, "/v1/chat/completions", streamed)
	if e := apiError(t, w); w.Code != 429 || e["code"] != "rate_limit_exceeded" || w.Header().Get("Retry-After") != "2" || w.Header().Get("Retry-After-Ms") != "1500" {
		t.Errorf("too many: %d %s %v", w.Code, w.Body, w.Header())
	}
	if len(gate.outcomes) != 2 {
		t.Errorf("%d visits ended, want those of the two admitted", len(gate.outcomes))
	}
	if w := do(t, cfg, http.MethodGet, "/healthz", ""); w.Code != 200 {
		t.Errorf("a route without a key asked the gate: %d", w.Code)
	}
}

func TestGeneration(t *testing.T) {
	cfg := config(fakefleet.New())
	cfg.Generations = func(_ context.Context, key openai.KeyInfo, id string) (openai.Generation, error) {
		if key.ID == "" || id != "req_1" && id != fakefleet.ReceiptID {
			return openai.Generation{}, &openai.APIError{Status: http.StatusNotFound, Code: "generation_not_found", Message: "none"}
		}
		return openai.Generation{
			RequestID: "req_1", Status: 499, Asked: "auto", Attempts: 2, Stream: true, FirstByte: 20 * time.Millisecond, Total: 50 * time.Millisecond,
			Info:  openai.Info{Model: model, Operator: "0xA"},
			Final: openai.Final{PromptTokens: 9, CompletionTokens: 5, CostMicroUSD: 19, ReceiptID: fakefleet.ReceiptID}, ReceiptContent: []byte(`{"a":1}`),
		}, nil
	}
	answer := "chatcmpl-" + strings.TrimPrefix(fakefleet.ReceiptID, "0x")
	for _, id := range []string{"req_1", fakefleet.ReceiptID, answer} {
		w := do(t, cfg, http.MethodGet, "/v1/generation?id="+id, "")
		data, _ := object(t, w.Body.Bytes())["data"].(map[string]any)
		for key, want := range map[string]any{
			"id": answer, "request_id": "req_1", "model": model, "provider_name": "0xA", "router": "flotilla/auto", "total_cost": 0.000019, "upstream_inference_cost": 0.000019,
			"tokens_prompt": 9.0, "native_tokens_completion": 5.0, "latency": 20.0, "generation_time": 30.0, "cancelled": true, "streamed": true, "receipt_id": fakefleet.ReceiptID,
		} {
			if data[key] != want {
				t.Errorf("%s: %s is %v, want %v\n%s", id, key, data[key], want, w.Body)
			}
		}
	}
	if w := do(t, cfg, http.MethodGet, "/v1/generation?id=req_2", ""); w.Code != 404 {
		t.Errorf("unknown: %d", w.Code)
	}
	if w := do(t, cfg, http.MethodGet, "/v1/generation?id=x", ""); w.Code != 400 {
		t.Errorf("no id: %d", w.Code)
	}
}
