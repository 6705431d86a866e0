package node

import (
	"context"
	"crypto/ecdsa"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

// customer pays by its own rules: it is what a gateway that wants answers for less than they cost is built on.
type customer struct {
	t      *testing.T
	gw     *p2p.Host
	op     *Node
	price  *priced
	key    *ecdsa.PrivateKey
	payer  common.Address
	salt   []byte
	orders uint64 // so many were made
}

// customerBody asks fiveTokens' model.
const customerBody = `{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`

// customer has a dollar in its lane to an operator of its own.
func (w *world) customer(t *testing.T, model http.HandlerFunc, cfg OperatorConfig) *customer {
	key := testKey(t)
	c := &customer{
		t: t, gw: w.rawHost(p2p.RoleGateway, "/ip4/127.0.0.1/tcp/0"), key: key, payer: crypto.PubkeyToAddress(key.PublicKey),
		salt: []byte(strings.Repeat("s", settlement.SaltLen)),
	}
	c.op = w.operatorOf(model, cfg, c.gw.Addrs()...)
	w.mem.Deposit(c.payer, c.op.Operator.self, 1_000_000)
	w.eventually("the operator dials the customer", func() bool { return c.gw.Connected(c.op.fleet.ID()) })
	c.price = w.gateway.Gateway.candidates(time.Now())[0].Ref.(*priced)
	return c
}

// order is a new one for the body, as it should be.
func (c *customer) order(body string) settlement.Order {
	c.orders++
	return settlement.Order{
		Payer: c.payer, Payee: c.op.Operator.self, Advert: c.price.digest, MaxInputTokens: uint32(len(body)), MaxOutputTokens: 20, MaxAmount: 1000,
		RequestHash: settlement.RequestHash(c.salt, []byte(body)), Decision: settlement.DecisionDigest([]byte("{}")),
		Nonce: common.BytesToHash(binary.BigEndian.AppendUint64(nil, c.orders)), Deadline: uint64(time.Now().Add(time.Minute).Unix()),
	}
}

func (c *customer) sign(digest common.Hash) settlement.Signature {
	c.t.Helper()
	sig, err := settlement.Sign(c.key, digest)
	if err != nil {
		c.t.Fatal(err)
	}
	return sig
}

// ask sends an order.
func (c *customer) ask(ctx context.Context, o settlement.Order, body string) (*p2p.Call, error) {
	c.t.Helper()
	return c.gw.Infer(ctx, c.op.fleet.ID(), p2p.InferRequest{
		Order: mustEncode(c.t, o), OrderSig: c.sign(o.Digest(testDomain)), Extra: mustEncode(c.t, orderExtra{Salt: c.salt}), Body: []byte(body), Stream: true,
	})
}

// take asks for an answer and leaves without settling it. It returns its pieces and how it ended.
func (c *customer) take(o settlement.Order, body string) (pieces int, _ p2p.End, _ error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), worldWait)
	defer cancel()
	call, err := c.ask(ctx, o, body)
	if err != nil {
		return 0, p2p.End{}, err
	}
	defer func() { _ = call.Close() }()
	for ; ; pieces++ {
		if _, err := call.Recv(ctx); errors.Is(err, io.EOF) {
			return pieces, call.End(), nil
		} else if err != nil {
			return pieces, p2p.End{}, err
		}
	}
}

// refused wants an order to be refused.
func (c *customer) refused(what, code string, o settlement.Order, body string) {
	c.t.Helper()
	pieces, _, err := c.take(o, body)
	var rejected *p2p.RejectedError
	if pieces > 0 || !errors.As(err, &rejected) || rejected.Code != code {
		c.t.Errorf("%s: %d pieces and %v, want it refused as %s", what, pieces, err, code)
	}
}

// admits says whether the operator signs a partial receipt of one token; an error is its refusal of the whole message.
func (c *customer) admits(o settlement.Order) (bool, error) {
	c.t.Helper()
	amount, err := settlement.Cost(c.price.advert.Price(), 0, 1)
	if err != nil {
		c.t.Fatal(err)
	}
	opening := settlement.Opening{
		Advert: c.price.advert, AdvertSig: c.price.offer.Sig, Order: o, OrderSig: c.sign(o.Digest(testDomain)), Salt: c.salt, DecisionJSON: "{}",
	}
	b := opening.Bundle(testDomain, settlement.Receipt{
		Request: o.Digest(testDomain), Payer: o.Payer, Payee: o.Payee, Advert: o.Advert, OutputTokens: 1, Amount: amount,
		ServedAt: uint64(time.Now().Unix()), RequestHash: o.RequestHash, Decision: o.Decision,
	}, nil)
	b.GatewaySig = c.sign(b.Receipt.Digest(testDomain))
	ctx, cancel := context.WithTimeout(c.t.Context(), worldWait)
	defer cancel()
	raw, err := c.gw.Request(ctx, c.op.fleet.ID(), protoLedger, mustEncode(c.t, ledgerRequest{Partials: []settlement.Bundle{b}}))
	if err != nil {
		return false, err
	}
	var reply ledgerReply
	err = decode(raw, &reply)
	return len(reply.Signatures) == 1, err
}

// owed is what the operator can charge the customer for.
func (c *customer) owed() settlement.Amount {
	c.t.Helper()
	_, owed, err := c.op.ledger.OwedBy(c.payer)
	if err != nil {
		c.t.Fatal(err)
	}
	return owed
}
