package settlement

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// SignerBinding is what the contract knows of a key that is no account of its own: whom it signs for, and until when.
type SignerBinding struct {
	Payer   common.Address // zero: it signs for nobody but itself
	ThawEnd uint64         // unix second from which it is revoked, for ever; 0 when nobody is revoking it
}

// SignsFor says whether what the key signs at that unix second counts as the payer's word.
func (b SignerBinding) SignsFor(payer common.Address, at uint64) bool {
	return b.Payer == payer && payer != (common.Address{}) && (b.ThawEnd == 0 || at < b.ThawEnd)
}

// SignerReader tells whom a key signs for: the chain, or a cache before it.
type SignerReader interface {
	SignerOf(ctx context.Context, signer common.Address) (SignerBinding, error)
}

// errSignerUnknown: only the chain could tell whether the payer has authorised the key.
var errSignerUnknown = errors.New("whom the key signs for is not known")

// CheckPayer returns who signed digest when that is payer itself or a key that it has authorised on chain and that was
// not revoked at the unix second at. ErrBadSignature for everybody else. who names the signature in errors. signers may
// be nil: then it is an error of its own when another key than the payer's has signed.
func CheckPayer(ctx context.Context, signers SignerReader, who string, payer common.Address, digest common.Hash, sig Signature, at uint64) (common.Address, error) {
	signer, err := Recover(digest, sig)
	if err != nil {
		return common.Address{}, fmt.Errorf("%s: %w", who, err)
	}
	return signer, signsFor(ctx, signers, who, payer, signer, at)
}

// signsFor is what CheckPayer asks of who has signed.
func signsFor(ctx context.Context, signers SignerReader, who string, payer, signer common.Address, at uint64) error {
	if signer == payer {
		return nil
	}
	if signers == nil {
		return fmt.Errorf("%s: made by %s, not by %s: %w", who, signer, payer, errSignerUnknown)
	}
	binding, err := signers.SignerOf(ctx, signer)
	switch {
	case err != nil:
		return fmt.Errorf("%s: made by %s, not by %s: %w: %w", who, signer, payer, errSignerUnknown, err)
	case binding.SignsFor(payer, at):
		return nil
	case binding.Payer == payer && payer != (common.Address{}):
		return fmt.Errorf("%s: %w: made by %s, which %s revoked from %d, at %d", who, ErrBadSignature, signer, payer, binding.ThawEnd, at)
	default:
		return fmt.Errorf("%s: %w: made by %s, want %s or a key that it has authorised", who, ErrBadSignature, signer, payer)
	}
}

// maxCachedSigners bounds a SignerCache; a payee deals with some hundred payers.
const maxCachedSigners = 1024

// SignerCache believes what the chain says of a key for a while, so that serving does not ask for each signature. Safe for
// concurrent use.
type SignerCache struct {
	chain SignerReader
	fresh time.Duration
	now   func() time.Time

	mu    sync.Mutex // guards known; never held over a chain call
	known map[common.Address]cachedBinding
}

type cachedBinding struct {
	SignerBinding
	readAt time.Time
}

// NewSignerCache returns a cache that asks the chain again after fresh, far below any thaw.
func NewSignerCache(chain SignerReader, fresh time.Duration) *SignerCache {
	return &SignerCache{chain: chain, fresh: fresh, now: time.Now, known: make(map[common.Address]cachedBinding)}
}

// signerTimeout is the deadline of a SignerCache's calls to the chain.
const signerTimeout = 15 * time.Second

// SignerOf implements SignerReader.
func (c *SignerCache) SignerOf(ctx context.Context, signer common.Address) (SignerBinding, error) {
	c.mu.Lock()
	have, ok := c.known[signer]
	c.mu.Unlock()
	if ok && c.now().Sub(have.readAt) < c.fresh {
		return have.SignerBinding, nil
	}
	ctx, cancel := context.WithTimeout(ctx, signerTimeout)
	defer cancel()
	binding, err := c.chain.SignerOf(ctx, signer)
	if err != nil {
		return SignerBinding{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.known) >= maxCachedSigners {
		clear(c.known) // forgetting all is rare and costs a call per key that is still in use
	}
	c.known[signer] = cachedBinding{binding, c.now()}
	return binding, nil
}
