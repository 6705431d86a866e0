package ethchain_test

import (
	"crypto/ecdsa"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
)

// A key that consented signs vouchers for a payer until its thaw ends, and never again for anybody.
func TestSignersLifeFromConsentToRevocation(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	signer := ethchain.AddressOf(w.op2)
	must(t, op.AddStake(ctx, 100*usd))
	must(t, gateway.Deposit(ctx, op.Account(), 50*usd))
	settle := func(total settlement.Amount) (common.Hash, error) {
		v, _ := w.voucher(t, w.op1, total)
		return op.SettleVoucher(ctx, v, sign(t, w.op2, v.Digest(w.domain())))
	}
	consent := settlement.SignerAuthorization{Payer: gateway.Account(), Signer: signer, Deadline: uint64(time.Now().Add(time.Hour).Unix()) + uint64(epoch/time.Second)}
	proof := sign(t, w.op2, consent.Digest(w.domain()))

	_, err := settle(usd)
	wantErr(t, err, settlement.ErrBadSignature)
	wantErr(t, gateway.AuthorizeSigner(ctx, signer, consent.Deadline, sign(t, w.gateway, consent.Digest(w.domain()))), settlement.ErrBadSignature)
	wantErr(t, gateway.AuthorizeSigner(ctx, signer, 1, proof), ethchain.ErrConsentExpired)
	must(t, gateway.AuthorizeSigner(ctx, signer, consent.Deadline, proof))
	wantErr(t, gateway.AuthorizeSigner(ctx, signer, consent.Deadline, proof), ethchain.ErrSignerBound)
	mined(t, op)(settle(usd))
	checkClaimable(t, op, op.Account(), usd)

	wantErr(t, op.ThawSigner(ctx, signer), ethchain.ErrNotYourSigner)
	must(t, gateway.ThawSigner(ctx, signer))
	must(t, gateway.CancelThawSigner(ctx, signer))
	must(t, gateway.ThawSigner(ctx, signer))
	binding, err := op.SignerOf(ctx, signer)
	must(t, err)
	if binding.Payer != gateway.Account() || binding.ThawEnd == 0 {
		t.Fatalf("signer is bound to %+v", binding)
	}
	mined(t, op)(settle(2 * usd)) // counts until the thaw ends
	w.warp(t, laneThaw)
	_, err = settle(3 * usd)
	wantErr(t, err, settlement.ErrBadSignature)
	wantErr(t, gateway.CancelThawSigner(ctx, signer), ethchain.ErrNotYourSigner)
	wantErr(t, gateway.AuthorizeSigner(ctx, signer, consent.Deadline, proof), ethchain.ErrSignerBound)
	checkClaimable(t, op, op.Account(), 2*usd)
}

// On a real chain with an open lane: a gateway's authorised key has its batch settled and verified, and its operator collects
// the newest voucher as soon as the payer revokes the key. From the thaw's end on nothing counts that it signs.
func TestRevocationWhileALaneIsOpen(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	payer, op, hot := w.as(t, w.gateway), w.as(t, w.op1), w.as(t, w.op2)
	must(t, op.AddStake(ctx, 100*usd))
	must(t, payer.Deposit(ctx, op.Account(), 50*usd))
	head, err := w.Client().HeaderByNumber(ctx, nil)
	must(t, err)
	consent := settlement.SignerAuthorization{Payer: payer.Account(), Signer: hot.Account(), Deadline: head.Time + 3600}
	must(t, payer.AuthorizeSigner(ctx, hot.Account(), consent.Deadline, sign(t, w.op2, consent.Digest(w.domain()))))

	digests := []common.Hash{{7}}
	tree, err := settlement.NewMerkleTree(digests)
	must(t, err)
	b := settlement.Batch{Payer: payer.Account(), Epoch: 1, ReceiptCount: 1, ReceiptsRoot: tree.Root(), Lanes: []settlement.LaneTotal{lane(w.op1, usd)}}
	bundle := settlement.BatchBundle{Domain: w.domain(), Batch: b, PayerSig: sign(t, w.op2, b.Digest(w.domain())), Digests: digests}
	mined(t, hot)(hot.SubmitBatch(ctx, b, bundle.PayerSig)) // sent by the key's own account
	must(t, settlement.VerifyBatch(ctx, bundle, op, settlement.VerifyOptions{Domain: w.domain()}).Err())

	ledger, err := settlement.OpenLedger("", settlement.LedgerOptions{Key: w.op1, Signers: op, Domain: w.domain()})
	must(t, err)
	t.Cleanup(func() { must(t, ledger.Close()) })
	v, _ := w.voucher(t, w.op1, 2*usd)
	_, err = ledger.AcceptVoucher(ctx, v, sign(t, w.op2, v.Digest(w.domain())))
	must(t, err)
	collector := settlement.NewCollector(ledger, op, settlement.CollectorConfig{})
	must(t, collector.Collect(ctx, time.Now()))
	checkClaimable(t, op, op.Account(), usd) // nothing is due yet
	must(t, payer.ThawSigner(ctx, hot.Account()))
	must(t, collector.Collect(ctx, time.Now()))
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if got, err := op.Claimable(ctx, op.Account()); err == nil && got == 2*usd {
			break
		} else if time.Now().After(end) {
			t.Fatalf("claimable %v (%v), want what the voucher says", got, err)
		}
	}

	binding, err := op.SignerOf(ctx, hot.Account())
	must(t, err)
	digest := v.Digest(w.domain())
	for at, want := range map[uint64]error{binding.ThawEnd - 1: nil, binding.ThawEnd: settlement.ErrBadSignature} {
		_, err := settlement.CheckPayer(ctx, op, "voucher", payer.Account(), digest, sign(t, w.op2, digest), at)
		wantErr(t, err, want)
	}
}

// A payer's keys are found among those of others, in pieces of the chain, each as it stands now.
func TestAuthorizedSignersAreListed(t *testing.T) {
	w, ctx := newWorld(t, gap), deadline(t)
	gateway, op := w.as(t, w.gateway), w.as(t, w.op1)
	authorize := func(payer *ethchain.Chain, key *ecdsa.PrivateKey) common.Address {
		t.Helper()
		head, err := w.Client().HeaderByNumber(ctx, nil)
		must(t, err)
		consent := settlement.SignerAuthorization{Payer: payer.Account(), Signer: ethchain.AddressOf(key), Deadline: head.Time + 3600}
		must(t, payer.AuthorizeSigner(ctx, consent.Signer, consent.Deadline, sign(t, key, consent.Digest(w.domain()))))
		return consent.Signer
	}
	check := func(want ...ethchain.AuthorizedSigner) {
		t.Helper()
		for _, pieces := range []uint64{1, 2, 1000} {
			reader := w.open(t, nil, func(*ethchain.Config) {})
			ethchain.SetScanBlocks(reader, pieces)
			got, err := reader.AuthorizedSigners(ctx, gateway.Account())
			must(t, err)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("in pieces of %d blocks (-want +got):\n%s", pieces, diff)
			}
		}
	}
	check()
	first, _, second := authorize(gateway, newKey(t)), authorize(op, newKey(t)), authorize(gateway, newKey(t))
	bound := settlement.SignerBinding{Payer: gateway.Account()}
	check(ethchain.AuthorizedSigner{Key: first, Binding: bound}, ethchain.AuthorizedSigner{Key: second, Binding: bound})

	must(t, gateway.ThawSigner(ctx, first))
	thawing, err := op.SignerOf(ctx, first)
	must(t, err)
	if thawing.ThawEnd == 0 {
		t.Fatal("no thaw was started")
	}
	check(ethchain.AuthorizedSigner{Key: first, Binding: thawing}, ethchain.AuthorizedSigner{Key: second, Binding: bound})
	w.warp(t, laneThaw) // revoked, and still listed
	check(ethchain.AuthorizedSigner{Key: first, Binding: thawing}, ethchain.AuthorizedSigner{Key: second, Binding: bound})
}
