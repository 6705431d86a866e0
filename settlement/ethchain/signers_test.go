package ethchain_test

import (
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

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
	payer, thawEnd, err := op.SignerOf(ctx, signer)
	must(t, err)
	if payer != gateway.Account() || thawEnd == 0 {
		t.Fatalf("signer of %s, thaw end %d", payer, thawEnd)
	}
	mined(t, op)(settle(2 * usd)) // counts until the thaw ends
	w.warp(t, laneThaw)
	_, err = settle(3 * usd)
	wantErr(t, err, settlement.ErrBadSignature)
	wantErr(t, gateway.CancelThawSigner(ctx, signer), ethchain.ErrNotYourSigner)
	wantErr(t, gateway.AuthorizeSigner(ctx, signer, consent.Deadline, proof), ethchain.ErrSignerBound)
	checkClaimable(t, op, op.Account(), 2*usd)
}
