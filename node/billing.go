package node

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/settlement"
)

var (
	errEOF = io.EOF
	// errNoReceipt: an operator delivered an answer and did not ask to be paid; it keeps no record either, so it is
	// not asked again soon.
	errNoReceipt = errors.New("operator sent no receipt for its answer")
)

// opening is the order with all that verifies a receipt for it later.
func (a *attempt) opening() settlement.Opening {
	return settlement.Opening{
		Advert: a.priced.advert, AdvertSig: a.priced.offer.Sig, Order: a.order, OrderSig: a.orderSig,
		Salt: a.salt, DecisionJSON: string(a.decision.JSON()),
	}
}

// settle checks the operator's receipt against what was ordered and delivered, countersigns it, and sends the lane's
// new voucher. When it returns nil the receipt is durable; only then does the client see the bill.
func (a *attempt) settle(ctx context.Context, end p2p.End) error {
	a.done = true
	if len(end.Receipt) == 0 { // nothing is charged
		if a.text > 0 {
			a.g.health.fault(a.priced.peer, errNoReceipt, a.g.now())
			a.g.log.Warn("answer without a receipt", "receipt", a.id, "operator", a.choice.Operator)
		}
		return nil
	}
	var r settlement.Receipt
	err := decode(end.Receipt, &r)
	var accepted settlement.Acceptance
	if err == nil {
		accepted, err = a.accept(ctx, a.opening().Bundle(a.g.domain, r, end.ReceiptSig))
	}
	if err != nil {
		a.g.health.fault(a.priced.peer, err, a.g.now())
		_ = a.call.Settle(ctx, p2p.Settlement{Dispute: err.Error()})
		return &openai.APIError{Status: 502, Type: "server_error", Code: "receipt_refused", NoRetry: true,
			Message: fmt.Sprintf("the operator's receipt was refused (%v); nothing is charged", err)}
	}
	a.bill(r, false)
	a.g.health.success(a.priced.peer)
	if a.req.Stream {
		a.g.health.timed(a.priced.peer, 0, r.OutputTokens, a.g.now().Sub(a.firstAt))
	}
	voucher, err := encode(accepted.Voucher)
	if err != nil {
		return err
	}
	if err := a.call.Settle(ctx, p2p.Settlement{Countersignature: accepted.GatewaySig, Voucher: voucher, VoucherSig: accepted.VoucherSig}); err != nil {
		// The operator gets the voucher with the next one, or by ledger sync when it connects again.
		a.g.log.Debug("send voucher", "receipt", a.id, "err", err)
	}
	return nil
}

// accept checks a receipt against what was delivered and hands it to the ledger, which checks the rest. What a refused
// receipt proves against its operator is kept.
func (a *attempt) accept(ctx context.Context, b settlement.Bundle) (settlement.Acceptance, error) {
	r := b.Receipt
	err := checkTokens(r.InputTokens, a.order.MaxInputTokens, r.OutputTokens, a.order.MaxOutputTokens, a.text)
	if err == nil && r.ResponseHash != a.hash.sum {
		err = errors.New("receipt is for another answer than the one delivered")
	}
	if err != nil {
		_, keepErr := a.g.ledger.KeepFaults(ctx, b)
		return settlement.Acceptance{}, errors.Join(err, keepErr)
	}
	// One durable transaction: receipt, countersignature and lane total. A crash before it leaves nothing owed
	// (the operator still has its receipt and asks again); after it, the settler finds it.
	return a.g.ledger.AcceptReceipt(ctx, b)
}

// partial bills a stream that broke: the gateway itself admits what was delivered, and the operator signs when it is
// back (ledger sync).
func (a *attempt) partial(ctx context.Context) error {
	a.done = true
	out := min(a.last.Tokens, a.order.MaxOutputTokens, clampUint32(a.text))
	if out == 0 {
		return nil
	}
	in := min(estimateTokens(a.req.PromptBytes), a.order.MaxInputTokens)
	amount, err := settlement.Cost(a.priced.advert.Price(), in, out)
	if err != nil {
		return fmt.Errorf("price what was delivered: %w", err)
	}
	r := settlement.Receipt{
		Request: common.Hash(a.id), Payer: a.order.Payer, Payee: a.order.Payee, Advert: a.order.Advert,
		InputTokens: in, OutputTokens: out, Amount: amount, ServedAt: uint64(a.g.now().Unix()),
		RequestHash: a.order.RequestHash, ResponseHash: a.hash.sum, Decision: a.order.Decision,
	}
	if _, err := a.g.ledger.AcceptPartial(ctx, a.opening().Bundle(a.g.domain, r, nil)); err != nil {
		return err
	}
	a.bill(r, true)
	return nil
}

// bill is told of every receipt that has become durable. From here the same figure goes to the answer, the key's budget,
// the log and the metrics.
func (a *attempt) bill(r settlement.Receipt, partial bool) {
	a.charge(r.Amount)
	b := a.decision.Baseline
	a.final = openai.Final{
		PromptTokens: r.InputTokens, CompletionTokens: r.OutputTokens, CostMicroUSD: uint64(r.Amount),
		BaselineMicroUSD: baselineCost(b, a.choice.Model, r.InputTokens, r.OutputTokens), ReceiptID: a.id.String(), Partial: partial,
	}
	a.g.log.Info("answered", "request", a.req.ID, "receipt", a.id, "model", string(a.choice.Model), "operator", a.choice.Operator,
		"reason", string(a.decision.Reason), "input_tokens", r.InputTokens, "output_tokens", r.OutputTokens, "cost_micro_usd", uint64(r.Amount), "partial", partial)
}
