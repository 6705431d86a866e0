package node

import (
	"context"
	"crypto/ecdsa"
	"errors"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

// cheat is a gateway that wants answers for less than they cost.
type cheat struct {
	t     *testing.T
	ctx   context.Context
	key   *ecdsa.PrivateKey
	payer common.Address
	host  *p2p.Host
	op    *Node
	price common.Hash
}

const cheatBody = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// order is an order and what sends it.
func (c *cheat) order(n byte) (settlement.Opening, p2p.InferRequest) {
	c.t.Helper()
	salt := make([]byte, settlement.SaltLen)
	salt[0] = n
	o := settlement.Order{
		Payer: c.payer, Payee: c.op.Operator.self, Advert: c.price, MaxInputTokens: 100, MaxOutputTokens: 20, MaxAmount: 1000,
		RequestHash: settlement.RequestHash(salt, []byte(cheatBody)), Decision: settlement.DecisionDigest([]byte("{}")),
		Nonce: common.Hash{n}, Deadline: uint64(time.Now().Add(time.Minute).Unix()),
	}
	sig, err := settlement.Sign(c.key, o.Digest(testDomain))
	signed, ok := c.op.Operator.prices.find(c.price, time.Now())
	if err != nil || !ok {
		c.t.Fatalf("the operator knows its own price: %t, %v", ok, err)
	}
	return settlement.Opening{Advert: signed.advert, AdvertSig: signed.sig, Order: o, OrderSig: sig, Salt: salt, DecisionJSON: "{}"},
		p2p.InferRequest{Order: mustEncode(c.t, o), OrderSig: sig, Extra: mustEncode(c.t, orderExtra{Salt: salt}), Body: []byte(cheatBody), Stream: true}
}

// admits says whether the operator signs a partial receipt of one token.
func (c *cheat) admits(o settlement.Opening) bool {
	c.t.Helper()
	amount, err := settlement.Cost(o.Advert.Price(), 0, 1)
	if err != nil {
		c.t.Fatal(err)
	}
	b := o.Bundle(testDomain, settlement.Receipt{
		Request: o.Order.Digest(testDomain), Payer: c.payer, Payee: o.Order.Payee, Advert: o.Order.Advert, OutputTokens: 1, Amount: amount,
		ServedAt: uint64(time.Now().Unix()), RequestHash: o.Order.RequestHash, Decision: o.Order.Decision,
	}, nil)
	if b.GatewaySig, err = settlement.Sign(c.key, b.Receipt.Digest(testDomain)); err != nil {
		c.t.Fatal(err)
	}
	raw, err := c.host.Request(c.ctx, c.op.fleet.ID(), protoLedger, mustEncode(c.t, ledgerRequest{Partials: []settlement.Bundle{b}}))
	var reply ledgerReply
	if err = errors.Join(err, decode(raw, &reply)); err != nil {
		c.t.Fatal(err)
	}
	return len(reply.Signatures) == 1
}

func (c *cheat) refused(what string, req p2p.InferRequest) {
	c.t.Helper()
	err := takeAndRun(c.t, c.host, c.op.fleet.ID(), req)
	var rejected *p2p.RejectedError
	if !errors.As(err, &rejected) || rejected.Code != codeBadOrder {
		c.t.Errorf("%s: got %v, want it refused", what, err)
	}
}

// An order has one receipt, so a gateway could have an answer for less than it costs: by admitting a token of it before the
// operator has signed for the whole, or by sending the order again. The operator works for no such order, and signs no partial
// receipt for one that is in work.
func TestOperatorWorksOnceForAnOrder(t *testing.T) {
	w, key := newWorld(t), testKey(t)
	ctx, cancel := context.WithTimeout(t.Context(), worldWait)
	defer cancel()
	c := &cheat{t: t, ctx: ctx, key: key, payer: crypto.PubkeyToAddress(key.PublicKey), host: w.rawHost(p2p.RoleGateway, "/ip4/127.0.0.1/tcp/0")}
	var slow atomic.Bool
	started, goOn := make(chan struct{}), make(chan struct{})
	c.op = w.operatorOf(func(rw http.ResponseWriter, r *http.Request) {
		if slow.Swap(false) {
			close(started)
			<-goOn
		}
		fiveTokens(rw, r)
	}, OperatorConfig{}, c.host.Addrs()...)
	w.mem.Deposit(c.payer, c.op.Operator.self, 1_000_000)
	w.eventually("the operator dials the second gateway", func() bool { return c.host.Connected(c.op.fleet.ID()) })
	c.price = w.gateway.Gateway.candidates(time.Now())[0].Ref.(*priced).digest

	o, req := c.order(1)
	if !c.admits(o) {
		t.Fatal("the partial receipt of an order that the operator knows nothing of is not signed")
	}
	c.refused("an order with a partial receipt", req)

	slow.Store(true)
	o, req = c.order(2)
	done := make(chan error, 1)
	go func() { done <- takeAndRun(t, c.host, c.op.fleet.ID(), req) }()
	<-started
	if c.admits(o) {
		t.Error("a partial receipt was signed while the order was in work")
	}
	c.refused("an order that is in work", req)
	close(goOn)
	if err := <-done; err != nil {
		t.Errorf("the order in work: %v", err)
	}
	c.refused("an order that was served", req)
	const partial, whole = 2, 9 + 5*2 // what a token and what fiveTokens cost
	w.eventually("both are in the operator's ledger", func() bool {
		owed, err := c.op.ledger.Unvouchered(c.payer)
		return err == nil && owed == partial+whole
	})
}
