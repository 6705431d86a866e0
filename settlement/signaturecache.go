package settlement

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// maxCachedSignatures bounds a cache: a gateway deals with some hundred live adverts and orders, 32 bytes each.
const maxCachedSignatures = 4096

// signatureCache remembers which signatures have been found right. Recovering a signer is the dearest step of
// accepting a receipt, one advert prices thousands of them, and the order was signed here. Safe for concurrent use.
type signatureCache struct {
	mu   sync.Mutex // guards good; held for one look-up or insertion
	good map[common.Hash]struct{}
}

// check is checkSigner, done once per digest, signer and signature.
func (c *signatureCache) check(who string, signer common.Address, digest common.Hash, sig Signature) error {
	key := crypto.Keccak256Hash(digest[:], signer[:], sig)
	c.mu.Lock()
	_, known := c.good[key]
	c.mu.Unlock()
	if known {
		return nil
	}
	if err := checkSigner(who, signer, digest, sig); err != nil {
		return err
	}
	c.add(key)
	return nil
}

// note remembers a signature that this process has made itself.
func (c *signatureCache) note(signer common.Address, digest common.Hash, sig Signature) {
	c.add(crypto.Keccak256Hash(digest[:], signer[:], sig))
}

func (c *signatureCache) add(key common.Hash) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil || len(c.good) >= maxCachedSignatures {
		c.good = make(map[common.Hash]struct{}) // forgetting all is rare and costs 40 µs per signature that is still in use
	}
	c.good[key] = struct{}{}
}

// checkAdvert is Bundle.checkAdvertSignature by way of the cache.
func (l *Ledger) checkAdvert(b Bundle) error {
	return l.adverts.check(advertSigner, b.Advert.Operator, b.Advert.Digest(b.Domain), b.AdvertSig)
}

// checkOrder is Bundle.checkOrderSignature by way of the cache.
func (l *Ledger) checkOrder(b Bundle) error {
	return l.orders.check(orderSigner, b.Order.Payer, b.Order.Digest(b.Domain), b.OrderSig)
}
