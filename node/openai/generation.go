package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// Generations finds what is known of one answer: by its request's id (req_…), or its receipt's (0x and 64 hex digits).
// It knows the key's own only. Errors as those of a Completer.
type Generations func(ctx context.Context, key KeyInfo, id string) (Generation, error)

// Generation is the record of one request.
type Generation struct {
	RequestID      string // empty if only its receipt is known
	Route          string // the same
	At             time.Time
	Status         int
	Code           string // the error's; empty: all went well
	Stream         bool
	Asked          string // the model as the client named it
	Attempts       int
	FirstByte      time.Duration
	Total          time.Duration
	Info           Info
	Final          Final
	ReceiptContent json.RawMessage // nil if there is none
}

// wireGeneration is OpenRouter's object, with what only this gateway knows in flotilla. Amounts are numbers in USD.
type wireGeneration struct {
	ID                     string          `json:"id"`
	RequestID              *string         `json:"request_id"`
	UpstreamID             *string         `json:"upstream_id"`
	Model                  string          `json:"model"`
	ProviderName           string          `json:"provider_name"`
	Router                 *string         `json:"router"`
	CreatedAt              time.Time       `json:"created_at"`
	Streamed               bool            `json:"streamed"`
	Cancelled              bool            `json:"cancelled"`
	FinishReason           *string         `json:"finish_reason"`
	TotalCost              json.RawMessage `json:"total_cost"`
	Usage                  json.RawMessage `json:"usage"`                   // the same
	UpstreamCost           json.RawMessage `json:"upstream_inference_cost"` // the same: there is no markup
	CacheDiscount          json.RawMessage `json:"cache_discount"`          // what an answer that was given again had cost; else null
	Latency                float64         `json:"latency"`                 // ms to the first byte
	GenerationTime         float64         `json:"generation_time"`         // ms from there to the end
	TokensPrompt           uint32          `json:"tokens_prompt"`
	TokensCompletion       uint32          `json:"tokens_completion"`
	NativeTokensPrompt     uint32          `json:"native_tokens_prompt"`
	NativeTokensCompletion uint32          `json:"native_tokens_completion"`
	ReceiptID              string          `json:"receipt_id"`
	Receipt                json.RawMessage `json:"receipt"`
	APIType                string          `json:"api_type"`
	Origin                 string          `json:"origin"`      // always empty: it is not kept
	DataRegion             string          `json:"data_region"` // always global: operators are anywhere
	IsBYOK                 bool            `json:"is_byok"`     // always false
	notKept
	Flotilla wireRecord `json:"flotilla"`
}

// notKept are members that OpenRouter's clients insist on and of which this gateway keeps nothing.
type notKept struct {
	AppID                  unknown `json:"app_id"`
	ExternalUser           unknown `json:"external_user"`
	HTTPReferer            unknown `json:"http_referer"`
	ModerationLatency      unknown `json:"moderation_latency"`
	NativeFinishReason     unknown `json:"native_finish_reason"`
	NativeTokensCached     unknown `json:"native_tokens_cached"`
	NativeCompletionImages unknown `json:"native_tokens_completion_images"`
	NativeTokensReasoning  unknown `json:"native_tokens_reasoning"`
	NumFetches             unknown `json:"num_fetches"`
	NumInputAudioPrompt    unknown `json:"num_input_audio_prompt"`
	NumMediaCompletion     unknown `json:"num_media_completion"`
	NumMediaPrompt         unknown `json:"num_media_prompt"`
	NumSearchResults       unknown `json:"num_search_results"`
	PresetID               unknown `json:"preset_id"`
	ProviderResponses      unknown `json:"provider_responses"`
	ServiceTier            unknown `json:"service_tier"`
	UserAgent              unknown `json:"user_agent"`
	WebSearchEngine        unknown `json:"web_search_engine"`
	WorkspaceID            unknown `json:"workspace_id"`
}

type wireRecord struct {
	Status           int       `json:"status"`
	Code             string    `json:"code,omitempty"`
	Asked            string    `json:"asked,omitempty"`
	Reason           string    `json:"reason,omitempty"`
	Why              string    `json:"why,omitempty"`
	PredictedQuality *fraction `json:"predicted_quality"`
	Attempts         int       `json:"attempts"`
	CostMicroUSD     uint64    `json:"cost_micro_usd"`
	BaselineModel    string    `json:"baseline_model,omitempty"`
	BaselineMicroUSD uint64    `json:"baseline_micro_usd"`
	Partial          bool      `json:"partial,omitempty"`
	Cache            string    `json:"cache,omitempty"` // exact or semantic
	CacheReceiptID   string    `json:"cache_receipt_id,omitempty"`
}

func (g Generation) wire() wireGeneration {
	f, cost := g.Final, withPoint(formatUSD(g.Final.CostMicroUSD, 6))
	w := wireGeneration{
		ID: g.RequestID, RequestID: orNull(g.RequestID), Model: g.Info.Model, ProviderName: g.Info.Operator, CreatedAt: g.At, Streamed: g.Stream,
		Cancelled: g.Status == statusClientGone, FinishReason: orNull(f.FinishReason), TotalCost: cost, Usage: cost, UpstreamCost: cost,
		APIType: "completions", DataRegion: "global",
		Latency: milliseconds(g.FirstByte), GenerationTime: milliseconds(max(0, g.Total-g.FirstByte)),
		TokensPrompt: f.PromptTokens, TokensCompletion: f.CompletionTokens, NativeTokensPrompt: f.PromptTokens, NativeTokensCompletion: f.CompletionTokens,
		ReceiptID: f.ReceiptID, Receipt: g.ReceiptContent,
		Flotilla: wireRecord{
			Status: g.Status, Code: g.Code, Asked: g.Asked, Reason: g.Info.Reason, Why: g.Info.Why, PredictedQuality: quality(g.Info.PredictedQuality), Attempts: g.Attempts,
			CostMicroUSD: f.CostMicroUSD, BaselineModel: g.Info.BaselineModel, BaselineMicroUSD: f.BaselineMicroUSD, Partial: f.Partial,
		},
	}
	if g.Route == embeddingsRoute {
		w.APIType = "embeddings"
	}
	if c := g.Info.Cache; c.Status == CacheHit {
		w.CacheDiscount, w.Flotilla.Cache, w.Flotilla.CacheReceiptID = withPoint(formatUSD(c.SavedMicroUSD, 6)), c.Kind, c.ReceiptID
	}
	if f.ReceiptID != "" {
		w.ID = completionID(answerPrefix(g.Route), f.ReceiptID, g.RequestID)
	}
	if IsAuto(g.Asked) {
		w.Router = orNull("flotilla/auto")
	}
	return w
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// serveGeneration is the record of one answer under OpenRouter's address.
func (h *handler) serveGeneration(x *exchange) {
	id := x.r.URL.Query().Get("id")
	if requestID, ok := requestOf(id); ok {
		id = requestID
	}
	if !strings.HasPrefix(id, requestIDPrefix) || len(id) > maxIDBytes {
		var api *APIError
		if id, api = receiptID(id); api != nil {
			api.Message = "an id is a request's x-request-id, 0x and the 64 hex digits of a receipt, or the chatcmpl- id of an answer"
			x.fail(api)
			return
		}
	}
	if h.cfg.Generations == nil {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "no_request_log", NoRetry: true, Message: "this gateway keeps no records of requests"})
		return
	}
	g, err := h.cfg.Generations(x.r.Context(), x.key, id)
	if err != nil {
		x.failWith(err)
		return
	}
	x.sendData(g.wire())
}
