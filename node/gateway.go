package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"go.opentelemetry.io/otel/trace"

	"flotilla/node/access"
	"flotilla/node/cache"
	"flotilla/node/feedback"
	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/settlement"
)

// maxAttempts is how many operators one request may be tried on, and one more for each model that it names after those. Each only
// before the first byte has reached the client; a client library that retries by itself multiplies this.
const maxAttempts = 3

// Gateway answers requests of the OpenAI API from the fleet. It implements openai.Completer.
type Gateway struct {
	cfg    atomic.Pointer[GatewayConfig] // replaced by Reconfigure, never changed
	self   common.Address
	domain settlement.Domain
	router *livingRouter
	ledger *settlement.Ledger
	fleet  *p2p.Host
	view   *chainView
	health *health
	log    *slog.Logger
	tracer trace.Tracer
	now    func() time.Time

	keys     access.Keys
	gate     *gate
	owners   receiptOwners
	feedback *feedback.Store
	reviews  sync.Mutex // one at a time, over feedback and the index
	tellers  keyLimits  // of feedback
	fetchers keyLimits  // of the index
	lanes    laneReserve
	queue    queue
	cache    *cache.Cache
	priced   atomic.Pointer[pricedFleet] // of the newest directory snapshot that was asked for
	draining sync.WaitGroup              // answers whose client left, still being closed with the operator
	paying   sync.Map                    // operators that are being brought a voucher which they asked for
	deposits map[common.Address]deposit  // of staked operators; fundLanes' own
}

var _ openai.Completer = (*Gateway)(nil)

// Complete answers from the key's cache, where it has one and that has the answer, else from the fleet.
func (g *Gateway) Complete(ctx context.Context, req openai.Request) (openai.Reply, error) {
	l, hit, err := g.given(ctx, req)
	if hit == nil && l.status() == openai.CacheMiss {
		g.cache.Missed()
	}
	if err != nil {
		return nil, err
	}
	if hit != nil {
		g.cache.Gave(hit.hit)
		g.log.Info("answered from the cache", "request", req.ID, "similar", hit.hit.Similar, "receipt", hit.hit.Origin.ReceiptID, "age", hit.hit.Age.Round(time.Second))
		return hit, nil
	}
	reply, err := g.ask(ctx, req)
	if err != nil {
		return nil, err
	}
	return l.keep(reply), nil
}

// ask routes the request, and returns once the first piece of an answer is there. Until then an operator that
// fails is replaced by the next best; afterwards never, since half an answer of one model and half of another is none.
// Where a price had changed and nobody else answered, the request is routed once more, by the new prices; where all
// were busy, once there may be room.
func (g *Gateway) ask(ctx context.Context, req openai.Request) (openai.Reply, error) {
	queued, repriced := place{began: g.now()}, false
	for {
		a, err := g.answer(ctx, req)
		queued.busy = busyOperators(err)
		switch {
		case err == nil:
			return a, nil
		case ctx.Err() != nil:
			return nil, context.Cause(ctx)
		case isKeyRefusal(err):
			return nil, keyRefusal(err)
		case len(queued.busy) > 0:
			if err := g.queue.turn(ctx, &queued); err != nil {
				return nil, err
			}
		case priceIsStale(err) && !repriced:
			repriced = true
		default:
			return nil, asAPIError(err)
		}
	}
}

// answer decides and asks, once: for each model that the request names, until one answers.
func (g *Gateway) answer(ctx context.Context, req openai.Request) (*attempt, error) {
	var unserved unservedError
	tried := 0
	for _, turn := range req.Turns() {
		a, faults, err := g.answerTurn(ctx, turn, tried)
		if err == nil || ctx.Err() != nil {
			return a, err
		}
		unserved = append(unserved, &turnError{turn.Model, err})
		tried += faults
	}
	return nil, unserved.orOnly()
}

// answerTurn tries one model, or those that the router may choose: in each group of offers that the request makes, until one
// answers. tried operators gave nothing already, of other models; it says how many more did not.
func (g *Gateway) answerTurn(ctx context.Context, req openai.Request, tried int) (_ *attempt, faulty int, _ error) {
	tiers, err := g.tiers(req)
	if err != nil {
		return nil, 0, err
	}
	attempts := max(maxAttempts-tried, 1)
	if req.Provider.NoFallbacks && len(req.Provider.Order) == 0 {
		attempts = 1
	}
	var refusals, faults []error
	for _, tier := range tiers {
		d, err := g.decideAmong(ctx, req, tier)
		if err != nil {
			refusals = append(refusals, err)
			continue
		}
		a, failed := g.firstAnswer(ctx, req, d, attempts-len(faults), tried+len(faults))
		if a != nil {
			return a, 0, nil
		}
		if faults = append(faults, failed...); ctx.Err() != nil || len(faults) >= attempts {
			break
		}
	}
	if len(faults) > 0 {
		return nil, len(faults), &noAnswerError{append(faults, refusals...)}
	}
	return nil, 0, g.refusedBy(req, ofAll(refusals))
}

// ofAll is the router's refusal of all groups together, which says what was wrong with each offer.
func ofAll(refusals []error) error {
	var all routing.InfeasibleError
	for _, err := range refusals {
		var of *routing.InfeasibleError
		if errors.As(err, &of) {
			all.Rejected, all.LongestContext = append(all.Rejected, of.Rejected...), max(all.LongestContext, of.LongestContext)
			all.InputTokens, all.OutputTokens = of.InputTokens, of.OutputTokens
		}
	}
	if len(all.Rejected) == 0 {
		return refusals[0]
	}
	return &all
}

// noAnswer is the client's view of err, with which every operator that was tried failed. Where a model server said
// something about the request, that is it.
func noAnswer(err *noAnswerError) *openai.APIError {
	if fault := err.said(); fault != nil {
		return fault.apiError()
	}
	return &openai.APIError{
		Status: 503, Type: "server_error", Code: "no_operator_answered", RetryAfter: time.Second,
		Message: fmt.Sprintf("no operator answered before the first byte (nothing was charged): %v", err),
	}
}

// firstAnswer tries the decision's choices in order, at most most of them, until one gives its first piece. before were
// tried already.
func (g *Gateway) firstAnswer(ctx context.Context, req openai.Request, d routing.Decision, most, before int) (*attempt, []error) {
	tries := append([]routing.Choice{d.Pick}, d.Fallbacks...)
	if req.Provider.Sort == "" && len(req.Provider.Order) == 0 {
		tries = g.drawn(d, tries, req.Conversation.Last)
	}
	var faults []error
	var refused []routing.Choice
	for i := range min(len(tries), most) {
		choice := tries[i]
		a, err := g.attempt(ctx, req, d, choice, before+i)
		if err == nil {
			for _, c := range refused {
				g.health.fault(c.Ref.(*priced).endpoint(), errRefusedAlone, g.now())
			}
			return a, nil
		}
		var fault *modelFault
		if errors.As(err, &fault) && fault.aboutRequest() {
			refused = append(refused, choice)
		}
		faults = append(faults, &attemptError{choice.Operator, err})
		if ctx.Err() != nil {
			break
		}
		g.log.Info("attempt gave no first byte", "request", req.ID, "operator", choice.Operator, "model", string(choice.Model), "err", unquoted(err))
		if priceIsStale(err) {
			g.askPrice(ctx, choice)
		}
		othersFirst(tries[i+1:], tries[:i+1])
	}
	return nil, faults
}

// othersFirst puts what is left to try in an order in which operators that have failed this request come last: what ails one of an
// operator's models often ails all of them, and they would use up the attempts.
func othersFirst(left, tried []routing.Choice) {
	failed := func(c routing.Choice) int {
		if slices.ContainsFunc(tried, func(t routing.Choice) bool { return t.Operator == c.Operator }) {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(left, func(a, b routing.Choice) int { return cmp.Compare(failed(a), failed(b)) })
}

// errRefusedAlone: what an operator's server refused another served, so that it was no fault of the request.
var errRefusedAlone = errors.New("refused a request that another operator served")

// priceIsStale: one of the operators that were tried offers another price now, as one does that has just restarted.
func priceIsStale(err error) bool {
	switch e := err.(type) {
	case nil:
		return false
	case *p2p.RejectedError:
		return e.Code == codeStalePrice
	case interface{ Unwrap() []error }: // errors.As would look at the first that rejected, whatever for
		return slices.ContainsFunc(e.Unwrap(), priceIsStale)
	}
	return priceIsStale(errors.Unwrap(err))
}

// askPriceTimeout bounds askPrice: the client is waiting.
const askPriceTimeout = 2 * time.Second

// askPrice fetches an operator's prices from itself, so that the next decision knows them.
func (g *Gateway) askPrice(ctx context.Context, c routing.Choice) {
	ctx, cancel := context.WithTimeout(ctx, askPriceTimeout)
	defer cancel()
	if err := g.fleet.Sync(ctx, c.Ref.(*priced).peer); err != nil {
		g.log.Info("an operator's new price could not be fetched", "operator", c.Operator, "err", err)
	}
}

// decide is the decision that a request is begun with, and why in the answer's words. Live requests and dry runs come by the same code.
func (g *Gateway) decide(ctx context.Context, req openai.Request) (routing.Decision, error) {
	var unserved unservedError
	for _, turn := range req.Turns() {
		d, err := g.decideTurn(ctx, turn)
		if err == nil {
			d.Why = asRequested(d.Why, d.Reason, turn)
			return d, nil
		}
		unserved = append(unserved, &turnError{turn.Model, err})
	}
	return routing.Decision{}, unserved.orOnly()
}

func (g *Gateway) decideTurn(ctx context.Context, req openai.Request) (routing.Decision, error) {
	tiers, err := g.tiers(req)
	if err != nil {
		return routing.Decision{}, err
	}
	var refusals []error
	for _, tier := range tiers {
		d, err := g.decideAmong(ctx, req, tier)
		if err == nil {
			return d, nil
		}
		refusals = append(refusals, err)
	}
	return routing.Decision{}, g.refusedBy(req, ofAll(refusals))
}

func (g *Gateway) decideAmong(ctx context.Context, req openai.Request, candidates []routing.Candidate) (d routing.Decision, err error) {
	ctx, ended := g.traceRoute(ctx, req)
	defer func() { ended(d, err) }()
	prompt, policy := question(req, g.cfg.Load().DefaultModel)
	if err := bindKey(req.Key, &policy, candidates); err != nil {
		return routing.Decision{}, err
	}
	return g.router.Route(ctx, prompt, candidates, policy)
}

// question puts a request in the router's terms. The client's own default model goes before the gateway's.
func question(req openai.Request, defaultModel string) (routing.Prompt, routing.Policy) {
	policy := routing.Policy{
		Dial: req.Dial, Allow: modelPatterns(req.Allow), Block: modelPatterns(req.Block), MaxCost: req.MaxCostMicroUSD, Default: cmp.Or(req.DefaultModel, defaultModel),
		Allowance: routing.Allowance{Bounded: req.Upgrades.Bounded, Left: req.Upgrades.LeftMicroUSD},
	}
	if !req.Auto {
		policy.Model = req.Model
	}
	if req.Inputs > 0 { // each text has the model's context to itself
		return routing.Prompt{InputTokens: estimateTokens(req.LongestInput)}, policy
	}
	last := req.Conversation.Last
	return routing.Prompt{
		Text: req.PromptText, InputTokens: estimateTokens(req.PromptBytes), MaxOutputTokens: req.MaxTokens,
		Tools: req.Tools, JSONMode: req.JSONMode, Vision: req.Vision,
		Session: routing.Session{Model: routing.ModelID(last.Model), Operator: last.Operator, CachedTokens: last.CachedTokens, ToolLoop: req.Conversation.ToolLoop},
	}, policy
}

// Explain returns what Complete would do now, without running anything.
func (g *Gateway) Explain(ctx context.Context, req openai.Request) (openai.Explanation, error) {
	l, hit, err := g.given(ctx, req)
	if err != nil {
		return openai.Explanation{}, err
	}
	e := openai.Explanation{Cache: openai.CacheUse{Status: l.status()}}
	if hit != nil {
		e.Cache = hit.Info().Cache
	}
	d, err := g.decide(ctx, req)
	switch {
	case err == nil:
		e.Decision = d.JSON()
	case hit == nil || ctx.Err() != nil: // else the answer needs no decision
		return openai.Explanation{}, asAPIError(err)
	}
	return e, nil
}

// Models lists what is offered now, one entry a model at its cheapest price.
func (g *Gateway) Models(context.Context) ([]openai.Model, error) {
	now := g.now()
	list := append(modelList(g.candidates(now)), embeddingModels(g.embedders(now))...)
	fleet := g.pricedFleet()
	for i := range list {
		list[i].Created = fleet.firstSeen(routing.ModelID(list[i].ID), now).Unix()
	}
	return list, nil
}

// Endpoints lists who can be asked for a model now, for chats or for vectors.
func (g *Gateway) Endpoints(_ context.Context, model string) ([]openai.Endpoint, error) {
	now := g.now()
	return endpoints(append(g.candidates(now), g.embedders(now)...), routing.ModelID(model)), nil
}

// Ready is nil when at least one operator can be asked, for every API key.
func (g *Gateway) Ready(context.Context) error {
	if err := g.keys.Ready(); err != nil {
		return err
	}
	now := g.now()
	for _, c := range append(g.candidates(now), g.embedders(now)...) {
		if c.Unavailable == "" {
			return nil
		}
	}
	return errors.New("no operator is connected, staked and funded yet")
}

// load is the share of an operator's slots that this gateway fills, 0 to 1.
func (g *Gateway) load(peer p2p.PeerID) float64 {
	return min(1, float64(g.health.inFlight(peer))/maxInFlightPerOperator)
}

// unavailable says why an offer must not be chosen now, or nothing.
func (g *Gateway) unavailable(p *priced, now time.Time) string {
	switch {
	case !g.fleet.Connected(p.peer):
		return "not connected"
	case g.view.Stake(p.advert.Operator) == 0:
		return "no stake"
	case uint64(now.Unix()) > p.advert.ValidTo:
		return "price expired"
	case g.view.Lane(p.advert.Operator).Balance == 0:
		return "lane not funded yet"
	case g.health.full(p.peer, now):
		return busyDetail
	}
	return g.health.paused(p.endpoint(), now)
}

// asAPIError puts the router's refusals into the words and status codes of the OpenAI API.
func asAPIError(err error) error {
	var infeasible *routing.InfeasibleError
	var policy *routing.PolicyError
	var none *noAnswerError
	var unserved unservedError
	switch {
	case errors.As(err, &unserved):
		return unserved.apiError()
	case isOverBudget(err):
		return overBudget(err)
	case errors.As(err, &none):
		return noAnswer(none)
	case errors.As(err, &policy):
		return &openai.APIError{Status: 400, Type: "invalid_request_error", Code: "invalid_policy", Message: err.Error()}
	case errors.Is(err, routing.ErrUnknownModel):
		return &openai.APIError{Status: 404, Type: "invalid_request_error", Code: "model_not_found", Param: "model", Message: err.Error() + `; GET /v1/models lists what is served, "auto" lets the router choose`}
	case errors.Is(err, routing.ErrNoCandidate):
		return &openai.APIError{Status: 503, Type: "server_error", Code: "no_operator", RetryAfter: 5 * time.Second, Message: "no operator is advertising a model right now"}
	case errors.As(err, &infeasible):
		return noCapableOperator(infeasible)
	}
	return err
}

// noCapableOperator is worth a repeat where an operator cannot be asked just now, such as one that has died and is being
// restarted. What an offer lacks it will lack then too.
func noCapableOperator(err *routing.InfeasibleError) *openai.APIError {
	if err.OnlyTooLong() { // clients know the code or OpenAI's first sentence (LiteLLM, agents), and shorten what they send
		return &openai.APIError{Status: 400, Type: "invalid_request_error", Code: "context_length_exceeded", NoRetry: true,
			Message: fmt.Sprintf("This model's maximum context length is %d tokens. However, you requested about %d tokens (%d of them in the request, %d for the answer): %s",
				err.LongestContext, uint64(err.InputTokens)+uint64(err.OutputTokens), err.InputTokens, err.OutputTokens, err)}
	}
	e := &openai.APIError{Status: 503, Type: "server_error", Code: "no_capable_operator", Message: err.Error(), NoRetry: true}
	for _, r := range err.Rejected {
		if r.Reason == routing.RejectUnavailable || r.Reason == routing.RejectFull {
			e.RetryAfter, e.NoRetry = 5*time.Second, false
			e.Message = err.Error() + "; nothing was charged, try again"
			break
		}
	}
	return e
}

// Drain waits until answers whose clients left are closed with their operators, or ctx ends.
func (g *Gateway) Drain(ctx context.Context) error {
	done := make(chan struct{})
	go func() { g.draining.Wait(); close(done) }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("drain answers: %w", ctx.Err())
	}
}

// Serving lists the operators that can be asked now.
func (g *Gateway) Serving() []string {
	var out []string
	for _, c := range g.candidates(g.now()) {
		if c.Unavailable == "" {
			out = append(out, c.Operator)
		}
	}
	return out
}
