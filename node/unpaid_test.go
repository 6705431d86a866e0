package node

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

// customer pays by its own rules: it is what a gateway that wants answers for nothing is built on.
type customer struct {
	t     *testing.T
	gw    *p2p.Host
	op    *Node
	price *priced
	sign  func(settlement.Order) settlement.Signature
	payer common.Address
}

func (w *world) customer(t *testing.T, model http.HandlerFunc, cfg OperatorConfig) *customer {
	key := testKey(t)
	c := &customer{t: t, gw: w.rawHost(p2p.RoleGateway, "/ip4/127.0.0.1/tcp/0"), payer: crypto.PubkeyToAddress(key.PublicKey)}
	c.op = w.operatorOf(model, cfg, c.gw.Addrs()...)
	w.mem.Deposit(c.payer, c.op.Operator.self, 1_000_000)
	w.eventually("the operator dials the customer", func() bool { return c.gw.Connected(c.op.fleet.ID()) })
	c.price = w.gateway.Gateway.candidates(time.Now())[0].Ref.(*priced)
	c.sign = func(o settlement.Order) settlement.Signature {
		sig, err := settlement.Sign(key, o.Digest(testDomain))
		if err != nil {
			t.Fatal(err)
		}
		return sig
	}
	return c
}

// order for the body, as it should be.
func (c *customer) order(body string, life time.Duration) settlement.Order {
	return settlement.Order{
		Payer: c.payer, Payee: c.op.Operator.self, Advert: c.price.digest, MaxInputTokens: uint32(len(body)), MaxOutputTokens: 20, MaxAmount: 1000,
		RequestHash: settlement.RequestHash(c.salt(), []byte(body)), Deadline: uint64(time.Now().Add(life).Unix()),
	}
}

func (c *customer) salt() []byte { return []byte(strings.Repeat("s", settlement.SaltLen)) }

// take asks for an answer and returns its pieces and how it ended.
func (c *customer) take(o settlement.Order, body string) (pieces int, _ p2p.End, _ error) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), worldWait)
	defer cancel()
	call, err := c.gw.Infer(ctx, c.op.fleet.ID(), p2p.InferRequest{
		Order: mustEncode(c.t, o), OrderSig: c.sign(o), Extra: mustEncode(c.t, orderExtra{Salt: c.salt()}), Body: []byte(body), Stream: true,
	})
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

// owed is what the operator can charge the customer for.
func (c *customer) owed() settlement.Amount {
	owed, err := c.op.ledger.Unvouchered(c.payer)
	if err != nil {
		c.t.Fatal(err)
	}
	return owed
}

// An order is for one answer: neither while that is made nor when it has been is there another.
func TestOperatorServesAnOrderOnce(t *testing.T) {
	w := newWorld(t)
	var asked atomic.Int32
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	body := `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	o := c.order(body, time.Minute)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() { _, _, _ = c.take(o, body) })
	}
	all.Wait()
	var rejected *p2p.RejectedError
	if n, _, err := c.take(o, body); n > 0 || !errors.As(err, &rejected) || rejected.Code != codeBadOrder {
		t.Errorf("again: %d pieces, %v", n, err)
	}
	if asked.Load() != 1 || c.owed() != 9+5*2 {
		t.Errorf("%d answers for %v", asked.Load(), c.owed())
	}
}

// What the model makes is no more than the order pays for, whatever the request asks for.
func TestOperatorMakesNoMoreThanItIsPaidFor(t *testing.T) {
	w := newWorld(t)
	asked := make(chan string, 1)
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost {
			raw, _ := io.ReadAll(r.Body)
			asked <- string(raw)
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	body := `{"stream":true,"n":2,"max_tokens":1000000,"max_completion_tokens":1000000,"messages":[{"role":"user","content":"hi"}]}`
	if _, _, err := c.take(c.order(body, time.Minute), body); err != nil {
		t.Fatal(err)
	}
	if got := <-asked; !strings.Contains(got, `"max_tokens":10,`) || !strings.Contains(got, `"max_completion_tokens":10,`) {
		t.Errorf("20 tokens are paid for, the model was asked with %s", got)
	}
}

// endless is a model server that never comes to an end, with a word for each tick.
func endless(every time.Duration) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" {
			fiveTokens(rw, r)
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		tick := time.NewTicker(every)
		defer tick.Stop()
		for ; ; <-tick.C {
			if _, err := fmt.Fprint(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"word \"}}]}\n\n"); err != nil || r.Context().Err() != nil {
				return
			}
			rw.(http.Flusher).Flush()
		}
	}
}

// An answer that takes longer than its order lives is cut then, and charged as far as it came: after the deadline no
// receipt counts.
func TestOperatorStopsAtTheDeadline(t *testing.T) {
	w := newWorld(t)
	c := w.customer(t, endless(200*time.Millisecond), OperatorConfig{})
	body := `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	pieces, end, err := c.take(c.order(body, 2*time.Second), body)
	if err != nil || pieces == 0 || pieces > 15 || end.Error == "" || end.OutputTokens != uint32(pieces) || len(end.Receipt) == 0 {
		t.Errorf("%d pieces, %+v, %v", pieces, end, err)
	}
	if c.owed() == 0 {
		t.Error("nothing is owed")
	}
}

// A gateway that breaks the stream in the middle of each answer, and never admits what it got, is served up to the credit limit
// and no further; what it admits is the ledger's to count.
func TestBrokenAnswersCountTowardsTheCreditLimit(t *testing.T) {
	const limit = 200
	w := newWorld(t)
	c := w.customer(t, endless(time.Millisecond), OperatorConfig{CreditLimit: limit})
	body := `{"stream":true,"messages":[{"role":"user","content":"hi"}]}`
	var rejected *p2p.RejectedError
	got := 0
	for i := 0; i < 50 && rejected == nil; i++ {
		o := c.order(body, time.Minute)
		o.Nonce, o.MaxOutputTokens = common.Hash{byte(i)}, 200
		call, err := c.gw.Infer(t.Context(), c.op.fleet.ID(), p2p.InferRequest{
			Order: mustEncode(t, o), OrderSig: c.sign(o), Extra: mustEncode(t, orderExtra{Salt: c.salt()}), Body: []byte(body), Stream: true,
		})
		if errors.As(err, &rejected) {
			if rejected.Code == p2p.CodeOverloaded { // the last one is not over yet
				rejected = nil
				time.Sleep(20 * time.Millisecond)
			}
			continue
		}
		for n := 0; err == nil && n < 60; n++ {
			if _, err = call.Recv(t.Context()); err == nil {
				got++
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		if err := call.Close(); err != nil {
			t.Error(err)
		}
		time.Sleep(20 * time.Millisecond)
	}
	if rejected == nil || rejected.Code != codeNeedVoucher {
		t.Fatalf("%d tokens for nothing, and then %v", got, rejected)
	}
	if strings.Contains(rejected.Message, "0.000000 USD") || !strings.Contains(rejected.Message, "limit of 0.000200 USD") {
		t.Errorf("refused with %q: all that is owed is for broken answers, and the message does not say how much", rejected.Message)
	}
	book := &c.op.Operator.credit
	book.mu.Lock()
	answers := maps.Clone(book.answers)
	book.mu.Unlock()
	for id, a := range answers {
		book.admitted(id, a.amount)
		book.admitted(id, a.amount)
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	if left := book.debtors[c.payer].broken; left != 0 {
		t.Errorf("%v is owed for what was admitted", left)
	}
}
