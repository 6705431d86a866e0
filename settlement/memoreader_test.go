package settlement_test

import (
	"testing"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// Verifying many receipts asks the chain once for each batch, lane and operator, not once for each receipt; what could
// not be answered is asked again.
func TestVerifyAllAsksOnce(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, "")
	for i := range 10 {
		f.accept(t, l, i%2, uint64(i+1))
	}
	settle(t, l, f.chain)
	var bundles []settlement.Bundle
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		bundles = append(bundles, r.Bundle)
	}
	before := map[memchain.Method]int{}
	for _, m := range []memchain.Method{memchain.BatchAnchor, memchain.Lane, memchain.Stake} {
		before[m] = f.chain.Calls(m)
	}
	f.chain.FailCall(memchain.Lane, 1)
	failed := 0
	for _, r := range settlement.VerifyAll(t.Context(), bundles, f.chain, settlement.VerifyOptions{Domain: testDomain}) {
		if r.Err() != nil {
			failed++
		}
	}
	if failed != 1 {
		t.Errorf("%d reports are not clean, want the one whose question failed", failed)
	}
	for m, want := range map[memchain.Method]int{memchain.BatchAnchor: 1, memchain.Lane: 3, memchain.Stake: 2} {
		if got := f.chain.Calls(m) - before[m]; got != want {
			t.Errorf("%d questions by %s, want %d", got, m, want)
		}
	}
}
