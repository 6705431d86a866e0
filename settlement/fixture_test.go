package settlement_test

import (
	"crypto/ecdsa"
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// The fixture's clock is a number: messages carry their times, nothing here waits for any.
const (
	validFrom = uint64(1_700_000_000)
	servedAt  = validFrom + 100
	deadline  = validFrom + 600
	validTo   = validFrom + 3600
	advertSeq = 7
)

var testDomain = settlement.Domain{ChainID: 1337, Contract: common.HexToAddress("0x5fbdb2315678afecb367f032d93f642f64180aa3")}

// party is someone with a key.
type party struct {
	key  *ecdsa.PrivateKey
	addr common.Address
}

func newParty(tb testing.TB, n int) party {
	tb.Helper()
	key, err := crypto.ToECDSA(common.LeftPadBytes(binary.BigEndian.AppendUint16(nil, uint16(256+n)), 32))
	if err != nil {
		tb.Fatal(err)
	}
	return party{key, crypto.PubkeyToAddress(key.PublicKey)}
}

func (p party) sign(tb testing.TB, digest common.Hash) settlement.Signature {
	tb.Helper()
	sig, err := settlement.Sign(p.key, digest)
	if err != nil {
		tb.Fatal(err)
	}
	return sig
}

// fixture is a gateway with operators on a funded chain.
type fixture struct {
	gateway   party
	operators []party
	chain     *memchain.Chain
	nonce     atomic.Uint64
}

func newFixture(tb testing.TB, operators int) *fixture {
	tb.Helper()
	f := &fixture{gateway: newParty(tb, 0), chain: memchain.New(memchain.Config{Domain: testDomain})}
	for i := range operators {
		op := newParty(tb, i+1)
		f.operators = append(f.operators, op)
		f.chain.AddStake(op.addr, 1_000_000_000)
		f.chain.Deposit(f.gateway.addr, op.addr, 1_000_000_000)
	}
	return f
}

// open returns the ledger of p in dir ("" for memory) and closes it with the test.
func (f *fixture) open(tb testing.TB, p party, dir string) *settlement.Ledger {
	tb.Helper()
	return openLedger(tb, dir, settlement.LedgerOptions{Key: p.key})
}

// openLedger opens one for the fixture's deployment and closes it with the test.
func openLedger(tb testing.TB, dir string, opts settlement.LedgerOptions) *settlement.Ledger {
	tb.Helper()
	opts.Domain = testDomain
	l, err := settlement.OpenLedger(dir, opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { closeLedger(tb, l) })
	return l
}

func closeLedger(tb testing.TB, l *settlement.Ledger) {
	tb.Helper()
	if err := l.Close(); err != nil {
		tb.Error(err)
	}
}

const requestBody = `{"model":"auto","messages":[{"role":"user","content":"why is the sky blue?"}]}`

// advert is operator op's price list, signed.
func (f *fixture) advert(tb testing.TB, op int) (settlement.Advert, settlement.Signature) {
	p := f.operators[op]
	a := settlement.Advert{
		Operator: p.addr, Node: nodeOf(p.addr), Model: "smollm2-135m-instruct",
		Quantization: "q8_0", Runtime: "llama.cpp/b4000", TokenCounting: "runtime", InputPerMTok: 50_000, OutputPerMTok: 200_000,
		PerRequest: 3, MaxContext: 8192, Seq: advertSeq, ValidFrom: validFrom, ValidTo: validTo,
	}
	return a, p.sign(tb, a.Digest(testDomain))
}

// nodeOf is the one node of an operator, as its adverts name it.
func nodeOf(operator common.Address) common.Hash {
	return crypto.Keccak256Hash([]byte("node"), operator[:])
}

// number has an operator's ledger give the fixture's adverts their number.
func (f *fixture) number(tb testing.TB, l *settlement.Ledger) {
	tb.Helper()
	if seq, err := l.NextAdvertSeq(tb.Context(), nodeOf(l.Owner()), time.UnixMilli(advertSeq)); err != nil || seq != advertSeq {
		tb.Fatalf("number %d (%v), want %d", seq, err, advertSeq)
	}
}

// opening is a fresh order to operator op.
func (f *fixture) opening(tb testing.TB, op int) settlement.Opening {
	tb.Helper()
	advert, advertSig := f.advert(tb, op)
	decision := `{"pick":"smollm2-135m-instruct","why":"cheapest < capable & near"}`
	salt := make([]byte, settlement.SaltLen)
	n := f.nonce.Add(1)
	binary.BigEndian.PutUint64(salt, n)
	order := settlement.Order{
		Payer: f.gateway.addr, Payee: f.operators[op].addr, Advert: advert.Digest(testDomain),
		MaxInputTokens: 1000, MaxOutputTokens: 500, MaxAmount: 1000,
		RequestHash: settlement.RequestHash(salt, []byte(requestBody)), Decision: settlement.DecisionDigest([]byte(decision)),
		Nonce: crypto.Keccak256Hash(salt), Deadline: deadline,
	}
	return settlement.Opening{
		Advert: advert, AdvertSig: advertSig, Order: order, OrderSig: f.gateway.sign(tb, order.Digest(testDomain)),
		Salt: salt, DecisionJSON: decision,
	}
}

// receipt is an honest receipt for the opening: 300 input and 120 output tokens, 42 base units.
func receipt(tb testing.TB, o settlement.Opening, laneSeq uint64) settlement.Receipt {
	tb.Helper()
	amount, err := settlement.Cost(o.Advert.Price(), 300, 120)
	if err != nil {
		tb.Fatal(err)
	}
	return settlement.Receipt{
		Request: o.Order.Digest(testDomain), Payer: o.Order.Payer, Payee: o.Order.Payee, Advert: o.Order.Advert, LaneSeq: laneSeq,
		InputTokens: 300, OutputTokens: 120, Amount: amount, ServedAt: servedAt,
		RequestHash: o.Order.RequestHash, ResponseHash: crypto.Keccak256Hash([]byte("an answer")), Decision: o.Order.Decision,
	}
}

// served is the opening's honest receipt, signed by the operator only.
func (f *fixture) served(tb testing.TB, op int, o settlement.Opening, laneSeq uint64) settlement.Bundle {
	tb.Helper()
	r := receipt(tb, o, laneSeq)
	return o.Bundle(testDomain, r, f.operators[op].sign(tb, r.Digest(testDomain)))
}

// accept takes one request to operator op through the gateway's ledger.
func (f *fixture) accept(tb testing.TB, l *settlement.Ledger, op int, laneSeq uint64) settlement.Acceptance {
	tb.Helper()
	o := f.opening(tb, op)
	f.record(tb, l, o)
	acc, err := l.AcceptReceipt(tb.Context(), f.served(tb, op, o, laneSeq))
	if err != nil {
		tb.Fatal(err)
	}
	return acc
}

// vouched is an acceptance as it leaves for the operator.
func vouched(tb testing.TB, l *settlement.Ledger, acc settlement.Acceptance) settlement.Acceptance {
	tb.Helper()
	acc, err := l.Vouched(tb.Context(), acc)
	if err != nil {
		tb.Fatal(err)
	}
	return acc
}

func (f *fixture) record(tb testing.TB, l *settlement.Ledger, o settlement.Opening) {
	tb.Helper()
	if _, _, err := l.RecordOrder(tb.Context(), o); err != nil {
		tb.Fatal(err)
	}
}

// settledBundle is an honest bundle that the fixture's chain holds, third of five in its batch.
func (f *fixture) settledBundle(tb testing.TB) settlement.Bundle {
	tb.Helper()
	l := f.open(tb, f.gateway, "")
	ids := make([]settlement.ReceiptID, 0, 5)
	for i := range 5 {
		ids = append(ids, f.accept(tb, l, i%len(f.operators), uint64(i+1)).ID)
	}
	settle(tb, l, f.chain)
	for _, id := range ids {
		b, err := l.Bundle(id)
		if err != nil {
			tb.Fatal(err)
		}
		if b.Inclusion.Index == 2 {
			return b
		}
	}
	tb.Fatal("no bundle has index 2 of 5")
	return settlement.Bundle{}
}

func settle(tb testing.TB, l *settlement.Ledger, chain settlement.Chain) {
	tb.Helper()
	if err := settlement.NewSettler(l, chain, settlement.SettlerConfig{Poll: time.Millisecond}).SettleNow(tb.Context()); err != nil {
		tb.Fatal(err)
	}
}

func wantErr(tb testing.TB, err, want error) {
	tb.Helper()
	if !errors.Is(err, want) {
		tb.Errorf("got error %v, want %v", err, want)
	}
}

func mustJSON(tb testing.TB, v any) []byte {
	tb.Helper()
	data, err := json.Marshal(v)
	if err != nil {
		tb.Fatal(err)
	}
	return data
}
