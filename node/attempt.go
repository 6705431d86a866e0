package node

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"

	"flotilla/node/access"
	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/settlement"
)

const (
	// orderLife is how long an operator may take for a whole answer, as long as its price is valid.
	orderLife = 10 * time.Minute
	// drainTimeout bounds how long an answer whose client left is kept open for the operator's receipt.
	drainTimeout = 10 * time.Second
)

// attempt is one order to one operator: from the signed order to the receipt. It implements openai.Reply; one
// goroutine at a time uses it.
type attempt struct {
	g        *Gateway
	req      openai.Request
	decision routing.Decision
	choice   routing.Choice
	priced   *priced
	tries    int // operators that were tried before this one
	visit    *visit

	opening settlement.Opening // the signed order, with all that verifies a receipt for it later
	id      settlement.ReceiptID
	hold    access.Hold // of the key's budget
	release func()      // gives back what is not used of the escrow and the budget

	call    *p2p.Call
	first   *p2p.Delta // received by start, not yet handed out
	firstAt time.Time
	hash    *answerHash
	text    uint64 // bytes of text delivered so far
	last    p2p.Delta
	final   openai.Final
	span    trace.Span
	done    bool                   // a receipt was recorded, or there is nothing to record
	left    bool                   // the client left before the answer was over
	owed    *settlement.Acceptance // what the operator has yet to get
}

// attempt sends the order to the choice's operator and waits for the first piece of the answer.
func (g *Gateway) attempt(ctx context.Context, req openai.Request, d routing.Decision, c routing.Choice, tries int) (_ *attempt, err error) {
	p, ok := c.Ref.(*priced)
	if !ok {
		return nil, fmt.Errorf("candidate %s carries no signed price", c.Operator)
	}
	a := &attempt{g: g, req: req, decision: d, choice: c, priced: p, tries: tries}
	a.visit, _ = req.Visit.(*visit) // Complete has checked it
	if err := a.sign(ctx); err != nil {
		return nil, err
	}
	a.visit.tried()
	ctx = a.beginTrace(ctx)
	taken, leave := g.health.enter(p.endpoint().itself())
	begun, leaveModel := g.health.enter(p.endpoint())
	giveBack := a.release
	defer func() {
		if err != nil {
			a.release()
			a.endTrace(err)
		}
	}()
	a.release = func() {
		leave()
		leaveModel()
		giveBack()
		if !isOverloaded(err) { // it had a slot there, which is free now
			g.health.freed(p.peer)
			g.queue.wake(c.Operator)
		}
	}
	if err := a.start(ctx, taken); err != nil {
		if ctx.Err() == nil { // a client that leaves is nobody's fault
			g.health.fault(p.endpoint(), err, g.now())
		}
		if rejected := (*p2p.RejectedError)(nil); errors.As(err, &rejected) && rejected.Code == codeNeedVoucher {
			g.payUp(p.peer, p.advert.Operator)
		}
		return nil, err
	}
	begun()
	a.span.AddEvent("first piece")
	a.visit.answering()
	return a, nil
}

// sign makes the order: the most this request can cost at the operator's signed price, bound to these exact bytes and
// to the routing decision.
func (a *attempt) sign(ctx context.Context) error {
	g, adv := a.g, a.priced.advert
	body, maxOut, err := a.limited()
	if err != nil {
		return fmt.Errorf("limit the output: %w", err)
	}
	a.req.Body = body
	maxIn := maxInputTokens(len(body), a.req.MessageCount)
	most, err := settlement.Cost(adv.Price(), maxIn, maxOut)
	if err != nil {
		return fmt.Errorf("price the request: %w", err)
	}
	salt, decision := make([]byte, saltBytes), a.decision.JSON()
	_, _ = rand.Read(salt) // never fails (crypto/rand)
	a.hash = newAnswerHash(salt)
	order := settlement.Order{
		Payer: g.self, Payee: adv.Operator, Advert: a.priced.digest, MaxInputTokens: maxIn, MaxOutputTokens: maxOut,
		MaxAmount: most, RequestHash: settlement.RequestHash(salt, body), Decision: settlement.DecisionDigest(decision),
		Nonce: g.owners.nonce(a.req.Key.ID), Deadline: min(uint64(g.now().Add(orderLife).Unix()), adv.ValidTo),
	}
	a.opening = settlement.Opening{Advert: adv, AdvertSig: a.priced.offer.Sig, Order: order, Salt: salt, DecisionJSON: string(decision)}
	aggregate, err := g.ledger.OwedTo(adv.Operator)
	if err != nil {
		return fmt.Errorf("read lane: %w", err)
	}
	release, free := g.lanes.take(adv.Operator, g.view.Lane(adv.Operator), aggregate, most)
	if release == nil {
		return fmt.Errorf("lane to %s has %s free, the order may cost %s: ask for fewer tokens or raise the lane deposit", adv.Operator, free, most)
	}
	a.release = release
	a.id = order.ID(g.domain)
	if err := a.holdBudget(ctx); err != nil {
		a.release()
		return err
	}
	// Written before it leaves: after a crash here, a receipt that comes back can be matched to what was ordered.
	if _, a.opening.OrderSig, err = g.ledger.RecordOrder(ctx, a.opening); err != nil {
		a.release()
		return err
	}
	return nil
}

// limited is the request as the operator gets it, and the most output tokens that it can have. Vectors have none.
func (a *attempt) limited() ([]byte, uint32, error) {
	if a.req.Inputs > 0 {
		return a.req.Body, 0, nil
	}
	return backend.LimitOutput(a.req.Body, a.g.maxOutput(a.req, a.priced.advert))
}

// maxOutput is the cap on output tokens: the client's own, else the gateway's default, within the model's context.
func (g *Gateway) maxOutput(req openai.Request, adv settlement.Advert) uint32 {
	n := req.MaxTokens
	if n == 0 {
		n = g.cfg.Load().MaxOutputTokens
	}
	if adv.MaxContext > 0 {
		n = min(n, adv.MaxContext)
	}
	return n
}

// start opens the stream, says that the operator has taken the order, and waits for the first delta.
func (a *attempt) start(ctx context.Context, taken func()) error {
	order, err := encode(a.opening.Order)
	if err != nil {
		return err
	}
	began := a.g.now()
	extra, err := encode(orderExtra{Salt: a.opening.Salt})
	if err != nil {
		return err
	}
	a.call, err = a.g.fleet.Infer(ctx, a.priced.peer, p2p.InferRequest{
		Order: order, OrderSig: a.opening.OrderSig, Extra: extra, Body: a.req.Body, Stream: a.req.Stream,
	})
	if err != nil {
		return fmt.Errorf("open: %w", err)
	}
	taken()
	d, err := a.firstDelta(ctx)
	if err != nil {
		return errors.Join(fmt.Errorf("wait for the first byte: %w", a.endError(err)), a.call.Close())
	}
	a.first, a.firstAt = &d, a.g.now()
	a.g.health.timed(a.priced.endpoint(), a.firstAt.Sub(began), 0, 0)
	return nil
}

// firstDelta waits for the first piece, of a stream only for so long.
func (a *attempt) firstDelta(ctx context.Context) (p2p.Delta, error) {
	most := a.g.cfg.Load().Timeouts.FirstByte
	if !a.req.Stream {
		most = orderLife
	}
	late := &modelFault{Status: http.StatusGatewayTimeout, Code: "first_byte_timeout", Message: fmt.Sprintf("no first byte in %s", most)}
	wait, cancel := context.WithTimeoutCause(ctx, most, late)
	defer cancel()
	return a.call.Recv(wait)
}

// endError replaces a clean end without any delta by what the operator said about it.
func (a *attempt) endError(err error) error {
	if fault := faultOf(a.call.End()); fault != nil {
		return fault
	}
	return err
}

// maxPassed bounds the names of models that gave no answer, where they are told.
const maxPassed = 200

// asRequested is why with what the request itself has left of the choice; a tool loop asks no provider.order.
func asRequested(why string, reason routing.Reason, req openai.Request) string {
	if req.Provider.Narrows() && reason != routing.ReasonToolLoop {
		limits := "provider in the request"
		if v := req.Provider.Variant; v != "" {
			limits = ":" + v + " after the model's name"
		}
		why += fmt.Sprintf("; only among the operators that %s allows and puts first", limits)
	}
	if len(req.Passed) > 0 {
		why = fmt.Sprintf("%s; asked for after %s", why, cut(strings.Join(req.Passed, ", "), maxPassed))
	}
	return why
}

// Info is what is known before the first byte goes out.
func (a *attempt) Info() openai.Info {
	adv, b := a.priced.advert, a.decision.Baseline
	why := a.decision.Why
	if a.choice.Operator != a.decision.Pick.Operator && a.tries == 0 {
		how := "drawn"
		if goesOnWith(a.choice, a.req.Conversation.Last) {
			how = "the conversation's so far"
		}
		why = fmt.Sprintf("%s; of the offers that are as good, %s: %s", why, how, a.choice.Operator)
	}
	if a.tries > 0 {
		why = fmt.Sprintf("%s; %d operator(s) before this one gave no first byte", why, a.tries)
	}
	why = asRequested(why, a.decision.Reason, a.req)
	info := openai.Info{
		Model: string(a.choice.Model), Operator: a.choice.Operator, Reason: string(a.decision.Reason), Why: why,
		PredictedQuality: a.choice.Quality, ReceiptID: a.id.String(),
		InputPerMTok: adv.InputPerMTok, OutputPerMTok: adv.OutputPerMTok, PerRequest: adv.PerRequest,
		ExpectedCostMicroUSD: a.choice.ExpectedCost, BaselineModel: string(b.Model), BaselineQuality: b.Quality, BaselineCostMicroUSD: b.ExpectedCost,
		UpgradeMicroUSD: a.decision.UpgradeCost(a.choice),
		Quantization:    adv.Quantization, Runtime: adv.Runtime, TokenCounting: adv.TokenCounting,
	}
	if a.req.Inputs > 0 { // of vectors nothing is predicted
		info.PredictedQuality, info.BaselineQuality = 0, 0
	}
	return info
}

// Next returns the next raw chunk; io.EOF once the answer is whole and its receipt is durable.
func (a *attempt) Next(ctx context.Context) (json.RawMessage, error) {
	d, err := a.recv(ctx)
	if err == nil {
		a.take(d)
		return d.Data, nil
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx) // the client left: Close cancels and settles
	}
	if end, ended := a.ended(err); ended {
		if err := a.settle(context.WithoutCancel(ctx), end); err != nil {
			return nil, err
		}
		if fault := faultOf(end); fault != nil {
			return nil, midStream("operator stopped early: " + fault.Error())
		}
		return nil, io.EOF
	}
	a.g.health.fault(a.priced.endpoint(), err, a.g.now())
	if err := a.partial(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	if a.final.ReceiptID == "" {
		return nil, &openai.APIError{Status: 502, Type: "server_error", Code: codeLost, Message: "the operator was lost before its answer was whole; nothing was charged, try again"}
	}
	return nil, midStream("the operator was lost in the middle of the answer; what was delivered is billed, nothing else")
}

func (a *attempt) recv(ctx context.Context) (p2p.Delta, error) {
	if d := a.first; d != nil {
		a.first = nil
		return *d, nil
	}
	return a.call.Recv(ctx)
}

// take counts a delta that is about to be delivered.
func (a *attempt) take(d p2p.Delta) {
	a.hash.add(d.Data)
	a.text += uint64(backend.TextBytes(d.Data))
	a.last = d
}

func (a *attempt) ended(err error) (p2p.End, bool) {
	if !errors.Is(err, io.EOF) {
		return p2p.End{}, false
	}
	return a.call.End(), true
}

// Final is the bill; valid after io.EOF.
func (a *attempt) Final() openai.Final { return a.final }

// Close ends the attempt. If the answer is not over (the client left), the operator's generation is cancelled at
// once and its receipt for what was delivered is still taken in, in the background but bounded.
func (a *attempt) Close() error {
	if a.done {
		a.over()
		if a.owed != nil {
			a.g.draining.Go(a.handOver)
			return nil
		}
		a.release()
		return a.call.Close()
	}
	a.leave()
	a.g.draining.Go(func() {
		a.drain()
		a.handOver()
		a.over()
	})
	return nil
}

// leave cancels an answer whose client has left. Where all of it is here already there is nothing to cancel, and all of it is paid: who
// reads slowly and leaves at the end would have operators work for nothing, until they serve this gateway no more.
func (a *attempt) leave() {
	a.done, a.left = true, true
	if !a.call.Arrived() {
		a.cancel("client left")
	}
}

// errBadPiece: an operator passed on what no client can be given. It is its model server's: another model may have another one.
var errBadPiece = errors.New("operator sent what is no piece of an answer")

// Stop implements openai.Reply.
func (a *attempt) Stop() {
	a.cancel("bad piece")
	a.drain()
	a.g.health.fault(a.priced.endpoint(), errBadPiece, a.g.now())
}

func (a *attempt) cancel(why string) {
	a.done = true
	if err := a.call.Cancel(why); err != nil {
		a.g.log.Debug("cancel", "receipt", a.id, "err", err)
	}
}

// over is when the client's bill is final.
func (a *attempt) over() {
	a.dropHold()
	a.endTrace(nil)
	a.visit.answered(a.final)
}

// drain receives what was under way when the cancel was sent, then the receipt.
func (a *attempt) drain() {
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if err := a.drained(ctx); err != nil {
		a.g.log.Warn("close a cancelled answer", "receipt", a.id, "err", err)
	}
}

func (a *attempt) drained(ctx context.Context) error {
	for {
		d, err := a.recv(ctx)
		if err == nil {
			a.take(d)
			continue
		}
		if end, ended := a.ended(err); ended {
			return a.settle(ctx, end)
		}
		return a.partial(context.WithoutCancel(ctx))
	}
}

const codeLost = "operator_lost"

// midStream is an error after which a repeat would pay again.
func midStream(msg string) error {
	return &openai.APIError{Status: 502, Type: "server_error", Code: codeLost, Message: msg, NoRetry: true}
}
