package settlement

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// ID returns the name of the receipt that this order may lead to.
func (o Order) ID(d Domain) ReceiptID { return ReceiptID(o.Digest(d)) }

// RequestHash returns keccak256(salt ‖ body): it binds an order to a prompt without telling it. The
// salt is known to payer and payee only and never leaves the bundle.
func RequestHash(salt, body []byte) common.Hash { return crypto.Keccak256Hash(salt, body) }
