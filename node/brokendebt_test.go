package node

import (
	"net/http"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/access"
	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/settlement"
)

// ordered is an attempt with a signed order for the first operator, which nobody was sent.
func (w *world) ordered() *attempt {
	w.t.Helper()
	g, k := w.gateway.Gateway, w.newKey(access.Terms{Budget: 1_000_000})
	key, err := g.gate.check(k.Secret)
	if err != nil {
		w.t.Fatal(err)
	}
	a := &attempt{
		g: g, priced: g.candidates(time.Now())[0].Ref.(*priced), decision: routing.Decision{},
		req: openai.Request{Key: key, Body: []byte(chatBody(worldModel, true, 20)), Model: worldModel, Choices: 1, MessageCount: 1, MaxTokens: 20, Stream: true},
	}
	if err := a.sign(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	return a
}

// lose has n answers lost after two tokens each.
func (w *world) lose(n int) {
	w.t.Helper()
	for range n {
		a := w.ordered()
		a.last.Tokens, a.text = 2, 10
		if err := a.partial(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
		a.release()
	}
}

// A stream that broke just before the order's deadline is often found broken after it. What was delivered is owed all the same.
func TestLossNoticedAfterTheDeadline(t *testing.T) {
	w := newWorld(t)
	op := w.operator(OperatorConfig{AdvertEvery: 3 * time.Second})
	a := w.ordered()
	a.last.Tokens, a.text = 2, 10
	time.Sleep(time.Until(time.Unix(int64(a.opening.Order.Deadline)+1, 0)))
	if err := a.partial(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.release()
	if err := w.gateway.Gateway.syncWith(t.Context(), op.fleet.ID(), op.Operator.self); err != nil {
		t.Error(err)
	}
	if b, err := op.ledger.Bundle(settlement.ReceiptID(a.id)); err != nil || b.Receipt.OutputTokens != 2 {
		t.Errorf("the operator has %+v, %v", b.Receipt, err)
	}
}

// Many streams that break at once are admitted at once: until then they count towards the credit limit, and the operator refuses.
func TestManyLossesAreAdmittedAtOnce(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	g := w.gateway.Gateway
	w.lose(3*maxPartialsPerSync + 1)
	if err := g.syncWith(t.Context(), op.fleet.ID(), op.Operator.self); err != nil {
		t.Fatal(err)
	}
	if left, err := g.ledger.UnsignedPartials(op.Operator.self, 1, time.Now()); err != nil || len(left) > 0 {
		t.Errorf("some partial receipts are not signed yet (%v)", err)
	}
}

// whole is a receipt of a whole answer to an order, unsigned.
func whole(t *testing.T, a *attempt) settlement.Bundle {
	t.Helper()
	o := a.opening.Order
	amount, err := settlement.Cost(a.priced.advert.Price(), 9, 5)
	if err != nil {
		t.Fatal(err)
	}
	b := a.opening.Bundle(testDomain, settlement.Receipt{
		Request: common.Hash(a.id), Payer: o.Payer, Payee: o.Payee, Advert: o.Advert, InputTokens: 9, OutputTokens: 5, Amount: amount,
		ServedAt: uint64(time.Now().Unix()), RequestHash: o.RequestHash, Decision: o.Decision,
	}, nil)
	b.Partial = false
	return b
}

// An operator that missed the voucher of an answer, and refuses orders for that, is brought it when it says so.
func TestVoucherIsBroughtWhenItIsAskedFor(t *testing.T) {
	w := newWorld(t)
	op := w.operator(OperatorConfig{CreditLimit: 1})
	if status, body := w.chat(); status != http.StatusOK { // the debt of before its first order is not counted
		t.Fatal(status, body)
	}
	a := w.ordered()
	b, err := op.ledger.RecordServed(t.Context(), whole(t, a))
	if err == nil {
		_, err = w.gateway.ledger.AcceptReceipt(t.Context(), b)
	}
	if a.release(); err != nil {
		t.Fatal(err)
	}
	if status, _ := w.chat(); status == http.StatusOK {
		t.Error("the operator does not refuse, although it misses a voucher")
	}
	w.eventually("the operator has its voucher and serves again", func() bool { status, _ := w.chat(); return status == http.StatusOK })
}

// Signatures of partial receipts reach the gateway also where its voucher is refused, as that of a key that is nearly revoked is:
// what such a key admitted is signed for no more once it is.
func TestSignaturesWithoutAVoucher(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	g := w.gateway.Gateway
	w.lose(1)
	partials, err := g.ledger.UnsignedPartials(op.Operator.self, 1, time.Now())
	if err != nil || len(partials) != 1 {
		t.Fatal(len(partials), err)
	}
	raw, err := g.fleet.Request(t.Context(), op.fleet.ID(), protoLedger, mustEncode(t, ledgerRequest{Partials: partials, Voucher: &settlement.Voucher{Payer: g.self}}))
	var reply ledgerReply
	if err == nil {
		err = decode(raw, &reply)
	}
	if err != nil || len(reply.Signatures) != 1 {
		t.Errorf("%d signatures, %v", len(reply.Signatures), err)
	}
	if vouchered, _, err := op.ledger.OwedBy(g.self); err != nil || vouchered != 0 {
		t.Errorf("the operator holds a voucher of %v, %v", vouchered, err)
	}
}

// A partial receipt that an operator does not sign, as it has its own receipt for the order, is not brought again at once, and does
// not keep the others from being signed.
func TestPartialThatIsNeverSigned(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	g := w.gateway.Gateway
	a := w.ordered()
	if _, err := op.ledger.RecordServed(t.Context(), whole(t, a)); err != nil {
		t.Fatal(err)
	}
	a.last.Tokens, a.text = 2, 10
	if err := a.partial(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.release()
	w.lose(2 * maxPartialsPerSync)
	if err := g.syncWith(t.Context(), op.fleet.ID(), op.Operator.self); err != nil {
		t.Fatal(err)
	}
	for _, at := range []struct {
		after time.Duration
		left  int
	}{{0, 0}, {2 * time.Hour, 1}} {
		left, err := g.ledger.UnsignedPartials(op.Operator.self, 100, time.Now().Add(at.after))
		if err != nil || len(left) != at.left {
			t.Errorf("%d partial receipts are to be brought after %s, want %d: %v", len(left), at.after, at.left, err)
		}
	}
}

// A client leaves while the last pieces of its answer are on their way: the operator has ended it, and signed for all of it, before it hears
// of that. What the client got is billed and owed, as in any stream that was lost, and the operator is not taken for a liar.
func TestClientLeavesAnAnswerThatHasEnded(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	g := w.gateway.Gateway
	a := w.ordered()
	if err := a.start(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	id := settlement.ReceiptID(a.id)
	w.eventually("the operator has signed for the whole answer", func() bool { _, err := op.ledger.Bundle(id); return err == nil })
	a.left = true
	a.cancel("client left")
	if err := a.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.handOver()
	b, err := g.ledger.Bundle(id)
	if err != nil || !b.Partial || b.Receipt.OutputTokens != 1 || a.final.ReceiptID != id.String() {
		t.Fatalf("the gateway has %+v, bill %+v, %v", b.Receipt, a.final, err)
	}
	if paused := g.health.paused(a.priced.endpoint(), time.Now()); paused != "" {
		t.Errorf("the operator is paused: %s", paused)
	}
	if err := g.syncWith(t.Context(), op.fleet.ID(), op.Operator.self); err != nil {
		t.Fatal(err)
	}
	whole, err := op.ledger.Bundle(id)
	if err != nil || whole.Receipt.OutputTokens != 5 {
		t.Fatalf("the operator has %+v, %v", whole.Receipt, err)
	}
	v, owed, err := op.ledger.OwedBy(g.self)
	if err != nil || v != b.Receipt.Amount || owed != whole.Receipt.Amount-b.Receipt.Amount {
		t.Errorf("the operator has %v in vouchers and is owed %v, %v", v, owed, err)
	}
	if ev, err := g.ledger.Evidence(); err != nil || len(ev) > 0 {
		t.Errorf("evidence %+v, %v", ev, err)
	}
}

// A client leaves when all of its answer is at the gateway, which has yet to pass the rest on: all of it is paid, and nothing is owed that
// would count towards the operator's credit limit.
func TestClientLeavesAnAnswerThatHasArrived(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	g := w.gateway.Gateway
	a := w.ordered()
	if err := a.start(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.eventually("the answer has arrived", func() bool { return a.call.Arrived() })
	a.leave()
	if err := a.drained(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.handOver()
	id := settlement.ReceiptID(a.id)
	w.eventually("the operator is paid", func() bool {
		v, owed, err := op.ledger.OwedBy(g.self)
		return err == nil && v > 0 && owed == 0
	})
	if b, err := g.ledger.Bundle(id); err != nil || b.Partial || b.Receipt.OutputTokens != 5 || a.final.CompletionTokens != 5 {
		t.Errorf("the gateway has %+v, bill %+v, %v", b.Receipt, a.final, err)
	}
}
