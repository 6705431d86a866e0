package settlement_test

import (
	"errors"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"flotilla/settlement"
)

// check is true at any time.
func (m *market) check(rt *rapid.T) {
	for id, digest := range m.accepted {
		if b, err := m.gw.ledger.Bundle(id); err != nil || b.Receipt.Digest(testDomain) != digest {
			rt.Fatalf("the gateway has %+v for a receipt that it has sent (%v)", b.Receipt, err)
		}
	}
	sums, _ := m.sums(rt, m.gw.ledger)
	for _, op := range m.ops {
		total, err := m.gw.ledger.OwedTo(op.addr)
		if err != nil || total != sums[op.addr] || total < m.vouched[op.addr] {
			rt.Fatalf("the gateway owes %v (%v), its receipts add up to %v, it has signed for %v", total, err, sums[op.addr], m.vouched[op.addr])
		}
		held, _, err := op.ledger.HeldVoucher(m.gw.addr)
		if err != nil || held.ValueAggregate > m.vouched[op.addr] {
			rt.Fatalf("the operator holds a voucher for %v (%v), it was sent %v at most", held.ValueAggregate, err, m.vouched[op.addr])
		}
		lane, err := m.f.chain.Lane(m.t.Context(), m.gw.addr, op.addr)
		if err == nil && lane.Collected > total {
			rt.Fatalf("the chain has paid %v of %v", lane.Collected, total)
		}
	}
	if faults, err := m.gw.ledger.Evidence(); err != nil || len(faults) > 0 {
		rt.Fatalf("an honest operator is accused: %+v (%v)", faults, err)
	}
}

// sums of the ledger's receipts, by payee, and the amounts by id. No receipt is for more than was sent.
func (m *market) sums(rt *rapid.T, l *settlement.Ledger) (map[common.Address]settlement.Amount, map[settlement.ReceiptID]settlement.Amount) {
	sums, each := map[common.Address]settlement.Amount{}, map[settlement.ReceiptID]settlement.Amount{}
	for r, err := range l.Receipts(settlement.Filter{}) {
		if err != nil {
			rt.Fatal(err)
		}
		b := r.Bundle
		if b.Receipt.OutputTokens > m.sizes[b.ID()] {
			rt.Fatalf("%d tokens are charged, %d were sent", b.Receipt.OutputTokens, m.sizes[b.ID()])
		}
		sums[b.Receipt.Payee] += b.Receipt.Amount
		each[b.ID()] = b.Receipt.Amount
	}
	return sums, each
}

// heal ends the faults: all that is under way ends well, the ledgers are brought together, and the chain pays.
func (m *market) heal(rt *rapid.T) {
	m.f.chain.Heal()
	for len(m.answers) > 0 {
		m.lose(rt, m.answers[0])
	}
	for i, op := range m.ops {
		m.f.chain.Deposit(m.gw.addr, op.addr, 1_000_000_000)
		m.f.chain.AddStake(op.addr, 1_000_000_000)
		m.meet(rt, i)
	}
	if err := m.settler.SettleNow(m.t.Context()); err != nil {
		rt.Fatal(err)
	}
	for i := range m.ops { // what was clipped before
		for range 2 { // a lane is looked at for a while before it is collected
			if err := m.collect(i); err != nil {
				rt.Fatal(err)
			}
		}
	}
}

// meet has an operator sign all partial receipts but those that it has its own for, and take the voucher.
func (m *market) meet(rt *rapid.T, i int) {
	op := m.ops[i]
	partials, err := m.gw.ledger.UnsignedPartials(op.addr, 1000, time.Now())
	if err != nil {
		rt.Fatal(err)
	}
	for _, p := range partials {
		sig, err := op.ledger.CountersignPartial(m.t.Context(), p)
		if errors.Is(err, settlement.ErrReceiptReplayed) || op.lost && errors.Is(err, settlement.ErrUnknownAdvert) {
			continue
		}
		if err == nil {
			m.note(rt, p.Receipt)
			err = m.gw.ledger.AttachOperatorSig(m.t.Context(), p.ID(), sig)
		}
		if err != nil {
			rt.Fatal(err)
		}
	}
	v, sig, err := m.gw.ledger.Voucher(op.addr)
	if err == nil {
		m.vouched[op.addr] = v.ValueAggregate
		_, err = op.ledger.AcceptVoucher(m.t.Context(), v, sig)
	}
	if err != nil {
		rt.Fatal(err)
	}
}

// checkPaid: every operator has been paid what the gateway's receipts add up to, no more and no less. What is missing to its own are
// answers whose receipt the gateway did not live to see.
func (m *market) checkPaid(rt *rapid.T) {
	m.check(rt)
	sums, admitted := m.sums(rt, m.gw.ledger)
	for _, op := range m.ops {
		if paid := m.f.chain.Claim(op.addr); paid != sums[op.addr] {
			rt.Errorf("an operator was paid %v, the receipts add up to %v", paid, sums[op.addr])
		}
		var lost settlement.Amount
		_, own := m.sums(rt, op.ledger)
		for id, amount := range own {
			lost += amount.SubFloor(admitted[id])
		}
		if _, owed, err := op.ledger.OwedBy(m.gw.addr); err != nil || owed > lost || owed < lost && !op.lost { // what it had served without a voucher is lost too
			rt.Errorf("an operator is owed %v more (%v), the receipts that were lost add up to %v", owed, err, lost)
		}
	}
	if b := m.gw.ledger.Backlog(); b.Receipts != 0 {
		rt.Errorf("the gateway has %+v to settle", b)
	}
}
