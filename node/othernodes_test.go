package node

import (
	"strings"
	"testing"
	"time"
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

// An operator with two nodes under one account is told so by both, and what to do, until one is gone. So is one whose node moved, and one
// that let a copy of a whole node run.
func TestOtherNodesOfTheAccount(t *testing.T) {
	w := newWorld(t)
	book := &logBook{}
	w.operatorLog = book.logger()
	first, second := w.twoNodes()
	for i, n := range []*Node{first, second} {
		other := []*Node{second, first}[i].fleet.ID().String()
		w.eventually("each node sees the other", func() bool {
			_ = n.fleet.Sync(t.Context(), w.gateway.fleet.ID()) // what gossip missed is fetched once a minute
			seen := n.Operator.others()
			return len(seen) == 1 && seen[0].Peer == other && !seen[0].Copy && time.Until(seen[0].Until) > 0
		})
		w.eventually("it is logged", func() bool { return strings.Contains(book.String(), "peer="+other) })
		if got := figure(t, n, "flotilla_operator_other_nodes"); got != 1 {
			t.Errorf("%v other nodes in the metrics", got)
		}
	}
	if n := strings.Count(book.String(), "level=WARN msg=\"another node serves under this account"); n != 2 {
		t.Errorf("%d lines of it, want one a node", n)
	}
	w.operatorKey = nil
	alone := w.startOperator(fiveTokens, OperatorConfig{})
	w.waitServing(3)
	if seen := alone.Operator.others(); len(seen) != 0 {
		t.Errorf("an operator of one node sees %+v", seen)
	}
}

// figure is the value of one metric.
func figure(t *testing.T, n *Node, name string) float64 {
	t.Helper()
	all, err := n.metrics().Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range all {
		if m.GetName() == name {
			return m.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}

// A restart is no other node: the prices of the last run are the node's own. A copy with its identity is one.
func TestCopyOfANode(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	own := op.Operator.announced.Load()
	if seen := op.Operator.others(); own == 0 || len(seen) != 0 {
		t.Fatalf("announced under %d, other nodes %+v", own, seen)
	}
	for _, at := range []struct {
		announced uint64
		copies    int
	}{{0, 0}, {own - 1, 1}} { // as its own would look before the first announcement, and as a copy's
		op.Operator.announced.Store(at.announced)
		if seen := op.Operator.others(); len(seen) != at.copies || len(seen) > 0 && !seen[0].Copy {
			t.Errorf("with %d announced it sees %+v", at.announced, seen)
		}
	}
}
