package settlement

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// Order is the gateway's permission to serve one request and to charge up to MaxAmount for it. The
// payer's key signs it.
type Order struct {
	Payer           common.Address `json:"payer"`
	Payee           common.Address `json:"payee"`
	Advert          common.Hash    `json:"advert"` // digest of the Advert whose price applies
	MaxInputTokens  uint32         `json:"maxInputTokens"`
	MaxOutputTokens uint32         `json:"maxOutputTokens"`
	MaxAmount       Amount         `json:"maxAmount"`
	RequestHash     common.Hash    `json:"requestHash"` // see RequestHash
	Decision        common.Hash    `json:"decision"`    // sha256 of the routing decision's JSON
	Nonce           common.Hash    `json:"nonce"`       // random; makes every order's digest its own
	Deadline        uint64         `json:"deadline"`    // unix seconds; nothing served later is paid
}

const orderType = "Order(address payer,address payee,bytes32 advert,uint32 maxInputTokens,uint32 maxOutputTokens," +
	"uint128 maxAmount,bytes32 requestHash,bytes32 decision,bytes32 nonce,uint64 deadline)"

var orderTypeHash = crypto.Keccak256Hash([]byte(orderType)) // a constant that Go cannot spell as such

// Digest returns the EIP-712 digest that the payer signs.
func (o Order) Digest(d Domain) common.Hash {
	var w words
	w.hash(orderTypeHash)
	w.address(o.Payer)
	w.address(o.Payee)
	w.hash(o.Advert)
	w.uint(uint64(o.MaxInputTokens))
	w.uint(uint64(o.MaxOutputTokens))
	w.uint(uint64(o.MaxAmount))
	w.hash(o.RequestHash)
	w.hash(o.Decision)
	w.hash(o.Nonce)
	w.uint(o.Deadline)
	return d.digest(w.sum())
}

// ID returns the name of the receipt that this order may lead to.
func (o Order) ID(d Domain) ReceiptID { return ReceiptID(o.Digest(d)) }

// RequestHash returns keccak256(salt ‖ body): it binds an order to a prompt without telling it. The
// salt is known to payer and payee only and never leaves the bundle.
func RequestHash(salt, body []byte) common.Hash { return crypto.Keccak256Hash(salt, body) }
