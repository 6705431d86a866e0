package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"flotilla/node/access"
	"flotilla/node/access/pgstore"
	"flotilla/node/openai"
	"flotilla/node/page"
	"flotilla/node/postgres"
	"flotilla/node/requestlog"
	"flotilla/settlement"
)

// gate is the one check that every request with a key passes: who it is, how fast, for how much. It implements
// openai.Gate.
type gate struct {
	keys     access.Keys
	cfg      func() *GatewayConfig // as it is now
	requests *requestlog.Log
	book     *page.Book
	upgrades *openai.UpgradeBook
	metrics  *requestMetrics
	inFlight atomic.Int64 // requests that were admitted and are not over
	log      *slog.Logger
}

// openKeys opens the API keys. Orders that were under way at a crash are settled by the ledger: their keys pay what the
// receipts say.
func (g *Gateway) openKeys(ctx context.Context, dataDir string, pool *postgres.Pool) (access.Keys, error) {
	dir, cfg := filepath.Join(dataDir, AccessDirName), g.cfg.Load()
	if pool == nil {
		return access.Open(dir, access.Options{Config: cfg.APIKeys, Logger: g.log, Now: g.now, Charged: g.charged})
	}
	return pgstore.Open(ctx, pool, pgstore.Options{Dir: filepath.Join(dir, "outbox"), Config: cfg.APIKeys, Logger: g.log, Charged: g.charged, Lease: cfg.StoreLease})
}

// charged is what the receipt charged, if there is one.
func (g *Gateway) charged(r access.Receipt) (access.MicroUSD, bool, error) {
	b, err := g.ledger.Bundle(settlement.ReceiptID(r))
	if errors.Is(err, settlement.ErrUnknownReceipt) {
		return 0, false, nil
	}
	return access.MicroUSD(b.Receipt.Amount), err == nil, err
}

// check finds a key by its secret. It is an openai.KeyCheck.
func (g *gate) check(secret string) (openai.KeyInfo, error) {
	k, err := g.keys.Find(secret)
	if refused := (*access.RefusedKeyError)(nil); errors.As(err, &refused) {
		err = openai.IncorrectKey(refused.Error())
	}
	if err != nil {
		g.metrics.count(requestlog.Record{Status: http.StatusUnauthorized})
		return openai.KeyInfo{}, err
	}
	upgrades := openai.UpgradeLimits{MaxShare: k.UpgradeShare, MaxMicroUSD: uint64(k.UpgradeBudget)}
	return openai.KeyInfo{ID: string(k.ID), Rules: &openai.KeyRules{
		Allow: modelPatterns(k.Allow), Block: modelPatterns(k.Block), Dial: k.Dial, Upgrades: cmp.Or(upgrades, g.cfg().Upgrades),
	}}, nil
}

// keyStatus is what a key may know of itself. It is an openai.KeyStatusFinder.
func (g *gate) keyStatus(ctx context.Context, key openai.KeyInfo) (openai.KeyStatus, error) {
	s, err := g.keys.Status(ctx, access.KeyID(key.ID))
	if err != nil {
		return openai.KeyStatus{}, g.refusal(err)
	}
	k := openai.KeyStatus{
		Name: s.Name, Expires: s.Expires, BudgetMicroUSD: uint64(s.Budget), ResetAt: s.ResetAt, SpentMicroUSD: uint64(s.Spent), TotalMicroUSD: uint64(s.Total),
		HeldMicroUSD: uint64(s.Held), Receipts: s.Receipts, RequestsPerMinute: s.RequestsPerMinute, TokensPerMinute: s.TokensPerMinute,
	}
	if s.Reset != access.PeriodNone {
		k.Reset = string(s.Reset)
	}
	for p, shown := range map[access.Period]**uint64{access.PeriodDay: &k.DayMicroUSD, access.PeriodWeek: &k.WeekMicroUSD, access.PeriodMonth: &k.MonthMicroUSD} {
		if spent, known := s.In(p); known {
			*shown = (*uint64)(&spent)
		}
	}
	return k, nil
}

// Enter admits a request of the key, or says that there are too many. Those that are refused here are counted but not
// logged: a client that hammers its limit would push all other records out.
func (g *gate) Enter(ctx context.Context, key openai.KeyInfo, requestID string) (openai.Visit, error) {
	in, err := g.keys.Enter(ctx, access.KeyID(key.ID))
	if err != nil {
		err = g.refusal(err)
		var told *openai.APIError
		if errors.As(err, &told) {
			g.metrics.count(requestlog.Record{Key: key.ID, Status: told.Status})
		}
		return nil, err
	}
	g.inFlight.Add(1)
	return &visit{gate: g, key: access.KeyID(key.ID), id: requestID, in: in, parts: 1}, nil
}

// visit is one request, from its admission until its bill is known. The handler's part and each answer under way (which
// may outlive it, when the client has left) end by themselves; with the last, the visit is over.
type visit struct {
	gate *gate
	key  access.KeyID
	id   string // of the request
	in   access.Visit

	mu       sync.Mutex // guards all below
	parts    int
	attempts int
	final    openai.Final // of the answer, once it is billed
	outcome  openai.Outcome
}

// Ask admits what the request asks for: its tokens, and a budget that is not spent yet. What it may cost at most is held
// when its order is known (attempt.holdBudget). A dry run costs nothing.
func (v *visit) Ask(ctx context.Context, req openai.Request) error {
	if req.DryRun {
		return nil
	}
	if req.Embeds > 0 && !req.Key.Rules.Permits(req.Model) { // a model of the fleet is looked at by bindKey
		return modelNotAllowed(fmt.Sprintf("the API key may not use the model %q", req.Model))
	}
	if err := v.in.AskTokens(ctx, v.gate.estimate(req)); err != nil {
		return v.gate.refusal(err)
	}
	if req.Embeds > 0 { // the gateway's own work, which is free
		return nil
	}
	return v.gate.refusal(v.gate.keys.CheckBudget(ctx, v.key))
}

// estimate is the tokens that a request may take, as the rate limit counts them until they are known.
func (g *gate) estimate(req openai.Request) uint64 {
	switch {
	case req.Embeds > 0:
		return uint64(req.Embeds)
	case req.Inputs > 0:
		return uint64(estimateTokens(req.PromptBytes))
	}
	out := req.MaxTokens
	if out == 0 {
		out = g.cfg().MaxOutputTokens
	}
	return uint64(estimateTokens(req.PromptBytes)) + uint64(out)*uint64(max(req.Choices, 1))
}

// Rates are the key's limits.
func (v *visit) Rates() openai.Rates { return shownRates(v.in.Rates()) }

func shownRates(rates access.Rates) openai.Rates {
	show := func(r *access.Rate) *openai.Rate {
		if r == nil {
			return nil
		}
		return &openai.Rate{Limit: r.Limit, Remaining: r.Remaining, Reset: r.Reset}
	}
	return openai.Rates{Requests: show(rates.Requests), Tokens: show(rates.Tokens)}
}

// tried counts an operator that was asked.
func (v *visit) tried() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.attempts++
}

// answering notes that an answer is under way; answered that it is over, with its bill.
func (v *visit) answering() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.parts++
}

func (v *visit) answered(final openai.Final) {
	v.mu.Lock()
	v.final = final
	v.mu.Unlock()
	v.endPart()
}

// End ends the handler's part.
func (v *visit) End(o openai.Outcome) {
	v.in.Leave()
	v.mu.Lock()
	v.outcome = o
	if v.attempts == 0 {
		v.final = o.Final // of what the gateway made itself
	}
	v.mu.Unlock()
	v.endPart()
}

func (v *visit) endPart() {
	v.mu.Lock()
	v.parts--
	over := v.parts == 0
	v.mu.Unlock()
	if over { // nobody else has it any more
		v.gate.inFlight.Add(-1)
		v.in.UsedTokens(uint64(v.final.PromptTokens) + uint64(v.final.CompletionTokens))
		r := v.record()
		v.gate.metrics.count(r)
		if v.outcome.Method == http.MethodPost && r.Route != "/v1/route" && r.Route != "/v1/feedback" { // what asked for an answer
			v.gate.requests.Add(r)
			v.gate.book.Add(r)
		}
	}
}

// record is what the log and the metrics get, from the same bill as the budget.
func (v *visit) record() requestlog.Record {
	o, info, bill := v.outcome, v.outcome.Info, v.final
	r := requestlog.Record{
		ID: v.id, At: o.Start.UTC(), Key: string(v.key), Route: o.Path, Status: o.Status, Code: o.Code, Stream: o.Stream,
		Asked: o.Asked, Model: info.Model, Operator: info.Operator, Reason: info.Reason, Why: info.Why, Attempts: v.attempts,
		PromptTokens: bill.PromptTokens, CompletionTokens: bill.CompletionTokens, CostMicroUSD: bill.CostMicroUSD,
		BaselineModel: info.BaselineModel, BaselineMicroUSD: bill.BaselineMicroUSD, UpgradeMicroUSD: info.UpgradeMicroUSD, Receipt: bill.ReceiptID, Partial: bill.Partial, FinishReason: bill.FinishReason,
		FirstByteMillis: milliseconds(o.FirstByte), TotalMillis: milliseconds(o.Total),
	}
	if q := info.PredictedQuality; q > 0 && q <= 1 {
		r.PredictedQuality = &q
	}
	if q := info.BaselineQuality; q > 0 && q <= 1 {
		r.BaselineQuality = &q
	}
	if info.Cache.Status == openai.CacheHit {
		r.Cache, r.CacheReceipt, r.CacheSavedMicroUSD = info.Cache.Kind, info.Cache.ReceiptID, info.Cache.SavedMicroUSD
	}
	return r
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1e3 }

// refusal is keyRefusal, with what is not for clients in the log.
func (g *gate) refusal(err error) error {
	if isUnavailable(err) {
		g.log.Warn("a request was refused", "err", err)
	}
	return keyRefusal(err)
}

// keyRefusal puts what the keys refuse into the words and status codes of the OpenAI API.
func keyRefusal(err error) error {
	var rate *access.RateError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &rate):
		return &openai.APIError{Status: http.StatusTooManyRequests, Code: "rate_limit_exceeded", RetryAfter: rate.RetryAfter, NoRetry: rate.RetryAfter == 0, Message: rate.Error(), Rates: shownRates(rate.Rates)}
	case isOverBudget(err):
		return overBudget(err)
	case errors.Is(err, access.ErrUnknownKey): // forgotten since the request came in
		return openai.IncorrectKey("this gateway does not know the API key any more")
	case isUnavailable(err):
		return &openai.APIError{Status: http.StatusServiceUnavailable, Type: "server_error", Code: "key_store_unavailable", RetryAfter: access.UnavailableRetry,
			Message: "the gateway cannot look up what the API key may still spend; nothing was charged, try again"}
	}
	return err
}

// isKeyRefusal tells what is between the key and the gateway, so that no other operator would help. What is too dear for the key's
// budget is not: another may be cheaper.
func isKeyRefusal(err error) bool {
	return isUnavailable(err) || errors.Is(err, access.ErrUnknownKey)
}

func isUnavailable(err error) bool {
	var gone *access.UnavailableError
	return errors.As(err, &gone)
}

func isOverBudget(err error) bool {
	var budget *access.BudgetError
	return errors.As(err, &budget)
}

// overBudget is OpenAI's answer to an account without credit: 429, which a library would repeat, and told not to. Where only
// requests under way are in the way, it is one to be repeated.
func overBudget(err error) error {
	var budget *access.BudgetError
	errors.As(err, &budget) // isOverBudget
	if budget.Passing() {
		return &openai.APIError{Status: http.StatusTooManyRequests, Code: codeBudgetHeld, RetryAfter: time.Second, Message: budget.Error() + "; try again when they are done"}
	}
	return &openai.APIError{Status: http.StatusTooManyRequests, Type: codeNoQuota, Code: codeNoQuota, NoRetry: true, Message: budget.Error()}
}

// Codes of what a key has no budget for, and for now.
const (
	codeNoQuota    = "insufficient_quota"
	codeBudgetHeld = "budget_held"
)

// holdBudget sets the most that the order may cost aside from the key's budget, so that requests in parallel cannot
// spend it twice.
func (a *attempt) holdBudget(ctx context.Context) error {
	hold, err := a.g.keys.Hold(ctx, access.KeyID(a.req.Key.ID), access.Receipt(a.id), access.MicroUSD(a.opening.Order.MaxAmount))
	if err != nil {
		return err
	}
	a.hold = hold
	giveBack := a.release
	a.release = func() { giveBack(); a.dropHold() }
	return nil
}

// charge takes the receipt's amount from the key's budget.
func (a *attempt) charge(amount settlement.Amount) {
	if err := a.hold.Charge(access.MicroUSD(amount)); err != nil {
		a.g.log.Error("a charge is kept in memory only; the next start takes it from the ledger", "receipt", a.id, "err", err)
	}
}

// dropHold ends a hold that was not charged. A receipt that became durable although its acceptance failed is charged.
func (a *attempt) dropHold() {
	if a.final.ReceiptID != "" {
		return
	}
	b, err := a.g.ledger.Bundle(settlement.ReceiptID(a.id))
	switch {
	case err == nil:
		a.bill(b.Receipt, b.Partial)
	case !errors.Is(err, settlement.ErrUnknownReceipt):
		// The hold stays: it costs the key its maximum until the next start, which can read the ledger again.
		a.g.log.Error("read the ledger for a charge", "receipt", a.id, "err", err)
	default:
		if err := a.hold.Release(); err != nil {
			a.g.log.Warn("release part of a budget", "receipt", a.id, "err", err)
		}
	}
}
