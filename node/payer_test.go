package node

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
)

// A gateway whose key is not the account that pays: the account authorises the key and funds the lane, operators serve
// and are paid, and a revocation ends new work while what was served stays collectable.
func TestGatewayPaysFromAnotherAccount(t *testing.T) {
	w := newEmptyWorld(t)
	payer, signer := crypto.PubkeyToAddress(testKey(t).PublicKey), crypto.PubkeyToAddress(w.gwKey.PublicKey)
	cfg := w.gatewayConfig()
	cfg.Payer = payer
	w.mem.BindSigner(signer, settlement.SignerBinding{Payer: payer})
	w.gateway = w.open(cfg)
	op := w.startOperator(fiveTokens, OperatorConfig{})
	w.mem.Deposit(payer, op.Operator.self, 1_000_000)
	w.waitServing(1)
	if status, body := w.chat(); status != http.StatusOK {
		t.Fatalf("status %d: %s", status, body)
	}

	r := w.receipts()[0]
	if r.Receipt.Payer != payer {
		t.Errorf("receipt of payer %s, want %s", r.Receipt.Payer, payer)
	}
	if by, err := settlement.Recover(r.Receipt.Digest(testDomain), r.GatewaySig); err != nil || by != signer {
		t.Errorf("countersigned by %s (%v), want the gateway's key %s", by, err, signer)
	}
	w.eventually("the operator holds a voucher", func() bool {
		vouchered, _, err := op.ledger.OwedBy(payer)
		return err == nil && vouchered >= r.Receipt.Amount
	})
	if err := w.gateway.SettleNow(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lane, err := w.mem.Lane(t.Context(), payer, op.Operator.self); err != nil || lane.Collected != r.Receipt.Amount || lane.Balance+lane.Collected != 1_000_000 {
		t.Errorf("lane %+v (%v), want %v paid of the dollar that its owner put in", lane, err, r.Receipt.Amount)
	}
	settled := w.receipts()[0]
	if err := settlement.Verify(t.Context(), settled, w.mem, settlement.VerifyOptions{Domain: testDomain}).Err(); err != nil {
		t.Error(err)
	}

	w.mem.BindSigner(signer, settlement.SignerBinding{Payer: payer, ThawEnd: uint64(time.Now().Add(time.Hour).Unix())})
	w.eventually("the operator takes no new work", func() bool { status, _ := w.chat(); return status != http.StatusOK })
}

// A gateway does not start with a key that no operator would take orders from, and says what to do.
func TestGatewayNeedsItsKeyAuthorised(t *testing.T) {
	w := newEmptyWorld(t)
	payer := crypto.PubkeyToAddress(testKey(t).PublicKey)
	cfg := w.onChain(w.gatewayConfig())
	cfg.Payer = payer
	signer := crypto.PubkeyToAddress(w.gwKey.PublicKey)
	for want, binding := range map[string]settlement.SignerBinding{
		"has not authorised the key": {},
		"revokes the key":            {Payer: payer, ThawEnd: uint64(time.Now().Add(time.Hour).Unix())},
	} {
		w.mem.BindSigner(signer, binding)
		if _, err := Open(t.Context(), cfg); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want an error that says %q", binding, err, want)
		}
	}
}
