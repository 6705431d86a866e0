package node

import (
	"errors"
	"sync"
	"time"

	"flotilla/p2p"
)

const (
	// maxInFlightPerOperator keeps one operator's share of a connection far under libp2p's stream limits.
	maxInFlightPerOperator = 128
	pauseFirst             = 5 * time.Second
	pauseMost              = 5 * time.Minute
	// maxTracked bounds the peers remembered; an idle, healthy one is forgotten first.
	maxTracked = 8192
)

// health is what this gateway has seen of each operator: requests in flight, and a pause after faults that doubles
// with each fault in a row. Being busy is not a fault; neither is a client that leaves.
type health struct {
	mu    sync.Mutex // guards peers; held for map work only
	peers map[p2p.PeerID]*peerHealth
}

type peerHealth struct {
	inFlight    int
	faults      int
	pausedUntil time.Time
}

func newHealth() *health { return &health{peers: make(map[p2p.PeerID]*peerHealth)} }

func (h *health) get(id p2p.PeerID) *peerHealth {
	p := h.peers[id]
	if p == nil {
		if len(h.peers) >= maxTracked {
			for k, old := range h.peers {
				if old.inFlight == 0 && old.faults == 0 {
					delete(h.peers, k)
					break
				}
			}
		}
		p = &peerHealth{}
		h.peers[id] = p
	}
	return p
}

// enter counts a request in; the returned function counts it out.
func (h *health) enter(id p2p.PeerID) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	p.inFlight++
	var once sync.Once
	return func() {
		once.Do(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			p.inFlight--
		})
	}
}

func (h *health) inFlight(id p2p.PeerID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[id]; p != nil {
		return p.inFlight
	}
	return 0
}

// fault pauses an operator when the fault is its own.
func (h *health) fault(id p2p.PeerID, err error, now time.Time) {
	var rejected *p2p.RejectedError
	if errors.As(err, &rejected) && rejected.Code != codeNotReady {
		return // busy, or our own order was refused: it answered as it should
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	p.faults++
	p.pausedUntil = now.Add(min(pauseFirst<<min(p.faults-1, 10), pauseMost))
}

func (h *health) success(id p2p.PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	p.faults, p.pausedUntil = 0, time.Time{}
}

// paused says why an operator is not asked now, or nothing.
func (h *health) paused(id p2p.PeerID, now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[id]; p != nil && now.Before(p.pausedUntil) {
		return "paused after a fault"
	}
	return ""
}
