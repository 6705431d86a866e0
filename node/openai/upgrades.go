package openai

import (
	"math"
	"sync"
	"time"
)

// UpgradeLimits bound what one API key may spend on upgrades in a day: on answers that are expected to cost more than
// the thrifty choice, the cheapest capable. Beyond them the key's requests are answered by the thrifty choice and say
// so; none is refused. Zero values set no limit.
type UpgradeLimits struct {
	// MaxShare is the largest share of a key's requests that may be upgrades, 0..1, after the first freeUpgrades.
	MaxShare float64
	// MaxMicroUSD is the most that upgrades may be expected to cost above the thrifty choices, in 1e-6 USD.
	MaxMicroUSD uint64
}

// Upgrades is what a request's key may still spend; see UpgradeLimits.
type Upgrades struct {
	Bounded      bool
	LeftMicroUSD uint64
}

const (
	// freeUpgrades do not count towards the share: of a handful of requests a share says nothing.
	freeUpgrades = 20
	// upgradeHours is the window that limits are kept over, in buckets of an hour.
	upgradeHours = 24
	// maxUpgradeKeys bounds the memory: keys beyond it share one book.
	maxUpgradeKeys = 10_000
)

// UpgradeBook counts upgrades by key over a day, in memory. After a restart the owner tells it what came before (Recall).
// Requests under way are counted when their answer begins, so a key may go over by what it has in flight. Safe for
// concurrent use.
type UpgradeBook struct {
	limits UpgradeLimits // of keys that have none of their own
	now    func() time.Time

	mu   sync.Mutex // guards keys; held for map work only
	keys map[string]*upgradeDay
}

// NewUpgradeBook returns an empty book; the limits are those of keys that have none of their own.
func NewUpgradeBook(limits UpgradeLimits) *UpgradeBook { return newUpgradeBook(limits, time.Now) }

func newUpgradeBook(limits UpgradeLimits, now func() time.Time) *UpgradeBook {
	return &UpgradeBook{limits: limits, now: now, keys: map[string]*upgradeDay{}}
}

// UpgradeWindow is how long an upgrade counts.
const UpgradeWindow = upgradeHours * time.Hour

// Recall counts an answer of before the start; one that is older than the window counts for nothing.
func (b *UpgradeBook) Recall(key string, at time.Time, microUSD float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(key, at.Unix()/3600, microUSD)
}

// upgradeDay is a key's last day, a ring of hours.
type upgradeDay [upgradeHours]struct {
	hour               int64 // since 1970; tells a bucket of yesterday
	requests, upgrades int
	microUSD           float64
}

// Left says what a key may spend on its next request.
func (b *UpgradeBook) Left(key KeyInfo) Upgrades {
	limits := b.limitsOf(key)
	if limits == (UpgradeLimits{}) {
		return Upgrades{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	requests, upgrades, spent := 0, 0, 0.0
	for _, h := range b.day(key.ID) {
		if b.counts(h.hour) {
			requests, upgrades, spent = requests+h.requests, upgrades+h.upgrades, spent+h.microUSD
		}
	}
	if share := limits.MaxShare; share > 0 && float64(upgrades+1) > freeUpgrades+share*float64(requests+1) {
		return Upgrades{Bounded: true}
	}
	if most := limits.MaxMicroUSD; most > 0 {
		return Upgrades{Bounded: true, LeftMicroUSD: uint64(max(float64(most)-spent, 0))}
	}
	return Upgrades{}
}

// record counts an answer that began. microUSD is what it is expected to cost above the thrifty choice.
func (b *UpgradeBook) record(key KeyInfo, microUSD float64) {
	if b.limitsOf(key) == (UpgradeLimits{}) {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.count(key.ID, b.hour(), microUSD)
}

// count adds to an hour of a key's; one that has made room for a later hour is over. The caller holds b.mu.
func (b *UpgradeBook) count(key string, hour int64, microUSD float64) {
	h := &b.day(key)[hour%upgradeHours]
	if h.hour > hour && b.counts(h.hour) {
		return
	}
	if h.hour != hour {
		*h = upgradeDay{}[0]
		h.hour = hour
	}
	h.requests++
	if microUSD > 0 && !math.IsInf(microUSD, 0) {
		h.upgrades++
		h.microUSD += microUSD
	}
}

// limitsOf the key: its own, else those of all.
func (b *UpgradeBook) limitsOf(key KeyInfo) UpgradeLimits {
	if key.Rules != nil && key.Rules.Upgrades != (UpgradeLimits{}) {
		return key.Rules.Upgrades
	}
	return b.limits
}

func (b *UpgradeBook) hour() int64 { return b.now().Unix() / 3600 }

// counts says whether an hour is of the last day. One that is more than a day ahead was before the clock was set back.
func (b *UpgradeBook) counts(hour int64) bool {
	age := b.hour() - hour
	return -upgradeHours < age && age < upgradeHours
}

// day is the key's, made when there is room for one more.
func (b *UpgradeBook) day(key string) *upgradeDay {
	d := b.keys[key]
	if d == nil {
		if len(b.keys) >= maxUpgradeKeys {
			key = ""
			d = b.keys[key]
		}
		if d == nil {
			d = &upgradeDay{}
			b.keys[key] = d
		}
	}
	return d
}
