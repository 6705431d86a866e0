package settlement

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
)

// MaxBatchLanes bounds the lanes of one batch: at the measured 17.4k gas per lane, 512 lanes take 9M of
// the 16.7M gas that one transaction may use (EIP-7825).
const MaxBatchLanes = 512

// errEmptyBatch is a programmer's error: callers build a batch only when there is something to settle.
var errEmptyBatch = errors.New("a batch needs at least one receipt")

// Validate checks the shape that the contract demands: a first epoch of 1, receipts, a root, and lanes
// that are sorted by payee, unique and at most MaxBatchLanes.
func (b Batch) Validate() error {
	switch {
	case b.Epoch == 0:
		return fmt.Errorf("batch epoch is 0: epochs start at 1")
	case b.ReceiptCount == 0 || b.ReceiptsRoot == (common.Hash{}):
		return errEmptyBatch
	case len(b.Lanes) == 0 || len(b.Lanes) > MaxBatchLanes:
		return fmt.Errorf("batch has %d lanes: want 1 to %d", len(b.Lanes), MaxBatchLanes)
	}
	for i := 1; i < len(b.Lanes); i++ {
		if bytes.Compare(b.Lanes[i-1].Payee[:], b.Lanes[i].Payee[:]) >= 0 {
			return fmt.Errorf("batch lanes are not sorted by payee and unique at lane %d", i)
		}
	}
	return nil
}
