package node

import (
	"context"
	"fmt"
	"io"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/settlement"
)

var errEOF = io.EOF

func priceOf(a settlement.Advert) settlement.Price {
	return settlement.Price{InputPerMTok: a.InputPerMTok, OutputPerMTok: a.OutputPerMTok, PerRequest: a.PerRequest}
}

// bundle gathers all that verifies a receipt of this attempt.
func (a *attempt) bundle(r settlement.Receipt, operatorSig settlement.Signature) settlement.Bundle {
	return settlement.Bundle{
		Domain: a.g.domain, Advert: a.priced.advert, AdvertSig: a.priced.offer.Sig, Order: a.order, OrderSig: a.orderSig,
		Receipt: r, OperatorSig: operatorSig, Salt: a.salt, DecisionJSON: a.decision.JSON(),
	}
}

// settle checks the operator's receipt against what was ordered and delivered, countersigns it, and sends the lane's
// new voucher. When it returns nil the receipt is durable; only then does the client see the bill.
func (a *attempt) settle(ctx context.Context, end p2p.End) error {
	a.done = true
	if len(end.Receipt) == 0 { // nothing delivered, nothing charged
		return nil
	}
	var r settlement.Receipt
	err := decode(end.Receipt, &r)
	if err == nil {
		err = checkTokens(r.InputTokens, a.order.MaxInputTokens, r.OutputTokens, a.order.MaxOutputTokens, a.text)
	}
	if err == nil && r.ResponseHash != a.hash.sum {
		err = fmt.Errorf("receipt is for another answer than the one delivered")
	}
	var v settlement.Voucher
	var vsig settlement.Signature
	var b settlement.Bundle
	if err == nil {
		// One durable transaction: receipt, countersignature and lane total. A crash before it leaves nothing owed
		// (the operator still has its receipt and asks again); after it, the settler finds it.
		b, v, vsig, err = a.g.ledger.AcceptReceipt(ctx, a.bundle(r, end.ReceiptSig), a.g.key)
	}
	if err != nil {
		a.g.health.fault(a.priced.peer, err, a.g.now())
		_ = a.call.Settle(ctx, p2p.Settlement{Dispute: err.Error()})
		return &openai.APIError{Status: 502, Type: "server_error", Code: "receipt_refused", NoRetry: true,
			Message: fmt.Sprintf("the operator's receipt was refused (%v); nothing is charged", err)}
	}
	a.bill(r, false)
	a.g.health.success(a.priced.peer)
	rawVoucher, err := encode(v)
	if err != nil {
		return err
	}
	if err := a.call.Settle(ctx, p2p.Settlement{Countersignature: b.GatewaySig, Voucher: rawVoucher, VoucherSig: vsig}); err != nil {
		// The operator gets the voucher with the next one, or by ledger sync when it connects again.
		a.g.log.Debug("send voucher", "receipt", a.id, "err", err)
	}
	return nil
}

// partial bills a stream that broke: the gateway itself admits what was delivered, and the operator signs when it is
// back (ledger sync).
func (a *attempt) partial(ctx context.Context) error {
	a.done = true
	out := min(a.last.Tokens, a.order.MaxOutputTokens, clampUint32(a.text))
	if out == 0 {
		return nil
	}
	in := min(clampUint32(uint64(a.req.PromptBytes)/4), a.order.MaxInputTokens)
	amount, err := settlement.Cost(priceOf(a.priced.advert), in, out)
	if err != nil {
		return fmt.Errorf("price what was delivered: %w", err)
	}
	r := settlement.Receipt{
		Request: common.Hash(a.id), Payer: a.order.Payer, Payee: a.order.Payee, Advert: a.order.Advert,
		InputTokens: in, OutputTokens: out, Amount: amount, ServedAt: uint64(a.g.now().Unix()),
		RequestHash: a.order.RequestHash, ResponseHash: a.hash.sum, Decision: a.order.Decision,
	}
	b := a.bundle(r, nil)
	b.Partial = true
	if _, _, _, err := a.g.ledger.AcceptPartial(ctx, b, a.g.key); err != nil {
		return fmt.Errorf("record partial receipt: %w", err)
	}
	a.bill(r, true)
	return nil
}

func (a *attempt) bill(r settlement.Receipt, partial bool) {
	b := a.decision.Baseline
	a.final = openai.Final{
		PromptTokens: r.InputTokens, CompletionTokens: r.OutputTokens, CostMicroUSD: uint64(r.Amount),
		BaselineMicroUSD: baselineCost(b, a.choice.Model, r.InputTokens, r.OutputTokens), ReceiptID: a.id.String(), Partial: partial,
	}
	a.g.log.Info("answered", "request", a.req.ID, "receipt", a.id, "model", string(a.choice.Model), "operator", a.choice.Operator,
		"reason", string(a.decision.Reason), "input_tokens", r.InputTokens, "output_tokens", r.OutputTokens, "cost_micro_usd", uint64(r.Amount), "partial", partial)
}
