package node

import (
	"math/bits"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

const (
	// writeOffEvery is the time in which one credit limit of a payer's debt is written off.
	writeOffEvery = time.Hour
	// maxDebtors bounds the book; payers beyond it get nothing written off.
	maxDebtors = 10_000
	// maxBroken bounds the broken answers that are remembered one by one; what is owed for one that is forgotten stays until it is
	// written off. A new one takes the place of any other: an honest gateway's is admitted within a minute, so those that are
	// there are mostly of gateways that never admit any, and these must not take the honest ones' places.
	maxBroken = 10_000
)

// creditBook decides whom an operator still serves on credit. Some debt is never settled although nobody cheats: the
// operator signed for an answer and died before its receipt left, or the gateway died before it took it. Such debt must not add
// up until an honest gateway is locked out for good. What a payer owed when this process began is the operator's own
// loss, and after that one credit limit an hour is written off; a gateway that never pays gets no more than that for
// nothing. Nothing is forgotten: the ledger keeps the receipts, and a later voucher that covers them is taken.
type creditBook struct {
	limit settlement.Amount

	mu      sync.Mutex // guards all below; held for map work only
	debtors map[common.Address]*debtor
	answers map[settlement.ReceiptID]brokenAnswer
}

type debtor struct {
	writtenOff settlement.Amount
	since      time.Time
	broken     settlement.Amount // for answers whose stream was lost, and which the payer has not admitted
}

// brokenAnswer is one whose stream was lost: the operator has no receipt for it until the payer brings its own.
type brokenAnswer struct {
	payer  common.Address
	amount settlement.Amount
}

// broke notes what the payer had acknowledged of an answer when its stream was lost. Otherwise one that breaks every stream, and
// never admits what it got, would have all but the end of each answer for nothing.
func (b *creditBook) broke(payer common.Address, id settlement.ReceiptID, amount settlement.Amount) {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.debtors[payer]
	if d == nil { // beyond maxDebtors
		return
	}
	sum, err := d.broken.Add(amount)
	if err != nil {
		return
	}
	d.broken = sum
	if b.answers == nil {
		b.answers = make(map[settlement.ReceiptID]brokenAnswer)
	}
	if len(b.answers) >= maxBroken {
		for other := range b.answers {
			delete(b.answers, other)
			break
		}
	}
	b.answers[id] = brokenAnswer{payer, amount}
}

// admitted notes that the payer has signed for a broken answer; from here the ledger counts that.
func (b *creditBook) admitted(id settlement.ReceiptID, amount settlement.Amount) {
	b.mu.Lock()
	defer b.mu.Unlock()
	a, known := b.answers[id]
	if !known {
		return
	}
	delete(b.answers, id)
	d := b.debtors[a.payer]
	d.broken = d.broken.SubFloor(min(a.amount, amount))
}

// excess is how much of what the payer owes without a voucher is above its credit limit, after what is written off by now.
func (b *creditBook) excess(payer common.Address, owed settlement.Amount, now time.Time) settlement.Amount {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := b.debtors[payer]
	if d == nil {
		if len(b.debtors) >= maxDebtors {
			return owed.SubFloor(b.limit)
		}
		if b.debtors == nil {
			b.debtors = make(map[common.Address]*debtor)
		}
		d = &debtor{writtenOff: owed, since: now} // nothing was served to it yet: all of it is from before
		b.debtors[payer] = d
	}
	if all, err := owed.Add(d.broken); err == nil {
		owed = all
	}
	if more := b.writeOff(now.Sub(d.since)); more > 0 { // or the parts of a unit would be lost
		d.writtenOff, d.since = d.writtenOff+more, now
	}
	d.writtenOff = min(d.writtenOff, owed)
	return owed.SubFloor(d.writtenOff).SubFloor(b.limit)
}

// writeOff is the part of the limit that is written off in so long, rounded down, at most all of it.
func (b *creditBook) writeOff(took time.Duration) settlement.Amount {
	if took <= 0 {
		return 0
	}
	if took >= writeOffEvery {
		return b.limit
	}
	hi, lo := bits.Mul64(uint64(b.limit), uint64(took))
	part, _ := bits.Div64(hi, lo, uint64(writeOffEvery)) // took is below writeOffEvery, so the quotient fits
	return settlement.Amount(part)
}
