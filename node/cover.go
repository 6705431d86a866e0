package node

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/lastanswer"
	"flotilla/settlement"
)

const (
	// coverFresh is how long a lane's balance is believed without asking the chain again.
	coverFresh = 3 * time.Second
	// maxPayers bounds the lanes an operator remembers; the others are asked for again.
	maxPayers = 1024
)

// coverCache answers an operator's question "can this gateway pay for one more request?" from the chain's lane, less
// what is promised and what is in work. It is the operator's only protection against an empty escrow. While the chain gives no answer it goes
// by what lanes had that nobody was thawing (see settlement.LastAnswer): settling takes from balance and debt alike.
type coverCache struct {
	inWork laneReserve
	lanes  *lastanswer.Book[common.Address, settlement.Lane]
}

// newCoverCache takes who is no stranger, although the chain was not asked about it yet.
func newCoverCache(chain settlement.Chain, self common.Address, familiar map[common.Address]bool) *coverCache {
	ask := func(ctx context.Context, payer common.Address) (settlement.Lane, error) {
		return chain.Lane(ctx, payer, self)
	}
	known := func(payer common.Address, l settlement.Lane) bool { return l != settlement.Lane{} || familiar[payer] }
	cfg := settlement.LastAnswer(chain, ask, known, func(l settlement.Lane) bool { return l.Balance > 0 && l.ThawEnd == 0 })
	cfg.Fresh, cfg.Timeout, cfg.Most = coverFresh, chainTimeout, maxPayers
	return &coverCache{lanes: lastanswer.New(cfg)}
}

// errLaneUnread: what the lane holds is not known.
var errLaneUnread = errors.New("read lane")

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

// lane returns the payer's lane to this operator as the chain has it, at most coverFresh ago, or as it had it last.
func (c *coverCache) lane(ctx context.Context, payer common.Address) (settlement.Lane, error) {
	lane, err := c.lanes.Get(ctx, payer)
	if errors.Is(err, settlement.ErrManyStrangers) { // this operator is well
		return settlement.Lane{}, fmt.Errorf("lane of %w", err)
	}
	if err != nil {
		return settlement.Lane{}, fmt.Errorf("%w of %s: %w", errLaneUnread, payer, err)
	}
	return lane, nil
}

// close waits for the questions that are under way.
func (c *coverCache) close() { c.lanes.Close() }

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
