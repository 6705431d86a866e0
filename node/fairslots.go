package node

import (
	"fmt"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// wantedFor is how long a payer that has asked counts as one that wants slots: longer than an answer can be held up by not
// acknowledging it (20 s), so that what is held when somebody else comes is not simply taken again.
const wantedFor = time.Minute

// fairSlots bounds what one payer holds of an operator's slots. A payer alone may have all of them; while another asks too, and
// for wantedFor after, it gets no more than half. Peers cost nothing, so they are bounded by payer: a peer that takes an answer
// and does not acknowledge it pays next to nothing for its slot. Payers cost their escrow.
type fairSlots struct {
	total int

	mu    sync.Mutex // guards all below; held for map work only
	held  map[common.Address]int
	last  asked // the newest order of all
	other asked // the newest of any payer but last's
}

// asked is when a payer has sent an order that it can pay for.
type asked struct {
	payer common.Address
	at    time.Time
}

// take counts one more order of the payer until the returned function is called.
func (s *fairSlots) take(payer common.Address, now time.Time) (release func(), _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.last.payer != payer {
		s.other = s.last
	}
	s.last = asked{payer, now}
	if half := max(1, s.total/2); s.held[payer] >= half && now.Sub(s.other.at) < wantedFor {
		return nil, fmt.Errorf("%s has %d answers under way, and others wait: it gets no more than half of the %d slots", payer, s.held[payer], s.total)
	}
	if s.held == nil {
		s.held = make(map[common.Address]int)
	}
	s.held[payer]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[payer]--; s.held[payer] == 0 {
			delete(s.held, payer)
		}
	}, nil
}
