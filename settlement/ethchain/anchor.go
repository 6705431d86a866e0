package ethchain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/contracts/bindings"
	"flotilla/settlement"
)

// BatchAnchor implements settlement.ChainReader. The contract keeps roots in its events only: the node is asked for
// the one event of this payer and epoch, over the whole chain at once or, where it refuses so wide a range, in pieces
// from the newest block back. A node that has pruned the event answers as if there were none.
func (c *Chain) BatchAnchor(ctx context.Context, payer common.Address, epoch uint64) (settlement.Anchor, error) {
	next, err := c.NextEpoch(ctx, payer)
	if err != nil {
		return settlement.Anchor{}, err
	}
	if epoch >= next {
		return settlement.Anchor{}, nil // not settled: nothing to look for
	}
	anchor, err := c.findAnchor(ctx, payer, epoch)
	if err != nil {
		return settlement.Anchor{}, fmt.Errorf("look for batch %d of %s: %w", epoch, payer, err)
	}
	return anchor, nil
}

func (c *Chain) findAnchor(ctx context.Context, payer common.Address, epoch uint64) (settlement.Anchor, error) {
	head, err := c.blockNumber(ctx)
	if err != nil {
		return settlement.Anchor{}, err
	}
	event, err := c.batchEvent(ctx, payer, epoch, c.operators.start, head)
	if err == nil {
		return anchorOf(event, head), nil
	}
	for to, s := head, c.newSpan(); ; {
		from := max(c.operators.start, to-min(to, s.blocks-1))
		event, err = c.batchEvent(ctx, payer, epoch, from, to)
		switch {
		case err != nil && s.narrow(err):
		case err != nil || event != nil || from == c.operators.start:
			return anchorOf(event, head), err
		default:
			s.widen()
			to = from - 1
		}
	}
}

// batchEvent returns the event of the batch in these blocks, or nil.
func (c *Chain) batchEvent(ctx context.Context, payer common.Address, epoch, from, to uint64) (*bindings.FlotillaSettlementBatchSettled, error) {
	logs, err := c.eventsAtOnce(ctx, c.domain.Contract, [][]common.Hash{
		{c.contract.GetABI().Events[bindings.FlotillaSettlementBatchSettledEventName].ID},
		{common.BytesToHash(payer[:])}, {common.BigToHash(new(big.Int).SetUint64(epoch))},
	}, from, to)
	if err != nil || len(logs) == 0 {
		return nil, err
	}
	event, err := c.contract.UnpackBatchSettledEvent(&logs[0])
	if err != nil {
		return nil, fmt.Errorf("decode event in block %d: %w", logs[0].BlockNumber, err)
	}
	return event, nil
}

func anchorOf(event *bindings.FlotillaSettlementBatchSettled, head uint64) settlement.Anchor {
	if event == nil {
		return settlement.Anchor{}
	}
	raw := event.Raw
	return settlement.Anchor{
		Root: event.ReceiptsRoot, Count: event.ReceiptCount, Tx: raw.TxHash, Block: raw.BlockNumber,
		Depth: head + 1 - min(head+1, raw.BlockNumber),
	}
}

func (c *Chain) blockNumber(ctx context.Context) (uint64, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	head, err := c.client.BlockNumber(ctx)
	if err != nil {
		return 0, fmt.Errorf("read newest block number: %w", err)
	}
	return head, nil
}
