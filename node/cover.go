package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/time/rate"

	"flotilla/settlement"
)

const (
	// coverFresh is how long a lane's balance is believed without asking the chain again.
	coverFresh = 3 * time.Second
	// maxPayers bounds the lanes an operator remembers; the others are asked for again.
	maxPayers = 1024
	// strangersPerSecond and strangersAtOnce bound how often the chain is asked about payers that had no escrow for this
	// operator when last asked. Anybody can invent payers, and the questions that a chain node answers are counted.
	strangersPerSecond = 10
	strangersAtOnce    = 50
)

// coverCache answers an operator's question "can this gateway pay for one more request?" from the chain's lane, less
// what is promised and what is in work. It is the operator's only protection against an empty escrow.
type coverCache struct {
	chain settlement.Chain
	self  common.Address
	now   func() time.Time

	strangers *rate.Limiter
	inWork    laneReserve

	mu    sync.Mutex // guards lanes; never held over a chain call
	lanes map[common.Address]payerLane
}

type payerLane struct {
	settlement.Lane
	readAt time.Time
}

func newCoverCache(chain settlement.Chain, self common.Address) *coverCache {
	return &coverCache{
		chain: chain, self: self, now: time.Now, strangers: rate.NewLimiter(strangersPerSecond, strangersAtOnce),
		lanes: make(map[common.Address]payerLane),
	}
}

// reserve sets most aside on the payer's lane until the returned function is called. aggregate is all that the lane
// owes by receipts so far, collected or not.
func (c *coverCache) reserve(ctx context.Context, payer common.Address, aggregate, most settlement.Amount) (func(), error) {
	lane, err := c.lane(ctx, payer)
	if err != nil {
		return nil, err
	}
	release, free := c.inWork.take(payer, lane, aggregate, most)
	if release == nil {
		return nil, fmt.Errorf("lane of %s has %s free, the order may cost %s: deposit more", payer, free, most)
	}
	return release, nil
}

// lane returns the payer's lane to this operator as the chain has it, at most coverFresh ago. Where too many ask that have no
// escrow, such a payer is refused at once: one that waited for its turn would hold a place that those who pay need.
func (c *coverCache) lane(ctx context.Context, payer common.Address) (settlement.Lane, error) {
	c.mu.Lock()
	known, ok := c.lanes[payer]
	c.mu.Unlock()
	if ok && c.now().Sub(known.readAt) < coverFresh {
		return known.Lane, nil
	}
	if known.Lane == (settlement.Lane{}) && !c.strangers.AllowN(c.now(), 1) {
		return settlement.Lane{}, fmt.Errorf("%s had no escrow for this operator so far, and too many ask that have none: try again in some seconds", payer)
	}
	ctx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	lane, err := c.chain.Lane(ctx, payer, c.self)
	if err != nil {
		return settlement.Lane{}, fmt.Errorf("read lane of %s: %w", payer, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.lanes[payer]; !ok && len(c.lanes) >= maxPayers {
		delete(c.lanes, c.forgettable())
	}
	c.lanes[payer] = payerLane{lane, c.now()}
	return lane, nil
}

// forgettable returns a payer without escrow, or any when all have some.
func (c *coverCache) forgettable() (payer common.Address) {
	for other, lane := range c.lanes {
		if payer = other; lane.Lane == (settlement.Lane{}) {
			break
		}
	}
	return payer
}

// laneReserve sums the maxima of the orders in work on each lane, so that parallel requests cannot promise more than
// the escrow holds. Both ends keep one.
type laneReserve struct {
	mu     sync.Mutex // guards inWork; held for map work only
	inWork map[common.Address]settlement.Amount
}

// take sets most aside on the lane to or from other until the returned function is called. That is nil when less is free.
func (r *laneReserve) take(other common.Address, lane settlement.Lane, aggregate, most settlement.Amount) (release func(), free settlement.Amount) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.inWork == nil {
		r.inWork = make(map[common.Address]settlement.Amount)
	}
	if free = freeCover(lane, aggregate, r.inWork[other]); free < most {
		return nil, free
	}
	r.inWork[other] += most
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		if r.inWork[other] -= most; r.inWork[other] == 0 {
			delete(r.inWork, other)
		}
	}, free
}

// freeCover is what a lane holds beyond what is owed (aggregate − collected) and in work. A lane that its payer is
// thawing covers nothing new: it may be empty before the next batch is on chain.
func freeCover(l settlement.Lane, aggregate, inWork settlement.Amount) settlement.Amount {
	if l.ThawEnd != 0 {
		return 0
	}
	return l.Balance.SubFloor(aggregate.SubFloor(l.Collected)).SubFloor(inWork)
}
