package devchain

import (
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/core"
)

// minBlockGap bounds how often the block maker looks at the pool.
const minBlockGap = 5 * time.Millisecond

// makeBlocks makes a block when transactions wait, at most one in each gap, until quit. An idle chain
// makes none, so that its clock never runs ahead and its files do not grow.
func (c *Chain) makeBlocks(gap time.Duration) {
	txs := make(chan core.NewTxsEvent, 256) // bursts; the subscription blocks the pool when it is full
	sub := c.eth.TxPool().SubscribeTransactions(txs, true)
	defer sub.Unsubscribe()
	tick := time.NewTicker(max(gap, minBlockGap))
	defer tick.Stop()
	for waiting := true; ; { // transactions may wait from before a restart
		select {
		case <-c.quit:
			return
		case <-txs:
			waiting = true
			continue
		case <-tick.C:
		}
		if !waiting {
			continue
		}
		waiting = c.step()
	}
}

// step makes one block if transactions wait and says whether more may.
func (c *Chain) step() (more bool) {
	c.sealing.Lock()
	defer c.sealing.Unlock()
	if err := c.eth.TxPool().Sync(); err != nil {
		return true // the pool is closing or busy; the next tick tells
	}
	if n, _ := c.eth.TxPool().Stats(); n == 0 {
		return false
	}
	if err := c.sealWaiting(); err != nil {
		c.logger.Error("devchain made no block", "err", err)
	}
	return true
}

// sealWaiting puts waiting transactions into a block. The caller holds c.sealing.
func (c *Chain) sealWaiting() error {
	if n, _ := c.eth.TxPool().Stats(); n == 0 {
		return nil
	}
	before := c.eth.BlockChain().CurrentBlock().Number.Uint64()
	c.beacon.Commit()
	if c.eth.BlockChain().CurrentBlock().Number.Uint64() == before {
		return errors.New("seal block: the node refused it; its log says why")
	}
	return c.sync()
}

// sync forces the database's write-ahead log to disk. The node writes it without sync, so without this
// the last blocks die with the process. A crash between block and sync loses a block that a client may
// have seen for some milliseconds; senders that look again and send the same bytes again lose nothing.
func (c *Chain) sync() error {
	if err := c.eth.ChainDb().SyncKeyValue(); err != nil {
		return fmt.Errorf("sync devchain: %w", err)
	}
	return nil
}
