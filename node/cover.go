package node

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

const (
	// coverFresh is how long a lane's balance is believed without asking the chain again.
	coverFresh = 3 * time.Second
	// maxPayers bounds the lanes an operator remembers; older ones are asked again.
	maxPayers = 1024
)

// coverCache answers an operator's question "can this gateway pay for one more request?" from the chain's lane, less
// what is promised and what is in work. It is the operator's only protection against an empty escrow.
type coverCache struct {
	chain settlement.Chain
	self  common.Address
	now   func() time.Time

	mu    sync.Mutex // guards lanes; never held over a chain call
	lanes map[common.Address]*payerLane
}

type payerLane struct {
	lane   settlement.Lane
	readAt time.Time
	inWork settlement.Amount // maxima of the orders being served
}

// reserve sets most aside on the payer's lane until the returned function is called. aggregate is all that the lane
// owes by receipts so far, collected or not.
func (c *coverCache) reserve(ctx context.Context, payer common.Address, aggregate, most settlement.Amount) (func(), error) {
	if err := c.refresh(ctx, payer); err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	p := c.lanes[payer]
	if p == nil {
		return nil, fmt.Errorf("lane of %s was dropped from the cache: ask again", payer)
	}
	free := freeCover(p.lane, aggregate, p.inWork)
	if free < most {
		return nil, fmt.Errorf("lane of %s has %s free, the order may cost %s: deposit more", payer, free, most)
	}
	p.inWork += most
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		p.inWork -= most
	}, nil
}

// freeCover is what a lane holds beyond what is owed (aggregate − collected) and in work. A lane that its payer is
// thawing covers nothing new: it may be empty before the next batch is on chain.
func freeCover(l settlement.Lane, aggregate, inWork settlement.Amount) settlement.Amount {
	if l.ThawEnd != 0 {
		return 0
	}
	return l.Balance.SubFloor(aggregate.SubFloor(l.Collected)).SubFloor(inWork)
}

func (c *coverCache) refresh(ctx context.Context, payer common.Address) error {
	c.mu.Lock()
	if c.lanes == nil {
		c.lanes = make(map[common.Address]*payerLane)
	}
	p := c.lanes[payer]
	fresh := p != nil && c.now().Sub(p.readAt) < coverFresh
	c.mu.Unlock()
	if fresh {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	lane, err := c.chain.Lane(ctx, payer, c.self)
	if err != nil {
		return fmt.Errorf("read lane of %s: %w", payer, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if p = c.lanes[payer]; p == nil {
		if len(c.lanes) >= maxPayers {
			c.evictIdle()
		}
		p = &payerLane{}
		c.lanes[payer] = p
	}
	p.lane, p.readAt = lane, c.now()
	return nil
}

// evictIdle drops one lane without work; with c.mu held.
func (c *coverCache) evictIdle() {
	for a, p := range c.lanes {
		if p.inWork == 0 {
			delete(c.lanes, a)
			return
		}
	}
}
