// Package memchain is a settlement.Chain in memory: the contract's rules on escrow, stake, epochs and
// clipping, with switches that make it fail the ways a real chain fails. It starts no goroutine and reads
// time through the time package only, so it works in testing/synctest bubbles.
package memchain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// Config sets the contract's parameters. Zero fields take the default.
type Config struct {
	Domain      settlement.Domain // must be the one that batches and vouchers are signed under
	EpochLength time.Duration     // payout epoch; default 24 h
	CapBPS      uint64            // payout per epoch in 1/10000 of the bonded stake; default 10000
	MineDelay   time.Duration     // from submission to effect; default 0, at once
}

// Errors that the contract would revert with.
var (
	ErrEpochMismatch = errors.New("batch is not for the next epoch")
	ErrInvalidSigner = errors.New("batch or voucher is not signed by its payer")
	ErrInsufficient  = errors.New("not that much there")
)

const bps = 10_000

type laneKey struct{ payer, payee common.Address }

type anchorKey struct {
	payer common.Address
	epoch uint64
}

type anchor struct {
	root  common.Hash
	count uint32
}

type operator struct {
	bonded, thawing settlement.Amount
	thawEnd         uint64
	claimable       settlement.Amount
	paid            settlement.Amount // in payout epoch paidEpoch
	paidEpoch       int64
}

// Chain is the contract's state. Safe for concurrent use.
type Chain struct {
	cfg    Config
	faults faults

	mu        sync.Mutex // guards all below
	lanes     map[laneKey]*settlement.Lane
	operators map[common.Address]*operator
	settled   map[common.Address]uint64 // last epoch per payer
	anchors   map[anchorKey]anchor
	txs       map[common.Hash]*transaction
	sent      uint64 // transactions so far, makes their hashes unique
}

var _ settlement.Chain = (*Chain)(nil)

// New returns an empty chain.
func New(cfg Config) *Chain {
	if cfg.EpochLength <= 0 {
		cfg.EpochLength = 24 * time.Hour
	}
	if cfg.CapBPS == 0 {
		cfg.CapBPS = bps
	}
	return &Chain{
		cfg:       cfg,
		faults:    faults{calls: make(map[Method]int), rules: make(map[Method][]rule)},
		lanes:     make(map[laneKey]*settlement.Lane),
		operators: make(map[common.Address]*operator),
		settled:   make(map[common.Address]uint64),
		anchors:   make(map[anchorKey]anchor),
		txs:       make(map[common.Hash]*transaction),
	}
}

// Deposit puts amount into the lane's escrow.
func (c *Chain) Deposit(payer, payee common.Address, amount settlement.Amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lane(payer, payee).Balance += amount
}

// AddStake bonds amount for the operator.
func (c *Chain) AddStake(op common.Address, amount settlement.Amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.operator(op).bonded += amount
}

// ThawStake starts to take amount out of the bonded stake; it backs no payout from now on. It may leave
// at end (unix seconds).
func (c *Chain) ThawStake(op common.Address, amount settlement.Amount, end uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.operator(op)
	if amount > o.bonded || o.thawing != 0 {
		return fmt.Errorf("thaw %v of %v: %w", amount, o.bonded, ErrInsufficient)
	}
	o.bonded, o.thawing, o.thawEnd = o.bonded-amount, amount, end
	return nil
}

// Claim pays out what the operator may withdraw and returns it.
func (c *Chain) Claim(op common.Address) settlement.Amount {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.operator(op)
	amount := o.claimable
	o.claimable = 0
	return amount
}

// Lane implements settlement.Chain.
func (c *Chain) Lane(ctx context.Context, payer, payee common.Address) (settlement.Lane, error) {
	if err := c.enter(ctx, Lane); err != nil {
		return settlement.Lane{}, err
	}
	defer c.mu.Unlock()
	if l := c.lanes[laneKey{payer, payee}]; l != nil {
		return *l, nil
	}
	return settlement.Lane{}, nil
}

// Stake implements settlement.Chain.
func (c *Chain) Stake(ctx context.Context, op common.Address) (settlement.Stake, error) {
	if err := c.enter(ctx, Stake); err != nil {
		return settlement.Stake{}, err
	}
	defer c.mu.Unlock()
	o := c.operators[op]
	if o == nil {
		return settlement.Stake{}, nil
	}
	return settlement.Stake{Amount: o.bonded + o.thawing, Thawing: o.thawing, ThawEnd: o.thawEnd}, nil
}

// Claimable implements settlement.Chain.
func (c *Chain) Claimable(ctx context.Context, op common.Address) (settlement.Amount, error) {
	if err := c.enter(ctx, Claimable); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	if o := c.operators[op]; o != nil {
		return o.claimable, nil
	}
	return 0, nil
}

// BatchRoot implements settlement.Chain.
func (c *Chain) BatchRoot(ctx context.Context, payer common.Address, epoch uint64) (common.Hash, uint32, error) {
	if err := c.enter(ctx, BatchRoot); err != nil {
		return common.Hash{}, 0, err
	}
	defer c.mu.Unlock()
	a := c.anchors[anchorKey{payer, epoch}]
	return a.root, a.count, nil
}

// NextEpoch implements settlement.Chain.
func (c *Chain) NextEpoch(ctx context.Context, payer common.Address) (uint64, error) {
	if err := c.enter(ctx, NextEpoch); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.settled[payer] + 1, nil
}

// lane returns the lane, made when needed. Callers hold mu.
func (c *Chain) lane(payer, payee common.Address) *settlement.Lane {
	key := laneKey{payer, payee}
	if c.lanes[key] == nil {
		c.lanes[key] = new(settlement.Lane)
	}
	return c.lanes[key]
}

// operator returns the operator, made when needed. Callers hold mu.
func (c *Chain) operator(a common.Address) *operator {
	if c.operators[a] == nil {
		c.operators[a] = new(operator)
	}
	return c.operators[a]
}

// SlowMining sets how long transactions take from now on from submission to effect.
func (c *Chain) SlowMining(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg.MineDelay = d
}
