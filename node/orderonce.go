package node

import (
	"fmt"
	"sync"
	"time"

	"flotilla/settlement"
)

// ordersInWork are the orders that an operator is serving, or signs a partial receipt for: as many as there are streams. An
// order has one receipt, so an answer that is made twice, or whose partial receipt is signed before its own, would be had
// for less than it costs. A crash forgets them with the work.
type ordersInWork struct {
	mu  sync.Mutex // guards ids; held for map work only
	ids map[settlement.ReceiptID]bool
}

// begin is false for an order that is in work already.
func (w *ordersInWork) begin(id settlement.ReceiptID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ids[id] {
		return false
	}
	if w.ids == nil {
		w.ids = make(map[settlement.ReceiptID]bool)
	}
	w.ids[id] = true
	return true
}

func (w *ordersInWork) end(id settlement.ReceiptID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.ids, id)
}

// claim takes an order that has led to no answer yet: it has one receipt, so a second answer would be for nothing. The
// returned function ends the claim.
func (o *Operator) claim(id settlement.ReceiptID) (over func(), _ *refusal) {
	if !o.making.begin(id) {
		return nil, &refusal{code: codeBadOrder, err: fmt.Errorf("order %s is being served", id)}
	}
	over = func() { o.making.end(id) }
	switch served, err := o.ledger.Has(id); {
	case err != nil:
		over()
		return nil, &refusal{codeNotReady, time.Second, fmt.Errorf("read ledger: %w", err)}
	case served:
		over()
		return nil, &refusal{code: codeBadOrder, err: fmt.Errorf("order %s was served and has its receipt: make a new one", id)}
	}
	return over, nil
}
