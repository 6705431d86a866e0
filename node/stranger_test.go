package node

import (
	"context"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
)

// TestPromisesOfStrangers: what a payer without escrow promises pays nothing, and is not kept. Each kept lane is looked at on chain, in turn,
// before the operator collects from the next.
func TestPromisesOfStrangers(t *testing.T) {
	w := newWorld(t)
	c := w.customer(t, fiveTokens, OperatorConfig{})
	c.key = testKey(t)
	c.payer = crypto.PubkeyToAddress(c.key.PublicKey)
	v := settlement.Voucher{Payer: c.payer, Payee: c.op.Operator.self, ValueAggregate: 1, ReceiptCount: 1}
	ctx, cancel := context.WithTimeout(t.Context(), worldWait)
	defer cancel()
	if _, err := c.gw.Request(ctx, c.op.fleet.ID(), protoLedger, mustEncode(t, ledgerRequest{Voucher: &v, VoucherSig: c.sign(v.Digest(testDomain))})); err == nil || !strings.Contains(err.Error(), "no escrow") {
		t.Error("a stranger's voucher:", err)
	}
	if ok, err := c.admits(c.order(customerBody)); ok || err == nil || !strings.Contains(err.Error(), "no escrow") {
		t.Errorf("a stranger's partial receipt: signed %v, %v", ok, err)
	}
	if lanes, err := c.op.ledger.OwedLanes(); err != nil || len(lanes) != 0 {
		t.Errorf("the operator keeps %+v (%v), want nothing of a stranger", lanes, err)
	}
}
