package ethchain

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"golang.org/x/sync/errgroup"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

const (
	// scanOverlap is how many blocks are read again each time, as a reorganisation may have changed them.
	scanOverlap = 64
	// maxOperators bounds how many stakes are read each time: at 0.2 s each, as from a remote node, eight minutes, of the ten that a node
	// gives it. When there are more, the smaller half is forgotten: an entry costs no more than a transaction and a millionth of a dollar.
	maxOperators = 20_000
	// stakeReaders is how many stakes are read at once.
	stakeReaders = 8
)

// operatorScan remembers who ever staked and up to where the events were read.
type operatorScan struct {
	mu    sync.Mutex
	start uint64                               // never look before this block
	next  uint64                               // first block not read yet
	most  int                                  // maxOperators; tests make it small
	seen  map[common.Address]settlement.Amount // with what was staked when it last grew
}

// StakedOperators returns the addresses whose stake backs payouts now, the largest first: those of
// Staked events less those who have since withdrawn or thaw everything. The first call reads the
// contract's whole history, later ones what is new.
func (c *Chain) StakedOperators(ctx context.Context) ([]common.Address, error) {
	c.operators.mu.Lock()
	defer c.operators.mu.Unlock()
	if err := c.scanStaked(ctx); err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	candidates := slices.Collect(maps.Keys(c.operators.seen))
	backing := make([]settlement.Amount, len(candidates))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(stakeReaders)
	for i, operator := range candidates {
		group.Go(func() error {
			stake, err := c.Stake(ctx, operator)
			backing[i] = stake.Amount.SubFloor(stake.Thawing)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	stakes := make(map[common.Address]settlement.Amount, len(candidates))
	for i, operator := range candidates {
		if backing[i] > 0 {
			stakes[operator] = backing[i]
		}
	}
	return largestFirst(stakes), nil
}

// HasStaked says whether the account has ever staked on the chain as it is now: not, where a reorganisation has taken that out.
func (c *Chain) HasStaked(ctx context.Context, operator common.Address) (bool, error) {
	head, err := c.blockNumber(ctx)
	if err != nil {
		return false, fmt.Errorf("look for a stake of %s: %w", operator, err)
	}
	staked := [][]common.Hash{{c.stake.GetABI().Events[bindings.FlotillaStakeStakedEventName].ID}, {common.BytesToHash(operator[:])}}
	found := false
	_, err = c.events(ctx, c.stakeAt, staked, c.operators.start, head, func(*types.Log) error { found = true; return nil })
	if err != nil {
		return false, fmt.Errorf("look for a stake of %s: %w", operator, err)
	}
	return found, nil
}

// largestFirst orders by stake, and equal ones by address.
func largestFirst(stakes map[common.Address]settlement.Amount) []common.Address {
	return slices.SortedFunc(maps.Keys(stakes), func(a, b common.Address) int {
		return cmp.Or(cmp.Compare(stakes[b], stakes[a]), bytes.Compare(a[:], b[:]))
	})
}

// scanStaked reads the Staked events since the last scan. One that is cut short goes on at its last question the next time: a
// long history takes longer than a caller may wait. The caller holds c.operators.mu.
func (c *Chain) scanStaked(ctx context.Context) error {
	if err := c.sameChain(ctx); err != nil {
		return err
	}
	head, err := c.blockNumber(ctx)
	if err != nil {
		return err
	}
	staked := [][]common.Hash{{c.stake.GetABI().Events[bindings.FlotillaStakeStakedEventName].ID}}
	again := max(c.operators.start, head+1-min(head+1, scanOverlap))
	next, err := c.events(ctx, c.stakeAt, staked, c.operators.next, head, c.noteStaked)
	c.operators.next = min(next, again)
	return err
}

func (c *Chain) noteStaked(log *types.Log) error {
	event, err := c.stake.UnpackStakedEvent(log)
	if err != nil {
		return err
	}
	bonded, err := amount(event.Bonded)
	if err != nil {
		return err
	}
	c.operators.seen[event.Operator] = bonded
	if len(c.operators.seen) > c.operators.most {
		for _, small := range largestFirst(c.operators.seen)[c.operators.most/2:] {
			delete(c.operators.seen, small)
		}
	}
	return nil
}
