package node

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/openai"
	"flotilla/p2p"
	"flotilla/settlement"
)

var (
	// errNoReceipt: an operator delivered an answer and did not ask to be paid; it keeps no record either, so it is
	// not asked again soon.
	errNoReceipt = errors.New("operator sent no receipt for its answer")
	// errEndedFirst: the client left, and the operator had ended the stream and signed for all of it before it heard of that. Nobody lies,
	// and there is no other receipt of the operator's: the gateway bills what it took, as of a stream that was lost.
	errEndedFirst = errors.New("the client left before the end of the answer: what it got is paid by a partial receipt")
)

// settle checks the operator's receipt against what was ordered and delivered, and countersigns it. When it returns nil
// the receipt is written; only then does the client see the bill. Close sends the operator its voucher.
func (a *attempt) settle(ctx context.Context, end p2p.End) error {
	a.done = true
	if len(end.Receipt) == 0 { // nothing is charged
		if a.text > 0 {
			a.g.health.fault(a.priced.endpoint(), errNoReceipt, a.g.now())
			a.g.log.Warn("answer without a receipt", "receipt", a.id, "operator", a.choice.Operator)
		}
		return nil
	}
	var r settlement.Receipt
	err := decode(end.Receipt, &r)
	var accepted settlement.Acceptance
	if err == nil {
		accepted, err = a.accept(ctx, a.opening.Bundle(a.g.domain, r, end.ReceiptSig))
	}
	if errors.Is(err, errEndedFirst) {
		_ = a.call.Settle(ctx, p2p.Settlement{Dispute: err.Error()})
		return a.partial(ctx)
	}
	if err != nil {
		a.g.health.fault(a.priced.endpoint(), err, a.g.now())
		_ = a.call.Settle(ctx, p2p.Settlement{Dispute: err.Error()})
		if told := (*openai.APIError)(nil); errors.As(err, &told) {
			return told
		}
		return &openai.APIError{Status: 502, Type: "server_error", Code: "receipt_refused", NoRetry: true,
			Message: fmt.Sprintf("the operator's receipt was refused (%v); nothing is charged", err)}
	}
	a.bill(r, end.Error != "")
	if end.Error == "" && slices.Contains(finishReasons, end.FinishReason) {
		a.final.FinishReason = end.FinishReason
	}
	a.g.health.success(a.priced.endpoint())
	if a.req.Stream {
		a.g.health.timed(a.priced.endpoint(), 0, r.OutputTokens, a.g.now().Sub(a.firstAt))
	}
	a.owed = &accepted
	return nil
}

// handOver ends the call. It sends the operator what it is owed as soon as that is on disk, for which the client's answer
// need not wait. A crash before it leaves the operator without this voucher: it gets the next one, or this one by ledger
// sync when it connects again.
func (a *attempt) handOver() {
	defer a.release()
	if a.owed != nil {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		if err := a.sendVoucher(ctx, *a.owed); err != nil {
			a.g.log.Debug("send voucher", "receipt", a.id, "err", err)
		}
	}
	_ = a.call.Close() // settled, or lost
}

func (a *attempt) sendVoucher(ctx context.Context, owed settlement.Acceptance) error {
	owed, err := a.g.ledger.Vouched(ctx, owed)
	if err != nil {
		return err
	}
	voucher, err := encode(owed.Voucher)
	if err != nil {
		return err
	}
	return a.call.Settle(ctx, p2p.Settlement{Countersignature: owed.GatewaySig, Voucher: voucher, VoucherSig: owed.VoucherSig})
}

// accept checks a receipt against what was delivered and hands it to the ledger, which checks the rest. What a refused
// receipt proves against its operator is kept.
func (a *attempt) accept(ctx context.Context, b settlement.Bundle) (settlement.Acceptance, error) {
	r := b.Receipt
	other := r.ResponseHash != a.hash.sum
	err := checkTokens(r.InputTokens, a.opening.Order.MaxInputTokens, r.OutputTokens, a.opening.Order.MaxOutputTokens, a.text)
	switch {
	case other && a.left && a.req.Stream && a.call.End().Error == "":
		err = errEndedFirst
	case other && err == nil:
		err = errors.New("receipt is for another answer than the one delivered")
	}
	if err != nil {
		_, keepErr := a.g.ledger.KeepFaults(ctx, b)
		return settlement.Acceptance{}, errors.Join(err, keepErr)
	}
	if err := a.checkAnswer(); err != nil {
		return settlement.Acceptance{}, err
	}
	// One durable transaction: receipt, countersignature and lane total. A crash before it leaves nothing owed
	// (the operator still has its receipt and asks again); after it, the settler finds it.
	return a.g.ledger.AcceptReceipt(ctx, b)
}

// checkAnswer: an answer that is not streamed is one piece, whole and of the form that was asked for, or its client gets none of it.
// A stream was delivered before its receipt came, and what the model server broke off is billed as far as it came. Another form is
// no fault that could be proved to the chain, so it costs the operator this receipt alone.
func (a *attempt) checkAnswer() error {
	switch {
	case a.req.Stream:
		return nil
	case a.call.End().Error != "":
		return errors.New("an answer that is not streamed came with an error")
	case a.last.N != 1:
		return fmt.Errorf("an answer that is not streamed came in %d pieces", a.last.N)
	}
	if err := a.req.CheckAnswer(a.last.Data); err != nil {
		return fmt.Errorf("%w: %w", errBadPiece, err)
	}
	return nil
}

// partial bills a stream that broke: the gateway itself admits what was delivered, and the operator signs when it is
// back (ledger sync). Of an answer that is not streamed nothing was.
func (a *attempt) partial(ctx context.Context) error {
	a.done = true
	if !a.req.Stream {
		return nil
	}
	order := a.opening.Order
	out := min(a.last.Tokens, order.MaxOutputTokens, clampUint32(a.text))
	if out == 0 {
		return nil
	}
	in := min(estimateTokens(a.req.PromptBytes), order.MaxInputTokens)
	amount, err := settlement.Cost(a.priced.advert.Price(), in, out)
	if err != nil {
		return fmt.Errorf("price what was delivered: %w", err)
	}
	// A loss is often noticed only after the deadline, by which all of it had been delivered: it is owed all the same.
	served := min(uint64(a.g.now().Unix()), order.Deadline)
	r := settlement.Receipt{
		Request: common.Hash(a.id), Payer: order.Payer, Payee: order.Payee, Advert: order.Advert,
		InputTokens: in, OutputTokens: out, Amount: amount, ServedAt: served,
		RequestHash: order.RequestHash, ResponseHash: a.hash.sum, Decision: order.Decision,
	}
	if _, err := a.g.ledger.AcceptPartial(ctx, a.opening.Bundle(a.g.domain, r, nil)); err != nil {
		return err
	}
	a.bill(r, true)
	return nil
}

// bill is told of every receipt that has become durable, and whether the answer was cut. From here the same figure goes to the
// answer, the key's budget, the log and the metrics.
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

// finishReasons are OpenAI's. An operator may say anything, and only these are kept.
var finishReasons = []string{"stop", "length", "tool_calls", "content_filter", "function_call"}
