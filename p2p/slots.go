package p2p

import "sync"

// slots bound the requests of a protocol at work, in total and for one peer. What merely waits for its peer is in waits.
type slots struct {
	perPeer, total int

	mu    sync.Mutex // guards what follows; not held while handlers run
	taken int
	peers map[PeerID]int
}

func newSlots(perPeer, total int) *slots {
	return &slots{perPeer: perPeer, total: total, peers: make(map[PeerID]int)}
}

// enter takes a slot, and says whether there was one.
func (s *slots) enter(from PeerID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taken >= s.total || s.peers[from] >= s.perPeer {
		return false
	}
	s.taken++
	s.peers[from]++
	return true
}

// leave gives the slot back.
func (s *slots) leave(from PeerID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.taken--
	if s.peers[from]--; s.peers[from] <= 0 {
		delete(s.peers, from)
	}
}
