package access

import (
	"errors"
	"fmt"
	"time"
)

var (
	// ErrUnknownKey: there is no such key.
	ErrUnknownKey = errors.New("no such API key")
	// ErrFull: as many keys as can be kept.
	ErrFull = fmt.Errorf("%d keys are kept, no more fit: forget revoked ones (flotilla keys revoke --forget)", MaxKeys)
	// ErrBadTerms: a key cannot have these terms.
	ErrBadTerms = errors.New("bad terms of a key")
)

// RefusedKeyError: the secret is right, but the key is not valid any more.
type RefusedKeyError struct {
	ID  KeyID
	Why string // "expired on 2026-01-31"
}

func (e *RefusedKeyError) Error() string { return fmt.Sprintf("the API key %s %s", e.ID, e.Why) }

// Resource is what a rate limit counts.
type Resource string

// What a key may have only so much of at a time.
const (
	Requests   Resource = "requests a minute"
	Tokens     Resource = "tokens a minute"
	Concurrent Resource = "requests at once"
)

// RateError: the key asks for more than its limit lets through now.
type RateError struct {
	Resource     Resource
	Limit, Asked uint64
	// RetryAfter is when it fits; 0: it never does.
	RetryAfter time.Duration
	// Rates are the limits that are known to whoever was not let in. A Visit tells its own.
	Rates Rates
}

func (e *RateError) Error() string {
	switch {
	case e.RetryAfter == 0:
		return fmt.Sprintf("the request may take %d tokens, the API key has %d %s: ask for fewer (max_tokens)", e.Asked, e.Limit, e.Resource)
	case e.Resource == Concurrent:
		return fmt.Sprintf("the API key has %d %s, all under way", e.Limit, e.Resource)
	}
	return fmt.Sprintf("the API key has %d %s; try again in %s", e.Limit, e.Resource, e.RetryAfter.Round(time.Second))
}

// BudgetError: the request might cost more than the key has left.
type BudgetError struct {
	Budget, Spent, Held, Asked MicroUSD
	Reset                      time.Time // when the budget starts again; zero: never
}

func (e *BudgetError) Error() string {
	text := fmt.Sprintf("the API key's budget of %s USD has %s left", e.Budget, e.left())
	if e.Held > 0 {
		text += fmt.Sprintf(" (%s are held for requests under way)", e.Held)
	}
	if e.Asked > 0 {
		text += fmt.Sprintf("; this request may cost %s: ask for fewer tokens (max_tokens) or a cheaper model", e.Asked)
	}
	if !e.Reset.IsZero() {
		text += "; it starts again at " + e.Reset.UTC().Format(time.RFC3339)
	}
	return text
}

// Passing says that the request may fit soon: it is only the most that requests under way can cost, of which they are
// usually charged a small part, that leaves no room for it.
func (e *BudgetError) Passing() bool {
	return e.Held > 0 && e.Spent < e.Budget && e.Asked <= e.Budget-e.Spent
}

func (e *BudgetError) left() MicroUSD {
	if used := e.Spent + e.Held; used < e.Budget {
		return e.Budget - used
	}
	return 0
}

func (m MicroUSD) String() string { return fmt.Sprintf("%d.%06d", m/1_000_000, m%1_000_000) }

// UnavailableError: what other gateways have spent cannot be known now, so nothing can be admitted. Err is for the log.
type UnavailableError struct{ Err error }

// UnavailableRetry is when a request that met an UnavailableError may be tried again.
const UnavailableRetry = 2 * time.Second

func (e *UnavailableError) Error() string {
	return "the store of API keys does not answer: " + e.Err.Error()
}

func (e *UnavailableError) Unwrap() error { return e.Err }
