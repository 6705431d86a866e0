package node

import (
	"cmp"
	"context"
	"errors"
	"sync"
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

func (c *countedChain) LaneThaw() time.Duration { return 7 * 24 * time.Hour }

// Payers cost nothing to invent. They get no more of the chain node's quota than StrangersPerSecond, and one that has escrow
// is served as if there were none of them.
func TestInventedPayersUseLittleOfTheChainNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &countedChain{rich: common.Address{1}}
		cover := newCoverCache(chain, common.Address{9}, nil)
		defer cover.close()
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
			if strangers := chain.asked - asked - 1; strangers == 0 || strangers > settlement.StrangersAtOnce || refused != maxPayers-strangers {
				t.Fatalf("round %d: the chain was asked about %d of %d invented payers, %d were refused", round, strangers, maxPayers, refused)
			}
			time.Sleep(every)
		}
		if most := rounds + settlement.StrangersAtOnce + int(rounds*every/time.Second)*settlement.StrangersPerSecond; chain.asked > most {
			t.Errorf("%d questions, want %d at most", chain.asked, most)
		}
	})
}

// A payer that the ledger knows is asked about at once when the operator starts amidst a flood of invented ones.
func TestFamiliarPayerIsNoStranger(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &countedChain{rich: common.Address{1}}
		cover := newCoverCache(chain, common.Address{9}, map[common.Address]bool{chain.rich: true})
		defer cover.close()
		for i := range maxPayers {
			_, _ = cover.lane(t.Context(), common.BytesToAddress([]byte{77, byte(i >> 8), byte(i)}))
		}
		if lane, err := cover.lane(t.Context(), chain.rich); err != nil || lane.Balance != 5 {
			t.Errorf("%v, %v", lane, err)
		}
	})
}

// awayChain is a chain whose node is slow or away.
type awayChain struct {
	settlement.Chain
	thaw time.Duration

	mu   sync.Mutex // guards all below
	lane settlement.Lane
	slow time.Duration
	err  error
}

// becomes changes what the node answers.
func (c *awayChain) becomes(change func(*awayChain)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func (c *awayChain) LaneThaw() time.Duration { return cmp.Or(c.thaw, 7*24*time.Hour) }

func (c *awayChain) Lane(ctx context.Context, _, _ common.Address) (settlement.Lane, error) {
	c.mu.Lock()
	lane, err, slow := c.lane, c.err, c.slow
	c.mu.Unlock()
	select {
	case <-time.After(slow):
		return lane, err
	case <-ctx.Done():
		return settlement.Lane{}, ctx.Err()
	}
}

// An operator whose chain is away goes on serving who has escrow, as far as that goes; what nobody could take back meanwhile covers.
func TestOrdersAreCoveredWhileTheChainIsAway(t *testing.T) {
	payer := common.Address{1}
	for name, away := range map[string]func(*awayChain){
		"down": func(c *awayChain) { c.err = errors.New("connection refused") },
		"slow": func(c *awayChain) { c.slow = 10 * time.Second },
		"hung": func(c *awayChain) { c.slow = time.Hour },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				chain := &awayChain{lane: settlement.Lane{Balance: 10}}
				cover := newCoverCache(chain, common.Address{9}, nil)
				defer cover.close()
				if _, err := cover.reserve(t.Context(), payer, 0, 4); err != nil {
					t.Fatal(err)
				}
				chain.becomes(away)
				for range 20 {
					time.Sleep(coverFresh)
					start := time.Now()
					release, err := cover.reserve(t.Context(), payer, 0, 6)
					if err != nil {
						t.Fatal(err)
					}
					release()
					if took := time.Since(start); took > time.Second {
						t.Fatalf("an order waited %v for the chain; its gateway waits 2 s until it takes the operator for dead", took)
					}
				}
				if _, err := cover.reserve(t.Context(), payer, 0, 7); err == nil || errors.Is(err, errLaneUnread) {
					t.Errorf("more than the escrow was promised: %v", err)
				}
				chain.becomes(func(c *awayChain) { c.slow, c.err = 0, errors.New("connection refused") })
				time.Sleep(2 * time.Hour)
				if _, err := cover.reserve(t.Context(), payer, 0, 1); !errors.Is(err, errLaneUnread) {
					t.Errorf("after two hours: %v", err)
				}
			})
		})
	}
}

// Where the contract lets escrow go after less than two hours, an operator whose chain is away believes in it for half of that.
func TestAwayForHalfAThaw(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		chain := &awayChain{lane: settlement.Lane{Balance: 10}, thaw: 40 * time.Minute}
		cover := newCoverCache(chain, common.Address{9}, nil)
		defer cover.close()
		if _, err := cover.lane(t.Context(), common.Address{1}); err != nil {
			t.Fatal(err)
		}
		chain.becomes(func(c *awayChain) { c.err = errors.New("connection refused") })
		time.Sleep(19 * time.Minute)
		if _, err := cover.lane(t.Context(), common.Address{1}); err != nil {
			t.Error(err)
		}
		time.Sleep(2 * time.Minute)
		if lane, err := cover.lane(t.Context(), common.Address{1}); !errors.Is(err, errLaneUnread) {
			t.Errorf("after 21 of 40 minutes: %v, %v", lane, err)
		}
	})
}

// A lane that its payer was taking back, and one of a chain that was started anew, cover nothing.
func TestThawAndAnotherChainAreAnswers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		payer := common.Address{1}
		chain := &awayChain{lane: settlement.Lane{Balance: 10, ThawEnd: 7}}
		cover := newCoverCache(chain, common.Address{9}, nil)
		defer cover.close()
		if _, err := cover.reserve(t.Context(), payer, 0, 1); err == nil || errors.Is(err, errLaneUnread) {
			t.Fatalf("a lane that thaws: %v", err)
		}
		chain.becomes(func(c *awayChain) { c.lane.ThawEnd = 0 })
		time.Sleep(coverFresh)
		if _, err := cover.reserve(t.Context(), payer, 0, 1); err != nil {
			t.Fatal(err)
		}
		chain.becomes(func(c *awayChain) { c.err = settlement.ErrChainReset })
		time.Sleep(coverFresh)
		if _, err := cover.reserve(t.Context(), payer, 0, 1); !errors.Is(err, settlement.ErrChainReset) {
			t.Fatalf("another chain: %v", err)
		}
	})
}
