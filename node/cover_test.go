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
// waits for none of them.
func TestInventedPayersUseLittleOfTheChainNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &countedChain{rich: common.Address{1}}
		cover := newCoverCache(chain, common.Address{9})
		if lane, err := cover.lane(t.Context(), chain.rich); err != nil || lane.Balance != 5 {
			t.Fatal(lane, err)
		}
		begun := time.Now()
		const invented = 2 * maxPayers
		for i := range invented {
			if _, err := cover.lane(t.Context(), common.BytesToAddress([]byte{byte(i >> 8), byte(i), 77})); err != nil {
				t.Fatal(err)
			}
			if i%100 != 0 {
				continue
			}
			asked := chain.asked
			before := time.Now()
			if lane, err := cover.lane(t.Context(), chain.rich); err != nil || lane.Balance != 5 || time.Since(before) > 0 || chain.asked > asked+1 {
				t.Fatalf("after %d invented payers: %v (%v), waited %v for %d questions", i, lane, err, time.Since(before), chain.asked-asked)
			}
		}
		if took, least := time.Since(begun), time.Duration(invented-strangersAtOnce-1)*time.Second/strangersPerSecond; took < least {
			t.Errorf("%d invented payers were looked up in %v, want %v at least", invented, took, least)
		}
		if len(cover.lanes) > maxPayers {
			t.Errorf("%d payers kept, at most %d", len(cover.lanes), maxPayers)
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		asked := chain.asked
		if _, err := cover.lane(hurried, common.Address{7}); err == nil || chain.asked != asked {
			t.Errorf("an invented payer without time to wait: %v, %d questions", err, chain.asked-asked)
		}
	})
}
