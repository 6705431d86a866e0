package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

// An operator works only for orders that it can charge for: signed by who pays, for itself, at its own price, for
// these bytes, and covered by the lane.
func TestOperatorRefusesOrders(t *testing.T) {
	w := newWorld(t)
	honest := w.customer(t, fiveTokens, OperatorConfig{})
	payer, opAddr := honest.payer, honest.op.Operator.self

	type try struct {
		customer
		order settlement.Order
		body  string
	}
	cases := []struct {
		name, code string
		change     func(*try)
	}{
		{"as it should be", "", func(*try) {}},
		{"signed by another", codeBadOrder, func(c *try) { c.key = testKey(t) }},
		{"signed by a key that another payer has authorised", codeBadOrder, func(c *try) {
			c.key = testKey(t)
			w.mem.BindSigner(crypto.PubkeyToAddress(c.key.PublicKey), settlement.SignerBinding{Payer: opAddr})
		}},
		{"signed by an authorised key", "", func(c *try) {
			c.key = testKey(t)
			w.mem.BindSigner(crypto.PubkeyToAddress(c.key.PublicKey), settlement.SignerBinding{Payer: payer})
		}},
		{"signed by a key in its thaw", codeBadOrder, func(c *try) {
			c.key = testKey(t)
			w.mem.BindSigner(crypto.PubkeyToAddress(c.key.PublicKey), settlement.SignerBinding{Payer: payer, ThawEnd: uint64(time.Now().Add(time.Hour).Unix())})
		}},
		{"for another operator", codeBadOrder, func(c *try) { c.order.Payee = payer }},
		{"after its deadline", codeBadOrder, func(c *try) { c.order.Deadline = 1 }},
		{"other bytes than signed", codeBadOrder, func(c *try) { c.body = strings.Replace(c.body, "hi", "ho", 1) }},
		{"another salt", codeBadOrder, func(c *try) { c.salt = []byte(strings.Repeat("x", settlement.SaltLen)) }},
		{"a price never offered", codeStalePrice, func(c *try) { c.order.Advert = common.Hash{1} }},
		{"more than the lane holds", codeEscrow, func(c *try) { c.order.MaxAmount = 1_000_001 }},
		{"for fewer input tokens than it has bytes", codeBadOrder, func(c *try) { c.order.MaxInputTokens = uint32(len(c.body)) - 1 }},
		{"for no output", codeBadOrder, func(c *try) { c.order.MaxOutputTokens = 0 }},
		{"for fewer output tokens than choices", codeBadOrder, func(c *try) {
			c.body = strings.Replace(c.body, "{", `{"n":21,`, 1)
			c.order.MaxInputTokens, c.order.RequestHash = 200, settlement.RequestHash(c.salt, []byte(c.body))
		}},
		{"for less than its tokens may cost", codeBadOrder, func(c *try) { c.order.MaxAmount = 100 + 20*2 - 1 }},
		{"for just what its tokens may cost", "", func(c *try) { c.order.MaxAmount = 100 + 20*2 }},
		{"from a payer without a lane", codeEscrow, func(c *try) {
			c.key = testKey(t)
			c.order.Payer = crypto.PubkeyToAddress(c.key.PublicKey)
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			a := try{*honest, honest.order(customerBody), customerBody} // an order has one receipt
			a.t, a.order.MaxInputTokens = t, 100
			c.change(&a)
			if c.code != "" {
				a.refused("it", c.code, a.order, a.body)
			} else if _, _, err := a.take(a.order, a.body); err != nil {
				t.Errorf("a good order was refused: %v", err)
			}
		})
	}
	// Who has no escrow takes no room in the book of debtors, or it could be filled for nothing.
	for debtor := range honest.op.Operator.credit.debtors {
		if debtor != payer {
			t.Errorf("%s is in the book of debtors", debtor)
		}
	}
}

// liar serves what an honest operator would, then the pieces more, and lets twist change the end of it.
func (w *world) liar(twist func(*settlement.Receipt, *p2p.End), more ...string) {
	w.t.Helper()
	key := testKey(w.t)
	self := crypto.PubkeyToAddress(key.PublicKey)
	w.stake(self, 50_000_000)
	h := w.rawHost(p2p.RoleOperator)
	now := time.Now()
	a := p2p.Advert{Peer: h.ID(), Operator: self, Seq: uint64(now.UnixMilli()), ValidFrom: uint64(now.Unix()) - 1, ValidTo: uint64(now.Add(30 * time.Minute).Unix())}
	o := p2p.Offer{Model: worldModel, InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000, MaxContext: 2048}
	advert := bindingAdvert(a, o)
	var err error
	if o.Sig, err = settlement.Sign(key, advert.Digest(testDomain)); err != nil {
		w.t.Fatal(err)
	}
	a.Offers = []p2p.Offer{o}
	h.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		var order settlement.Order
		var extra orderExtra
		if err := errors.Join(decode(in.Request().Order, &order), decode(in.Request().Extra, &extra), in.Accept()); err != nil {
			return err
		}
		hash := newAnswerHash(extra.Salt)
		for _, piece := range append([]string{`{"choices":[{"index":0,"delta":{"content":"twelve bytes"},"finish_reason":"stop"}]}`}, more...) {
			hash.add([]byte(piece))
			if err := in.Send([]byte(piece), 3); err != nil {
				return err
			}
		}
		r := settlement.Receipt{
			Request: order.Digest(testDomain), Payer: order.Payer, Payee: self, Advert: order.Advert, LaneSeq: uint64(time.Now().UnixNano()),
			InputTokens: 10, OutputTokens: 3, Amount: 16, ServedAt: uint64(time.Now().Unix()),
			RequestHash: order.RequestHash, ResponseHash: hash.sum, Decision: order.Decision,
		}
		end := p2p.End{FinishReason: "stop"}
		if twist(&r, &end); end.FinishReason == "lost" {
			return errors.Join(errors.New("lost"), in.Flush(ctx))
		}
		if end.ReceiptSig == nil {
			if end.ReceiptSig, err = settlement.Sign(key, r.Digest(testDomain)); err != nil {
				return err
			}
		}
		if end.FinishReason != "no receipt" {
			end.Receipt = mustEncode(w.t, r)
		} else {
			end.ReceiptSig = nil
		}
		_, err := in.Finish(end)
		return err
	}, p2p.InferLimits{PerPeer: 4, Total: 4})
	if err := h.Announce(w.t.Context(), a); err != nil {
		w.t.Fatal(err)
	}
	w.waitServing(1)
}

// A gateway pays for what it ordered and got, at the signed price, once: every other receipt is refused, nothing is
// charged, and the client is told.
func TestGatewayRefusesReceipts(t *testing.T) {
	stranger := testKey(t)
	cases := []struct {
		name, says string // says is in the error event; empty: accepted
		twist      func(*settlement.Receipt, *p2p.End)
	}{
		{"honest", "", func(*settlement.Receipt, *p2p.End) {}},
		{"one unit above the advertised price", "price above", func(r *settlement.Receipt, _ *p2p.End) { r.Amount++ }},
		{"one unit below it", "price below", func(r *settlement.Receipt, _ *p2p.End) { r.Amount-- }},
		{"200 times the tokens", "token count is not possible", func(r *settlement.Receipt, _ *p2p.End) { r.OutputTokens, r.Amount = 2000, 4010 }},
		{"more input tokens than bytes allow", "token count is not possible", func(r *settlement.Receipt, _ *p2p.End) { r.InputTokens, r.Amount = 100_000, 100_006 }},
		{"another answer's hash", "another answer", func(r *settlement.Receipt, _ *p2p.End) { r.ResponseHash = common.Hash{1} }},
		{"another request", "does not match its order", func(r *settlement.Receipt, _ *p2p.End) { r.RequestHash = common.Hash{1} }},
		{"another payee", "bad signature", func(r *settlement.Receipt, _ *p2p.End) { r.Payee = common.Address{1} }},
		{"a stranger's signature", "bad signature", func(r *settlement.Receipt, e *p2p.End) {
			sig, err := settlement.Sign(stranger, r.Digest(testDomain))
			if err != nil {
				t.Error(err)
			}
			e.ReceiptSig = sig
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			w.liar(c.twist)
			status, body := w.chat()
			receipts := w.receipts()
			if c.says == "" {
				if status != 200 || !strings.Contains(body, "[DONE]") || len(receipts) != 1 || receipts[0].Receipt.Amount != 16 {
					t.Fatalf("status %d, %d receipts: %s", status, len(receipts), body)
				}
				return
			}
			if len(receipts) != 0 {
				t.Errorf("a receipt was accepted: %+v", receipts[0].Receipt)
			}
			if strings.Contains(body, "[DONE]") || !strings.Contains(body, c.says) || !strings.Contains(body, "nothing is charged") {
				t.Errorf("the client was told: %s; want %q and no [DONE]", body, c.says)
			}
		})
	}
}

// Of an answer that is not streamed a client gets all or nothing, and so does its operator: one that comes with an error, or whose
// stream is lost before its end, is not billed.
func TestNothingIsBilledForAnAnswerThatIsNotStreamedAndNotWhole(t *testing.T) {
	w := newWorld(t)
	w.liar(func(_ *settlement.Receipt, e *p2p.End) { e.Error = "out of memory" })
	if resp, body, err := w.run(t.Context(), false, ""); err != nil || resp.StatusCode == http.StatusOK {
		t.Fatalf("%v, %s, %v", resp, body, err)
	}
	a := w.ordered()
	a.req.Stream, a.last.N, a.last.Tokens, a.text = false, 1, 2, 10
	if err := a.partial(t.Context()); err != nil {
		t.Fatal(err)
	}
	a.release()
	if all := w.receipts(); len(all) != 0 {
		t.Errorf("%d receipts, the first is %+v", len(all), all[0].Receipt)
	}
}

// A client that got nothing and pays nothing is told so, and may ask again.
func TestLostAnswerThatIsNotStreamedMayBeAskedForAgain(t *testing.T) {
	w := newWorld(t)
	w.liar(func(_ *settlement.Receipt, e *p2p.End) { e.FinishReason = "lost" })
	resp, body, err := w.run(t.Context(), false, "")
	if err != nil || resp.StatusCode != http.StatusBadGateway || !strings.Contains(body, `"operator_lost"`) {
		t.Fatalf("%v, %s, %v", resp, body, err)
	}
	if resp.Header.Get("X-Should-Retry") != "" || !strings.Contains(body, "nothing was charged") || len(w.receipts()) != 0 {
		t.Errorf("x-should-retry %q: %s, %d receipts", resp.Header.Get("X-Should-Retry"), body, len(w.receipts()))
	}
}

// Where an operator ends a stream by what no client can be given, what came before is billed, and the client is told by which receipt.
func TestBadPieceIsBilledAndSaysSo(t *testing.T) {
	for code, piece := range map[string]string{"operator_error": `{"error":{"message":"out of memory"}}`, "bad_answer": `{"choices":`} {
		w := newWorld(t)
		w.liar(func(*settlement.Receipt, *p2p.End) {}, piece)
		resp, raw := w.ask(worldAPIKey)
		receipts := w.receipts()
		if len(receipts) != 1 || receipts[0].Receipt.Amount == 0 {
			t.Fatalf("%s: %d receipts: %s", code, len(receipts), raw)
		}
		want := fmt.Sprintf(`"code":%q,"flotilla":{"receipt_id":%q,"cost_micro_usd":%d,`, code, receipts[0].ID(), receipts[0].Receipt.Amount)
		if !strings.Contains(string(raw), want) || strings.Contains(string(raw), "[DONE]") {
			t.Errorf("%s, want %s", raw, want)
		}
		if r := w.loggedAs(resp.Header.Get("X-Request-Id")); r.Code != "cut: "+code || r.Receipt != receipts[0].ID().String() || r.CostMicroUSD != uint64(receipts[0].Receipt.Amount) {
			t.Errorf("logged %+v", r)
		}
		if len(w.gateway.Gateway.Serving()) != 0 {
			t.Error("the operator is asked again at once")
		}
	}
}

// An operator that repeats a receipt for another request is refused.
func TestGatewayRefusesReplayedReceipt(t *testing.T) {
	w := newWorld(t)
	var first *settlement.Receipt
	w.liar(func(r *settlement.Receipt, _ *p2p.End) {
		if first == nil {
			c := *r
			first = &c
			return
		}
		*r = *first
	})
	if status, body := w.chat(); status != 200 || !strings.Contains(body, "[DONE]") {
		t.Fatalf("first answer: %d %s", status, body)
	}
	if _, body := w.chat(); strings.Contains(body, "[DONE]") {
		t.Fatalf("a replayed receipt was accepted: %s", body)
	}
	if n := len(w.receipts()); n != 1 {
		t.Fatalf("%d receipts, want 1", n)
	}
}

// An operator that loses its stake is not asked any more.
func TestOperatorWithoutStakeIsNotAsked(t *testing.T) {
	w := newWorld(t)
	op := w.honestOperator()
	if status, body := w.chat(); status != 200 {
		t.Fatalf("with stake: %d %s", status, body)
	}
	if err := w.mem.ThawStake(op.Operator.self, 50_000_000, uint64(time.Now().Add(time.Hour).Unix())); err != nil {
		t.Fatal(err)
	}
	w.waitServing(0)
	status, body := w.chat()
	if status != 503 || !strings.Contains(body, "no stake") {
		t.Fatalf("without stake: %d %s; want 503 that names the reason", status, body)
	}
}
