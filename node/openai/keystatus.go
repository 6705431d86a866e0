package openai

import (
	"context"
	"encoding/json"
	"math"
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
	// DayMicroUSD, WeekMicroUSD and MonthMicroUSD were spent since midnight, Monday and the first, in UTC; nil: that is not known.
	DayMicroUSD, WeekMicroUSD, MonthMicroUSD *uint64
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
	RateLimit      wireKeyRate     `json:"rate_limit"`
	ExpiresAt      *time.Time      `json:"expires_at"`
	keyUsage
	keyNone
	Flotilla wireKeyUse `json:"flotilla"`
}

type wireKeyRate struct {
	Requests int64  `json:"requests"` // -1: no limit
	Interval string `json:"interval"`
	Note     string `json:"note"`
}

// keyUsage is what was spent since midnight, Monday and the first, in UTC: null where it is not known.
type keyUsage struct {
	Daily   json.RawMessage `json:"usage_daily"`
	Weekly  json.RawMessage `json:"usage_weekly"`
	Monthly json.RawMessage `json:"usage_monthly"`
}

// keyNone are OpenRouter's members for what no gateway has: provider keys of one's own, keys that make keys, accounts, a daily quota
// of free models (-1: without one), and regions.
type keyNone struct {
	BYOKUsage      int       `json:"byok_usage"`
	BYOKDaily      int       `json:"byok_usage_daily"`
	BYOKWeekly     int       `json:"byok_usage_weekly"`
	BYOKMonthly    int       `json:"byok_usage_monthly"`
	IncludeBYOK    bool      `json:"include_byok_in_limit"`
	IsManagement   bool      `json:"is_management_key"`
	IsProvisioning bool      `json:"is_provisioning_key"`
	CreatorUserID  unknown   `json:"creator_user_id"`
	OrganizationID unknown   `json:"organization_id"`
	WorkspaceID    unknown   `json:"workspace_id"`
	AllowedRegions []string  `json:"allowed_data_regions"`
	FreeModelQuota freeQuota `json:"free_model_daily_requests"`
}

type freeQuota struct {
	Limit     int `json:"limit"`
	Remaining int `json:"remaining"`
	Used      int `json:"used"`
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
	w.keyUsage = keyUsage{usdOrNull(s.DayMicroUSD), usdOrNull(s.WeekMicroUSD), usdOrNull(s.MonthMicroUSD)}
	w.keyNone = keyNone{AllowedRegions: []string{"global"}, FreeModelQuota: freeQuota{Limit: -1, Remaining: -1}}
	w.RateLimit = wireKeyRate{Requests: -1, Interval: "60s"}
	if left, ok := s.left(); ok {
		w.Limit, w.LimitRemaining = json.RawMessage(formatUSD(s.BudgetMicroUSD, 6)), json.RawMessage(formatUSD(left, 6))
		name, ok := resetNames[s.Reset]
		if !ok { // an hour is ours alone
			name = s.Reset
		}
		w.LimitReset = orNull(name)
	}
	if s.RequestsPerMinute > 0 {
		w.RateLimit.Requests = int64(min(s.RequestsPerMinute, math.MaxInt64))
	}
	if s.TokensPerMinute > 0 {
		w.Flotilla.TokensPerMinute = &s.TokensPerMinute
	}
	return w
}

// left of the budget, also of what is held for requests under way; false: there is none.
func (s KeyStatus) left() (microUSD uint64, ok bool) {
	return s.BudgetMicroUSD - min(s.BudgetMicroUSD, s.SpentMicroUSD+s.HeldMicroUSD), s.BudgetMicroUSD > 0
}

func usdOrNull(microUSD *uint64) json.RawMessage {
	if microUSD == nil {
		return nil
	}
	return json.RawMessage(formatUSD(*microUSD, 6))
}

func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// status of the key that asks; if it cannot be told, it has answered.
func (h *handler) status(x *exchange) (KeyStatus, bool) {
	if h.cfg.KeyStatus == nil {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "no_key_status", NoRetry: true, Message: "this gateway tells keys nothing of themselves"})
		return KeyStatus{}, false
	}
	s, err := h.cfg.KeyStatus(x.r.Context(), x.key)
	if err != nil {
		x.failWith(err)
		return KeyStatus{}, false
	}
	return s, true
}

// serveKey tells a key about itself, under OpenRouter's address.
func (h *handler) serveKey(x *exchange) {
	if s, ok := h.status(x); ok {
		x.sendData(s.wire(x.key))
	}
}

// wireCredits is OpenRouter's object. Clients show the difference as what is left.
type wireCredits struct {
	TotalCredits json.RawMessage `json:"total_credits"` // what was spent ever, and what is left of the budget
	TotalUsage   json.RawMessage `json:"total_usage"`
}

// serveCredits tells a budget as OpenRouter tells an account: there is none behind the keys, so a key without a budget has no credits
// that could be told.
func (h *handler) serveCredits(x *exchange) {
	s, ok := h.status(x)
	if !ok {
		return
	}
	left, ok := s.left()
	if !ok {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "no_budget", NoRetry: true, Message: "the API key has no budget, and there is no account behind the keys: GET /v1/key tells what it has spent"})
		return
	}
	x.sendData(wireCredits{json.RawMessage(formatUSD(s.TotalMicroUSD+left, 6)), json.RawMessage(formatUSD(s.TotalMicroUSD, 6))})
}
