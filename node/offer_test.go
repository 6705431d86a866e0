package node

import (
	"crypto/ecdsa"
	"errors"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/p2p"
	"flotilla/settlement"
)

var testDomain = settlement.Domain{ChainID: 1337, Contract: common.HexToAddress("0x1")}

func testKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := crypto.GenerateKey()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// signedAdvert is an advertisement of one model, priced and signed by key.
func signedAdvert(t *testing.T, key *ecdsa.PrivateKey) p2p.Advert {
	t.Helper()
	now := time.Now()
	a := p2p.Advert{
		Peer: "12D3KooWtest", Operator: crypto.PubkeyToAddress(key.PublicKey), Seq: 1,
		ValidFrom: uint64(now.Unix()), ValidTo: uint64(now.Add(time.Minute).Unix()),
	}
	o := p2p.Offer{Model: "smollm2-135m-instruct", InputPerMTok: 100, OutputPerMTok: 200, MaxContext: 2048}
	sig, err := settlement.Sign(key, bindingAdvert(a, o).Digest(testDomain))
	if err != nil {
		t.Fatal(err)
	}
	o.Sig = sig
	a.Offers = []p2p.Offer{o}
	return a
}

func viewWithStake(op common.Address, stake settlement.Amount) *chainView {
	v := newChainView(nil, common.Address{}, time.Second, nil)
	v.snap.Store(&chainSnapshot{stakes: map[common.Address]settlement.Amount{op: stake}})
	return v
}

func TestAdvertChecker(t *testing.T) {
	key := testKey(t)
	cases := map[string]struct {
		change  func(*p2p.Advert)
		stake   settlement.Amount
		verdict p2p.Verdict
		err     error
	}{
		"as signed":        {func(*p2p.Advert) {}, 1, p2p.Accept, nil},
		"without stake":    {func(*p2p.Advert) {}, 0, p2p.Ignore, ErrUnstaked},
		"neither":          {func(a *p2p.Advert) { a.Offers[0].Sig = nil }, 0, p2p.Ignore, ErrUnstaked}, // its signatures are not looked at
		"price changed":    {func(a *p2p.Advert) { a.Offers[0].OutputPerMTok++ }, 1, p2p.Reject, ErrAdvertSignature},
		"other model":      {func(a *p2p.Advert) { a.Offers[0].Model = "llama-3.1-405b-instruct" }, 1, p2p.Reject, ErrAdvertSignature},
		"longer validity":  {func(a *p2p.Advert) { a.ValidTo += 60 }, 1, p2p.Reject, ErrAdvertSignature},
		"another node":     {func(a *p2p.Advert) { a.Peer = "12D3KooWother" }, 1, p2p.Reject, ErrAdvertSignature},
		"another operator": {func(a *p2p.Advert) { a.Operator = [20]byte{9} }, 1, p2p.Reject, ErrAdvertSignature},
		"token counting":   {func(a *p2p.Advert) { a.Offers[0].TokenCounting = "generous" }, 1, p2p.Reject, ErrAdvertSignature},
		"no signature":     {func(a *p2p.Advert) { a.Offers[0].Sig = nil }, 1, p2p.Reject, ErrAdvertSignature},
		"signature cut":    {func(a *p2p.Advert) { a.Offers[0].Sig = a.Offers[0].Sig[:64] }, 1, p2p.Reject, ErrAdvertSignature},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			a := signedAdvert(t, key)
			c.change(&a)
			verdict, err := advertChecker(testDomain, viewWithStake(a.Operator, c.stake))(a)
			if verdict != c.verdict || !errors.Is(err, c.err) {
				t.Errorf("got %v, %v; want %v, %v", verdict, err, c.verdict, c.err)
			}
		})
	}
}

// An advertisement signed for one chain or contract is worth nothing on another.
func TestAdvertCheckerOtherDomain(t *testing.T) {
	key := testKey(t)
	a := signedAdvert(t, key)
	for _, d := range []settlement.Domain{{ChainID: 1, Contract: testDomain.Contract}, {ChainID: 1337, Contract: common.HexToAddress("0x2")}} {
		if v, err := advertChecker(d, viewWithStake(a.Operator, 1))(a); v != p2p.Reject || !errors.Is(err, ErrAdvertSignature) {
			t.Errorf("domain %v: got %v, %v; want reject", d, v, err)
		}
	}
}

// An operator's prices may come before its stake shows. They are offered with the look at the chain that shows it, and not later.
func TestPricesAreKnownWithTheStake(t *testing.T) {
	w := newEmptyWorld(t)
	cfg := w.gatewayConfig()
	cfg.ChainPoll = time.Hour // it looks when it is told to
	w.gateway = w.open(cfg)
	op := w.startOperator(fiveTokens, OperatorConfig{})
	w.eventually("the operator announces its prices", func() bool { return len(op.fleet.Adverts()) == 1 })
	w.eventually("the gateway has them", func() bool { return w.gateway.fleet.Sync(t.Context(), op.fleet.ID()) == nil })
	if err := w.gateway.view.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(w.gateway.fleet.Adverts()); n != 1 {
		t.Errorf("%d operators are offered once the stake shows, want 1", n)
	}
}
