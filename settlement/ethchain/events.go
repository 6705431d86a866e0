package ethchain

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"net/http"

	"github.com/ethereum/go-ethereum"
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core/types"
	"github.com/ethereum/go-ethereum/rpc"
)

const (
	// scanBlocks is how many blocks one question for events spans: what public nodes commonly allow.
	scanBlocks = 10_000
	// leastScanBlocks bounds how far the span is halved for a node that allows less: with fewer no history is read in time.
	leastScanBlocks = 100
)

// events calls do for each event of the contract with these topics in the blocks from…to, oldest first. It asks in
// pieces of c.scanBlocks, or smaller ones where the node refuses those. A node that has pruned an event answers as if
// there were none.
func (c *Chain) events(ctx context.Context, contract common.Address, topics [][]common.Hash, from, to uint64, do func(*types.Log) error) error {
	for span := c.scanBlocks; from <= to; {
		end := min(from+span-1, to)
		logs, err := c.eventsAtOnce(ctx, contract, topics, from, end)
		if err != nil && maySpanLess(err, span) {
			span /= 2
			continue
		}
		if err != nil {
			return err
		}
		for i := range logs {
			if err := do(&logs[i]); err != nil {
				return fmt.Errorf("read event in block %d: %w", logs[i].BlockNumber, err)
			}
		}
		from = end + 1
	}
	return nil
}

// maySpanLess says whether a question for span blocks was refused and half of them are still worth asking for. Nodes have
// no common code for a range that is too wide.
func maySpanLess(err error, span uint64) bool {
	var answer rpc.Error
	var status rpc.HTTPError
	refused := errors.As(err, &answer) || errors.As(err, &status) && status.StatusCode == http.StatusBadRequest
	return refused && span/2 >= leastScanBlocks
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
