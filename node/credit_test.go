package node

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

// A gateway that takes answers and never signs a voucher is served up to the credit limit and no further.
func TestOperatorStopsAtItsCreditLimit(t *testing.T) {
	const limit = 50
	w := newWorld(t)
	payerKey := testKey(t)
	payer := crypto.PubkeyToAddress(payerKey.PublicKey)
	gw := w.rawHost(p2p.RoleGateway, "/ip4/127.0.0.1/tcp/0")
	op := w.operator(OperatorConfig{CreditLimit: limit}, gw.Addrs()...)
	w.mem.Deposit(payer, op.Operator.self, 1_000_000)
	w.eventually("the operator dials the second gateway", func() bool { return gw.Connected(op.fleet.ID()) })
	price := w.gateway.Gateway.candidates(time.Now())[0].Ref.(*priced)

	const costs = 9 + 5*2 // what fiveTokens counts, at the world's price
	var served settlement.Amount
	for range 10 {
		salt, body := make([]byte, settlement.SaltLen), `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`
		salt[0] = byte(served)
		order := settlement.Order{
			Payer: payer, Payee: op.Operator.self, Advert: price.digest, MaxInputTokens: 100, MaxOutputTokens: 20, MaxAmount: 1000,
			RequestHash: settlement.RequestHash(salt, []byte(body)), Nonce: common.Hash{byte(served)}, Deadline: uint64(time.Now().Add(time.Minute).Unix()),
		}
		sig, err := settlement.Sign(payerKey, order.Digest(testDomain))
		if err != nil {
			t.Fatal(err)
		}
		err = takeAndRun(t, gw, op.fleet.ID(), p2p.InferRequest{
			Order: mustEncode(t, order), OrderSig: sig, Extra: mustEncode(t, orderExtra{Salt: salt}), Body: []byte(body), Stream: true,
		})
		var rejected *p2p.RejectedError
		if errors.As(err, &rejected) {
			if rejected.Code != codeNeedVoucher {
				t.Fatalf("refused as %s: %v", rejected.Code, err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		served += costs
		w.eventually("the receipt is in the operator's ledger", func() bool {
			owed, err := op.ledger.Unvouchered(payer)
			return err == nil && owed == served
		})
	}
	if served <= limit || served > limit+costs {
		t.Fatalf("served %v without a voucher, want just above the limit of %v", served, settlement.Amount(limit))
	}
}

// TestCreditBook: debt of streams that broke does not lock an honest gateway out for ever; one that never pays gets one limit
// at first and one an hour.
func TestCreditBook(t *testing.T) {
	const limit = 100
	payer, now := common.Address{1}, time.Unix(1_800_000_000, 0)
	b := creditBook{limit: limit}
	owed := settlement.Amount(90) // from before a restart
	for range 2_000 {             // half a unit is lost every 36 s, as much as is written off
		if got := b.excess(payer, owed, now); got != 0 {
			t.Fatalf("refused after %s for %v above the limit", now.Sub(time.Unix(1_800_000_000, 0)), got)
		}
		owed, now = owed+1, now.Add(36*time.Second)
	}
	cheat := common.Address{2}
	b.excess(cheat, 0, now)
	for hour := range settlement.Amount(5) {
		most := limit * (hour + 1)
		if b.excess(cheat, most, now) != 0 || b.excess(cheat, most+1, now) != 1 {
			t.Errorf("after %d hours it is not served up to %v and no further", hour, most)
		}
		now = now.Add(writeOffEvery)
	}
	if b.excess(cheat, 0, now); b.excess(cheat, limit+1, now) != 1 {
		t.Error("what was written off of a debt that is paid is credit for the next")
	}
}

// TestBrokenAnswersOfOthers: a gateway that breaks many streams and admits none takes no honest one's credit away.
func TestBrokenAnswersOfOthers(t *testing.T) {
	b, now := creditBook{limit: 1_000_000}, time.Unix(1_800_000_000, 0)
	cheat, honest := common.Address{1}, common.Address{2}
	b.excess(cheat, 0, now)
	b.excess(honest, 0, now)
	for i := range uint32(maxBroken + 10) {
		b.broke(cheat, settlement.ReceiptID{1, byte(i >> 16), byte(i >> 8), byte(i)}, 1)
	}
	id := settlement.ReceiptID{2}
	b.broke(honest, id, 500_000)
	b.admitted(id, 500_000)
	if left := b.debtors[honest].broken; left != 0 || len(b.answers) >= maxBroken {
		t.Errorf("%v is owed for what was admitted, %d answers are remembered", left, len(b.answers))
	}
}

// takeAndRun takes a whole answer and leaves without settling it.
func takeAndRun(t *testing.T, gw *p2p.Host, op p2p.PeerID, req p2p.InferRequest) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), worldWait)
	defer cancel()
	call, err := gw.Infer(ctx, op, req)
	if err != nil {
		return err
	}
	defer func() { _ = call.Close() }()
	for {
		if _, err := call.Recv(ctx); err != nil {
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}
	}
}
