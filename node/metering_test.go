package node

import (
	"errors"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"pgregory.net/rapid"

	"flotilla/routing"
	"flotilla/settlement"
)

func TestCheckTokens(t *testing.T) {
	cases := map[string]struct {
		in, maxIn, out, maxOut uint32
		text                   uint64
		ok                     bool
	}{
		"plausible":                {37, 400, 8, 48, 40, true},
		"as many tokens as bytes":  {37, 400, 40, 48, 40, true},
		"special tokens on top":    {37, 400, 48, 48, 40, true},
		"more tokens than bytes":   {37, 400, 60, 100, 40, false},
		"above the order":          {37, 400, 49, 48, 4000, false},
		"too many input tokens":    {401, 400, 8, 48, 40, false},
		"d-inference's 200 × bill": {37, 400, 100_000, 100_000, 9, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			err := checkTokens(c.in, c.maxIn, c.out, c.maxOut, c.text)
			if (err == nil) != c.ok || err != nil && !errors.Is(err, ErrTokensImplausible) {
				t.Errorf("got %v, want ok %v", err, c.ok)
			}
		})
	}
}

// Whatever orders come and go, a lane never has more promised than it holds, and everything is given back.
func TestLaneReserveNeverOverpromises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var r laneReserve
		payee := common.Address{1}
		lane := settlement.Lane{Balance: settlement.Amount(rapid.Uint64Range(0, 1000).Draw(t, "balance"))}
		owed := settlement.Amount(rapid.Uint64Range(0, 1000).Draw(t, "owed"))
		var promised settlement.Amount
		type open struct {
			amount settlement.Amount
			undo   func()
		}
		var orders []open
		for range rapid.IntRange(1, 40).Draw(t, "steps") {
			if len(orders) > 0 && rapid.Bool().Draw(t, "finish") {
				promised -= orders[0].amount
				orders[0].undo()
				orders = orders[1:]
				continue
			}
			most := settlement.Amount(rapid.Uint64Range(1, 400).Draw(t, "most"))
			undo, free := r.take(payee, lane, owed, most)
			if fits := owed+promised+most <= lane.Balance; (undo != nil) != fits {
				t.Fatalf("balance %d, owed %d, promised %d, order %d: %d free", lane.Balance, owed, promised, most, free)
			}
			if undo != nil {
				promised += most
				orders = append(orders, open{most, undo})
			}
		}
		for _, o := range orders {
			o.undo()
		}
		if len(r.inWork) != 0 {
			t.Fatalf("left in work: %v", r.inWork)
		}
	})
}

func TestThawingLaneCoversNothing(t *testing.T) {
	if free := freeCover(settlement.Lane{Balance: 100, ThawEnd: 1}, 0, 0); free != 0 {
		t.Errorf("a thawing lane offers %s", free)
	}
}

// The saving that is claimed never comes from a longer baseline answer when the baseline itself answered.
func TestBaselineCost(t *testing.T) {
	adv := settlement.Advert{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000}
	best := routing.Choice{Model: "big", ExpectedOutputTokens: 100, Ref: &priced{advert: adv}}
	if got := baselineCost(best, "big", 10, 20); got != 50 {
		t.Errorf("baseline answered itself: %d, want 50", got)
	}
	if got := baselineCost(best, "small", 10, 20); got != 210 {
		t.Errorf("another model answered: %d, want 210 (predicted length)", got)
	}
}
