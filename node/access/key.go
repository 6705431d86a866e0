package access

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"time"
	"unicode"
	"unicode/utf8"

	"flotilla/node/modelpattern"
)

const (
	secretPrefix = "sk-flotilla-"
	secretBytes  = 32

	maxNameBytes    = 100
	maxPatterns     = 64
	maxPatternBytes = 4 << 10 // of one list; both go into each routing decision
	maxDial         = 10
	maxBudget       = 1_000_000_000_000 // a million dollars; sums stay far from overflow
)

// MicroUSD is an amount in 1e-6 USD.
type MicroUSD uint64

// KeyID names a key in logs, metrics and commands. It does not reveal the key.
type KeyID string

// Terms are what a key may do. Zero values set no limit.
type Terms struct {
	Name    string    `json:"name"`
	Expires time.Time `json:"expires,omitzero"`
	// Budget is the most that the key may spend in one period of Reset.
	Budget MicroUSD `json:"budget_micro_usd,omitempty"`
	Reset  Period   `json:"reset,omitempty"`
	// In no 60 seconds more than RequestsPerMinute and TokensPerMinute, at no time more than Concurrent under way.
	RequestsPerMinute uint64 `json:"requests_per_minute,omitempty"`
	TokensPerMinute   uint64 `json:"tokens_per_minute,omitempty"`
	Concurrent        uint64 `json:"concurrent,omitempty"`
	// Allow and Block are path.Match patterns on model ids; an empty Allow allows all, Block is stronger.
	Allow []string `json:"allow,omitempty"`
	Block []string `json:"block,omitempty"`
	// Dial is where the cost/quality dial stands for requests that do not set it; nil leaves the gateway's default.
	Dial *float64 `json:"dial,omitempty"`
	// UpgradeBudget and UpgradeShare bound, in a day, what answers may cost above the cheapest capable, and how many may.
	UpgradeBudget MicroUSD `json:"upgrade_micro_usd,omitempty"`
	UpgradeShare  float64  `json:"upgrade_share,omitempty"`
	// Cache says which answers may be given again.
	Cache Caching `json:"cache,omitzero"`
}

// Key is a stored key, without its secret.
type Key struct {
	ID KeyID `json:"id"`
	Terms
	Created time.Time `json:"created,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	// Config keys come from the gateway's configuration: they are not stored and have no limits.
	Config bool `json:"config,omitempty"`
}

// Validate says what is wrong with the terms, all of it.
func (t Terms) Validate() error {
	var errs []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(!plainName(t.Name), "name: want 1 to %d printable bytes", maxNameBytes)
	add(t.Budget > maxBudget, "budget: at most %d USD", maxBudget/1_000_000)
	add(!t.Reset.known(), "reset %q: want none, hour, day, week or month", t.Reset)
	add(t.Budget == 0 && t.Reset != PeriodNone && t.Reset != "", "reset %q without a budget", t.Reset)
	add(t.Dial != nil && !onDial(*t.Dial), "dial: want 0 (most capable) to %d (cheapest capable), with one decimal at most", maxDial)
	add(!(t.UpgradeShare >= 0 && t.UpgradeShare <= 1), "upgrade share %v: want 0 to 1", t.UpgradeShare)
	if err := t.Cache.Validate(); err != nil {
		errs = append(errs, err)
	}
	for name, list := range map[string][]string{"allow": t.Allow, "block": t.Block} {
		bytes := 0
		for _, p := range list {
			bytes += len(p)
			if err := modelpattern.Check(p); err != nil {
				add(true, "%s: %w", name, err)
			} else {
				add(p == "" || !printable(p), "%s: pattern %q: want printable text", name, p)
			}
		}
		add(len(list) > maxPatterns || bytes > maxPatternBytes, "%s: at most %d patterns and %d bytes", name, maxPatterns, maxPatternBytes)
	}
	return errors.Join(errs...)
}

func plainName(name string) bool { return name != "" && len(name) <= maxNameBytes && printable(name) }

func printable(text string) bool {
	for _, r := range text {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return utf8.ValidString(text)
}

// Usable says why a key must be refused, or nothing.
func (k Key) Usable(now time.Time) error {
	switch {
	case !k.Revoked.IsZero():
		return &RefusedKeyError{k.ID, "was revoked on " + k.Revoked.UTC().Format(time.DateOnly)}
	case !k.Expires.IsZero() && !now.Before(k.Expires):
		return &RefusedKeyError{k.ID, "expired on " + k.Expires.UTC().Format(time.DateOnly)}
	}
	return nil
}

// Sum is all that is kept of a secret. A secret has 256 random bits, so nothing slower is needed against guessing.
type Sum [sha256.Size]byte

// SumOf a secret.
func SumOf(secret string) Sum { return sha256.Sum256([]byte(secret)) }

// NewSecret is the secret of a new key.
func NewSecret() string {
	var b [secretBytes]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return secretPrefix + base64.RawURLEncoding.EncodeToString(b[:])
}

// ID of a stored key; ConfigID, which is shorter, that of a key from the configuration.
func (s Sum) ID() KeyID       { return KeyID("key_" + hex.EncodeToString(s[:8])) }
func (s Sum) ConfigID() KeyID { return KeyID("key_" + hex.EncodeToString(s[:4])) }

// onDial says whether v is a position of the dial, which has tenths.
func onDial(v float64) bool {
	return v >= 0 && v <= maxDial && math.Abs(10*v-math.Round(10*v)) < 1e-9
}
