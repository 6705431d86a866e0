package settlement_test

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

func TestAcceptReceiptCountersignsAndVouches(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, t.TempDir())
	for i := range 3 {
		acc := vouched(t, l, f.accept(t, l, 0, uint64(i+1)))
		want := settlement.Voucher{
			Payer: f.gateway.addr, Payee: f.operators[0].addr,
			ValueAggregate: 42 * settlement.Amount(i+1), ReceiptCount: uint64(i + 1),
		}
		if diff := cmp.Diff(want, acc.Voucher); diff != "" {
			t.Errorf("voucher after receipt %d (-want +got):\n%s", i+1, diff)
		}
		signer, err := settlement.Recover(acc.Voucher.Digest(testDomain), acc.VoucherSig)
		if err != nil || signer != f.gateway.addr {
			t.Errorf("voucher signed by %s (%v), want %s", signer, err, f.gateway.addr)
		}
		stored, err := l.Receipt(acc.ID)
		if err != nil {
			t.Fatal(err)
		}
		signer, err = settlement.Recover(stored.Bundle.Receipt.Digest(testDomain), stored.Bundle.GatewaySig)
		if err != nil || signer != f.gateway.addr || stored.State != settlement.StatePending {
			t.Errorf("stored in state %v, countersigned by %s (%v)", stored.State, signer, err)
		}
	}
	f.accept(t, l, 1, 1) // the same number on another lane is another number
	if b := l.Backlog(); b.Receipts != 4 || b.Value != 4*42 {
		t.Errorf("backlog is %+v, want 4 receipts worth %v", b, settlement.Amount(4*42))
	}
}

// TestAcceptReceiptRefusals changes one thing of an honest receipt at a time. The operator signs the
// change, so that it is the rule that refuses it and not the signature.
func TestAcceptReceiptRefusals(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, "")
	stranger := newParty(t, 99)
	for _, tc := range []struct {
		name   string
		want   error
		change func(*settlement.Bundle)
	}{
		{"price above advert", settlement.ErrPriceAboveAdvert, func(b *settlement.Bundle) { b.Receipt.Amount++ }},
		{"price below advert", settlement.ErrPriceBelowAdvert, func(b *settlement.Bundle) { b.Receipt.Amount-- }},
		{"input tokens above order", settlement.ErrTokensAboveOrder, func(b *settlement.Bundle) { b.Receipt.InputTokens, b.Receipt.Amount = 1001, 78 }},
		{"output tokens above order", settlement.ErrTokensAboveOrder, func(b *settlement.Bundle) { b.Receipt.OutputTokens, b.Receipt.Amount = 501, 119 }},
		{"served after deadline", settlement.ErrOrderExpired, func(b *settlement.Bundle) { b.Receipt.ServedAt = deadline + 1 }},
		{"served before advert", settlement.ErrAdvertExpired, func(b *settlement.Bundle) { b.Receipt.ServedAt = validFrom - 1 }},
		{"served after advert", settlement.ErrAdvertExpired, func(b *settlement.Bundle) { b.Receipt.ServedAt = validTo + 1 }},
		{"another order", settlement.ErrOrderMismatch, func(b *settlement.Bundle) { b.Receipt.Request[0] ^= 1 }},
		{"another advert in receipt", settlement.ErrOrderMismatch, func(b *settlement.Bundle) { b.Receipt.Advert[0] ^= 1 }},
		{"another request", settlement.ErrOrderMismatch, func(b *settlement.Bundle) { b.Receipt.RequestHash[0] ^= 1 }},
		{"another decision", settlement.ErrOrderMismatch, func(b *settlement.Bundle) { b.Receipt.Decision[0] ^= 1 }},
		{"another payer", settlement.ErrWrongParty, func(b *settlement.Bundle) { b.Receipt.Payer = stranger.addr }},
		{"another advert", settlement.ErrAdvertMismatch, func(b *settlement.Bundle) { b.Advert.Seq++ }},
		{"decision text changed", settlement.ErrDecisionMismatch, func(b *settlement.Bundle) { b.DecisionJSON = []byte(`{}`) }},
		{"no salt", settlement.ErrRequestMismatch, func(b *settlement.Bundle) { b.Salt = nil }},
		{"no lane number", settlement.ErrPartialForm, func(b *settlement.Bundle) { b.Receipt.LaneSeq = 0 }},
		{"marked partial", settlement.ErrPartialForm, func(b *settlement.Bundle) { b.Partial = true }},
		{"another chain", settlement.ErrWrongDomain, func(b *settlement.Bundle) { b.Domain.ChainID++ }},
		{"order signature of another", settlement.ErrBadSignature, func(b *settlement.Bundle) {
			b.OrderSig = stranger.sign(t, b.Order.Digest(testDomain))
		}},
		{"advert signature of another", settlement.ErrBadSignature, func(b *settlement.Bundle) {
			b.AdvertSig = stranger.sign(t, b.Advert.Digest(testDomain))
		}},
		{"wrong countersignature", settlement.ErrBadSignature, func(b *settlement.Bundle) {
			b.GatewaySig = stranger.sign(t, b.Receipt.Digest(testDomain))
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := f.opening(t, 0)
			f.record(t, l, o)
			b := f.served(t, 0, o, 1)
			tc.change(&b)
			b.OperatorSig = f.operators[0].sign(t, b.Receipt.Digest(b.Domain))
			_, err := l.AcceptReceipt(t.Context(), b)
			wantErr(t, err, tc.want)
		})
	}
	if b := l.Backlog(); b.Receipts != 0 {
		t.Errorf("refused receipts left a backlog of %+v", b)
	}
	for _, op := range f.operators {
		if owed, err := l.OwedTo(op.addr); err != nil || owed != 0 {
			t.Errorf("refused receipts left %s owed to %s (%v)", owed, op.addr, err)
		}
	}
}

func TestAcceptReceiptAmountAboveOrder(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	o.Order.MaxAmount = 41
	o.OrderSig = f.gateway.sign(t, o.Order.Digest(testDomain))
	f.record(t, l, o)
	_, err := l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1))
	wantErr(t, err, settlement.ErrAmountAboveOrder)
}

func TestAcceptReceiptWrongSignature(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	f.record(t, l, o)
	b := f.served(t, 0, o, 1)
	b.OperatorSig = f.operators[1].sign(t, b.Receipt.Digest(testDomain))
	_, err := l.AcceptReceipt(t.Context(), b)
	wantErr(t, err, settlement.ErrBadSignature)
}

func TestAcceptReceiptOnce(t *testing.T) {
	f := newFixture(t, 1)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	o := f.opening(t, 0)
	_, err := l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1))
	wantErr(t, err, settlement.ErrUnknownOrder)
	f.record(t, l, o)
	_, _, err = l.RecordOrder(t.Context(), o)
	wantErr(t, err, settlement.ErrOrderExists)
	if _, err := l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1)); err != nil {
		t.Fatal(err)
	}
	again := f.opening(t, 0)
	f.record(t, l, again)
	for range 2 { // the second time with a reopened ledger
		_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1))
		wantErr(t, err, settlement.ErrReceiptReplayed)
		_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, o, 2))
		wantErr(t, err, settlement.ErrReceiptReplayed)
		_, _, err = l.RecordOrder(t.Context(), o)
		wantErr(t, err, settlement.ErrOrderExists)
		_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, again, 1))
		wantErr(t, err, settlement.ErrLaneSeqReused)
		closeLedger(t, l)
		l = f.open(t, f.gateway, dir)
	}
	if b := l.Backlog(); b.Receipts != 1 || b.Value != 42 {
		t.Errorf("backlog is %+v, want the one receipt", b)
	}
}

func TestRecordOrderSurvivesReopening(t *testing.T) {
	f := newFixture(t, 1)
	dir := t.TempDir()
	l := f.open(t, f.gateway, dir)
	o := f.opening(t, 0)
	signed := o.OrderSig
	o.OrderSig = nil // the ledger signs
	_, sig, err := l.RecordOrder(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(signed, sig); diff != "" {
		t.Errorf("the ledger's order signature differs:\n%s", diff)
	}
	closeLedger(t, l)
	l = f.open(t, f.gateway, dir)
	o.OrderSig = sig
	if n, err := l.DropOrders(t.Context(), deadline); n != 0 || err != nil {
		t.Errorf("dropped %d orders (%v) at their deadline, want none", n, err)
	}
	if n, err := l.DropOrders(t.Context(), deadline+1); n != 1 || err != nil {
		t.Errorf("dropped %d orders (%v) after their deadline, want 1", n, err)
	}
	_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1))
	wantErr(t, err, settlement.ErrUnknownOrder)
}

func TestRecordOrderRefusals(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, "")
	for _, tc := range []struct {
		name   string
		want   error
		change func(*settlement.Opening)
	}{
		{"another payer", settlement.ErrWrongParty, func(o *settlement.Opening) { o.Order.Payer = f.operators[1].addr }},
		{"advert of another", settlement.ErrAdvertMismatch, func(o *settlement.Opening) { o.Advert.Model = "other" }},
		{"payee of another", settlement.ErrWrongParty, func(o *settlement.Opening) { o.Order.Payee = f.operators[1].addr }},
		{"advert signature", settlement.ErrBadSignature, func(o *settlement.Opening) { o.AdvertSig = o.OrderSig }},
		{"order signature", settlement.ErrBadSignature, func(o *settlement.Opening) { o.OrderSig = o.AdvertSig }},
		{"short salt", settlement.ErrRequestMismatch, func(o *settlement.Opening) { o.Salt = o.Salt[:8] }},
		{"decision", settlement.ErrDecisionMismatch, func(o *settlement.Opening) { o.DecisionJSON += " " }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			o := f.opening(t, 0)
			tc.change(&o)
			_, _, err := l.RecordOrder(t.Context(), o)
			wantErr(t, err, tc.want)
		})
	}
}

func TestAcceptPartialAndAttach(t *testing.T) {
	f := newFixture(t, 2)
	l := f.open(t, f.gateway, t.TempDir())
	o := f.opening(t, 0)
	f.record(t, l, o)
	b := o.Bundle(testDomain, receipt(t, o, 0), nil)
	acc, err := l.AcceptPartial(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	if acc.Voucher.ValueAggregate != 42 {
		t.Errorf("voucher is for %v, want what was delivered", acc.Voucher.ValueAggregate)
	}
	_, err = l.AcceptReceipt(t.Context(), f.served(t, 0, o, 1)) // the operator's own, too late
	wantErr(t, err, settlement.ErrReceiptReplayed)

	digest := b.Receipt.Digest(testDomain)
	wantErr(t, l.AttachOperatorSig(t.Context(), acc.ID, f.operators[1].sign(t, digest)), settlement.ErrBadSignature)
	wantErr(t, l.AttachOperatorSig(t.Context(), settlement.ReceiptID{1}, f.operators[0].sign(t, digest)), settlement.ErrUnknownReceipt)
	for range 2 { // twice is as good as once
		if err := l.AttachOperatorSig(t.Context(), acc.ID, f.operators[0].sign(t, digest)); err != nil {
			t.Fatal(err)
		}
	}
	settle(t, l, f.chain)
	done, err := l.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	if err := settlement.Verify(t.Context(), done, f.chain, settlement.VerifyOptions{Domain: testDomain}).Err(); err != nil {
		t.Error(err)
	}
}

func TestAcceptPartialForm(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	o := f.opening(t, 0)
	f.record(t, l, o)
	_, err := l.AcceptPartial(t.Context(), f.served(t, 0, o, 1))
	wantErr(t, err, settlement.ErrPartialForm)
	b := o.Bundle(testDomain, receipt(t, o, 0), f.operators[0].sign(t, common.Hash{}))
	_, err = l.AcceptPartial(t.Context(), b)
	wantErr(t, err, settlement.ErrPartialForm)
}

func TestLedgerRefusesAnotherOwner(t *testing.T) {
	f := newFixture(t, 1)
	dir := t.TempDir()
	closeLedger(t, f.open(t, f.gateway, dir))
	for _, opts := range []settlement.LedgerOptions{
		{Key: f.operators[0].key, Domain: testDomain},
		{Key: f.gateway.key, Domain: settlement.Domain{ChainID: 1, Contract: testDomain.Contract}},
	} {
		l, err := settlement.OpenLedger(dir, opts)
		wantErr(t, err, settlement.ErrWrongParty)
		if l != nil {
			closeLedger(t, l)
		}
	}
	if _, err := settlement.OpenLedger(dir, settlement.LedgerOptions{}); err == nil {
		t.Error("opened a ledger without a key")
	}
}

func TestClosedLedger(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	closeLedger(t, l)
	closeLedger(t, l) // again is harmless
	_, _, err := l.RecordOrder(t.Context(), f.opening(t, 0))
	wantErr(t, err, settlement.ErrClosed)
	_, err = l.Receipt(settlement.ReceiptID{})
	wantErr(t, err, settlement.ErrClosed)
	for _, err := range l.Receipts(settlement.Filter{}) {
		wantErr(t, err, settlement.ErrClosed)
	}
}

// Who walks through the receipts may use the ledger on the way, also while it closes.
func TestCloseDuringAWalk(t *testing.T) {
	f := newFixture(t, 1)
	l := f.open(t, f.gateway, "")
	f.accept(t, l, 0, 1)
	closed := make(chan error)
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			t.Fatal(err)
		}
		go func() { closed <- l.Close() }()
		for err == nil {
			_, err = l.Receipt(r.Bundle.Receipt.ID())
		}
		wantErr(t, err, settlement.ErrClosed)
		_, _, err = l.RecordOrder(t.Context(), f.opening(t, 0))
		wantErr(t, err, settlement.ErrClosed)
	}
	if err := <-closed; err != nil {
		t.Error(err)
	}
}

func TestReceiptsFilter(t *testing.T) {
	f := newFixture(t, 3)
	l := f.open(t, f.gateway, "")
	for i := range 6 {
		f.accept(t, l, i%2, uint64(i+1))
	}
	settle(t, l, f.chain)
	f.accept(t, l, 0, 100)
	lane := func(op int) *settlement.LaneKey {
		return &settlement.LaneKey{Payer: f.gateway.addr, Payee: f.operators[op].addr}
	}
	pending := []settlement.State{settlement.StatePending}
	for _, tc := range []struct {
		name   string
		filter settlement.Filter
		want   int
	}{
		{"all", settlement.Filter{}, 7},
		{"lane 0", settlement.Filter{Lane: lane(0)}, 4},
		{"lane 1", settlement.Filter{Lane: lane(1)}, 3},
		{"lane 2", settlement.Filter{Lane: lane(2)}, 0},
		{"pending", settlement.Filter{States: pending}, 1},
		{"pending on lane 1", settlement.Filter{Lane: lane(1), States: pending}, 0},
		{"settled on lane 1", settlement.Filter{Lane: lane(1), States: []settlement.State{settlement.StateSettled}}, 3},
	} {
		got := 0
		for r, err := range l.Receipts(tc.filter) {
			if err != nil {
				t.Fatal(err)
			}
			if (r.State == settlement.StateSettled) != (r.Bundle.Inclusion != nil) {
				t.Errorf("%s: receipt in state %v with inclusion %v", tc.name, r.State, r.Bundle.Inclusion)
			}
			got++
		}
		if got != tc.want {
			t.Errorf("%s: %d receipts, want %d", tc.name, got, tc.want)
		}
	}
	for range l.Receipts(settlement.Filter{}) {
		break // leaving early must not panic
	}
}

func TestSentinelsAreDistinct(t *testing.T) {
	all := []error{settlement.ErrBadSignature, settlement.ErrPriceAboveAdvert, settlement.ErrReceiptReplayed, settlement.ErrNotInBatch, settlement.ErrNoStake}
	for i, a := range all {
		for _, b := range all[i+1:] {
			if errors.Is(a, b) {
				t.Errorf("%v is %v", a, b)
			}
		}
	}
}
