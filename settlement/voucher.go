package settlement

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Voucher is the cumulative total that the payer owes the payee, signed by the payer. It is the only
// message that moves money. The running total is its own nonce: an older voucher pays nothing new.
type Voucher struct {
	Payer          common.Address `json:"payer"`
	Payee          common.Address `json:"payee"`
	ValueAggregate Amount         `json:"valueAggregate"` // all that was ever owed on the lane
	ReceiptCount   uint64         `json:"receiptCount"`   // receipts that the total covers
}

const voucherType = "Voucher(address payer,address payee,uint128 valueAggregate,uint64 receiptCount)"

var voucherTypeHash = crypto.Keccak256Hash([]byte(voucherType)) // a constant that Go cannot spell as such

// Digest returns the EIP-712 digest that the payer signs.
func (v Voucher) Digest(d Domain) common.Hash {
	var w words
	w.hash(voucherTypeHash)
	w.address(v.Payer)
	w.address(v.Payee)
	w.uint(uint64(v.ValueAggregate))
	w.uint(v.ReceiptCount)
	return d.digest(w.sum())
}
