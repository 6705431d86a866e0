package settlement_test

import (
	"encoding/json"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

// TestPromisesUnderAnything has a gateway and two operators serve many requests while answers break, messages are lost, late,
// doubled and overtake one another, prices change, both ends are killed and lose power, operators lose their ledgers or go on with old
// copies of them, the chain fails, and escrow and stake run out.
// At no time has anyone signed two things that contradict each other, or lost one that another was shown. When the faults are over,
// everybody is owed, and paid, what the receipts add up to.
func TestPromisesUnderAnything(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		m := newMarket(t, rt)
		defer m.close()
		rt.Repeat(map[string]func(*rapid.T){
			"order":   m.order,
			"deliver": func(rt *rapid.T) { m.pick(rt).deliver(rt) },
			"end":     func(rt *rapid.T) { m.end(rt, m.pick(rt)) },
			"break":   func(rt *rapid.T) { m.lose(rt, m.pick(rt)) },
			"settle":  m.receiveSettlement,
			"sync":    func(rt *rapid.T) { m.sync(rt, rapid.IntRange(0, 1).Draw(rt, "operator")) },
			"again":   m.repeatSync,
			"price":   func(*rapid.T) { m.price++ },
			"crash":   m.crash,
			"copy":    m.copyLedger,
			"lost":    m.loseLedger,
			"batch":   func(*rapid.T) { _ = m.settler.Step(m.t.Context()) }, // its error is the fault of the moment
			"chain":   m.chainFault,
			"collect": func(rt *rapid.T) { _ = m.collect(rapid.IntRange(0, 1).Draw(rt, "operator")) },
			"fund":    m.fund,
			"":        m.check,
		})
		m.heal(rt)
		m.checkPaid(rt)
	})
}

// node is a party and its ledger.
type node struct {
	party
	disk   *vfs.MemFS
	ledger *settlement.Ledger
	copied *vfs.MemFS // the disk as it was some time ago; nil: there is no copy
	lost   bool       // the ledger was lost, or is a copy that went on
}

func (n *node) open(rt *rapid.T) {
	var err error
	if n.ledger, err = settlement.OpenLedger("ledger", settlement.LedgerOptions{Key: n.key, Domain: testDomain}.OnFiles(n.disk)); err != nil {
		rt.Fatal(err)
	}
}

// answer is one under way. What the gateway has got is never more than what the operator has sent.
type answer struct {
	o         settlement.Opening
	op        int
	sent, got uint32
}

// deliver sends some tokens, which arrive or not.
func (a *answer) deliver(rt *rapid.T) {
	a.sent += rapid.Uint32Range(1, 50).Draw(rt, "sent")
	a.got = rapid.Uint32Range(a.got, a.sent).Draw(rt, "got")
}

// settled is what a gateway sends for a receipt that it has accepted.
type settled struct {
	op  int
	acc settlement.Acceptance
}

// brought is what a gateway sends an operator that may have missed something.
type brought struct {
	op       int
	partials []settlement.Bundle
	voucher  settlement.Voucher
	sig      settlement.Signature
}

// market is a gateway, its operators, and all that is between them.
type market struct {
	t         *testing.T
	f         *fixture
	gw        *node
	ops       []*node
	settler   *settlement.Settler
	collector []*settlement.Collector
	now       time.Time
	price     uint64
	answers   []*answer
	mail      []settled
	syncs     []brought

	signed   map[common.Hash]settlement.Receipt   // by request: what its operator has signed
	accepted map[settlement.ReceiptID]common.Hash // the digests of receipts whose settlement has left the gateway
	vouched  map[common.Address]settlement.Amount // the highest voucher that an operator was sent
	sizes    map[settlement.ReceiptID]uint32      // tokens that a request's operator has sent
}

func newMarket(t *testing.T, rt *rapid.T) *market {
	m := &market{
		t: t, f: &fixture{gateway: newParty(t, 0), chain: memchain.New(memchain.Config{Domain: testDomain})}, now: time.Unix(int64(servedAt), 0),
		signed: map[common.Hash]settlement.Receipt{}, accepted: map[settlement.ReceiptID]common.Hash{},
		vouched: map[common.Address]settlement.Amount{}, sizes: map[settlement.ReceiptID]uint32{},
	}
	m.gw = &node{party: m.f.gateway, disk: vfs.NewCrashableMem()}
	m.gw.open(rt)
	for i := range 2 {
		p := newParty(t, i+1)
		m.f.operators = append(m.f.operators, p)
		m.ops = append(m.ops, &node{party: p, disk: vfs.NewCrashableMem()})
		m.ops[i].open(rt)
	}
	m.restarted()
	return m
}

// restarted gives the processes that drive the chain their ledgers, without a memory.
func (m *market) restarted() {
	m.settler = settlement.NewSettler(m.gw.ledger, m.f.chain, settlement.SettlerConfig{MaxAge: time.Nanosecond, RetryWait: time.Nanosecond})
	m.collector = nil
	for _, op := range m.ops {
		m.collector = append(m.collector, settlement.NewCollector(op.ledger, m.f.chain, settlement.CollectorConfig{MaxWait: time.Nanosecond}))
	}
}

func (m *market) close() {
	for _, n := range append(m.ops, m.gw) {
		_ = n.ledger.Close()
	}
}

// pick takes an answer under way.
func (m *market) pick(rt *rapid.T) *answer {
	if len(m.answers) == 0 {
		rt.Skip("none is under way")
	}
	return rapid.SampledFrom(m.answers).Draw(rt, "answer")
}

func (m *market) over(a *answer) {
	m.answers = slices.DeleteFunc(m.answers, func(b *answer) bool { return a == b })
}

func (m *market) order(rt *rapid.T) {
	op := rapid.IntRange(0, 1).Draw(rt, "operator")
	o := m.f.opening(m.t, op)
	seq, err := m.ops[op].ledger.NextAdvertSeq(m.t.Context(), o.Advert.Node, time.UnixMilli(int64(m.f.nonce.Load())))
	if err != nil {
		rt.Fatal(err)
	}
	o.Advert.Seq, o.Advert.OutputPerMTok = seq, 200_000*(1+m.price%3)
	o.AdvertSig = m.ops[op].sign(m.t, o.Advert.Digest(testDomain))
	o.Order.Advert, o.Order.MaxOutputTokens, o.Order.MaxAmount, o.OrderSig = o.Advert.Digest(testDomain), 1<<20, 1<<40, nil
	if _, o.OrderSig, err = m.gw.ledger.RecordOrder(m.t.Context(), o); err != nil {
		rt.Fatal(err)
	}
	m.answers = append(m.answers, &answer{o: o, op: op})
}

// receiptFor is for so many tokens of the answer.
func (a *answer) receiptFor(t *testing.T, tokens uint32) settlement.Bundle {
	r := receipt(t, a.o, 0)
	r.OutputTokens, r.ResponseHash = tokens, crypto.Keccak256Hash(a.o.Salt, []byte{byte(tokens), byte(tokens >> 8)})
	var err error
	if r.Amount, err = settlement.Cost(a.o.Advert.Price(), r.InputTokens, tokens); err != nil {
		t.Fatal(err)
	}
	return a.o.Bundle(testDomain, r, nil)
}

// end has the operator sign for what the gateway has got. The gateway accepts that, or never sees it.
func (m *market) end(rt *rapid.T, a *answer) {
	b := a.receiptFor(m.t, a.got)
	b.Partial, b.Salt, b.DecisionJSON = false, nil, nil
	b, err := m.ops[a.op].ledger.RecordServed(m.t.Context(), b)
	if err != nil {
		rt.Fatal(err)
	}
	m.note(rt, b.Receipt)
	m.sizes[b.ID()] = a.sent
	if rapid.Bool().Draw(rt, "the end is lost") {
		m.lose(rt, a)
		return
	}
	m.over(a)
	b.Salt, b.DecisionJSON = a.o.Salt, json.RawMessage(a.o.DecisionJSON)
	acc, err := m.gw.ledger.AcceptReceipt(m.t.Context(), b)
	if err != nil {
		rt.Fatal(err)
	}
	if rapid.Bool().Draw(rt, "the settlement is never sent") {
		return
	}
	if acc, err = m.gw.ledger.Vouched(m.t.Context(), acc); err != nil {
		rt.Fatal(err)
	}
	m.accepted[b.ID()] = b.Receipt.Digest(testDomain)
	m.vouched[acc.Voucher.Payee] = max(m.vouched[acc.Voucher.Payee], acc.Voucher.ValueAggregate)
	m.mail = append(m.mail, settled{a.op, acc})
}

// lose breaks the answer: the gateway admits what it has got.
func (m *market) lose(rt *rapid.T, a *answer) {
	m.over(a)
	b := a.receiptFor(m.t, a.got)
	m.sizes[b.ID()] = a.sent
	if a.got == 0 {
		return
	}
	if _, err := m.gw.ledger.AcceptPartial(m.t.Context(), b); err != nil {
		rt.Fatal(err)
	}
}

// note keeps what an operator has signed for a request: it may sign that again, and nothing else.
func (m *market) note(rt *rapid.T, r settlement.Receipt) {
	if had, there := m.signed[r.Request]; there && had != r {
		rt.Fatalf("an operator signed two receipts for one request: %+v and %+v", had, r)
	}
	m.signed[r.Request] = r
}

// receiveSettlement delivers any settlement that was sent, and may do so again.
func (m *market) receiveSettlement(rt *rapid.T) {
	if len(m.mail) == 0 {
		rt.Skip("none is under way")
	}
	i := rapid.IntRange(0, len(m.mail)-1).Draw(rt, "settlement")
	s := m.mail[i]
	if !rapid.Bool().Draw(rt, "it comes again") {
		m.mail = slices.Delete(m.mail, i, i+1)
	}
	if _, err := m.ops[s.op].ledger.AcceptSettlement(m.t.Context(), s.acc.ID, s.acc.GatewaySig, s.acc.Voucher, s.acc.VoucherSig); err != nil &&
		!(m.ops[s.op].lost && errors.Is(err, settlement.ErrUnknownReceipt)) {
		rt.Fatalf("an honest settlement is refused: %v", err)
	}
}

// sync brings an operator partial receipts and the voucher.
func (m *market) sync(rt *rapid.T, op int) {
	b := brought{op: op}
	var err error
	if b.partials, err = m.gw.ledger.UnsignedPartials(m.ops[op].addr, 2, time.Now()); err == nil {
		b.voucher, b.sig, err = m.gw.ledger.Voucher(m.ops[op].addr)
	}
	if err != nil {
		rt.Fatal(err)
	}
	m.vouched[m.ops[op].addr] = b.voucher.ValueAggregate
	for _, p := range b.partials {
		m.accepted[p.ID()] = p.Receipt.Digest(testDomain)
	}
	m.syncs = append(m.syncs, b)
	m.bring(rt, b)
}

// repeatSync has an old message come late, or again.
func (m *market) repeatSync(rt *rapid.T) {
	if len(m.syncs) == 0 {
		rt.Skip("there was none")
	}
	m.bring(rt, rapid.SampledFrom(m.syncs).Draw(rt, "message"))
}

// bring has the operator do what it is asked, as node does: the voucher first, which covers the receipts. Settlements of other answers come
// in between. The gateway keeps what is sent back, unless that is lost.
func (m *market) bring(rt *rapid.T, b brought) {
	op := m.ops[b.op].ledger
	if _, err := op.AcceptVoucher(m.t.Context(), b.voucher, b.sig); err != nil && !errors.Is(err, settlement.ErrStaleVoucher) {
		rt.Fatalf("an honest voucher is refused: %v", err)
	}
	for _, p := range b.partials {
		if len(m.mail) > 0 && rapid.Bool().Draw(rt, "a settlement comes in between") {
			m.receiveSettlement(rt)
		}
		if rapid.IntRange(0, 9).Draw(rt, "the operator stops here") == 0 {
			return
		}
		sig, err := op.CountersignPartial(m.t.Context(), p)
		if errors.Is(err, settlement.ErrReceiptReplayed) || m.ops[b.op].lost && errors.Is(err, settlement.ErrUnknownAdvert) {
			continue
		} else if err != nil {
			rt.Fatal(err)
		}
		m.note(rt, p.Receipt)
		if rapid.Bool().Draw(rt, "the signature is lost") {
			continue
		}
		if err := m.gw.ledger.AttachOperatorSig(m.t.Context(), p.ID(), sig); err != nil {
			rt.Fatal(err)
		}
	}
}

// crash kills one end, or cuts its power; its answers are lost with it. The other end notices, unless it was the gateway that died.
func (m *market) crash(rt *rapid.T) {
	i := rapid.IntRange(0, 2).Draw(rt, "who")
	n := append(m.ops[:2:2], m.gw)[i]
	disk := n.disk
	if rapid.Bool().Draw(rt, "power") {
		disk = disk.CrashClone(vfs.CrashCloneCfg{UnsyncedDataPercent: rapid.IntRange(0, 100).Draw(rt, "left"), RNG: rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 1))})
	}
	m.reopen(rt, n, disk)
}

// reopen starts an end anew on a disk.
func (m *market) reopen(rt *rapid.T, n *node, disk *vfs.MemFS) {
	if err := n.ledger.Close(); err != nil {
		rt.Fatal(err)
	}
	n.disk = disk
	n.open(rt)
	m.restarted()
	for _, a := range slices.Clone(m.answers) {
		if n == m.gw {
			m.over(a)
		} else if n == m.ops[a.op] {
			m.lose(rt, a)
		}
	}
}

// copyLedger has an operator copy its ledger, while it serves nothing: of what it signed after the copy, under adverts that are in it, the
// copy cannot know.
func (m *market) copyLedger(rt *rapid.T) {
	i := rapid.IntRange(0, 1).Draw(rt, "operator")
	if slices.ContainsFunc(m.answers, func(a *answer) bool { return a.op == i }) {
		rt.Skip("it is serving")
	}
	n := m.ops[i]
	n.copied = n.disk.CrashClone(vfs.CrashCloneCfg{})
}

// loseLedger has an operator go on with the copy that it has, if any, or without anything.
func (m *market) loseLedger(rt *rapid.T) {
	n := m.ops[rapid.IntRange(0, 1).Draw(rt, "operator")]
	disk := vfs.NewCrashableMem()
	if n.copied != nil {
		disk = n.copied.CrashClone(vfs.CrashCloneCfg{})
	}
	n.lost = true
	m.reopen(rt, n, disk)
}

func (m *market) chainFault(rt *rapid.T) {
	inject := rapid.SampledFrom([]func(*memchain.Chain, memchain.Method, int){
		(*memchain.Chain).FailCall, (*memchain.Chain).DropTx, (*memchain.Chain).LoseAnswer,
	}).Draw(rt, "fault")
	inject(m.f.chain, rapid.SampledFrom([]memchain.Method{memchain.SubmitBatch, memchain.SettleVoucher, memchain.Lane, memchain.TxStatus}).Draw(rt, "method"), 1)
}

// collect looks at an operator's lanes, an hour after the last look.
func (m *market) collect(op int) error {
	m.now = m.now.Add(time.Hour)
	return m.collector[op].Collect(m.t.Context(), m.now)
}

// fund adds escrow and stake, of which there is never much, or begins to take them out: what they do not cover stays owed.
func (m *market) fund(rt *rapid.T) {
	op := m.ops[rapid.IntRange(0, 1).Draw(rt, "operator")].addr
	m.f.chain.Deposit(m.gw.addr, op, settlement.Amount(rapid.Uint64Range(0, 100).Draw(rt, "escrow")))
	m.f.chain.AddStake(op, settlement.Amount(rapid.Uint64Range(0, 100).Draw(rt, "stake")))
	m.f.chain.ThawLane(m.gw.addr, op, rapid.Uint64Range(0, 1).Draw(rt, "escrow thaws until"))
	_ = m.f.chain.ThawStake(op, settlement.Amount(rapid.Uint64Range(0, 100).Draw(rt, "stake that thaws")), 1) // none is left, or some thaws already
}
