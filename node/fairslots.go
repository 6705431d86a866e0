package node

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
)

// wantedFor is how long a payer that has asked counts as one that wants slots: longer than an answer can be held up by not
// acknowledging it (20 s), so that what is held when somebody else comes is not simply taken again.
const wantedFor = time.Minute

// fairSlots bounds what one payer holds of an operator's slots. A payer alone may have all of them; while others ask too, and
// for wantedFor after, it leaves them as many as they want at once, half of all at most. Peers cost nothing, so they are bounded
// by payer: a peer that takes an answer and does not acknowledge it pays next to nothing for its slot. Payers cost their escrow,
// and who sends one small order a minute keeps one slot with it, not half.
type fairSlots struct {
	total int

	mu    sync.Mutex // guards all below; held for map work only
	held  map[common.Address]int
	wants []want // one a payer, the newest last
}

// want is the most slots that a payer would have held at once, within wantedFor.
type want struct {
	payer common.Address
	slots int
	at    time.Time
}

// take counts one more order of the payer until the returned function is called, which may be called again.
func (s *fairSlots) take(payer common.Address, now time.Time) (release func(), _ error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.note(want{payer, s.held[payer] + 1, now})
	if most := s.total - s.leaves(payer); s.held[payer] >= most {
		return nil, fmt.Errorf("%s has %d answers under way, and others wait: it gets no more than %d of the %d slots", payer, s.held[payer], most, s.total)
	}
	if s.held == nil {
		s.held = make(map[common.Address]int)
	}
	s.held[payer]++
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.held[payer]--; s.held[payer] == 0 {
			delete(s.held, payer)
		}
	}), nil
}

// most is how many slots a payer leaves to others at most. The caller holds mu.
func (s *fairSlots) most() int { return s.total - max(1, s.total/2) }

// note keeps what a payer wants, unless it wanted more a moment ago. The caller holds mu.
func (s *fairSlots) note(w want) {
	s.wants = slices.DeleteFunc(s.wants, func(old want) bool { return w.at.Sub(old.at) >= wantedFor })
	for i, old := range s.wants {
		if old.payer == w.payer {
			if old.slots > w.slots {
				return
			}
			s.wants = slices.Delete(s.wants, i, i+1)
			break
		}
	}
	if s.wants = append(s.wants, w); len(s.wants) > s.most()+1 { // without any of these there are enough to leave the most to
		s.wants = s.wants[1:]
	}
}

// leaves is how many slots a payer leaves to the others. The caller holds mu.
func (s *fairSlots) leaves(payer common.Address) (slots int) {
	for _, w := range s.wants {
		if w.payer != payer {
			slots += w.slots
		}
	}
	return min(slots, s.most())
}
