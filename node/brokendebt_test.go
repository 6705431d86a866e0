package node

import (
	"testing"
	"time"

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
