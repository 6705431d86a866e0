package node

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
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

// TestStrangersFillNoLog: whoever sends orders and partial receipts that are refused makes an operator log a few lines, not as many as
// it likes; of what is brought again at each sync one.
func TestStrangersFillNoLog(t *testing.T) {
	book := &logBook{}
	w := newEmptyWorld(t)
	w.operatorLog = book.logger()
	w.gateway = w.open(w.gatewayConfig())
	c := w.customer(t, fiveTokens, OperatorConfig{})
	for range 2 { // its order is of before the deadline, and no receipt of now counts
		o := c.order(customerBody)
		o.Nonce, o.Deadline = settlement.DecisionDigest(nil), 1_700_000_000
		if ok, err := c.admits(o); ok || err != nil {
			t.Fatalf("an old partial receipt: signed %v, %v", ok, err)
		}
	}
	if n := strings.Count(book.String(), "partial receipt not signed"); n != 1 {
		t.Errorf("%d lines about one partial receipt", n)
	}
	for range 3 * strangersLinesAtOnce / 2 {
		o := c.order(customerBody)
		o.Deadline = 0
		var rejected *p2p.RejectedError
		if _, _, err := c.take(o, customerBody); !errors.As(err, &rejected) {
			t.Fatal(err)
		}
	}
	if n := strings.Count(book.String(), "order refused"); n < strangersLinesAtOnce/2 || n > 5*strangersLinesAtOnce/4 {
		t.Errorf("%d lines about %d orders", n, 3*strangersLinesAtOnce/2)
	}
	time.Sleep(strangersLineEvery)
	c.refused("one more", codeBadOrder, settlement.Order{Payee: c.op.Operator.self}, customerBody)
	if !strings.Contains(book.String(), "lines_left_out=") {
		t.Error("nothing says how many lines were left out")
	}
}
