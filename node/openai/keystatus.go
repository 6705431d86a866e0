package openai

import (
	"context"
	"encoding/json"
	"net/http"
	"time"
)

// KeyStatusFinder finds what a key may do and has spent. Errors as those of a Completer.
type KeyStatusFinder func(ctx context.Context, key KeyInfo) (KeyStatus, error)

// KeyStatus is a key as its holder may see it. Amounts are in 1e-6 USD.
type KeyStatus struct {
	Name    string
	Expires time.Time // zero: never
	// Budget is for one period of Reset ("day", "week", …; empty: for ever), which ends at ResetAt; 0 is no limit.
	BudgetMicroUSD uint64
	Reset          string
	ResetAt        time.Time
	// Spent in this period and Total ever, each the sum of Receipts; Held for requests under way.
	SpentMicroUSD, TotalMicroUSD, HeldMicroUSD uint64
	Receipts                                   uint64
	// RequestsPerMinute and TokensPerMinute are 0 where there is no limit.
	RequestsPerMinute, TokensPerMinute uint64
}

// wireKey is OpenRouter's object, with what only this gateway knows in flotilla. Amounts are numbers in USD.
type wireKey struct {
	Label          string          `json:"label"`
	Limit          json.RawMessage `json:"limit"` // null: none
	LimitRemaining json.RawMessage `json:"limit_remaining"`
	LimitReset     *string         `json:"limit_reset"`
	Usage          json.RawMessage `json:"usage"`
	FreeTier       bool            `json:"is_free_tier"`
	RateLimit      *wireKeyRate    `json:"rate_limit"`
	ExpiresAt      *time.Time      `json:"expires_at"`
	Flotilla       wireKeyUse      `json:"flotilla"`
}

type wireKeyRate struct {
	Requests uint64 `json:"requests"`
	Interval string `json:"interval"`
}

type wireKeyUse struct {
	KeyID           string     `json:"key_id"`
	SpentMicroUSD   uint64     `json:"spent_micro_usd"` // in this period
	TotalMicroUSD   uint64     `json:"total_micro_usd"`
	HeldMicroUSD    uint64     `json:"held_micro_usd"`
	Receipts        uint64     `json:"receipts"`
	ResetAt         *time.Time `json:"reset_at"`
	TokensPerMinute *uint64    `json:"tokens_per_minute"`
}

// resetNames are OpenRouter's.
var resetNames = map[string]string{"day": "daily", "week": "weekly", "month": "monthly"}

func (s KeyStatus) wire(key KeyInfo) wireKey {
	w := wireKey{
		Label: s.Name, Usage: json.RawMessage(formatUSD(s.TotalMicroUSD, 6)), ExpiresAt: timeOrNull(s.Expires),
		Flotilla: wireKeyUse{
			KeyID: key.ID, SpentMicroUSD: s.SpentMicroUSD, TotalMicroUSD: s.TotalMicroUSD, HeldMicroUSD: s.HeldMicroUSD, Receipts: s.Receipts, ResetAt: timeOrNull(s.ResetAt),
		},
	}
	if s.BudgetMicroUSD > 0 {
		left := s.BudgetMicroUSD - min(s.BudgetMicroUSD, s.SpentMicroUSD+s.HeldMicroUSD)
		w.Limit, w.LimitRemaining = json.RawMessage(formatUSD(s.BudgetMicroUSD, 6)), json.RawMessage(formatUSD(left, 6))
		name, ok := resetNames[s.Reset]
		if !ok { // an hour is ours alone
			name = s.Reset
		}
		w.LimitReset = orNull(name)
	}
	if s.RequestsPerMinute > 0 {
		w.RateLimit = &wireKeyRate{s.RequestsPerMinute, "60s"}
	}
	if s.TokensPerMinute > 0 {
		w.Flotilla.TokensPerMinute = &s.TokensPerMinute
	}
	return w
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// serveKey tells a key about itself, under OpenRouter's address.
func (h *handler) serveKey(x *exchange) {
	if h.cfg.KeyStatus == nil {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "no_key_status", NoRetry: true, Message: "this gateway tells keys nothing of themselves"})
		return
	}
	s, err := h.cfg.KeyStatus(x.r.Context(), x.key)
	if err != nil {
		x.failWith(err)
		return
	}
	x.sendJSON(http.StatusOK, struct {
		Data wireKey `json:"data"`
	}{s.wire(x.key)})
}
