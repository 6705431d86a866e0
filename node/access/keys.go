package access

import (
	"context"
	"time"
)

// Keys are API keys as a gateway uses them: its own (Store), or those that several gateways share (pgstore.Store). Both
// pass the tests of accesstest. They are safe for concurrent use.
type Keys interface {
	// Find is the key with this secret: ErrUnknownKey, or a RefusedKeyError, when it must not be served.
	Find(secret string) (Key, error)
	// Enter admits a request: a RateError when the key has too many.
	Enter(ctx context.Context, id KeyID) (Visit, error)
	// CheckBudget is a BudgetError when nothing at all is left.
	CheckBudget(ctx context.Context, id KeyID) error
	// Hold sets max aside for the order that leads to the receipt; a BudgetError says that the key has not that much
	// left. When it returns, a crash of the process cannot lose the hold: only then may the order leave.
	Hold(ctx context.Context, id KeyID, r Receipt, max MicroUSD) (Hold, error)

	// Create stores a new key and returns its secret, which nobody can show again.
	Create(ctx context.Context, t Terms) (secret string, k Key, err error)
	// Revoke refuses the key from now on; its requests under way finish. forget also drops it and what it has spent.
	Revoke(ctx context.Context, id KeyID, forget bool) (Key, error)
	// List shows all keys, oldest first.
	List(ctx context.Context) ([]Status, error)
	// Status of one key.
	Status(ctx context.Context, id KeyID) (Status, error)
	// SetConfig replaces the keys of the configuration. Requests under way finish; what the keys have spent is kept.
	SetConfig(secrets []string)

	// Ready is nil when requests of every key can be served. It asks nobody.
	Ready() error
	// Run does the housekeeping until ctx ends.
	Run(ctx context.Context) error
	// Close writes what is left and frees the store; nothing may use it any more. Closing it again does nothing.
	Close() error
}

// Visit is one request of a key under way. One goroutine at a time uses it.
type Visit interface {
	// Caching is what the key's terms say of answers that are given again.
	Caching() Caching
	// AskTokens takes an estimate of the request's tokens from the key's rate, once.
	AskTokens(ctx context.Context, estimate uint64) error
	// UsedTokens replaces the estimate by what was really used.
	UsedTokens(n uint64)
	// Rates are the limits that the key has.
	Rates() Rates
	// Leave ends the visit; calling it again does nothing.
	Leave()
}

// Hold keeps part of a key's budget for one order. It ends by Charge or Release, whichever comes first.
type Hold interface {
	// Charge replaces the hold by what the receipt says. In memory that always works; the error is that of the disk,
	// where the hold then stays for the next start to settle.
	Charge(amount MicroUSD) error
	// Release drops the hold of an order that led to no receipt: it cost nothing.
	Release() error
}

// Status is a key with what it has used.
type Status struct {
	Key
	Usage
	Held     MicroUSD  `json:"held_micro_usd"`
	ResetAt  time.Time `json:"reset_at,omitzero"`
	InFlight uint64    `json:"in_flight"`
}

// Rates are the limits that a key has, nil where it has none.
type Rates struct{ Requests, Tokens *Rate }

// Rate is a limit for the caller to see.
type Rate struct {
	Limit, Remaining uint64
	Reset            time.Duration // until nothing is used
}
