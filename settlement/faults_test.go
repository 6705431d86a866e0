package settlement_test

import (
	"slices"
	"testing"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// refuse offers the gateway a receipt that its operator has changed and signed, and returns the faults it leaves.
func refuse(t *testing.T, f *fixture, l *settlement.Ledger, o settlement.Opening, change func(*settlement.Receipt)) []settlement.StoredEvidence {
	t.Helper()
	r := receipt(t, o, 77)
	change(&r)
	if _, err := l.AcceptReceipt(t.Context(), o.Bundle(testDomain, r, f.operators[0].sign(t, r.Digest(testDomain)))); err == nil {
		t.Fatal("the receipt was accepted")
	}
	found, err := l.Evidence()
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// oneFault is a ledger with the evidence of one receipt that charges too much.
func oneFault(t *testing.T) (*fixture, *settlement.Ledger, []settlement.StoredEvidence) {
	t.Helper()
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	f.record(t, l, o)
	return f, l, refuse(t, f, l, o, func(r *settlement.Receipt) { r.Amount++ })
}

// A refused receipt leaves the evidence that it is, and only when it is.
func TestRefusedReceiptsLeaveEvidence(t *testing.T) {
	cases := []struct {
		name   string
		change func(*settlement.Receipt)
		want   []settlement.Fault
		harm   settlement.Amount
	}{
		{"a unit above the price", func(r *settlement.Receipt) { r.Amount++ }, []settlement.Fault{settlement.AdvertBreach}, 1},
		{"a unit below the price", func(r *settlement.Receipt) { r.Amount-- }, nil, 0},
		{"after the advert's end", func(r *settlement.Receipt) { r.ServedAt = servedAt + 1_000_000 },
			[]settlement.Fault{settlement.AdvertBreach, settlement.OrderBreach}, 42},
		{"another request's hash", func(r *settlement.Receipt) { r.RequestHash = common.Hash{1} }, nil, 0},
		{"another order", func(r *settlement.Receipt) { r.Request = common.Hash{1} }, nil, 0},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f := newFixture(t, 1)
			l := f.open(t, f.gateway, "")
			o := f.opening(t, 0)
			f.record(t, l, o)
			found := refuse(t, f, l, o, c.change)
			if len(found) != len(c.want) {
				t.Fatalf("%d faults kept, want %d: %+v", len(found), len(c.want), found)
			}
			kinds := make(map[settlement.Fault]bool)
			for _, e := range found {
				charge, err := e.Evidence.Check(testDomain)
				if err != nil || charge.Harm != c.harm || charge.ID != e.ID || charge.Payer != f.gateway.addr || charge.Operator != f.operators[0].addr {
					t.Errorf("%s: charge %+v, %v; want harm %v", e.Evidence.Fault, charge, err, c.harm)
				}
				kinds[e.Evidence.Fault] = true
			}
			for _, want := range c.want {
				if !kinds[want] {
					t.Errorf("no %s among %v", want, kinds)
				}
			}
		})
	}
}

// A second, different receipt for a request that was accepted is evidence; the same one again is not.
func TestSecondReceiptIsEvidence(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	f.record(t, l, o)
	first := f.served(t, 0, o, 77)
	if _, err := l.AcceptReceipt(t.Context(), first); err != nil {
		t.Fatal(err)
	}
	if found := refuse(t, f, l, o, func(*settlement.Receipt) {}); len(found) != 0 {
		t.Fatalf("the same receipt twice is no fault: %+v", found)
	}
	found := refuse(t, f, l, o, func(r *settlement.Receipt) { r.LaneSeq = 78 })
	if len(found) != 1 || found[0].Evidence.Fault != settlement.DoubleReceipt {
		t.Fatalf("faults %+v, want a double receipt", found)
	}
	charge, err := found[0].Evidence.Check(testDomain)
	if err != nil || charge.Harm != first.Receipt.Amount {
		t.Fatalf("charge %+v, %v", charge, err)
	}
}

// Evidence outlives a restart and is brought to the chain once: the operator loses stake, the payer gets its harm back,
// the reporter its part.
func TestDisputeAll(t *testing.T) {
	f := newFixture(t, 1)
	dir, bountyTo := t.TempDir(), common.Address{0xb0}
	l := f.open(t, f.gateway, dir)
	o := f.opening(t, 0)
	f.record(t, l, o)
	refuse(t, f, l, o, func(r *settlement.Receipt) { r.Amount += 500 })
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	before, err := f.chain.Stake(t.Context(), f.operators[0].addr)
	if err != nil {
		t.Fatal(err)
	}
	unpunished := func(want int) {
		t.Helper()
		if st, err := l.Status(); err != nil || st.Evidence != want {
			t.Errorf("status tells of %d faults (%v), want %d", st.Evidence, err, want)
		}
	}
	unpunished(1)
	done, err := l.DisputeAll(t.Context(), f.chain, bountyTo)
	unpunished(0)
	if err != nil || len(done) != 1 {
		t.Fatalf("disputes %+v, %v", done, err)
	}
	after, err := f.chain.Stake(t.Context(), f.operators[0].addr)
	if err != nil {
		t.Fatal(err)
	}
	d := done[0]
	if d.Fault != settlement.AdvertBreach || d.Harm != 500 || d.Slashed == 0 || d.Slashed != before.Amount-after.Amount || d.Tx == (common.Hash{}) {
		t.Errorf("dispute %+v; stake %v, then %v", d, before.Amount, after.Amount)
	}
	if repaid := f.chain.Claim(f.gateway.addr); repaid != 500 {
		t.Errorf("the payer was repaid %v, want 500", uint64(repaid))
	}
	if f.chain.Claim(bountyTo) == 0 {
		t.Error("the reporter got nothing")
	}
	again, err := l.DisputeAll(t.Context(), f.chain, bountyTo)
	if err != nil || len(again) != 0 || f.chain.Calls(memchain.SubmitEvidence) != 1 {
		t.Errorf("disputed again: %+v, %v, %d transactions", again, err, f.chain.Calls(memchain.SubmitEvidence))
	}
}

// A punishment that a reorganisation took out is brought about again.
func TestDisputeAfterReorg(t *testing.T) {
	f, l, found := oneFault(t)
	for round := range 2 {
		done, err := l.DisputeAll(t.Context(), f.chain, common.Address{2})
		if err != nil || len(done) != 1 || done[0].Slashed == 0 {
			t.Fatalf("round %d: disputes %+v, %v", round, done, err)
		}
		if round == 0 {
			f.chain.Reorg(1, false)
		}
	}
	if done, err := f.chain.Punished(t.Context(), found[0].ID); err != nil || !done {
		t.Errorf("punished: %t (%v)", done, err)
	}
}

// What was punished long ago is looked at on chain once more, and then never again.
func TestDisputeAllAsksNothingThatIsFinal(t *testing.T) {
	f, l, found := oneFault(t)
	asked := func() int {
		before := f.chain.Calls(memchain.Punished)
		if _, err := l.DisputeAll(t.Context(), f.chain, common.Address{2}); err != nil {
			t.Fatal(err)
		}
		return f.chain.Calls(memchain.Punished) - before
	}
	asked()
	if n := asked(); n != 1 {
		t.Errorf("asked %d times about a punishment that a reorganisation may take out", n)
	}
	if err := l.AgeEvidence(t.Context(), found[0].ID); err != nil {
		t.Fatal(err)
	}
	if first, second := asked(), asked(); first != 1 || second != 0 {
		t.Errorf("asked %d and then %d times about one that it cannot", first, second)
	}
}

// What is punished makes room for what is not yet.
func TestPunishedEvidenceMakesRoom(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	if err := l.FillEvidence(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, want := range []bool{true, false} { // there is one that is punished
		o := f.opening(t, 0)
		f.record(t, l, o)
		r := receipt(t, o, 1)
		r.Amount++
		_, err := l.AcceptReceipt(t.Context(), o.Bundle(testDomain, r, f.operators[0].sign(t, r.Digest(testDomain))))
		wantErr(t, err, settlement.ErrPriceAboveAdvert)
		kept := false
		found, err := l.Evidence()
		for _, e := range found {
			kept = kept || len(e.Evidence.Receipts) == 1 && e.Evidence.Receipts[0].Receipt == r
		}
		if err != nil || kept != want {
			t.Errorf("fault %d is kept: %t (%v), want %t", i, kept, err, want)
		}
	}
}

// What harmed somebody is kept also where an operator has filled the ledger with two-faced prices, which cost it no order.
func TestTwoPricesLeaveRoomForHarm(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	if err := l.FillEvidence(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := l.TwoFaceEvidence(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the place of what is punished, and one more
		o := f.opening(t, 0)
		f.record(t, l, o)
		r := receipt(t, o, 1)
		r.Amount++
		_, err := l.AcceptReceipt(t.Context(), o.Bundle(testDomain, r, f.operators[0].sign(t, r.Digest(testDomain))))
		wantErr(t, err, settlement.ErrPriceAboveAdvert)
		found, err := l.Evidence()
		if err != nil || !slices.ContainsFunc(found, func(e settlement.StoredEvidence) bool {
			return len(e.Evidence.Receipts) == 1 && e.Evidence.Receipts[0].Receipt == r
		}) {
			t.Errorf("the fault is not kept (%v)", err)
		}
	}
}

// Two ledgers with the same evidence: the second finds it punished and sends nothing.
func TestEvidenceThatSomebodyElseBrought(t *testing.T) {
	f, l, found := oneFault(t)
	if _, err := settlement.BringEvidence(t.Context(), f.chain, testDomain, found[0].Evidence, common.Address{1}); err != nil {
		t.Fatal(err)
	}
	done, err := l.DisputeAll(t.Context(), f.chain, common.Address{2})
	if err != nil || len(done) != 1 || done[0].Slashed != 0 || done[0].Tx != (common.Hash{}) {
		t.Fatalf("disputes %+v, %v", done, err)
	}
	found, err = l.Evidence()
	if err != nil || !found[0].Punished {
		t.Fatalf("evidence %+v, %v", found, err)
	}
}

// TestPartialSignedAfterOwnReceipt: an operator whose own receipt came too late, and that signs the payer's partial one as
// well, has signed two receipts for one request.
func TestPartialSignedAfterOwnReceipt(t *testing.T) {
	for name, signsBoth := range map[string]bool{"honest": false, "signs both": true} {
		t.Run(name, func(t *testing.T) {
			f := newFixture(t, 1)
			l := f.open(t, f.gateway, "")
			o := f.opening(t, 0)
			f.record(t, l, o)
			partial := receipt(t, o, 0)
			partial.OutputTokens, partial.Amount = 100, 38
			acc, err := l.AcceptPartial(t.Context(), o.Bundle(testDomain, partial, nil))
			if err != nil {
				t.Fatal(err)
			}
			for range 2 {
				_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1))
				wantErr(t, err, settlement.ErrReceiptReplayed)
			}
			if signsBoth {
				if err := l.AttachOperatorSig(t.Context(), acc.ID, f.operators[0].sign(t, partial.Digest(testDomain))); err != nil {
					t.Fatal(err)
				}
			}
			kept, err := l.Evidence()
			if err != nil || (len(kept) == 1) != signsBoth {
				t.Fatalf("%d pieces of evidence (%v), operator signed both: %t", len(kept), err, signsBoth)
			}
			if signsBoth && kept[0].Evidence.Fault != settlement.DoubleReceipt {
				t.Errorf("evidence of %v, want a double receipt", kept[0].Evidence.Fault)
			}
		})
	}
}
