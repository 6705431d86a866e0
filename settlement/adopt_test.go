package settlement_test

import (
	"encoding/json"
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

// TestOperatorTakesVouchersOfALedgerAnew: the vouchers of a gateway that lost its files count receipts from one again. What
// counts is their total: they are worth more than the one that the operator holds.
func TestOperatorTakesVouchersOfALedgerAnew(t *testing.T) {
	f := newFixture(t, 1)
	op := f.open(t, f.operators[0], "")
	serve := func(l *settlement.Ledger, want settlement.Amount) {
		t.Helper()
		o := f.opening(t, 0)
		f.record(t, l, o)
		b, err := op.RecordServed(t.Context(), f.unserved(t, o))
		if err != nil {
			t.Fatal(err)
		}
		b.Salt, b.DecisionJSON = o.Salt, json.RawMessage(o.DecisionJSON)
		acc, err := l.AcceptReceipt(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		acc = vouched(t, l, acc)
		owed, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig)
		if err != nil || owed != 0 {
			t.Errorf("%v owed without a voucher, %v", owed, err)
		}
		if held, _, err := op.HeldVoucher(f.gateway.addr); err != nil || held.ValueAggregate != want {
			t.Errorf("the held voucher is for %v, want %v: %v", held.ValueAggregate, want, err)
		}
	}
	lost := f.open(t, f.gateway, "")
	for i := range 3 {
		serve(lost, settlement.Amount(i+1)*42)
	}
	settle(t, lost, f.chain)
	l := f.open(t, f.gateway, "")
	if err := l.AdoptLane(t.Context(), f.operators[0].addr, 3*42); err != nil {
		t.Fatal(err)
	}
	serve(l, 4*42)
	serve(l, 5*42)
}
