package settlement

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"golang.org/x/time/rate"

	"flotilla/internal/lastanswer"
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

const (
	// maxCachedSigners bounds a SignerCache; a payee deals with some hundred payers.
	maxCachedSigners = 1024
	// signerTimeout is the deadline of a SignerCache's calls to the chain.
	signerTimeout = 15 * time.Second
)

// SignerCache believes what the chain says of a key for a while, so that serving does not ask for each signature. Safe for
// concurrent use.
type SignerCache struct {
	book     *lastanswer.Book[common.Address, SignerBinding]
	familiar map[common.Address]bool // set by Expect
}

// NewSignerCache returns a cache that asks the chain again after fresh, far below any thaw. While the chain gives no answer, it goes by
// the last one (see LastAnswer).
func NewSignerCache(chain Chain, fresh time.Duration) *SignerCache {
	c := new(SignerCache)
	bound := func(b SignerBinding) bool { return b.Payer != common.Address{} }
	known := func(key common.Address, b SignerBinding) bool { return bound(b) || c.familiar[key] }
	cfg := LastAnswer(chain, chain.SignerOf, known, func(b SignerBinding) bool { return bound(b) && b.ThawEnd == 0 })
	cfg.Fresh, cfg.Timeout, cfg.Most = fresh, signerTimeout, maxCachedSigners
	c.book = lastanswer.New(cfg)
	return c
}

// Expect names keys that are no strangers although the chain was not asked about them yet (see Ledger.Familiar). Call it before the cache is
// used by others.
func (c *SignerCache) Expect(keys map[common.Address]bool) { c.familiar = keys }

// SignerOf implements SignerReader.
func (c *SignerCache) SignerOf(ctx context.Context, signer common.Address) (SignerBinding, error) {
	return c.book.Get(ctx, signer)
}

// Close waits for the questions that are under way. The cache must not be used after it.
func (c *SignerCache) Close() { c.book.Close() }

const (
	// chainAwayFor is how long a node goes on by what its chain said last, when that gives no answer, but never longer than half a thaw: what
	// was not thawing then cannot be taken back before a whole one has passed, and the other half is for collecting.
	chainAwayFor = time.Hour
	// chainPatience is how long an order waits for a chain that is slow: a quarter of what its gateway waits until it takes the operator for dead.
	chainPatience = 500 * time.Millisecond
	// StrangersPerSecond and StrangersAtOnce bound how often the chain is asked about accounts, and about keys, that it knew nothing of when
	// last asked. Anybody can invent them, and the questions that a chain node answers are counted.
	StrangersPerSecond = 10
	StrangersAtOnce    = 50
)

// ErrManyStrangers: the chain was not asked about an account or a key that it knew nothing of, as too many such ask. One that waited for
// its turn would hold a place that those who pay need.
var ErrManyStrangers = errors.New("the chain had nothing about it so far, and too many ask of which that is so: try again in some seconds")

// LastAnswer says how to go by the last answer of a chain that is slow or away. known says whether the account or key is no stranger, by
// what the chain said of it last or otherwise; holds says whether that is an answer which the chain changes only after a thaw. That the
// chain was reset is an answer itself, and ends all older ones.
func LastAnswer[V any](chain Chain, ask func(context.Context, common.Address) (V, error), known func(common.Address, V) bool, holds func(V) bool) lastanswer.Config[common.Address, V] {
	strangers := rate.NewLimiter(StrangersPerSecond, StrangersAtOnce)
	return lastanswer.Config[common.Address, V]{
		Ask: ask, Holds: holds, Stale: min(chainAwayFor, chain.LaneThaw()/2), Patience: chainPatience,
		Final: func(err error) bool { return errors.Is(err, ErrChainReset) },
		Admit: func(about common.Address, last V) error {
			if !known(about, last) && !strangers.AllowN(time.Now(), 1) {
				return fmt.Errorf("%s: %w", about, ErrManyStrangers)
			}
			return nil
		},
	}
}
