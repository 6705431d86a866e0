package settlement

import (
	"bytes"
	"errors"
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// LaneTotal is the new cumulative total of one of the payer's lanes.
type LaneTotal struct {
	Payee          common.Address `json:"payee"`
	ValueAggregate Amount         `json:"valueAggregate"`
}

// Batch settles many receipts of one payer at once: the lanes' new totals pay, the root is the evidence
// index by which each receipt can later be shown to be included. The payer's key signs it.
type Batch struct {
	Payer        common.Address `json:"payer"`
	Epoch        uint64         `json:"epoch"` // 1, 2, 3 … per payer, no gaps
	ReceiptCount uint32         `json:"receiptCount"`
	ReceiptsRoot common.Hash    `json:"receiptsRoot"`
	Lanes        []LaneTotal    `json:"lanes"` // sorted by payee, unique
}

const (
	laneTotalType = "LaneTotal(address payee,uint128 valueAggregate)"
	batchType     = "SettlementBatch(address payer,uint64 epoch,uint32 receiptCount,bytes32 receiptsRoot,LaneTotal[] lanes)" + laneTotalType
)

// MaxBatchLanes bounds the lanes of one batch: at the measured 17.4k gas per lane, 512 lanes take 9M of
// the 16.7M gas that one transaction may use (EIP-7825).
const MaxBatchLanes = 512

// The hashes below are constants that Go cannot spell as such.
var (
	laneTotalTypeHash = crypto.Keccak256Hash([]byte(laneTotalType))
	batchTypeHash     = crypto.Keccak256Hash([]byte(batchType))
)

// errEmptyBatch is a programmer's error: callers build a batch only when there is something to settle.
var errEmptyBatch = errors.New("a batch needs at least one receipt")

func (t LaneTotal) structHash() common.Hash {
	var w words
	w.hash(laneTotalTypeHash)
	w.address(t.Payee)
	w.uint(uint64(t.ValueAggregate))
	return w.sum()
}

// Digest returns the EIP-712 digest that the payer signs.
func (b Batch) Digest(d Domain) common.Hash {
	lanes := make([]byte, 0, 32*len(b.Lanes))
	for _, lane := range b.Lanes {
		h := lane.structHash()
		lanes = append(lanes, h[:]...)
	}
	var w words
	w.hash(batchTypeHash)
	w.address(b.Payer)
	w.uint(b.Epoch)
	w.uint(uint64(b.ReceiptCount))
	w.hash(b.ReceiptsRoot)
	w.hash(crypto.Keccak256Hash(lanes))
	return d.digest(w.sum())
}

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
