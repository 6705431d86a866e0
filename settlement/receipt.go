package settlement

import (
	"fmt"

	"github.com/ethereum/go-ethereum/common"
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

// ID returns the receipt's name, which is its order's digest.
func (r Receipt) ID() ReceiptID { return ReceiptID(r.Request) }
