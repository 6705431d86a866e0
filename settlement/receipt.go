package settlement

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// ReceiptID names one attempt to serve a request: the digest of its Order. There is at most one
// receipt per id. Its text form is 0x and 64 hex digits.
type ReceiptID common.Hash

// ParseReceiptID reads the text form of a ReceiptID.
func ParseReceiptID(s string) (ReceiptID, error) {
	var id ReceiptID
	if err := id.UnmarshalText([]byte(s)); err != nil {
		return ReceiptID{}, fmt.Errorf("parse receipt id %.80q: want 0x and 64 hex digits", s)
	}
	return id, nil
}

func (id ReceiptID) String() string { return common.Hash(id).Hex() }

// MarshalText returns 0x and 64 hex digits.
func (id ReceiptID) MarshalText() ([]byte, error) { return common.Hash(id).MarshalText() }

// UnmarshalText reads 0x and 64 hex digits.
func (id *ReceiptID) UnmarshalText(text []byte) error { return (*common.Hash)(id).UnmarshalText(text) }

// Compare orders ids by their bytes, as bytes.Compare does.
func (id ReceiptID) Compare(other ReceiptID) int { return common.Hash(id).Cmp(common.Hash(other)) }

// next returns the id that follows in order; the last one is followed by the first.
func (id ReceiptID) next() ReceiptID {
	for i := len(id) - 1; i >= 0; i-- {
		id[i]++
		if id[i] != 0 {
			break
		}
	}
	return id
}

// Receipt says what was served and what it costs. The operator signs it first, then the gateway signs
// the same digest.
type Receipt struct {
	Request      common.Hash    `json:"request"` // the ReceiptID: digest of the Order
	Payer        common.Address `json:"payer"`
	Payee        common.Address `json:"payee"`
	Advert       common.Hash    `json:"advert"`
	LaneSeq      uint64         `json:"laneSeq"` // operator's running number on this lane; 0 = issued by the payer for a broken stream
	InputTokens  uint32         `json:"inputTokens"`
	OutputTokens uint32         `json:"outputTokens"`
	Amount       Amount         `json:"amount"`
	ServedAt     uint64         `json:"servedAt"` // unix seconds
	RequestHash  common.Hash    `json:"requestHash"`
	ResponseHash common.Hash    `json:"responseHash"`
	Decision     common.Hash    `json:"decision"`
}

const receiptType = "Receipt(bytes32 request,address payer,address payee,bytes32 advert,uint64 laneSeq,uint32 inputTokens," +
	"uint32 outputTokens,uint128 amount,uint64 servedAt,bytes32 requestHash,bytes32 responseHash,bytes32 decision)"

var receiptTypeHash = crypto.Keccak256Hash([]byte(receiptType)) // a constant that Go cannot spell as such

// ID returns the receipt's name, which is its order's digest.
func (r Receipt) ID() ReceiptID { return ReceiptID(r.Request) }

// Digest returns the EIP-712 digest that both parties sign and that the batch's Merkle leaves hold.
func (r Receipt) Digest(d Domain) common.Hash {
	var w words
	w.hash(receiptTypeHash)
	w.hash(r.Request)
	w.address(r.Payer)
	w.address(r.Payee)
	w.hash(r.Advert)
	w.uint(r.LaneSeq)
	w.uint(uint64(r.InputTokens))
	w.uint(uint64(r.OutputTokens))
	w.uint(uint64(r.Amount))
	w.uint(r.ServedAt)
	w.hash(r.RequestHash)
	w.hash(r.ResponseHash)
	w.hash(r.Decision)
	return d.digest(w.sum())
}
