package ethchain

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
)

// SetMostOperators makes c remember n operators at most.
func SetMostOperators(c *Chain, n int) { c.operators.most = n }

// SetScanBlocks makes c read events in pieces of n blocks.
func SetScanBlocks(c *Chain, n uint64) { c.scanBlocks = n }

// Approve allows the settlement contract to take up to a tokens of the account.
func (c *Chain) Approve(ctx context.Context, a settlement.Amount) error {
	return c.approve(ctx, c.domain.Contract, wei(a))
}

// WaitMined waits until a transaction, sent by whomever, is in a block. ErrReverted when it had no
// effect, ErrPending when ctx ends first.
func (c *Chain) WaitMined(ctx context.Context, tx common.Hash) error {
	tick := time.NewTicker(defaultPoll)
	defer tick.Stop()
	for {
		state, err := c.TxStatus(ctx, tx)
		switch {
		case err != nil && ctx.Err() == nil && !errors.Is(err, context.DeadlineExceeded):
			return err
		case state == settlement.TxMined:
			return nil
		case state == settlement.TxReverted:
			return fmt.Errorf("transaction %s: %w", tx, ErrReverted)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for transaction %s: %w: %w", tx, ErrPending, ctx.Err())
		case <-tick.C:
		}
	}
}
