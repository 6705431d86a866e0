package node

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/sync/errgroup"

	"flotilla/internal/trouble"
	"flotilla/settlement"
)

// Chain is what a running node asks of the settlement contract: settlement's own view and the few operations that a
// node does for itself. settlement/ethchain implements it; node never sees an Ethereum client.
//
// Every method must honour ctx; node calls each with a deadline of chainTimeout, and StakedOperators with historyTimeout.
type Chain interface {
	settlement.Chain
	// StakedOperators lists every address that has stake now, the largest stake first: the operator set that no gossip can forge.
	StakedOperators(ctx context.Context) ([]common.Address, error)
	// AddStake moves amount from the node's own account into its stake.
	AddStake(ctx context.Context, amount settlement.Amount) error
	// HasStaked says whether the account has ever staked on the chain as it is now: not, where a reorganisation has taken that out.
	HasStaked(ctx context.Context, operator common.Address) (bool, error)
	// Deposit moves amount from the node's own account into its lane towards payee.
	Deposit(ctx context.Context, payee common.Address, amount settlement.Amount) error
}

const (
	// chainTimeout bounds one chain call. A block comes each second on a development chain and each twelve on
	// mainnet: three mainnet blocks.
	chainTimeout = 36 * time.Second
	// historyTimeout bounds the list of operators: the first one rests on the contract's whole history, which a node sends
	// in pieces of 10,000 blocks. A chain that does not answer ends it long before.
	historyTimeout = 10 * time.Minute
	// depositTimeout bounds a deposit: two transactions, each of which is waited for.
	depositTimeout = 4 * time.Minute
	// chainReaders is how many operators are read at once.
	chainReaders = 16
	// maxOperators bounds the operator set a node keeps: ten times the size the gossip budget is planned for.
	maxOperators = 10_000
)

// chainView is the node's copy of what the chain says, so that no request waits for an RPC. Readers take an
// immutable snapshot; one at a time writes.
type chainView struct {
	chain Chain
	self  common.Address
	every time.Duration
	log   *slog.Logger
	snap  atomic.Pointer[chainSnapshot]
	// newcomer is told when a look shows stake where the last one showed none. Set before Run; may be nil.
	newcomer func()

	looking chan struct{} // holds one token while the chain is read
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
	v := &chainView{chain: chain, self: self, every: every, log: log, looking: make(chan struct{}, 1)}
	v.snap.Store(&chainSnapshot{lanes: map[common.Address]settlement.Lane{}})
	return v
}

// Run refreshes the view until ctx ends. A chain that does not answer leaves the last view in place: the stakes it
// shows can only be too old by the stake's thaw period, which is far longer than any outage worth serving through.
func (v *chainView) Run(ctx context.Context) error {
	tick := time.NewTicker(v.every)
	defer tick.Stop()
	var away trouble.Trouble
	for {
		err := v.Refresh(ctx)
		if ctx.Err() != nil {
			return nil
		}
		away.Note(v.log, err, "the chain gives no answer: going on by what it said last", "the chain answers again")
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// Refresh reads the operator set, their stakes and this node's lanes once. Each question has its own deadline: who stakes
// from many accounts makes it longer, and does not make it fail.
func (v *chainView) Refresh(ctx context.Context) error {
	done, err := v.look(ctx)
	if err != nil {
		return err
	}
	defer done()
	ops, err := v.list(ctx)
	if err != nil {
		return err
	}
	next := &chainSnapshot{
		stakes: make(map[common.Address]settlement.Amount, len(ops)),
		lanes:  make(map[common.Address]settlement.Lane, len(ops)),
	}
	var mu sync.Mutex // guards next
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(chainReaders)
	for _, op := range ops {
		group.Go(func() error {
			s, lane, err := v.read(groupCtx, op)
			if err != nil {
				return err
			}
			mu.Lock()
			defer mu.Unlock()
			if s.Amount > s.Thawing {
				next.stakes[op] = s.Amount - s.Thawing
			}
			next.lanes[op] = lane
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return err
	}
	last := v.snap.Swap(next)
	if v.newcomer != nil && next.hasNewcomer(last) {
		v.newcomer()
	}
	return nil
}

// hasNewcomer says whether an operator has stake that had none before.
func (s *chainSnapshot) hasNewcomer(before *chainSnapshot) bool {
	for op := range s.stakes {
		if before.stakes[op] == 0 {
			return true
		}
	}
	return false
}

// list returns the maxOperators largest of the staked operators.
func (v *chainView) list(ctx context.Context) ([]common.Address, error) {
	ctx, cancel := context.WithTimeout(ctx, historyTimeout)
	defer cancel()
	ops, err := v.chain.StakedOperators(ctx)
	if err != nil {
		return nil, fmt.Errorf("list staked operators: %w", err)
	}
	return ops[:min(len(ops), maxOperators)], nil
}

// read asks for one operator's stake and this node's lane to it.
func (v *chainView) read(ctx context.Context, op common.Address) (settlement.Stake, settlement.Lane, error) {
	ctx, cancel := context.WithTimeout(ctx, chainTimeout)
	defer cancel()
	s, err := v.chain.Stake(ctx, op)
	if err != nil {
		return s, settlement.Lane{}, fmt.Errorf("read stake of %s: %w", op, err)
	}
	lane, err := v.chain.Lane(ctx, v.self, op)
	if err != nil {
		return s, lane, fmt.Errorf("read lane to %s: %w", op, err)
	}
	return s, lane, nil
}

// refreshLane reads one operator's lane once more: after a deposit there, all others are as they were.
func (v *chainView) refreshLane(ctx context.Context, op common.Address) error {
	done, err := v.look(ctx)
	if err != nil {
		return err
	}
	defer done()
	_, lane, err := v.read(ctx, op)
	if err != nil {
		return err
	}
	old := v.snap.Load()
	next := &chainSnapshot{stakes: old.stakes, lanes: maps.Clone(old.lanes)}
	next.lanes[op] = lane
	v.snap.Store(next)
	return nil
}

// look waits until nobody else reads the chain for the view: what was read earlier would replace what is newer.
func (v *chainView) look(ctx context.Context) (done func(), _ error) {
	select {
	case v.looking <- struct{}{}:
		return func() { <-v.looking }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Stake returns the operator's stake that is not thawing, zero when it has none.
func (v *chainView) Stake(op common.Address) settlement.Amount { return v.snap.Load().stakes[op] }

// Operators returns a copy of the staked operators.
func (v *chainView) Operators() map[common.Address]settlement.Amount {
	return maps.Clone(v.snap.Load().stakes)
}

// Lane returns this node's lane to the payee as last seen.
func (v *chainView) Lane(payee common.Address) settlement.Lane { return v.snap.Load().lanes[payee] }
