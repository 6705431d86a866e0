// Package memchain is a settlement.Chain in memory: the contracts' rules on escrow, stake, epochs, clipping and
// penalties, with switches that make it fail the ways a real chain fails. It starts no goroutine and reads
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

// Config sets the contracts' parameters. Zero fields take the default.
type Config struct {
	Domain      settlement.Domain // must be the one that all messages are signed under
	EpochLength time.Duration     // payout epoch; default 24 h
	LaneThaw    time.Duration     // see settlement.Chain; default 7 days
	MinPenalty  settlement.Amount // the least that a proven fault costs; default 1 USD
	MineDelay   time.Duration     // from submission to effect; default 0, at once
}

// Errors that the contracts would revert with.
var (
	ErrEpochMismatch   = errors.New("batch is not for the next epoch")
	ErrInvalidSigner   = errors.New("batch or voucher is not signed by its payer")
	ErrInsufficient    = errors.New("not that much there")
	ErrAlreadyPunished = errors.New("evidence was punished before")
	ErrNothingToSlash  = errors.New("operator has no stake left")
)

// Chain is a chain with the contracts on it. Safe for concurrent use.
type Chain struct {
	cfg    Config
	faults faults

	mu       sync.Mutex // guards all below
	state    state
	txs      map[common.Hash]*transaction
	mined    []minedTx         // newest last, at most maxReorg
	sent     uint64            // transactions so far, makes their hashes unique
	laneCost settlement.Amount // see SetLaneCost
	started  byte              // how often the chain was begun
}

var _ settlement.Chain = (*Chain)(nil)

// New returns an empty chain.
func New(cfg Config) *Chain {
	if cfg.EpochLength <= 0 {
		cfg.EpochLength = 24 * time.Hour
	}
	if cfg.LaneThaw <= 0 {
		cfg.LaneThaw = 7 * 24 * time.Hour
	}
	if cfg.MinPenalty == 0 {
		cfg.MinPenalty = 1_000_000
	}
	return &Chain{
		cfg:     cfg,
		faults:  faults{calls: make(map[Method]int), rules: make(map[Method][]rule)},
		state:   newState(1),
		started: 1,
		txs:     make(map[common.Hash]*transaction),
	}
}

// Deposit puts amount into the lane's escrow.
func (c *Chain) Deposit(payer, payee common.Address, amount settlement.Amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.lane(payer, payee).Balance += amount
}

// ThawLane starts to take the lane's escrow out; it may leave at end (unix seconds).
func (c *Chain) ThawLane(payer, payee common.Address, end uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.lane(payer, payee).ThawEnd = end
}

// AddStake bonds amount for the operator.
func (c *Chain) AddStake(op common.Address, amount settlement.Amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.account(op).bonded += amount
}

// ThawStake starts to take amount out of the bonded stake; it backs no payout from now on. It may leave
// at end (unix seconds).
func (c *Chain) ThawStake(op common.Address, amount settlement.Amount, end uint64) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.state.account(op)
	if amount > o.bonded || o.thawing != 0 {
		return fmt.Errorf("thaw %v of %v: %w", amount, o.bonded, ErrInsufficient)
	}
	o.bonded, o.thawing, o.thawEnd = o.bonded-amount, amount, end
	return nil
}

// Claim pays out what was credited to the account and returns it.
func (c *Chain) Claim(account common.Address) settlement.Amount {
	c.mu.Lock()
	defer c.mu.Unlock()
	o := c.state.account(account)
	amount := o.claimable
	o.claimable = 0
	return amount
}

// LaneThaw implements settlement.Chain.
func (c *Chain) LaneThaw() time.Duration { return c.cfg.LaneThaw }

// Origin implements settlement.Chain.
func (c *Chain) Origin() common.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state.origin
}

// Lane implements settlement.Chain.
func (c *Chain) Lane(ctx context.Context, payer, payee common.Address) (settlement.Lane, error) {
	if err := c.enter(ctx, Lane); err != nil {
		return settlement.Lane{}, err
	}
	defer c.mu.Unlock()
	return *c.state.lane(payer, payee), nil
}

// Stake implements settlement.Chain.
func (c *Chain) Stake(ctx context.Context, op common.Address) (settlement.Stake, error) {
	if err := c.enter(ctx, Stake); err != nil {
		return settlement.Stake{}, err
	}
	defer c.mu.Unlock()
	o := c.state.account(op)
	return settlement.Stake{Amount: o.bonded + o.thawing, Thawing: o.thawing, ThawEnd: o.thawEnd}, nil
}

// Claimable implements settlement.Chain.
func (c *Chain) Claimable(ctx context.Context, account common.Address) (settlement.Amount, error) {
	if err := c.enter(ctx, Claimable); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.state.account(account).claimable, nil
}

// BatchAnchor implements settlement.Chain.
func (c *Chain) BatchAnchor(ctx context.Context, payer common.Address, epoch uint64) (settlement.Anchor, error) {
	if err := c.enter(ctx, BatchAnchor); err != nil {
		return settlement.Anchor{}, err
	}
	defer c.mu.Unlock()
	a := c.state.anchors[anchorKey{payer, epoch}]
	if a.Root != (common.Hash{}) {
		a.Depth = c.state.height - a.Block + 1
	}
	return a, nil
}

// NextEpoch implements settlement.Chain.
func (c *Chain) NextEpoch(ctx context.Context, payer common.Address) (uint64, error) {
	if err := c.enter(ctx, NextEpoch); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.state.settled[payer] + 1, nil
}

// SignerOf implements settlement.Chain.
func (c *Chain) SignerOf(ctx context.Context, signer common.Address) (settlement.SignerBinding, error) {
	if err := c.enter(ctx, SignerOf); err != nil {
		return settlement.SignerBinding{}, err
	}
	defer c.mu.Unlock()
	return c.state.signers[signer], nil
}

// BindSigner lets the key sign as binding says, without the consent and the clocks of a real chain.
func (c *Chain) BindSigner(signer common.Address, binding settlement.SignerBinding) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state.signers[signer] = binding
}

// Punished implements settlement.Chain.
func (c *Chain) Punished(ctx context.Context, evidence common.Hash) (bool, error) {
	if err := c.enter(ctx, Punished); err != nil {
		return false, err
	}
	defer c.mu.Unlock()
	return c.state.punished[evidence], nil
}

// LaneCost implements settlement.Chain.
func (c *Chain) LaneCost(ctx context.Context) (settlement.Amount, error) {
	if err := c.enter(ctx, LaneCost); err != nil {
		return 0, err
	}
	defer c.mu.Unlock()
	return c.laneCost, nil
}

// SetLaneCost sets what gas costs a lane from now on; 0 at first.
func (c *Chain) SetLaneCost(cost settlement.Amount) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.laneCost = cost
}

// SlowMining sets how long transactions take from now on from submission to effect.
func (c *Chain) SlowMining(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cfg.MineDelay = d
}
