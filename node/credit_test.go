package node

import (
	"errors"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/p2p"
	"flotilla/settlement"
)

// A gateway that takes answers and never signs a voucher is served up to the credit limit and no further.
func TestOperatorStopsAtItsCreditLimit(t *testing.T) {
	const limit = 50
	w := newWorld(t)
	c := w.customer(t, fiveTokens, OperatorConfig{CreditLimit: limit})

	const costs = 9 + 5*2 // what fiveTokens counts, at the world's price
	var served settlement.Amount
	for range 10 {
		_, _, err := c.take(c.order(customerBody), customerBody)
		var rejected *p2p.RejectedError
		if errors.As(err, &rejected) {
			if rejected.Code != codeNeedVoucher {
				t.Fatalf("refused as %s: %v", rejected.Code, err)
			}
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		served += costs
		w.eventually("the receipt is in the operator's ledger", func() bool { return c.owed() == served })
	}
	if served <= limit || served > limit+costs {
		t.Fatalf("served %v without a voucher, want just above the limit of %v", served, settlement.Amount(limit))
	}
}

// TestCreditBook: debt of streams that broke does not lock an honest gateway out for ever; one that never pays gets one limit
// at first and one an hour.
func TestCreditBook(t *testing.T) {
	const limit = 100
	payer, now := common.Address{1}, time.Unix(1_800_000_000, 0)
	b := creditBook{limit: limit}
	owed := settlement.Amount(90) // from before a restart
	for range 2_000 {             // half a unit is lost every 36 s, as much as is written off
		if got := b.excess(payer, owed, now); got != 0 {
			t.Fatalf("refused after %s for %v above the limit", now.Sub(time.Unix(1_800_000_000, 0)), got)
		}
		owed, now = owed+1, now.Add(36*time.Second)
	}
	cheat := common.Address{2}
	b.excess(cheat, 0, now)
	for hour := range settlement.Amount(5) {
		most := limit * (hour + 1)
		if b.excess(cheat, most, now) != 0 || b.excess(cheat, most+1, now) != 1 {
			t.Errorf("after %d hours it is not served up to %v and no further", hour, most)
		}
		now = now.Add(writeOffEvery)
	}
	if b.excess(cheat, 0, now); b.excess(cheat, limit+1, now) != 1 {
		t.Error("what was written off of a debt that is paid is credit for the next")
	}
}

// TestBrokenAnswersOfOthers: a gateway that breaks many streams and admits none takes no honest one's credit away.
func TestBrokenAnswersOfOthers(t *testing.T) {
	b, now := creditBook{limit: 1_000_000}, time.Unix(1_800_000_000, 0)
	cheat, honest := common.Address{1}, common.Address{2}
	b.excess(cheat, 0, now)
	b.excess(honest, 0, now)
	for i := range uint32(maxBroken + 10) {
		b.broke(cheat, settlement.ReceiptID{1, byte(i >> 16), byte(i >> 8), byte(i)}, 1)
	}
	id := settlement.ReceiptID{2}
	b.broke(honest, id, 500_000)
	b.admitted(id, 500_000)
	if left := b.debtors[honest].broken; left != 0 || len(b.answers) >= maxBroken {
		t.Errorf("%v is owed for what was admitted, %d answers are remembered", left, len(b.answers))
	}
}
