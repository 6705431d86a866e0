package settlement

import (
	"sync"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// maxCachedAdverts bounds the cache: a gateway deals with some hundred live adverts, 32 bytes each.
const maxCachedAdverts = 4096

// advertCache remembers which adverts have been found rightly signed. One advert prices thousands of
// receipts, and recovering a signer is the dearest step of accepting one. Safe for concurrent use.
type advertCache struct {
	mu   sync.Mutex // guards good; held for one look-up or insertion
	good map[common.Hash]struct{}
}

// check is Bundle.checkAdvertSignature, done once per advert and signature.
func (c *advertCache) check(b Bundle) error {
	digest := b.Advert.Digest(b.Domain)
	key := crypto.Keccak256Hash(digest[:], b.Advert.Operator[:], b.AdvertSig)
	c.mu.Lock()
	_, known := c.good[key]
	c.mu.Unlock()
	if known {
		return nil
	}
	if err := b.checkAdvertSignature(); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil || len(c.good) >= maxCachedAdverts {
		c.good = make(map[common.Hash]struct{}) // forgetting all is rare and costs 40 µs per live advert
	}
	c.good[key] = struct{}{}
	return nil
}
