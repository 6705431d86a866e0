package ethchain

import (
	"context"
	"errors"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// origin tells a chain from every other one: also from a development chain that was started anew with the same first
// block, as block 1 carries the time at which it was made.
type origin struct {
	number uint64
	hash   common.Hash
}

// findOrigin remembers the chain that the node is on. A chain without a block after its first has nothing else to go by.
func (c *Chain) findOrigin(ctx context.Context) error {
	for number := uint64(1); ; number-- {
		header, err := c.client.HeaderByNumber(ctx, new(big.Int).SetUint64(number))
		if errors.Is(err, ethereum.NotFound) && number > 0 {
			continue
		}
		if err != nil {
			return fmt.Errorf("read block %d: %w", number, err)
		}
		c.origin = origin{number: number, hash: header.Hash()}
		return nil
	}
}

// sameChain returns nil when the node still has the chain that New found, and settlement.ErrChainReset when it has
// another: its answers are about other money then, and nothing may be sent to it.
func (c *Chain) sameChain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	header, err := c.client.HeaderByNumber(ctx, new(big.Int).SetUint64(c.origin.number))
	switch {
	case errors.Is(err, ethereum.NotFound):
		return c.reset("is gone")
	case err != nil:
		return fmt.Errorf("read block %d: %w", c.origin.number, err)
	case header.Hash() != c.origin.hash:
		return c.reset("is another one")
	}
	return nil
}

// Origin implements settlement.Chain. A first block is the same on every chain that was started from it, and tells nothing.
func (c *Chain) Origin() common.Hash {
	if c.origin.number == 0 {
		return common.Hash{}
	}
	return c.origin.hash
}

func (c *Chain) reset(what string) error {
	return fmt.Errorf("%w: block %d of chain %d %s: point the RPC URL at the chain that holds contract %s, or restart with a new "+
		"data directory to use the new chain", settlement.ErrChainReset, c.origin.number, c.domain.ChainID, what, c.domain.Contract)
}
