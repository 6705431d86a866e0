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
	// answersToWiden is how many questions in a row must be answered before the next one spans twice as many blocks: a node that has a
	// limit refuses each try, and one that was short of time for a while must not be asked in small pieces for ever.
	answersToWiden = 16
)

// span is how many blocks one question for events covers: at most scanBlocks, half of it after each refusal, down to one block.
type span struct {
	blocks, most uint64
	answered     int // questions in a row
}

func (c *Chain) newSpan() span { return span{blocks: c.scanBlocks, most: c.scanBlocks} }

// narrow says whether the question was refused and one for half as many blocks is still worth asking. Nodes have no common code
// for a range that is too wide.
func (s *span) narrow(err error) bool {
	var answer rpc.Error
	var status rpc.HTTPError
	refused := errors.As(err, &answer) || errors.As(err, &status) && status.StatusCode == http.StatusBadRequest
	if !refused || s.blocks <= 1 {
		return false
	}
	s.blocks, s.answered = s.blocks/2, 0
	return true
}

// widen notes that a question was answered.
func (s *span) widen() {
	if s.answered++; s.answered == answersToWiden {
		s.blocks, s.answered = min(2*s.blocks, s.most), 0
	}
}

// events calls do for each event of the contract with these topics in the blocks from…to, oldest first, and returns the first block
// that it has not read. It asks in pieces of c.scanBlocks, or smaller ones where the node refuses those. A node that has pruned an
// event answers as if there were none.
func (c *Chain) events(ctx context.Context, contract common.Address, topics [][]common.Hash, from, to uint64, do func(*types.Log) error) (next uint64, _ error) {
	for s := c.newSpan(); from <= to; {
		end := min(from+s.blocks-1, to)
		logs, err := c.eventsAtOnce(ctx, contract, topics, from, end)
		if err != nil && s.narrow(err) {
			continue
		}
		if err != nil {
			return from, err
		}
		for i := range logs {
			if err := do(&logs[i]); err != nil {
				return from, fmt.Errorf("read event in block %d: %w", logs[i].BlockNumber, err)
			}
		}
		s.widen()
		from = end + 1
	}
	return from, nil
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
