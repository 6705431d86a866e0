package settlement_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// unserved is what an operator knows before it signs: no decision, no salt.
func (f *fixture) unserved(t *testing.T, o settlement.Opening) settlement.Bundle {
	b := o.Bundle(testDomain, receipt(t, o, 0), nil)
	b.Partial, b.Salt, b.DecisionJSON = false, nil, nil
	return b
}

func TestRecordServedNumbersAndSigns(t *testing.T) {
	f := newFixture(t, 1)
	dir := t.TempDir()
	l := f.open(t, f.operators[0], dir)
	first, last := f.opening(t, 0), uint64(servedAt)<<32
	for _, o := range []settlement.Opening{first, f.opening(t, 0), f.opening(t, 0)} {
		b, err := l.RecordServed(t.Context(), f.unserved(t, o))
		if err != nil {
			t.Fatal(err)
		}
		if b.Receipt.LaneSeq <= last {
			t.Errorf("lane number %d after %d", b.Receipt.LaneSeq, last)
		}
		last = b.Receipt.LaneSeq
		signer, err := settlement.Recover(b.Receipt.Digest(testDomain), b.OperatorSig)
		if err != nil || signer != f.operators[0].addr {
			t.Errorf("signed by %s (%v)", signer, err)
		}
		closeLedger(t, l) // numbers go on after a restart
		l = f.open(t, f.operators[0], dir)
	}
	stored, err := l.Receipt(first.Order.ID(testDomain))
	if err != nil {
		t.Fatal(err)
	}
	if stored.State != settlement.StateServed {
		t.Errorf("state %v, want served", stored.State)
	}
	longer := f.unserved(t, first)
	longer.Receipt.OutputTokens++
	longer.Receipt.Amount++
	for _, again := range []settlement.Bundle{f.unserved(t, first), longer} {
		b, err := l.RecordServed(t.Context(), again)
		wantErr(t, err, settlement.ErrReceiptReplayed)
		if diff := cmp.Diff(stored.Bundle, b); diff != "" {
			t.Errorf("a repeated request got other bytes (-want +got):\n%s", diff)
		}
	}
	if _, owed, err := l.OwedBy(f.gateway.addr); owed != 3*42 || err != nil {
		t.Errorf("unvouchered %v (%v), want %v", owed, err, settlement.Amount(3*42))
	}
}

// TestOperatorLosesItsLedger: an operator that goes on without its ledger, or with an old copy of it, is paid for what it serves then, and
// one with several nodes, each with a ledger of its own, for what these serve in the same second.
func TestOperatorLosesItsLedger(t *testing.T) {
	f := newFixture(t, 1)
	gw := f.open(t, f.gateway, "")
	serve := func(l *settlement.Ledger, o settlement.Opening) settlement.Bundle {
		b, err := l.RecordServed(t.Context(), f.unserved(t, o))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	accept := func(l *settlement.Ledger) {
		o := f.opening(t, 0)
		f.record(t, gw, o)
		b := serve(l, o)
		b.Salt, b.DecisionJSON = o.Salt, json.RawMessage(o.DecisionJSON)
		if _, err := gw.AcceptReceipt(t.Context(), b); err != nil {
			t.Error(err)
		}
	}
	lost, old := f.open(t, f.operators[0], ""), f.open(t, f.operators[0], "")
	first := f.opening(t, 0)
	serve(lost, first)
	serve(old, first) // the copy is from before the others
	for range 3 {
		accept(lost)
	}
	accept(old)
	accept(f.open(t, f.operators[0], ""))
	if lanes, err := lost.OwedLanes(); err != nil || len(lanes) != 1 || lanes[0].Receipts != 4 {
		t.Errorf("the operator is owed for %+v (%v), want 4 receipts", lanes, err)
	}
}

// TestReceiptsOnALaneAreCounted: and a receipt that comes again is none.
func TestReceiptsOnALaneAreCounted(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.operators[0], "")
	check := func(want uint64) {
		t.Helper()
		if lanes, err := l.OwedLanes(); err != nil || len(lanes) != 1 || lanes[0].Receipts != want {
			t.Errorf("owed for %+v (%v), want %d receipts", lanes, err, want)
		}
	}
	serve := func() settlement.Bundle {
		b := f.unserved(t, f.opening(t, 0))
		if _, err := l.RecordServed(t.Context(), b); err != nil {
			t.Fatal(err)
		}
		return b
	}
	serve()
	b := serve()
	_, err := l.RecordServed(t.Context(), b)
	wantErr(t, err, settlement.ErrReceiptReplayed)
	check(2)
	serve()
	check(3)
}

// TestCreditAfterLostLedger: what a payer's voucher promises for what an operator no longer knows of is no credit for the next.
func TestCreditAfterLostLedger(t *testing.T) {
	f := newFixture(t, 1)
	gw := f.open(t, f.gateway, "")
	for i := range uint64(3) { // the operator loses the ledger that it had for these
		f.accept(t, gw, 0, i+1)
	}
	l := f.open(t, f.operators[0], "")
	f.number(t, l)
	bring := func() {
		v, sig, err := gw.Voucher(f.operators[0].addr)
		if err == nil {
			_, err = l.AcceptVoucher(t.Context(), v, sig)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	owed := func(when string, want settlement.Amount) {
		t.Helper()
		if _, got, err := l.OwedBy(f.gateway.addr); got != want || err != nil {
			t.Errorf("%s: owed %v (%v), want %v", when, got, err, want)
		}
	}
	bring()
	owed("after the voucher for what is lost", 0)
	o := f.opening(t, 0)
	b, err := l.RecordServed(t.Context(), f.unserved(t, o))
	if err != nil {
		t.Fatal(err)
	}
	owed("after an answer", 42)
	f.record(t, gw, o)
	b.Salt, b.DecisionJSON = o.Salt, json.RawMessage(o.DecisionJSON)
	if _, err := gw.AcceptReceipt(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	bring()
	owed("after its voucher", 0)
	o = f.opening(t, 0)
	f.record(t, gw, o)
	acc, err := gw.AcceptPartial(t.Context(), o.Bundle(testDomain, receipt(t, o, 0), nil))
	if err != nil {
		t.Fatal(err)
	}
	bring()
	owed("after the voucher for a broken answer", 0)
	if b, err = gw.Bundle(acc.ID); err == nil {
		_, err = l.CountersignPartial(t.Context(), b)
	}
	if err != nil {
		t.Fatal(err)
	}
	owed("after its receipt", 0)
	if _, err := l.RecordServed(t.Context(), f.unserved(t, f.opening(t, 0))); err != nil {
		t.Fatal(err)
	}
	owed("after one more answer", 42)
}

func TestRecordServedRefusals(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.operators[0], "")
	for _, tc := range []struct {
		name   string
		want   error
		change func(*settlement.Bundle)
	}{
		{"overcharge", settlement.ErrPriceAboveAdvert, func(b *settlement.Bundle) { b.Receipt.Amount++ }},
		{"too many tokens", settlement.ErrTokensAboveOrder, func(b *settlement.Bundle) { b.Receipt.OutputTokens, b.Receipt.Amount = 501, 119 }},
		{"late", settlement.ErrOrderExpired, func(b *settlement.Bundle) { b.Receipt.ServedAt = deadline + 1 }},
		{"order not signed by payer", settlement.ErrBadSignature, func(b *settlement.Bundle) { b.OrderSig = b.AdvertSig }},
		{"has a number", settlement.ErrPartialForm, func(b *settlement.Bundle) { b.Receipt.LaneSeq = 5 }},
		{"other payee", settlement.ErrWrongParty, func(b *settlement.Bundle) { b.Receipt.Payee = f.operators[1].addr }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			b := f.unserved(t, f.opening(t, 0))
			tc.change(&b)
			_, err := l.RecordServed(t.Context(), b)
			wantErr(t, err, tc.want)
		})
	}
	if _, owed, err := l.OwedBy(f.gateway.addr); owed != 0 || err != nil {
		t.Errorf("refused receipts left %v owed (%v)", owed, err)
	}
}

// TestBothSides runs gateway and operator ledgers against each other.
func TestBothSides(t *testing.T) {
	f := newFixture(t, 1)
	gateway, operator := f.open(t, f.gateway, ""), f.open(t, f.operators[0], "")
	type answer struct {
		id  settlement.ReceiptID
		acc settlement.Acceptance
	}
	var answers []answer
	for range 3 {
		o := f.opening(t, 0)
		f.record(t, gateway, o)
		served, err := operator.RecordServed(t.Context(), f.unserved(t, o))
		if err != nil {
			t.Fatal(err)
		}
		acc, err := gateway.AcceptReceipt(t.Context(), o.Bundle(testDomain, served.Receipt, served.OperatorSig))
		if err != nil {
			t.Fatal(err)
		}
		answers = append(answers, answer{served.ID(), vouched(t, gateway, acc)})
	}
	// The first voucher does not cover the third receipt; the third covers all, in any order.
	first, third := answers[0].acc, answers[2]
	if _, err := operator.AcceptSettlement(t.Context(), third.id, third.acc.GatewaySig, third.acc.Voucher, third.acc.VoucherSig); err != nil {
		t.Fatal(err)
	}
	for _, a := range answers[:2] {
		left, err := operator.AcceptSettlement(t.Context(), a.id, a.acc.GatewaySig, a.acc.Voucher, a.acc.VoucherSig)
		if err != nil || left != 0 {
			t.Errorf("overtaken answer: %v unvouchered (%v), want none", left, err)
		}
	}
	_, err := operator.AcceptVoucher(t.Context(), first.Voucher, first.VoucherSig)
	wantErr(t, err, settlement.ErrStaleVoucher)
	v, sig, err := operator.HeldVoucher(f.gateway.addr)
	if err != nil || v.ValueAggregate != 3*42 {
		t.Fatalf("held voucher is for %v (%v)", v.ValueAggregate, err)
	}
	// The operator collects on its own, without the gateway.
	if _, err := f.chain.SettleVoucher(t.Context(), v, sig); err != nil {
		t.Fatal(err)
	}
	if got := f.chain.Claim(f.operators[0].addr); got != 3*42 {
		t.Errorf("collected %v, want %v", got, settlement.Amount(3*42))
	}
}

func TestAcceptSettlementRefusals(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.operators[0], "")
	b, err := l.RecordServed(t.Context(), f.unserved(t, f.opening(t, 0)))
	if err != nil {
		t.Fatal(err)
	}
	good := settlement.Voucher{Payer: f.gateway.addr, Payee: f.operators[0].addr, ValueAggregate: 42, ReceiptCount: 1}
	countersig := f.gateway.sign(t, b.Receipt.Digest(testDomain))
	short, elsewhere, other := good, good, good
	short.ValueAggregate = 41
	elsewhere.Payee = f.operators[1].addr
	other.Payer = f.operators[1].addr
	for _, tc := range []struct {
		name       string
		id         settlement.ReceiptID
		countersig settlement.Signature
		voucher    settlement.Voucher
		signer     party
		want       error
	}{
		{"short", b.ID(), countersig, short, f.gateway, settlement.ErrVoucherShort},
		{"pays another", b.ID(), countersig, elsewhere, f.gateway, settlement.ErrWrongParty},
		{"from another payer", b.ID(), countersig, other, f.operators[1], settlement.ErrWrongParty},
		{"forged voucher", b.ID(), countersig, good, f.operators[1], settlement.ErrBadSignature},
		{"forged countersignature", b.ID(), b.OperatorSig, good, f.gateway, settlement.ErrBadSignature},
		{"unknown receipt", settlement.ReceiptID{1}, countersig, good, f.gateway, settlement.ErrUnknownReceipt},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := l.AcceptSettlement(t.Context(), tc.id, tc.countersig, tc.voucher, tc.signer.sign(t, tc.voucher.Digest(testDomain)))
			wantErr(t, err, tc.want)
			if _, owed, err := l.OwedBy(f.gateway.addr); owed != 42 || err != nil {
				t.Errorf("a refused settlement changed what is owed to %v (%v)", owed, err)
			}
		})
	}
	left, err := l.AcceptSettlement(t.Context(), b.ID(), countersig, good, f.gateway.sign(t, good.Digest(testDomain)))
	if err != nil || left != 0 {
		t.Errorf("honest settlement: %v unvouchered (%v)", left, err)
	}
	_, err = l.AcceptVoucher(t.Context(), short, f.gateway.sign(t, short.Digest(testDomain)))
	wantErr(t, err, settlement.ErrStaleVoucher)
}

func TestCountersignPartial(t *testing.T) {
	f := newFixture(t, 1)
	gateway, operator := f.open(t, f.gateway, ""), f.open(t, f.operators[0], "")
	f.number(t, operator)
	o := f.opening(t, 0)
	f.record(t, gateway, o)
	acc, err := gateway.AcceptPartial(t.Context(), o.Bundle(testDomain, receipt(t, o, 0), nil))
	if err != nil {
		t.Fatal(err)
	}
	b, err := gateway.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // asked again, it gives the same signature
		sig, err := operator.CountersignPartial(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		if err := gateway.AttachOperatorSig(t.Context(), acc.ID, sig); err != nil {
			t.Fatal(err)
		}
	}
	acc = vouched(t, gateway, acc)
	if left, err := operator.AcceptVoucher(t.Context(), acc.Voucher, acc.VoucherSig); left != 0 || err != nil {
		t.Errorf("unvouchered %v (%v), want none", left, err)
	}
	if again, err := gateway.UnsignedPartials(f.operators[0].addr, 10, time.Now()); len(again) != 0 || err != nil {
		t.Errorf("%d partial receipts still unsigned (%v)", len(again), err)
	}
}

func TestCountersignPartialRefusals(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.operators[0], "")
	f.number(t, l)
	for _, tc := range []struct {
		name   string
		want   error
		change func(*settlement.Bundle)
	}{
		{"has a number", settlement.ErrPartialForm, func(b *settlement.Bundle) { b.Receipt.LaneSeq = 5 }},
		{"a salt that fills the disk", settlement.ErrRequestMismatch, func(b *settlement.Bundle) { b.Salt = make([]byte, 1<<19) }},
		{"not signed by payer", settlement.ErrBadSignature, func(b *settlement.Bundle) { b.GatewaySig = b.OrderSig }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := f.opening(t, 0)
			b := o.Bundle(testDomain, receipt(t, o, 0), nil)
			b.GatewaySig = f.gateway.sign(t, b.Receipt.Digest(testDomain))
			tc.change(&b)
			_, err := l.CountersignPartial(t.Context(), b)
			wantErr(t, err, tc.want)
		})
	}
}

// TestCountersignPartialWithOwnReceipt: one order, one signed receipt. The operator does not sign a
// second, but what the payer admits is no longer at risk once it is vouchered.
func TestCountersignPartialWithOwnReceipt(t *testing.T) {
	for _, tc := range []struct {
		name       string
		payersMore int // tokens that the payer's receipt has beyond the operator's
		left       settlement.Amount
	}{{"equal", 0, 0}, {"payer admits more", 10, 0}, {"payer admits less", -10, 2}} {
		t.Run(tc.name, func(t *testing.T) {
			f := newFixture(t, 1)
			gateway, operator := f.open(t, f.gateway, ""), f.open(t, f.operators[0], "")
			o := f.opening(t, 0)
			f.record(t, gateway, o)
			own, err := operator.RecordServed(t.Context(), f.unserved(t, o))
			if err != nil {
				t.Fatal(err)
			}
			r := receipt(t, o, 0)
			r.OutputTokens = uint32(int(r.OutputTokens) + tc.payersMore)
			if r.Amount, err = settlement.Cost(o.Advert.Price(), r.InputTokens, r.OutputTokens); err != nil {
				t.Fatal(err)
			}
			acc, err := gateway.AcceptPartial(t.Context(), o.Bundle(testDomain, r, nil))
			if err != nil {
				t.Fatal(err)
			}
			partials, err := gateway.UnsignedPartials(f.operators[0].addr, 10, time.Now())
			if err != nil || len(partials) != 1 {
				t.Fatalf("%d partial receipts (%v), want 1", len(partials), err)
			}
			for range 2 {
				_, err = operator.CountersignPartial(t.Context(), partials[0])
				wantErr(t, err, settlement.ErrReceiptReplayed)
			}
			acc = vouched(t, gateway, acc)
			left, err := operator.AcceptVoucher(t.Context(), acc.Voucher, acc.VoucherSig)
			if err != nil || left != tc.left {
				t.Errorf("unvouchered %v (%v), want %v", left, err, tc.left)
			}
			if kept, err := operator.Bundle(acc.ID); err != nil || kept.Receipt != own.Receipt {
				t.Errorf("the operator's own receipt is gone (%v)", err)
			}
		})
	}
}

// Partial receipts that the operator does not sign do not hide the others, are shown again later and later, and in the end not at all.
func TestPartialsThatAreNeverSigned(t *testing.T) {
	f := newFixture(t, 2)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	var now time.Time
	for i := range 6 {
		o := f.opening(t, i/5) // five for operator 0, one for operator 1
		f.record(t, l, o)
		r := receipt(t, o, 0)
		if _, err := l.AcceptPartial(t.Context(), o.Bundle(testDomain, r, nil)); err != nil {
			t.Fatal(err)
		}
		now = time.Unix(int64(r.ServedAt), 0)
	}
	shown := func(most int) (n int) {
		t.Helper()
		for {
			partials, err := l.UnsignedPartials(f.operators[0].addr, 2, now)
			if err == nil {
				err = l.PutOffPartials(t.Context(), partials, now)
			}
			if err != nil {
				t.Fatal(err)
			}
			if n += len(partials); len(partials) == 0 || n > most {
				return n
			}
		}
	}
	if n := shown(5); n != 5 {
		t.Errorf("%d of 5 partial receipts are shown", n)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = f.open(t, f.gateway, dir) // a restart begins nothing anew
	rounds := 0
	for end := now.Add(24 * time.Hour); now.Before(end); now = now.Add(30 * time.Second) {
		switch n := shown(5); n {
		case 0:
		case 5:
			rounds++
		default:
			t.Fatalf("%d of 5 are shown", n)
		}
	}
	if rounds < 24 || rounds > 35 {
		t.Errorf("they are shown in %d of a day's 2880 rounds, want one an hour and some at first", rounds)
	}
	now = now.Add(-12 * time.Hour) // a clock that went back hides nothing
	if n := shown(5); n != 5 {
		t.Errorf("%d of 5 are shown when the clock has gone back", n)
	}
	now = now.Add(31 * 24 * time.Hour)
	if n := shown(5); n != 5 {
		t.Errorf("%d of 5 are shown a last time", n)
	}
	now = now.Add(24 * time.Hour)
	if n := shown(5); n != 0 {
		t.Errorf("%d are shown after a month", n)
	}
	if other, err := l.UnsignedPartials(f.operators[1].addr, 2, now); err != nil || len(other) != 1 {
		t.Errorf("%d of the other operator's one is shown: %v", len(other), err)
	}
}
