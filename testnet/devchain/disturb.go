package devchain

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// What goes wrong on real chains, for tests.

// Hold stops the making of blocks until release is called, so that transactions stay pending. Warp waits as well.
func (c *Chain) Hold() (release func()) {
	c.sealing.Lock()
	return c.sealing.Unlock
}

// Reorg takes the newest blocks out of the chain. Their transactions are pending again, as after every
// reorganisation, and go into the next blocks, which are others. No blocks may be made meanwhile: see Hold.
func (c *Chain) Reorg(blocks uint64) error {
	bc := c.eth.BlockChain()
	head := bc.CurrentBlock().Number.Uint64()
	if blocks > head {
		return fmt.Errorf("take out %d blocks of a chain of %d", blocks, head)
	}
	if _, err := bc.SetCanonical(bc.GetBlockByNumber(head - blocks)); err != nil {
		return fmt.Errorf("take out %d blocks: %w", blocks, err)
	}
	return c.eth.TxPool().Sync()
}

// Drop makes the node forget all pending transactions, as one does whose pool overflows.
func (c *Chain) Drop() { c.eth.TxPool().Clear() }

// Pending returns the transactions of an account that wait for a block, in their order.
func (c *Chain) Pending(account common.Address) ([]common.Hash, error) {
	if err := c.eth.TxPool().Sync(); err != nil { // the pool sorts in what it took a moment later
		return nil, fmt.Errorf("look into the pool: %w", err)
	}
	var hashes []common.Hash
	pending, _ := c.eth.TxPool().ContentFrom(account)
	for _, tx := range pending {
		hashes = append(hashes, tx.Hash())
	}
	return hashes, nil
}
