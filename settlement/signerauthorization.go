package settlement

import (
	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// SignerAuthorization is a key's consent to sign vouchers and batches for a payer. The signer's key signs it, and
// the payer brings it on chain.
type SignerAuthorization struct {
	Payer    common.Address `json:"payer"`
	Signer   common.Address `json:"signer"`
	Deadline uint64         `json:"deadline"` // unix seconds; the payer must bring it on chain by then
}

const signerAuthorizationType = "SignerAuthorization(address payer,address signer,uint64 deadline)"

var signerAuthorizationTypeHash = crypto.Keccak256Hash([]byte(signerAuthorizationType)) // a constant that Go cannot spell as such

// Digest returns the EIP-712 digest that the signer signs.
func (s SignerAuthorization) Digest(d Domain) common.Hash {
	var w words
	w.hash(signerAuthorizationTypeHash)
	w.address(s.Payer)
	w.address(s.Signer)
	w.uint(s.Deadline)
	return d.digest(w.sum())
}
