package node

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// Chain is what a running node asks of the settlement contract: settlement's own view and the few operations that a
// node does for itself. settlement/ethchain implements it; node never sees an Ethereum client.
//
// Every method must honour ctx; node calls each with a deadline of chainTimeout.
type Chain interface {
	settlement.Chain
	// StakedOperators lists every address that has stake now: the operator set that no gossip can forge.
	StakedOperators(ctx context.Context) ([]common.Address, error)
	// AddStake moves amount from the node's own account into its stake.
	AddStake(ctx context.Context, amount settlement.Amount) error
	// Deposit moves amount from the node's own account into its lane towards payee.
	Deposit(ctx context.Context, payee common.Address, amount settlement.Amount) error
}

const (
	// chainTimeout bounds one chain call. A block comes each second on a development chain and each twelve on
	// mainnet: three mainnet blocks.
	chainTimeout = 36 * time.Second
	// maxOperators bounds the operator set a node keeps: ten times the size the gossip budget is planned for.
	maxOperators = 10_000
)

// chainView is the node's copy of what the chain says, so that no request waits for an RPC. Readers take an
// immutable snapshot; only Run writes.
type chainView struct {
	chain Chain
	self  common.Address
	every time.Duration
	log   *slog.Logger
	snap  atomic.Pointer[chainSnapshot]
}

// chainSnapshot is never changed after it was published.
type chainSnapshot struct {
	stakes map[common.Address]settlement.Amount
	lanes  map[common.Address]settlement.Lane // lanes that this node pays into, by payee
}

type paidLane struct {
	payee     common.Address
	collected settlement.Amount
}

// paid lists the lanes that something was collected from.
func (s *chainSnapshot) paid() []paidLane {
	var out []paidLane
	for payee, l := range s.lanes {
		if l.Collected > 0 {
			out = append(out, paidLane{payee, l.Collected})
		}
	}
	return out
}

func newChainView(chain Chain, self common.Address, every time.Duration, log *slog.Logger) *chainView {
	v := &chainView{chain: chain, self: self, every: every, log: log}
	v.snap.Store(&chainSnapshot{})
	return v
}

// Run refreshes the view until ctx ends. A chain that does not answer leaves the last view in place: the stakes it
// shows can only be too old by the stake's thaw period, which is far longer than any outage worth serving through.
func (v *chainView) Run(ctx context.Context) error {
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	for {
		if err := v.Refresh(ctx); err != nil && ctx.Err() == nil {
			v.log.Warn("refresh chain view", "err", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Refresh reads the operator set, their stakes and this node's lanes once.
func (v *chainView) Refresh(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	ops, err := v.chain.StakedOperators(ctx)
	if err != nil {
		return fmt.Errorf("list staked operators: %w", err)
	}
	if len(ops) > maxOperators {
		ops = ops[:maxOperators]
	}
	next := &chainSnapshot{
		stakes: make(map[common.Address]settlement.Amount, len(ops)),
		lanes:  make(map[common.Address]settlement.Lane, len(ops)),
	}
	for _, op := range ops {
		s, err := v.chain.Stake(ctx, op)
		if err != nil {
			return fmt.Errorf("read stake of %s: %w", op, err)
		}
		if s.Amount > s.Thawing {
			next.stakes[op] = s.Amount - s.Thawing
		}
		if next.lanes[op], err = v.chain.Lane(ctx, v.self, op); err != nil {
			return fmt.Errorf("read lane to %s: %w", op, err)
		}
	}
	v.snap.Store(next)
	return nil
}

// Stake returns the operator's stake that is not thawing, zero when it has none.
func (v *chainView) Stake(op common.Address) settlement.Amount { return v.snap.Load().stakes[op] }

// Operators returns a copy of the staked operators.
func (v *chainView) Operators() map[common.Address]settlement.Amount {
	return maps.Clone(v.snap.Load().stakes)
}

// Lane returns this node's lane to the payee as last seen.
func (v *chainView) Lane(payee common.Address) settlement.Lane { return v.snap.Load().lanes[payee] }
