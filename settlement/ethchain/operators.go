package ethchain

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"golang.org/x/sync/errgroup"

	"flotilla/contracts/bindings"
)

const (
	// scanOverlap is how many blocks are read again each time, as a reorganisation may have changed them.
	scanOverlap = 64
	// maxOperators bounds the set kept in memory (20 bytes each). Every entry has cost its owner a
	// transaction; a network beyond it needs an index, not a scan.
	maxOperators = 100_000
	// stakeReaders is how many stakes are read at once.
	stakeReaders = 8
)

// operatorScan remembers who ever staked and up to where the events were read.
type operatorScan struct {
	mu    sync.Mutex
	start uint64 // never look before this block
	next  uint64 // first block not read yet
	seen  map[common.Address]struct{}
}

// StakedOperators returns the addresses, in ascending order, whose stake backs payouts now: those of
// Staked events less those who have since withdrawn or thaw everything. The first call reads the
// contract's whole history, later ones what is new.
func (c *Chain) StakedOperators(ctx context.Context) ([]common.Address, error) {
	c.operators.mu.Lock()
	defer c.operators.mu.Unlock()
	if err := c.scanStaked(ctx); err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	candidates := make([]common.Address, 0, len(c.operators.seen))
	for operator := range c.operators.seen {
		candidates = append(candidates, operator)
	}
	staked := make([]bool, len(candidates))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(stakeReaders)
	for i, operator := range candidates {
		group.Go(func() error {
			stake, err := c.Stake(ctx, operator)
			staked[i] = stake.Amount > stake.Thawing
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("find operators: %w", err)
	}
	var out []common.Address
	for i, operator := range candidates {
		if staked[i] {
			out = append(out, operator)
		}
	}
	slices.SortFunc(out, func(a, b common.Address) int { return bytes.Compare(a[:], b[:]) })
	return out, nil
}

// scanStaked reads the Staked events since the last scan. One that is cut short goes on at its last piece the next time: a
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
	for from := c.operators.next; from <= head; from += c.scanBlocks {
		to := min(from+c.scanBlocks-1, head)
		if err := c.events(ctx, c.stakeAt, staked, from, to, c.noteStaked); err != nil {
			return err
		}
		c.operators.next = min(to+1, again)
	}
	return nil
}

func (c *Chain) noteStaked(log *types.Log) error {
	event, err := c.stake.UnpackStakedEvent(log)
	if err != nil {
		return err
	}
	c.operators.seen[event.Operator] = struct{}{}
	if len(c.operators.seen) > maxOperators {
		return fmt.Errorf("more than %d operators have staked", maxOperators)
	}
	return nil
}
