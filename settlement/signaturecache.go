package settlement

import (
	"context"
	"fmt"
	"sync"
	"time"

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
	if c.knows(signer, digest, sig) {
		return nil
	}
	if err := checkSigner(who, signer, digest, sig); err != nil {
		return err
	}
	c.note(signer, digest, sig)
	return nil
}

// knows says whether the signature was found right before.
func (c *signatureCache) knows(signer common.Address, digest common.Hash, sig Signature) bool {
	key := crypto.Keccak256Hash(digest[:], signer[:], sig)
	c.mu.Lock()
	defer c.mu.Unlock()
	_, known := c.good[key]
	return known
}

// note remembers a signature that was found right, or that this process has made itself.
func (c *signatureCache) note(signer common.Address, digest common.Hash, sig Signature) {
	key := crypto.Keccak256Hash(digest[:], signer[:], sig)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.good == nil || len(c.good) >= maxCachedSignatures {
		c.good = make(map[common.Hash]struct{}) // forgetting all is rare and costs 40 µs per signature that is still in use
	}
	c.good[key] = struct{}{}
}

// checkAdvert is Bundle.checkAdvertSignature by way of the cache, once checkAdvertMatch has found that the order names the
// advert's digest.
func (l *Ledger) checkAdvert(b Bundle) error {
	return l.adverts.check(advertSigner, b.Advert.Operator, b.Order.Advert, b.AdvertSig)
}

// checkOrder: the payer or a key that may sign for it has signed the order. That is asked once: an order that was good
// when it was admitted stays so. checkOrderMatch has found that the receipt names the order's digest.
func (l *Ledger) checkOrder(ctx context.Context, b Bundle) error {
	payer, digest := b.Order.Payer, common.Hash(b.ID())
	if l.orders.knows(payer, digest, b.OrderSig) {
		return nil
	}
	_, err := l.CheckOrder(ctx, payer, digest, b.OrderSig)
	return err
}

// CheckOrder returns who signed the order of that digest: its payer, or a key that may sign for it. ErrBadSignature when
// it was neither. RecordServed does not ask again.
func (l *Ledger) CheckOrder(ctx context.Context, payer common.Address, digest common.Hash, sig Signature) (common.Address, error) {
	signer, err := l.checkPayer(ctx, orderSigner, payer, digest, sig)
	if err == nil {
		l.orders.note(payer, digest, sig)
	}
	return signer, err
}

// checkGateway: the payer or a key that may sign for it has countersigned the receipt.
func (l *Ledger) checkGateway(ctx context.Context, b Bundle) error {
	_, err := l.checkPayer(ctx, receiptSigner, b.Receipt.Payer, b.Receipt.Digest(b.Domain), b.GatewaySig)
	return err
}

// checkPayer is CheckPayer at the present time; that this ledger's own key signs for its owner it need not ask.
func (l *Ledger) checkPayer(ctx context.Context, who string, payer common.Address, digest common.Hash, sig Signature) (common.Address, error) {
	signer, err := Recover(digest, sig)
	if err != nil {
		return common.Address{}, fmt.Errorf("%s: %w", who, err)
	}
	return signer, l.signsFor(ctx, who, payer, signer)
}

// signsFor is what checkPayer asks of who has signed.
func (l *Ledger) signsFor(ctx context.Context, who string, payer, signer common.Address) error {
	switch {
	case payer == l.self && signer == l.signer:
		return nil
	case l.others == nil:
		return sameSigner(who, payer, signer)
	}
	return signsFor(ctx, l.others, who, payer, signer, uint64(time.Now().Unix()))
}

// maxRecovered bounds a recoveries: a voucher comes again within milliseconds or not at all.
const maxRecovered = 256

// recoveries remembers who made signatures: a voucher comes with each of the receipts that it was made for (see Vouched). Whether
// that counts is asked each time. Safe for concurrent use.
type recoveries struct {
	mu   sync.Mutex // guards made; held for one look-up or insertion
	made map[signed]common.Address
}

type signed struct {
	digest common.Hash
	sig    [SignatureLen]byte
}

// signer is Recover.
func (c *recoveries) signer(digest common.Hash, sig Signature) (common.Address, error) {
	if len(sig) != SignatureLen {
		return Recover(digest, sig)
	}
	key := signed{digest, [SignatureLen]byte(sig)}
	c.mu.Lock()
	by, known := c.made[key]
	c.mu.Unlock()
	if known {
		return by, nil
	}
	by, err := Recover(digest, sig)
	if err != nil {
		return common.Address{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.made == nil || len(c.made) >= maxRecovered {
		c.made = make(map[signed]common.Address)
	}
	c.made[key] = by
	return by, nil
}
