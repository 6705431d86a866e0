package ethchain

import (
	"context"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"

	"flotilla/settlement"
)

// TxStatus implements settlement.Chain. A transaction of this account is kept in the air by asking for it (see
// Sender.tend), and stands for every version of itself: once a dearer one is mined, the first hash is mined too.
func (c *Chain) TxStatus(ctx context.Context, tx common.Hash) (settlement.TxState, error) {
	state, err := c.txStatus(ctx, tx)
	if err != nil {
		return settlement.TxUnknown, fmt.Errorf("look up transaction %s: %w", tx, err)
	}
	return state, nil
}

func (c *Chain) txStatus(ctx context.Context, tx common.Hash) (settlement.TxState, error) {
	ctx, cancel := context.WithTimeout(ctx, stepTimeout)
	defer cancel()
	if err := c.sameChain(ctx); err != nil {
		return settlement.TxUnknown, err
	}
	f, err := c.flightOf(ctx, tx)
	if err != nil {
		return settlement.TxUnknown, err
	}
	var receipt *types.Receipt
	if f != nil {
		receipt, err = c.sender.tend(ctx, f)
	} else {
		receipt, err = c.client.TransactionReceipt(ctx, tx)
	}
	switch {
	case errors.Is(err, ErrReplaced):
		return settlement.TxUnknown, nil
	case errors.Is(err, ethereum.NotFound):
		return c.pooled(ctx, tx)
	case err != nil:
		return settlement.TxUnknown, err
	case receipt == nil:
		return settlement.TxPending, nil
	case receipt.Status == types.ReceiptStatusSuccessful:
		return settlement.TxMined, nil
	default:
		return settlement.TxReverted, nil
	}
}

// flightOf returns the flight of a transaction of this account, and adopts one that waits since before a restart. Nil for
// one of another account, or that is in a block already.
func (c *Chain) flightOf(ctx context.Context, hash common.Hash) (*flight, error) {
	if c.sender == nil {
		return nil, nil
	}
	if f, err := c.sender.flightOf(ctx, hash); f != nil || err != nil {
		return f, err
	}
	tx, pending, err := c.client.TransactionByHash(ctx, hash)
	switch {
	case errors.Is(err, ethereum.NotFound):
		return nil, nil
	case err != nil || !pending:
		return nil, err
	}
	return c.sender.adopt(ctx, tx)
}

// pooled says whether a transaction that is in no block waits for one.
func (c *Chain) pooled(ctx context.Context, tx common.Hash) (settlement.TxState, error) {
	_, _, err := c.client.TransactionByHash(ctx, tx)
	if errors.Is(err, ethereum.NotFound) {
		return settlement.TxUnknown, nil
	}
	return settlement.TxPending, err // pending, or mined since the first question: the next one tells
}
