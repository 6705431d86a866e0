package settlement

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// worthSettling says whether a lane goes into a batch at now: what is new on it is worth the gas many times over, or
// has waited long enough that gas no longer matters. cost is what one lane costs.
func (c SettlerConfig) worthSettling(lane Backlog, cost Amount, now time.Time) bool {
	return lane.Receipts > 0 && (lane.Value >= c.leastGain(cost) || c.waited(lane.Oldest, now) >= c.MaxWait)
}

// waited is how long ago since is. One that lies ahead was written before the clock was set back: nobody knows how long ago, and receipts that
// waited for the clock to come there might wait for years.
func (c SettlerConfig) waited(since, now time.Time) time.Duration {
	if since.Sub(now) > c.MaxAge {
		return math.MaxInt64
	}
	return now.Sub(since)
}

// leastGain is MinGain times cost, at most the largest Amount.
func (c SettlerConfig) leastGain(cost Amount) Amount {
	hi, lo := bits.Mul64(uint64(cost), c.MinGain)
	if hi != 0 {
		return math.MaxUint64
	}
	return Amount(lo)
}

// ripeLanes returns the lanes that go into a batch at now, sorted by payee, and how many receipts they have.
func (c SettlerConfig) ripeLanes(lanes map[common.Address]Backlog, cost Amount, now time.Time) (ripe []common.Address, receipts int) {
	for payee, lane := range lanes {
		if c.worthSettling(lane, cost, now) {
			ripe = append(ripe, payee)
			receipts += lane.Receipts
		}
	}
	slices.SortFunc(ripe, func(a, b common.Address) int { return bytes.Compare(a[:], b[:]) })
	return ripe, receipts
}

// look is what the settler remembers of the last time that it weighed the lanes: the receipts that it left waiting
// make no batch due until MaxAge is over again. A restart forgets it and looks once more.
type look struct {
	at   time.Time
	left int // receipts left waiting
}

// due says whether to weigh the lanes at now, and otherwise when to look again.
func (c SettlerConfig) due(b Backlog, last look, now time.Time) (time.Duration, bool) {
	if b.Receipts == 0 {
		return c.MaxAge, false
	}
	since := b.Oldest
	if last.at.After(since) {
		since = last.at
	}
	wait := c.MaxAge - c.waited(since, now)
	return wait, wait <= 0 || b.Receipts-min(last.left, b.Receipts) >= c.MaxReceipts
}
