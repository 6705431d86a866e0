package ethchain

import (
	"context"
	"fmt"
	"math/big"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
)

// scanBlocks is how many blocks one question for events spans: what public nodes commonly allow.
const scanBlocks = 10_000

// events calls do for each event of the contract with these topics in the blocks from…to, oldest first. It asks in
// pieces of c.scanBlocks. A node that has pruned an event answers as if there were none.
func (c *Chain) events(ctx context.Context, contract common.Address, topics [][]common.Hash, from, to uint64, do func(*types.Log) error) error {
	for ; from <= to; from += c.scanBlocks {
		logs, err := c.eventsAtOnce(ctx, contract, topics, from, min(from+c.scanBlocks-1, to))
		if err != nil {
			return err
		}
		for i := range logs {
			if err := do(&logs[i]); err != nil {
				return fmt.Errorf("read event in block %d: %w", logs[i].BlockNumber, err)
			}
		}
	}
	return nil
}

// eventsAtOnce asks once for the events with these topics in the blocks from…to, without those that a reorganisation took back.
func (c *Chain) eventsAtOnce(ctx context.Context, contract common.Address, topics [][]common.Hash, from, to uint64) ([]types.Log, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	logs, err := c.client.FilterLogs(ctx, ethereum.FilterQuery{
		FromBlock: new(big.Int).SetUint64(from), ToBlock: new(big.Int).SetUint64(to), Addresses: []common.Address{contract}, Topics: topics,
	})
	if err != nil {
		return nil, fmt.Errorf("read events of blocks %d to %d: %w", from, to, err)
	}
	standing := logs[:0]
	for _, log := range logs {
		if !log.Removed {
			standing = append(standing, log)
		}
	}
	return standing, nil
}
