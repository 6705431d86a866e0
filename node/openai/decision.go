package openai

import (
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"

	"flotilla/node/rawjson"
)

// maxHeaderValue bounds one header; proxies refuse more than 4 to 8 KiB for all of them.
const maxHeaderValue = 512

// headerReceipt names the receipt that the answer will have.
const headerReceipt = "X-Flotilla-Receipt"

// setDecision tells the decision in headers: a few by default, all for a request with X-Flotilla-Debug: 1.
func setDecision(h http.Header, info Info, req Request, debug bool) {
	set := func(name, value string) {
		if value != "" {
			h.Set(name, headerValue(value))
		}
	}
	set("X-Flotilla-Model", info.Model)
	set("X-Flotilla-Operator", info.Operator)
	set("X-Flotilla-Reason", info.Reason)
	set(headerReceipt, info.ReceiptID)
	set(headerCache, info.Cache.header())
	set("X-Flotilla-Expected-Cost", usdEstimate(info.ExpectedCostMicroUSD))
	if !debug {
		return
	}
	set("X-Flotilla-Why", info.Why)
	if q := quality(info.PredictedQuality); q != nil {
		set("X-Flotilla-Predicted-Quality", strconv.FormatFloat(float64(*q), 'f', 4, 64))
	}
	set("X-Flotilla-Dial", strconv.FormatFloat(req.Dial, 'f', -1, 64))
	set("X-Flotilla-Input-Per-Mtok", formatUSD(info.InputPerMTok, 6))
	set("X-Flotilla-Output-Per-Mtok", formatUSD(info.OutputPerMTok, 6))
	set("X-Flotilla-Per-Request", formatUSD(info.PerRequest, 6))
	set("X-Flotilla-Baseline-Model", info.BaselineModel)
	set("X-Flotilla-Baseline-Cost", usdEstimate(info.BaselineCostMicroUSD))
	set("X-Flotilla-Quantization", info.Quantization)
	set("X-Flotilla-Runtime", info.Runtime)
	set("X-Flotilla-Token-Counting", info.TokenCounting)
	set("X-Flotilla-Key", req.Key.ID)
}

// headerValue keeps printable ASCII; a client library may refuse anything else.
func headerValue(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s)
	return s[:min(len(s), maxHeaderValue)]
}

// usdEstimate writes an expected amount, which has fractions of a µUSD, in USD.
func usdEstimate(micro float64) string {
	if !(micro >= 0) || math.IsInf(micro, 0) {
		return ""
	}
	return strconv.FormatFloat(micro/1e6, 'f', 9, 64)
}

func quality(q float64) *fraction {
	if !(q > 0 && q <= 1) {
		return nil
	}
	f := fraction(q)
	return &f
}

// fraction is a number that is never written as a whole one: whoever adds up those of several answers gets one kind from each.
type fraction float64

// MarshalJSON implements json.Marshaler.
func (f fraction) MarshalJSON() ([]byte, error) {
	return withPoint(strconv.FormatFloat(float64(f), 'f', -1, 64)), nil
}

// withPoint writes a decimal number as a fraction, also where it is whole.
func withPoint(decimal string) json.RawMessage {
	if !strings.Contains(decimal, ".") {
		decimal += ".0"
	}
	return json.RawMessage(decimal)
}

// usageFlotilla is usage.flotilla: what the decision was and what it cost.
type usageFlotilla struct {
	Model            string    `json:"model"`
	Operator         string    `json:"operator"`
	Reason           string    `json:"reason"`
	Why              string    `json:"why"`
	PredictedQuality *fraction `json:"predicted_quality"`
	ReceiptID        string    `json:"receipt_id"`
	CostMicroUSD     uint64    `json:"cost_micro_usd"`
	BaselineModel    string    `json:"baseline_model,omitempty"`
	BaselineQuality  *fraction `json:"baseline_quality,omitempty"`
	BaselineMicroUSD uint64    `json:"baseline_micro_usd"`
	InputPerMTok     uint64    `json:"input_micro_usd_per_mtok"`
	OutputPerMTok    uint64    `json:"output_micro_usd_per_mtok"`
	PerRequest       uint64    `json:"per_request_micro_usd"`
	Partial          bool      `json:"partial,omitempty"`

	Cache usageCache `json:"cache"`
}

// usageObject is the answer's usage: the bill's figures over the operator's own object, of which all else is kept.
func usageObject(upstream json.RawMessage, info Info, final Final) json.RawMessage {
	detail, err := json.Marshal(usageFlotilla{
		Model: info.Model, Operator: info.Operator, Reason: info.Reason, Why: info.Why,
		PredictedQuality: quality(info.PredictedQuality), ReceiptID: final.ReceiptID,
		CostMicroUSD: final.CostMicroUSD, BaselineModel: info.BaselineModel, BaselineQuality: quality(info.BaselineQuality), BaselineMicroUSD: final.BaselineMicroUSD,
		InputPerMTok: info.InputPerMTok, OutputPerMTok: info.OutputPerMTok, PerRequest: info.PerRequest, Partial: final.Partial, Cache: info.Cache.usage(),
	})
	if err != nil { // strings and finite numbers always encode
		detail = json.RawMessage("null")
	}
	number := func(n uint64) json.RawMessage { return strconv.AppendUint(nil, n, 10) }
	edits := []rawjson.Edit{
		{Key: "prompt_tokens", Value: number(uint64(final.PromptTokens))},
		{Key: "completion_tokens", Value: number(uint64(final.CompletionTokens))},
		{Key: "total_tokens", Value: number(uint64(final.PromptTokens) + uint64(final.CompletionTokens))},
		{Key: "cost", Value: withPoint(formatUSD(final.CostMicroUSD, 6))},
		{Key: "flotilla", Value: detail},
	}
	obj, err := rawjson.Parse(upstream)
	if err != nil {
		obj, _ = rawjson.Parse([]byte("{}")) // constant, parses
	}
	return obj.Apply(edits...)
}
