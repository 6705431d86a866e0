package node

import (
	"net/http"
	"testing"

	"flotilla/settlement"
)

// What an operator is brought is worked off while other answers end. Their settlements are taken all along: a partial receipt
// without the voucher that covers it would make them too small.
func TestSettlementsAreTakenDuringLedgerSync(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	if status, body := w.chat(); status != http.StatusOK {
		t.Fatal(status, body)
	}
	var settled settlement.Bundle
	w.eventually("the operator has the settlement", func() bool {
		for r, err := range op.ledger.Receipts(settlement.Filter{}) {
			settled = r.Bundle
			return err == nil && len(settled.GatewaySig) > 0
		}
		return false
	})
	v, sig, err := w.gateway.Gateway.ledger.Voucher(op.Operator.self)
	if err != nil {
		t.Fatal(err)
	}
	w.lose(maxPartialsPerSync)
	done := make(chan error, 1)
	go func() { done <- w.gateway.Gateway.syncWith(t.Context(), op.fleet.ID(), op.Operator.self) }()
	for over := false; !over; {
		select {
		case err = <-done:
			over = true
		default:
			_, err = op.ledger.AcceptSettlement(t.Context(), settled.ID(), settled.GatewaySig, v, sig)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
