package node

import (
	"crypto/ecdsa"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// receiptOwners ties each order to the API key that it was for, without a record of it: half of the order's nonce is
// random, the other half a MAC of the first and the key's id. Only this gateway can tell whose a receipt is, and it can
// for as long as it keeps its signing key.
type receiptOwners struct{ secret []byte }

func newReceiptOwners(signer *ecdsa.PrivateKey) receiptOwners {
	mac := hmac.New(sha256.New, crypto.FromECDSA(signer))
	mac.Write([]byte("flotilla receipt owners")) // so that no other use of the key gives this secret
	return receiptOwners{mac.Sum(nil)}
}

// nonce is a fresh nonce of an order for the key.
func (o receiptOwners) nonce(keyID string) common.Hash {
	var n common.Hash
	_, _ = rand.Read(n[:16]) // never fails (crypto/rand)
	copy(n[16:], o.tag(n, keyID))
	return n
}

// owns says whether an order with this nonce was for the key.
func (o receiptOwners) owns(keyID string, nonce common.Hash) bool {
	return hmac.Equal(nonce[16:], o.tag(nonce, keyID))
}

func (o receiptOwners) tag(nonce common.Hash, keyID string) []byte {
	mac := hmac.New(sha256.New, o.secret)
	mac.Write(nonce[:16])
	mac.Write([]byte(keyID))
	return mac.Sum(nil)[:16]
}
