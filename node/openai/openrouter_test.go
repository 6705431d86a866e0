package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

// What OpenRouter's own libraries refuse an answer without (@openrouter/sdk 1.3.19 and openrouter 0.11.46 for Python, whose schemas agree
// but for what is optional): members and their kinds, a ? for "or null".
const (
	modelMembers = "canonical_slug string, context_length int?, created int, default_parameters object?, id string, links object, links.details string, " +
		"name string, per_request_limits object?, supported_voices array?, pricing.prompt string, pricing.completion string, architecture.modality string?, " +
		"architecture.input_modalities array, architecture.output_modalities array, supported_parameters array, top_provider.is_moderated bool"
	endpointMembers = "context_length int, latency_last_30m object?, max_completion_tokens int?, max_prompt_tokens int?, model_id string, model_name string, " +
		"name string, pricing.prompt string, pricing.completion string, provider_name string, quantization string?, supported_parameters array, " +
		"supports_implicit_caching bool, supports_tool_choice.auto bool, supports_tool_choice.none bool, supports_tool_choice.required bool, " +
		"supports_tool_choice.function bool, tag string, throughput_last_30m object?, uptime_last_1d number?, uptime_last_30m number?, uptime_last_5m number?"
	generationMembers = "api_type string?, app_id int?, cache_discount number?, cancelled bool?, created_at string, data_region string, external_user string?, " +
		"finish_reason string?, generation_time number?, http_referer string?, id string, is_byok bool, latency number?, model string, moderation_latency number?, " +
		"native_finish_reason string?, native_tokens_cached int?, native_tokens_completion int?, native_tokens_completion_images int?, native_tokens_prompt int?, " +
		"native_tokens_reasoning int?, num_fetches int?, num_input_audio_prompt int?, num_media_completion int?, num_media_prompt int?, num_search_results int?, " +
		"origin string, preset_id string?, provider_name string?, provider_responses array?, router string?, service_tier string?, streamed bool?, " +
		"tokens_completion int?, tokens_prompt int?, total_cost number, upstream_id string?, upstream_inference_cost number?, usage number, user_agent string?, " +
		"web_search_engine string?, workspace_id string?"
	keyMembers = "allowed_data_regions array, byok_usage number, byok_usage_daily number, byok_usage_monthly number, byok_usage_weekly number, " +
		"creator_user_id string?, expires_at string?, free_model_daily_requests.limit int, free_model_daily_requests.remaining int, free_model_daily_requests.used int, " +
		"include_byok_in_limit bool, is_free_tier bool, is_management_key bool, is_provisioning_key bool, label string, limit number?, limit_remaining number?, " +
		"limit_reset string?, organization_id string?, rate_limit.interval string, rate_limit.note string, rate_limit.requests int, usage number, workspace_id string?"
	keyUsageMembers = "usage_daily number, usage_monthly number, usage_weekly number"
	errorMembers    = "code int, message string, metadata.error_type string"
)

// wantMembers checks that v has the members of a list above.
func wantMembers(t *testing.T, what string, v any, members string) {
	t.Helper()
	for _, m := range strings.Split(members, ", ") {
		name, kind, _ := strings.Cut(m, " ")
		kind, null := strings.CutSuffix(kind, "?")
		got, there := v, true
		for _, step := range strings.Split(name, ".") {
			obj, _ := got.(map[string]any)
			got, there = obj[step]
		}
		if !there || kindOf(got, kind) != kind && (!null || got != nil) {
			t.Errorf("%s: %s is %v (there: %v), want %s", what, name, got, there, kind)
		}
	}
}

func kindOf(v any, want string) string {
	switch n := v.(type) {
	case string:
		return "string"
	case bool:
		return "bool"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	case float64:
		if want == "int" && n == float64(int64(n)) {
			return "int"
		}
		return "number"
	}
	return "null"
}

// openRouterConfig is of a gateway that knows one answer and one key.
func openRouterConfig(f openai.Completer, status openai.KeyStatus) openai.Config {
	cfg := config(f)
	cfg.Embeddings = &openai.EmbeddingModel{ID: "flotilla/tiny"}
	cfg.Generations = func(context.Context, openai.KeyInfo, string) (openai.Generation, error) {
		return openai.Generation{RequestID: "req_1", At: time.Unix(1, 0), Final: openai.Final{CostMicroUSD: 2_000_000}}, nil
	}
	cfg.KeyStatus = func(context.Context, openai.KeyInfo) (openai.KeyStatus, error) { return status, nil }
	return cfg
}

// The lists and records have what OpenRouter's libraries insist on, at /v1 as at /api/v1.
func TestOpenRouterObjects(t *testing.T) {
	f := fakefleet.New()
	f.List = append(f.List, openai.Model{ID: "bare"})
	var none uint64
	cfg := openRouterConfig(f, openai.KeyStatus{Name: "alice", DayMicroUSD: &none, WeekMicroUSD: &none, MonthMicroUSD: &none})
	for _, root := range []string{"", "/api"} {
		get := func(path string) map[string]any {
			t.Helper()
			w := do(t, cfg, http.MethodGet, root+path, "")
			if w.Code != http.StatusOK {
				t.Fatalf("%s%s: %d %s", root, path, w.Code, w.Body)
			}
			return object(t, w.Body.Bytes())
		}
		for path, n := range map[string]int{"/v1/models": 4, "/v1/models/user": 4, "/v1/embeddings/models": 1} {
			list := get(path)
			wantMembers(t, path, list, "data array, links.next string?, total_count int")
			data := list["data"].([]any)
			if len(data) != n || list["total_count"] != float64(n) {
				t.Errorf("%s: %d models of %v, want %d", path, len(data), list["total_count"], n)
			}
			for _, m := range data {
				wantMembers(t, path, m, modelMembers)
			}
		}
		if n := get("/v1/models/count")["data"].(map[string]any)["count"]; n != 4.0 {
			t.Errorf("%v models", n)
		}
		for _, name := range []string{"openrouter/auto", "flotilla/auto", model} {
			m := get("/v1/model/" + name)["data"]
			wantMembers(t, name, m, modelMembers)
			get(strings.TrimPrefix(m.(map[string]any)["links"].(map[string]any)["details"].(string), "/api"))
		}
		endpoints := get("/v1/models/" + model + "/endpoints")["data"].(map[string]any)
		wantMembers(t, "endpoints", endpoints, "architecture.tokenizer string?, created int, description string, endpoints array, id string, name string")
		for i, operator := range []string{"0xabc/alder", "0xdef/birch"} {
			e := endpoints["endpoints"].([]any)[i].(map[string]any)
			wantMembers(t, operator, e, endpointMembers)
			if e["provider_name"] != operator || e["supports_tool_choice"].(map[string]any)["auto"] != (i == 0) || e["quantization"] != []string{"int4", "unknown"}[i] {
				t.Errorf("%s: %v", operator, e)
			}
		}
		wantMembers(t, "generation", get("/v1/generation?id=req_1")["data"], generationMembers)
		for _, path := range []string{"/v1/key", "/v1/auth/key"} {
			wantMembers(t, path, get(path)["data"], keyMembers+", "+keyUsageMembers)
		}
	}
}

// What a key has spent since midnight, Monday and the first is told where it is known, and never guessed.
func TestKeyUsageIsNotGuessed(t *testing.T) {
	day, week := uint64(0), uint64(2_500_000)
	s := openai.KeyStatus{
		BudgetMicroUSD: 10_000_000, Reset: "week", SpentMicroUSD: week, HeldMicroUSD: 500_000, TotalMicroUSD: 40_000_000, DayMicroUSD: &day, WeekMicroUSD: &week,
	}
	data := object(t, do(t, openRouterConfig(fakefleet.New(), s), http.MethodGet, "/v1/key", "").Body.Bytes())["data"].(map[string]any)
	wantMembers(t, "key", data, keyMembers)
	if data["usage_weekly"] != 2.5 || data["usage_daily"] != 0.0 || data["usage_monthly"] != nil || data["limit_remaining"] != 7.0 {
		t.Errorf("%v", data)
	}
	credits := object(t, do(t, openRouterConfig(fakefleet.New(), s), http.MethodGet, "/v1/credits", "").Body.Bytes())["data"].(map[string]any)
	if credits["total_credits"] != 47.0 || credits["total_usage"] != 40.0 { // the difference is what is left
		t.Errorf("%v", credits)
	}
	w := do(t, openRouterConfig(fakefleet.New(), openai.KeyStatus{TotalMicroUSD: 1}), http.MethodGet, "/v1/credits", "")
	if e := apiError(t, w); w.Code != 404 || e["code"] != "no_budget" {
		t.Errorf("without a budget: %d %s", w.Code, w.Body)
	}
}

// Errors under OpenRouter's root have its code, a number; with a key or without.
func TestOpenRouterErrors(t *testing.T) {
	f := fakefleet.New()
	for _, tc := range []struct {
		method, path, body, key, word string
		status                        int
	}{
		{"POST", "/api/v1/chat/completions", `{"model":"none",` + ask + `}`, testKey, "model_not_found", 404},
		{"POST", "/api/v1/chat/completions", `{`, testKey, "invalid_json", 400},
		{"GET", "/api/v1/models", "", "wrong", "invalid_api_key", 401},
		{"GET", "/api/v1/nothing", "", testKey, "unknown_url", 404},
	} {
		w := do(t, config(f), tc.method, tc.path, tc.body, "Authorization", "Bearer "+tc.key)
		e := apiError(t, w)
		wantMembers(t, tc.path, e, errorMembers)
		if w.Code != tc.status || e["code"] != float64(tc.status) || e["metadata"].(map[string]any)["error_type"] != tc.word {
			t.Errorf("%s %s: %d %s", tc.method, tc.path, w.Code, w.Body)
		}
	}
}

// Who reads the log, or a refusal, finds the path that was asked for.
func TestTheLogHasThePathAsAsked(t *testing.T) {
	for _, path := range []string{"/v1/models", "/api/v1/models"} {
		var log bytes.Buffer
		c := config(fakefleet.New())
		c.Logger = slog.New(slog.NewTextHandler(&log, nil))
		w := do(t, c, http.MethodDelete, path, "")
		if !strings.Contains(log.String(), " path="+path+" ") || !strings.Contains(w.Body.String(), path+" takes GET, not DELETE") {
			t.Errorf("%s: %s\n%s", path, w.Body, &log)
		}
	}
}

// thinking is an answer of two chunks, the first of them thoughts.
var thinking = []string{
	`{"choices":[{"index":0,"delta":{"role":"assistant","reasoning_content":"<hm>"},"finish_reason":null}],"system_fingerprint":null}`,
	`{"choices":[{"index":0,"delta":{"content":"Hi"},"finish_reason":"stop"}],"system_fingerprint":"b1"}`,
}

// A stream has what OpenRouter's clients insist on, its bill without being asked, and the thoughts by OpenRouter's name.
func TestOpenRouterStream(t *testing.T) {
	f := fakefleet.New()
	for _, c := range thinking {
		f.Raw = append(f.Raw, json.RawMessage(c))
	}
	body := `{"model":"openrouter/auto","stream":true,` + ask + `}`
	got := events(t, do(t, config(f), http.MethodPost, "/api/v1/chat/completions", body).Body)
	if len(got) != 4 || got[3] != "[DONE]" {
		t.Fatalf("%q", got)
	}
	for i, event := range got[:3] {
		c := object(t, []byte(event))
		wantMembers(t, event, c, "id string, object string, created int, model string, provider string, choices array")
		fingerprint, has := c["system_fingerprint"]
		usage, billed := c["usage"].(map[string]any)
		if _, there := c["usage"]; there != (i == 2) || billed != there || billed && usage["cost"] == nil || has && fingerprint == nil {
			t.Errorf("chunk %d: %s", i, event)
		}
	}
	delta := object(t, []byte(got[0]))["choices"].([]any)[0].(map[string]any)["delta"]
	if want := map[string]any{"role": "assistant", "reasoning_content": "<hm>", "reasoning": "<hm>"}; !maps.Equal(delta.(map[string]any), want) {
		t.Errorf("%v", delta)
	}
	plain := strings.Join(events(t, chat(t, f, body).Body), "\n")
	for _, member := range []string{`"provider"`, `"reasoning":`, `"usage"`} { // OpenAI's shape stays as it was
		if strings.Contains(plain, member) {
			t.Errorf("/v1 has %s:\n%s", member, plain)
		}
	}
}

func TestOpenRouterWholeAnswer(t *testing.T) {
	f := fakefleet.New()
	f.Raw = []json.RawMessage{json.RawMessage(`{"choices":[{"index":0,"message":{"role":"assistant","content":"Hi","reasoning_content":"hm"},"finish_reason":"stop"}]}`)}
	answer := object(t, do(t, config(f), http.MethodPost, "/api/v1/chat/completions", `{"model":"auto",`+ask+`}`).Body.Bytes())
	wantMembers(t, "answer", answer, "id string, object string, created int, model string, provider string, choices array, system_fingerprint string?, usage.cost number")
	if said := answer["choices"].([]any)[0].(map[string]any)["message"].(map[string]any); said["reasoning"] != "hm" || said["content"] != "Hi" {
		t.Errorf("%v", said)
	}
}

// A stream that breaks ends with a chunk that has the error, as at OpenRouter: its libraries check each event for a chunk.
func TestOpenRouterBrokenStream(t *testing.T) {
	f := fakefleet.New()
	f.BreakAt, f.BreakWith = 1, errors.New("cut")
	for path, body := range map[string]string{"/api/v1/chat/completions": ask, "/api/v1/completions": `"prompt":"Hi"`} {
		got := events(t, do(t, config(f), http.MethodPost, path, fmt.Sprintf(`{"model":"auto","stream":true,%s}`, body)).Body)
		last := object(t, []byte(got[len(got)-1]))
		wantMembers(t, path, last, "id string, object string, created int, model string, provider string, choices array")
		wantMembers(t, path, last["error"], errorMembers)
		if choices, _ := last["choices"].([]any); len(choices) > 0 || slices.Contains(got, "[DONE]") {
			t.Errorf("%s: %q", path, got)
		}
	}
}
