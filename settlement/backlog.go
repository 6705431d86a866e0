package settlement

import (
	"fmt"
	"maps"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// Backlog is what is accepted and not settled yet.
type Backlog struct {
	Receipts int       `json:"receipts"`
	Value    Amount    `json:"value"`
	Oldest   time.Time `json:"oldest"` // when the oldest of them was accepted; zero when there is none
}

// Backlog returns what is accepted and not settled, the batch in flight included.
func (l *Ledger) Backlog() Backlog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.backlog
}

// laneBacklogs returns the backlog of each lane that has one.
func (l *Ledger) laneBacklogs() map[common.Address]Backlog {
	l.mu.Lock()
	defer l.mu.Unlock()
	return maps.Clone(l.lanes)
}

// addBacklog notes one accepted receipt and wakes the settler. Only the committer calls it.
func (l *Ledger) addBacklog(p pendingRecord) {
	l.mu.Lock()
	l.backlog.add(p)
	lane := l.lanes[p.Payee]
	lane.add(p)
	l.lanes[p.Payee] = lane
	l.mu.Unlock()
	select {
	case l.wake <- struct{}{}:
	default: // one wake-up is waiting already
	}
}

// recount rebuilds the backlog from what is stored. Only the committer calls it, or OpenLedger before
// anything is written, so no accepted receipt can fall between the scan and the assignment.
func (l *Ledger) recount() error {
	var all Backlog
	lanes := make(map[common.Address]Backlog)
	err := l.scan([]byte(prefixPending), func(e entry) (bool, error) {
		var p pendingRecord
		if err := readEntry(e, &p); err != nil {
			return false, err
		}
		all.add(p)
		lane := lanes[p.Payee]
		lane.add(p)
		lanes[p.Payee] = lane
		return true, nil
	})
	if err != nil {
		return fmt.Errorf("count backlog: %w", err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.backlog, l.lanes = all, lanes
	return nil
}

func (b *Backlog) add(p pendingRecord) {
	b.Receipts++
	b.Value += p.Amount // cannot overflow: the lane totals it is part of did not
	if b.Oldest.IsZero() || p.AcceptedAt.Before(b.Oldest) {
		b.Oldest = p.AcceptedAt
	}
}
