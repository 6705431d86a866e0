package node

import (
	"net/http"
	"sync/atomic"
	"testing"
)

// An order has one receipt, so a gateway could have an answer for less than it costs: by admitting a token of it before the
// operator has signed for the whole, or by sending the order again. The operator works for no such order, and signs no partial
// receipt for one that is in work.
func TestOperatorWorksOnceForAnOrder(t *testing.T) {
	w := newWorld(t)
	var slow atomic.Bool
	started, goOn := make(chan struct{}), make(chan struct{})
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		if slow.Swap(false) {
			close(started)
			<-goOn
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})

	o := c.order(customerBody)
	if ok, err := c.admits(o); err != nil || !ok {
		t.Fatal("the partial receipt of an order that the operator knows nothing of is not signed", err)
	}
	c.refused("an order with a partial receipt", codeBadOrder, o, customerBody)

	slow.Store(true)
	o = c.order(customerBody)
	done := make(chan error, 1)
	go func() {
		_, _, err := c.take(o, customerBody)
		done <- err
	}()
	<-started
	if ok, err := c.admits(o); err != nil || ok {
		t.Error("a partial receipt was signed while the order was in work, or none could be", err)
	}
	c.refused("an order that is in work", codeBadOrder, o, customerBody)
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("the order in work: %v", err)
	}
	c.refused("an order that was served", codeBadOrder, o, customerBody)
	const partial, whole = 2, 9 + 5*2 // what a token and what fiveTokens cost
	w.eventually("both are in the operator's ledger", func() bool { return c.owed() == partial+whole })
}
