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
)

// creditBook decides whom an operator still serves on credit. Some debt is never settled although nobody cheats: the
// operator signed for an answer and died before its receipt left, or the gateway died before it took it. Such debt must not add
// up until an honest gateway is locked out for good. What a payer owed when this process began is the operator's own
// loss, and after that one credit limit an hour is written off; a gateway that never pays gets no more than that for
// nothing. Nothing is forgotten: the ledger keeps the receipts, and a later voucher that covers them is taken.
type creditBook struct {
	limit settlement.Amount

	mu      sync.Mutex // guards debtors; held for map work only
	debtors map[common.Address]*debtor
}

type debtor struct {
	writtenOff settlement.Amount
	since      time.Time
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
