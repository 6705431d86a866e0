package node

import (
	"testing"
)

// twoNodes are two nodes of one account, in the order of their peers, each with a ledger of its own.
func (w *world) twoNodes() (first, second *Node) {
	w.t.Helper()
	w.operatorKey = testKey(w.t)
	first = w.honestOperator()
	second = w.startOperator(fiveTokens, OperatorConfig{})
	w.waitServing(2)
	if second.fleet.ID() < first.fleet.ID() {
		first, second = second, first
	}
	return first, second
}

// A partial receipt is shown to the node that has served it. The account's other node cannot sign it, and what it refuses is put off for
// the one that can: shown to it first each time, that would be for ever, and count towards the gateway's credit there.
func TestPartialsOfTwoNodes(t *testing.T) {
	w := newWorld(t)
	first, second := w.twoNodes()
	g := w.gateway.Gateway
	w.lose(1) // by the first
	for _, n := range []*Node{second, first} {
		if err := g.syncWith(t.Context(), n.fleet.ID(), n.Operator.self); err != nil {
			t.Fatal(err)
		}
	}
	id := w.receipts()[0].ID()
	if b, err := first.ledger.Bundle(id); err != nil || len(b.OperatorSig) == 0 {
		t.Errorf("the node that has served it has signed %+v, %v", b.Receipt, err)
	}
	if _, err := second.ledger.Bundle(id); err == nil {
		t.Error("the other node has signed it")
	}
	if left, err := g.ledger.UnsignedPartials(first.Operator.self, 1, g.now()); err != nil || len(left) > 0 {
		t.Errorf("%d partial receipts are not signed, %v", len(left), err)
	}
}
