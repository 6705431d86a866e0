package settlement_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// hotFixture is a fixture whose gateway signs with a key that it has authorised, and that key.
func hotFixture(t *testing.T) (*fixture, party, *settlement.Ledger) {
	t.Helper()
	f, hot := newFixture(t, 1), newParty(t, 99)
	f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr})
	return f, hot, openLedger(t, "", settlement.LedgerOptions{Key: hot.key, Owner: f.gateway.addr})
}

// openOperator returns the operator's ledger, which asks the chain whose keys are whose.
func (f *fixture) openOperator(t *testing.T) *settlement.Ledger {
	t.Helper()
	return openLedger(t, "", settlement.LedgerOptions{Key: f.operators[0].key, Signers: f.chain})
}

// hotServed takes one request through both ledgers; everything of the gateway is signed by its authorised key.
func (f *fixture) hotServed(t *testing.T, gateway, op *settlement.Ledger) settlement.Acceptance {
	t.Helper()
	o := f.opening(t, 0)
	o.OrderSig = nil
	_, sig, err := gateway.RecordOrder(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	o.OrderSig = sig
	b, err := op.RecordServed(t.Context(), f.unserved(t, o))
	if err != nil {
		t.Fatal(err)
	}
	b.Salt, b.DecisionJSON = o.Salt, json.RawMessage(o.DecisionJSON)
	acc, err := gateway.AcceptReceipt(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return vouched(t, gateway, acc)
}

// A gateway knows its own key for its owner's without asking anybody, also for an order that it signed before it was restarted.
func TestAuthorisedKeyAfterARestart(t *testing.T) {
	f, hot, dir := newFixture(t, 1), newParty(t, 99), t.TempDir()
	f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr})
	opts := settlement.LedgerOptions{Key: hot.key, Owner: f.gateway.addr}
	gateway, op := openLedger(t, dir, opts), f.openOperator(t)
	o := f.opening(t, 0)
	o.OrderSig = nil
	_, sig, err := gateway.RecordOrder(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	closeLedger(t, gateway)
	o.OrderSig = sig
	b, err := op.RecordServed(t.Context(), f.unserved(t, o))
	if err != nil {
		t.Fatal(err)
	}
	b.Salt, b.DecisionJSON = o.Salt, json.RawMessage(o.DecisionJSON)
	if _, err := openLedger(t, dir, opts).AcceptReceipt(t.Context(), b); err != nil {
		t.Error(err)
	}
}

// An operator takes an authorised key's orders, countersignatures and vouchers for the payer's own, the chain settles its
// batch, and a verifier finds all of it right.
func TestAuthorisedKeyFromOrderToVerification(t *testing.T) {
	f, hot, gateway := hotFixture(t)
	op := f.openOperator(t)
	acc := f.hotServed(t, gateway, op)
	if signer, err := settlement.Recover(acc.Voucher.Digest(testDomain), acc.VoucherSig); err != nil || signer != hot.addr {
		t.Fatalf("voucher signed by %s (%v), want the authorised key", signer, err)
	}
	owed, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig)
	if err != nil || owed != 0 {
		t.Fatalf("%v owed without a voucher: %v", owed, err)
	}
	settle(t, gateway, f.chain)
	b, err := gateway.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	opts := settlement.VerifyOptions{Domain: testDomain}
	if err := settlement.Verify(t.Context(), b, f.chain, opts).Err(); err != nil {
		t.Errorf("receipt: %v", err)
	}
	wantErr(t, settlement.Verify(t.Context(), b, nil, opts).Err(), settlement.ErrCannotCheck)
	batch, err := gateway.ExportBatch(1)
	if err != nil {
		t.Fatal(err)
	}
	if err := settlement.VerifyBatch(t.Context(), batch, f.chain, opts).Err(); err != nil {
		t.Errorf("batch: %v", err)
	}
	f.chain.BindSigner(hot.addr, settlement.SignerBinding{})
	wantErr(t, settlement.VerifyBatch(t.Context(), batch, f.chain, opts).Err(), settlement.ErrBadSignature)
}

// What a verifier says of a receipt whose order and countersignature come from another key than the payer's.
func TestVerifyAsksWhoseTheKeyIs(t *testing.T) {
	f, hot, gateway := hotFixture(t)
	acc := f.hotServed(t, gateway, f.openOperator(t))
	settle(t, gateway, f.chain)
	b, err := gateway.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	both := []string{settlement.CheckGatewaySignature, settlement.CheckOrderSignature}
	for _, tc := range []struct {
		name    string
		binding settlement.SignerBinding
		failed  []string
	}{
		{"authorised", settlement.SignerBinding{Payer: f.gateway.addr}, nil},
		{"revoked after it was served", settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: servedAt + 1}, nil},
		{"revoked when it was served", settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: servedAt}, both},
		{"another payer's", settlement.SignerBinding{Payer: f.operators[0].addr}, both},
		{"nobody's", settlement.SignerBinding{}, both},
	} {
		t.Run(tc.name, func(t *testing.T) {
			f.chain.BindSigner(hot.addr, tc.binding)
			r := settlement.Verify(t.Context(), b, f.chain, settlement.VerifyOptions{Domain: testDomain})
			if diff := cmp.Diff(tc.failed, r.Failed()); diff != "" {
				t.Errorf("failed checks (-want +got):\n%s", diff)
			}
			if len(r.Checks) != len(allChecks) {
				t.Errorf("%d checks, want all %d", len(r.Checks), len(allChecks))
			}
			for _, c := range r.Checks {
				if tc.failed == nil && slices.Contains(both, c.Name) && !strings.Contains(c.Evidence, hot.addr.Hex()) {
					t.Errorf("%s does not name the key: %s", c.Name, c.Evidence)
				}
			}
			if tc.failed != nil {
				wantErr(t, r.Err(), settlement.ErrBadSignature)
			}
		})
	}
}

// A key that is revoked, somebody else's or nobody's moves nothing in an operator's ledger, also while its lane is open.
func TestOperatorRefusesARevokedKey(t *testing.T) {
	f, hot, gateway := hotFixture(t)
	op := f.openOperator(t)
	acc := f.hotServed(t, gateway, op)
	o := f.opening(t, 0)
	o.OrderSig = hot.sign(t, o.Order.Digest(testDomain))
	now := uint64(time.Now().Unix())
	for name, binding := range map[string]settlement.SignerBinding{
		"revoked":         {Payer: f.gateway.addr, ThawEnd: now},
		"another payer's": {Payer: f.operators[0].addr},
		"nobody's":        {},
	} {
		t.Run(name, func(t *testing.T) {
			f.chain.BindSigner(hot.addr, binding)
			_, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig)
			wantErr(t, err, settlement.ErrBadSignature)
			_, err = op.AcceptVoucher(t.Context(), acc.Voucher, acc.VoucherSig)
			wantErr(t, err, settlement.ErrBadSignature)
			_, err = op.RecordServed(t.Context(), f.unserved(t, o))
			wantErr(t, err, settlement.ErrBadSignature)
		})
	}
	f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: now + 3600})
	if _, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig); err != nil {
		t.Errorf("a key in its thaw still counts: %v", err)
	}
	// The payer's own key goes on where the revoked one ended.
	if _, err := op.AcceptVoucher(t.Context(), acc.Voucher, f.gateway.sign(t, acc.Voucher.Digest(testDomain))); err != nil {
		t.Errorf("the same total by the payer itself: %v", err)
	}
}

// A countersignature that neither the payer nor the voucher's signer has made is refused.
func TestCountersignatureOfAThirdKeyIsRefused(t *testing.T) {
	f, _, gateway := hotFixture(t)
	op := f.openOperator(t)
	acc := f.hotServed(t, gateway, op)
	r, err := gateway.Bundle(acc.ID)
	if err != nil {
		t.Fatal(err)
	}
	third := newParty(t, 98).sign(t, r.Receipt.Digest(testDomain))
	_, err = op.AcceptSettlement(t.Context(), acc.ID, third, acc.Voucher, acc.VoucherSig)
	wantErr(t, err, settlement.ErrBadSignature)
	own := f.gateway.sign(t, r.Receipt.Digest(testDomain))
	if _, err = op.AcceptSettlement(t.Context(), acc.ID, own, acc.Voucher, acc.VoucherSig); err != nil {
		t.Errorf("the payer's own: %v", err)
	}
}

// An operator brings a voucher on chain at once when the key that has signed it is being revoked.
func TestCollectorDoesNotWaitForARevocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hot, gateway := hotFixture(t)
		op := f.openOperator(t)
		acc := f.hotServed(t, gateway, op)
		if _, err := op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, acc.Voucher, acc.VoucherSig); err != nil {
			t.Fatal(err)
		}
		f.chain.SetLaneCost(1_000_000)
		c := settlement.NewCollector(op, f.chain, settlement.CollectorConfig{})
		for _, step := range []struct {
			thawEnd uint64
			want    settlement.Amount
		}{{0, 0}, {uint64(time.Now().Add(time.Hour).Unix()), 42}} {
			f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: step.thawEnd})
			if err := c.Collect(t.Context(), time.Now()); err != nil {
				t.Fatal(err)
			}
			if got := claimable(t, f); got != step.want {
				t.Fatalf("thaw end %d: collected %v, want %v", step.thawEnd, got, step.want)
			}
		}
	})
}

// A cache asks once while it is fresh, again after, goes by the last answer while the chain is away, and keeps no error.
func TestSignerCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hot, _ := hotFixture(t)
		cache := settlement.NewSignerCache(f.chain, 3*time.Second)
		defer cache.Close()
		ask := func() settlement.SignerBinding {
			t.Helper()
			b, err := cache.SignerOf(t.Context(), hot.addr)
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		f.chain.SetDown(true)
		if _, err := cache.SignerOf(context.Background(), hot.addr); err == nil {
			t.Fatal("no error with the chain down")
		}
		f.chain.SetDown(false)
		if got := ask(); got.Payer != f.gateway.addr {
			t.Fatalf("bound to %+v", got)
		}
		before := f.chain.Calls(memchain.SignerOf)
		f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: 7})
		if got := ask(); got.ThawEnd != 0 || f.chain.Calls(memchain.SignerOf) != before {
			t.Errorf("asked again while fresh: %+v", got)
		}
		f.chain.SetDown(true)
		time.Sleep(3 * time.Second)
		if got := ask(); got.ThawEnd != 0 {
			t.Errorf("believes %+v with the chain down", got)
		}
		f.chain.SetDown(false)
		time.Sleep(3 * time.Second)
		if got := ask(); got.ThawEnd != 7 {
			t.Errorf("believes %+v after it was stale", got)
		}
	})
}

// Any garbage is the signature of some key. Keys get no more of the chain node's quota than StrangersPerSecond, and one that signs for a
// payer, in its thaw too, is asked about as if there were none of them.
func TestInventedKeysUseLittleOfTheChainNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hot, _ := hotFixture(t)
		cache := settlement.NewSignerCache(f.chain, 3*time.Second)
		defer cache.Close()
		for _, thawEnd := range []uint64{0, 7, 7} {
			f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: thawEnd})
			if b, err := cache.SignerOf(t.Context(), hot.addr); err != nil || b.ThawEnd != thawEnd {
				t.Fatalf("%+v, %v", b, err)
			}
			before, refused := f.chain.Calls(memchain.SignerOf), 0
			for i := range 500 {
				if _, err := cache.SignerOf(t.Context(), common.BytesToAddress([]byte{77, byte(thawEnd), byte(i >> 8), byte(i)})); errors.Is(err, settlement.ErrManyStrangers) {
					refused++
				}
			}
			if asked := f.chain.Calls(memchain.SignerOf) - before; asked > settlement.StrangersAtOnce || refused != 500-asked {
				t.Fatalf("the chain was asked about %d of 500 invented keys, %d were refused", asked, refused)
			}
			time.Sleep(3 * time.Second)
		}
	})
}

// An operator that is started again while invented keys flood it asks about those that have paid it before, and their payers: it knows them
// from its ledger.
func TestFamiliarKeysAreNoStrangers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hot, gateway := hotFixture(t)
		op := f.openOperator(t)
		acc := f.hotServed(t, gateway, op)
		if _, err := op.AcceptVoucher(t.Context(), acc.Voucher, acc.VoucherSig); err != nil {
			t.Fatal(err)
		}
		familiar, err := op.Familiar()
		if err != nil || len(familiar) != 2 || !familiar[hot.addr] || !familiar[f.gateway.addr] {
			t.Fatalf("familiar are %v (%v), want the key and its payer", familiar, err)
		}
		cache := settlement.NewSignerCache(f.chain, 3*time.Second)
		defer cache.Close()
		cache.Expect(familiar)
		for i := range 500 {
			_, _ = cache.SignerOf(t.Context(), common.BytesToAddress([]byte{77, byte(i >> 8), byte(i)}))
		}
		if b, err := cache.SignerOf(t.Context(), hot.addr); err != nil || b.Payer != f.gateway.addr {
			t.Errorf("the key that has paid: %+v, %v", b, err)
		}
	})
}

// A payer cannot take back what it has promised by promising it again with a key that it is about to revoke: such a voucher
// takes no other key's place, and counts for nothing when there is no time left to bring it on chain.
func TestRevokedKeyTakesNoPromiseBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, hot, gateway := hotFixture(t)
		op := f.openOperator(t)
		acc := f.hotServed(t, gateway, op)
		v := acc.Voucher
		own := f.gateway.sign(t, v.Digest(testDomain))
		later := v
		later.ValueAggregate, later.ReceiptCount = v.ValueAggregate+1, v.ReceiptCount+1
		laterSig := hot.sign(t, later.Digest(testDomain))
		thaw := func(left time.Duration) {
			f.chain.BindSigner(hot.addr, settlement.SignerBinding{Payer: f.gateway.addr, ThawEnd: uint64(time.Now().Add(left).Unix())})
		}
		thaw(5 * time.Second)
		_, err := op.AcceptVoucher(t.Context(), v, acc.VoucherSig)
		wantErr(t, err, settlement.ErrBadSignature) // nobody is quick enough to settle it
		if _, err := op.AcceptVoucher(t.Context(), v, own); err != nil {
			t.Fatal(err)
		}
		for _, left := range []time.Duration{5 * time.Second, time.Hour} {
			thaw(left)
			_, err = op.AcceptVoucher(t.Context(), v, acc.VoucherSig)
			wantErr(t, err, settlement.ErrBadSignature)
			_, err = op.AcceptVoucher(t.Context(), later, laterSig)
			wantErr(t, err, settlement.ErrBadSignature)
			_, err = op.AcceptSettlement(t.Context(), acc.ID, acc.GatewaySig, later, laterSig)
			wantErr(t, err, settlement.ErrBadSignature)
		}
		time.Sleep(2 * time.Hour)
		held, sig, err := op.HeldVoucher(f.gateway.addr)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := f.chain.SettleVoucher(t.Context(), held, sig); err != nil {
			t.Errorf("settle what is held when the key is revoked: %v", err)
		}
		if got := claimable(t, f); got != 42 {
			t.Errorf("collected %v, want 42", got)
		}
	})
}
