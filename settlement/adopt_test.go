package settlement_test

import (
	"testing"

	"flotilla/settlement"
)

// TestAdoptLaneAfterLosingTheLedger: a gateway that lost its files pays its operators from the first
// receipt on.
func TestAdoptLaneAfterLosingTheLedger(t *testing.T) {
	f := newFixture(t, 1)
	payee := f.operators[0].addr
	lost := f.open(t, f.gateway, "")
	for i := range 3 {
		f.accept(t, lost, 0, uint64(i+1))
	}
	settle(t, lost, f.chain)

	l := f.open(t, f.gateway, "")
	lane, err := f.chain.Lane(t.Context(), f.gateway.addr, payee)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // at every start
		if err := l.AdoptLane(t.Context(), payee, lane.Collected); err != nil {
			t.Fatal(err)
		}
	}
	acc := f.accept(t, l, 0, 4)
	if acc.Voucher.ValueAggregate != 4*42 {
		t.Errorf("first voucher is for %v, want %v", acc.Voucher.ValueAggregate, settlement.Amount(4*42))
	}
	settle(t, l, f.chain)
	if got := f.chain.Claim(payee); got != 4*42 {
		t.Errorf("operator was paid %v, want %v", got, settlement.Amount(4*42))
	}
	if err := l.AdoptLane(t.Context(), payee, 4*42); err != nil {
		t.Errorf("adopt what the ledger knows: %v", err)
	}
	wantErr(t, l.AdoptLane(t.Context(), payee, 5*42), settlement.ErrLedgerBehind)
}
