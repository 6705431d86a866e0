package node

import (
	"errors"
	"sync"
	"time"

	"flotilla/node/page"
	"flotilla/p2p"
)

const (
	// maxInFlightPerOperator keeps one operator's share of a connection far under libp2p's stream limits.
	maxInFlightPerOperator = 128
	pauseFirst             = time.Second
	pauseMost              = 5 * time.Minute
	// maxModelFaults in a row from its model server open an operator's breaker. Fewer may be the request's doing: one that
	// makes every model server fail must not take the fleet from everybody else.
	maxModelFaults = 3
	// An operator that says it is full is believed for so long.
	overloadLeast = 100 * time.Millisecond
	overloadMost  = 5 * time.Second
	// maxTracked bounds the peers remembered; an idle, healthy one is forgotten first.
	maxTracked = 8192
)

// health is what this gateway has seen of each operator: requests in flight, and a circuit breaker. A fault, or three in a
// row of its model server, opens the breaker for a pause that doubles with each fault in a row; after it one request at a time
// tries the operator, and a success closes the breaker. Being busy is not a fault; neither is a client that leaves, or a request that no server
// would take.
type health struct {
	mu    sync.Mutex // guards peers; held for map work only
	peers map[p2p.PeerID]*peerHealth
}

type peerHealth struct {
	inFlight    int
	modelFaults int // of its model server, in a row
	faults      int // in a row; the breaker is closed at 0
	pausedUntil time.Time
	trials      int // in flight since the breaker opened
	fullUntil   time.Time
	pace        pace
}

func newHealth() *health { return &health{peers: make(map[p2p.PeerID]*peerHealth)} }

func (h *health) get(id p2p.PeerID) *peerHealth {
	p := h.peers[id]
	if p == nil {
		if len(h.peers) >= maxTracked {
			h.forgetOne()
		}
		p = &peerHealth{}
		h.peers[id] = p
	}
	return p
}

// forgetOne makes room: a healthy peer that is idle goes, or one with faults where there is none.
func (h *health) forgetOne() {
	var least p2p.PeerID
	for id, p := range h.peers {
		if p.inFlight > 0 {
			continue
		}
		if least = id; p.faults == 0 {
			break
		}
	}
	delete(h.peers, least)
}

// enter counts a request in; the returned function counts it out.
func (h *health) enter(id p2p.PeerID) func() {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	p.inFlight++
	trial := 0
	if p.faults > 0 {
		trial = 1
	}
	p.trials += trial
	var once sync.Once
	return func() {
		once.Do(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			p.inFlight--
			p.trials -= trial
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

// full says whether an operator has no slot for us: by our own count, or because it said so.
func (h *health) full(id p2p.PeerID, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[id]
	return p != nil && (p.inFlight >= maxInFlightPerOperator || now.Before(p.fullUntil))
}

// overloaded notes that an operator has no slot. It is asked again after the given time, or once a request of ours there
// has ended.
func (h *health) overloaded(id p2p.PeerID, retryAfter time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.get(id).fullUntil = now.Add(min(max(retryAfter, overloadLeast), overloadMost))
}

// freed notes that an operator has a slot again.
func (h *health) freed(id p2p.PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[id]; p != nil {
		p.fullUntil = time.Time{}
	}
}

// fault pauses an operator when the fault is its own.
func (h *health) fault(id p2p.PeerID, err error, now time.Time) {
	var rejected *p2p.RejectedError
	if isOverloaded(err) && errors.As(err, &rejected) {
		h.overloaded(id, rejected.RetryAfter, now)
		return
	}
	if errors.As(err, &rejected) && rejected.Code != codeNotReady {
		return // busy, or our own order was refused: it answered as it should
	}
	var fault *modelFault
	if errors.As(err, &fault) && (fault.aboutRequest() || fault.busy()) {
		return // the request's fault, or nobody's
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	if now.Before(p.pausedUntil) {
		return // of a request from before the pause: one death ends many, and is one fault
	}
	if fault != nil && p.faults == 0 { // on trial there is no indulgence
		if p.modelFaults++; p.modelFaults < maxModelFaults {
			return
		}
	}
	p.faults++
	p.pausedUntil = now.Add(min(pauseFirst<<min(p.faults-1, 10), pauseMost))
}

// connected ends the pause of an operator that has just connected: it may have been restarted, and a trial will tell.
func (h *health) connected(id p2p.PeerID, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[id]; p != nil && now.Before(p.pausedUntil) {
		p.pausedUntil = now
	}
}

func (h *health) success(id p2p.PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(id)
	p.faults, p.modelFaults, p.pausedUntil = 0, 0, time.Time{}
}

// paused says why an operator is not asked now, or nothing.
func (h *health) paused(id p2p.PeerID, now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[id]
	switch {
	case p == nil || p.faults == 0:
		return ""
	case now.Before(p.pausedUntil):
		return "paused after a fault"
	case p.trials > 0:
		return "on trial after a fault"
	}
	return ""
}

// describe adds what this gateway has seen of an operator.
func (h *health) describe(id p2p.PeerID, o *page.Operator) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.peers[id]
	if p == nil {
		return
	}
	o.InFlight, o.Faults = p.inFlight, p.faults
	if p.faults > 0 {
		until := p.pausedUntil.UTC()
		o.PausedUntil = &until
	}
	o.FirstByteMillis, o.TokensPerSecond = milliseconds(p.pace.firstByte), p.pace.tokensPerSec
}
