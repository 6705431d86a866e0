package node

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// countedChain counts questions for lanes. Only rich has any escrow.
type countedChain struct {
	settlement.Chain
	rich  common.Address
	asked int
}

func (c *countedChain) Lane(_ context.Context, payer, _ common.Address) (settlement.Lane, error) {
	c.asked++
	if payer == c.rich {
		return settlement.Lane{Balance: 5}, nil
	}
	return settlement.Lane{}, nil
}

// Payers cost nothing to invent. They get no more of the chain node's quota than strangersPerSecond, and one that has escrow
// is served as if there were none of them.
func TestInventedPayersUseLittleOfTheChainNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &countedChain{rich: common.Address{1}}
		cover := newCoverCache(chain, common.Address{9})
		const every, rounds = coverFresh + time.Second, 20 // what is known of the lane is too old each time
		for round := range rounds {
			asked := chain.asked
			if lane, err := cover.lane(t.Context(), chain.rich); err != nil || lane.Balance != 5 || chain.asked != asked+1 {
				t.Fatalf("round %d: %v, %v after %d questions", round, lane, err, chain.asked-asked)
			}
			refused := 0
			for i := range maxPayers {
				if _, err := cover.lane(t.Context(), common.BytesToAddress([]byte{77, byte(round), byte(i >> 8), byte(i)})); err != nil {
					refused++
				}
			}
			if strangers := chain.asked - asked - 1; strangers == 0 || strangers > strangersAtOnce || refused != maxPayers-strangers {
				t.Fatalf("round %d: the chain was asked about %d of %d invented payers, %d were refused", round, strangers, maxPayers, refused)
			}
			time.Sleep(every)
		}
		if most := rounds + strangersAtOnce + int(rounds*every/time.Second)*strangersPerSecond; chain.asked > most {
			t.Errorf("%d questions, want %d at most", chain.asked, most)
		}
	})
}

// Where no more lanes are remembered, those without escrow make room.
func TestPayersWithEscrowAreRememberedLonger(t *testing.T) {
	rich := common.Address{1}
	cover := newCoverCache(&countedChain{rich: rich}, common.Address{9})
	cover.lanes[rich] = payerLane{Lane: settlement.Lane{Balance: 5}}
	for i := range maxPayers - 1 {
		cover.lanes[common.BytesToAddress([]byte{77, byte(i >> 8), byte(i)})] = payerLane{}
	}
	for i := range strangersAtOnce / 2 {
		if _, err := cover.lane(t.Context(), common.BytesToAddress([]byte{78, byte(i)})); err != nil {
			t.Fatal(err)
		}
	}
	if _, ok := cover.lanes[rich]; !ok || len(cover.lanes) != maxPayers {
		t.Errorf("%d lanes, the one with escrow among them: %v", len(cover.lanes), ok)
	}
}
