package node

import (
	"cmp"
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
	// maxModelFaults in a row from a model's server open its breaker. Fewer may be the request's doing: one that
	// makes every model server fail must not take the fleet from everybody else.
	maxModelFaults = 3
	// An operator that says it is full is believed for so long.
	overloadLeast = 100 * time.Millisecond
	overloadMost  = 5 * time.Second
	// maxTracked bounds the peers and their models that are remembered; an idle, healthy one is forgotten first.
	maxTracked = 8192
)

// endpoint is a model as one peer serves it; with no model, the peer itself.
type endpoint struct {
	peer  p2p.PeerID
	model string // as it is advertised
}

func (e endpoint) itself() endpoint { return endpoint{peer: e.peer} }

// health is what this gateway has seen of each operator and of each of its models: requests in flight, and a circuit breaker. A
// fault of an operator, or three in a row of a model's server, opens the breaker for a pause that doubles with each fault in a
// row; after it one request at a time tries, until the operator takes its order or the model begins its answer, and a success closes
// the breaker. A model's breaker leaves the operator's other models alone, and their successes do not close it. Being busy is not a
// fault; neither is a client that leaves, or a request that no server would take.
type health struct {
	mu   sync.Mutex // guards seen; held for map work only
	seen map[endpoint]*endpointHealth
}

type endpointHealth struct {
	inFlight    int
	modelFaults int // of its model server, in a row
	faults      int // in a row; the breaker is closed at 0
	pausedUntil time.Time
	trials      int       // in flight since the breaker opened, which it has not answered to yet
	fullUntil   time.Time // of a peer itself
	pace        pace
}

func newHealth() *health { return &health{seen: make(map[endpoint]*endpointHealth)} }

func (h *health) get(at endpoint) *endpointHealth {
	p := h.seen[at]
	if p == nil {
		if len(h.seen) >= maxTracked {
			h.forgetOne()
		}
		p = &endpointHealth{}
		h.seen[at] = p
	}
	return p
}

// forgetOne makes room: a healthy endpoint that is idle goes, or one with faults where there is none.
func (h *health) forgetOne() {
	var least endpoint
	for at, p := range h.seen {
		if p.inFlight > 0 {
			continue
		}
		if least = at; p.faults == 0 {
			break
		}
	}
	delete(h.seen, least)
}

// enter counts a request in; leave counts it out. answers is called once the operator has taken the order, or the
// model begun its answer: from then on the request is no trial any more, since it may be long, and others need not wait for its end. Only
// there it shows whether the breaker closes.
func (h *health) enter(at endpoint) (answers, leave func()) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.get(at)
	trial := min(p.faults, 1)
	p.inFlight++
	p.trials += trial
	once := func(end func()) func() {
		return sync.OnceFunc(func() {
			h.mu.Lock()
			defer h.mu.Unlock()
			end()
		})
	}
	noTrial := func() { p.trials -= trial; trial = 0 }
	return once(noTrial), once(func() { p.inFlight--; noTrial() })
}

func (h *health) inFlight(id p2p.PeerID) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.seen[endpoint{peer: id}]; p != nil {
		return p.inFlight
	}
	return 0
}

// orders are all that are in flight.
func (h *health) orders() (n int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at, p := range h.seen {
		if at.model == "" {
			n += p.inFlight
		}
	}
	return n
}

// full says whether an operator has no slot for us: by our own count, or because it said so.
func (h *health) full(id p2p.PeerID, now time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.seen[endpoint{peer: id}]
	return p != nil && (p.inFlight >= maxInFlightPerOperator || now.Before(p.fullUntil))
}

// overloaded notes that an operator has no slot. It is asked again after the given time, or once a request of ours there
// has ended.
func (h *health) overloaded(id p2p.PeerID, retryAfter time.Duration, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.get(endpoint{peer: id}).fullUntil = now.Add(min(max(retryAfter, overloadLeast), overloadMost))
}

// freed notes that an operator has a slot again.
func (h *health) freed(id p2p.PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.seen[endpoint{peer: id}]; p != nil {
		p.fullUntil = time.Time{}
	}
}

// fault pauses what is at fault: the operator's model, or all of the operator.
func (h *health) fault(at endpoint, err error, now time.Time) {
	var rejected *p2p.RejectedError
	if isOverloaded(err) && errors.As(err, &rejected) {
		h.overloaded(at.peer, rejected.RetryAfter, now)
		return
	}
	if errors.As(err, &rejected) && rejected.Code != codeNotReady {
		return // busy, or our own order was refused: it answered as it should
	}
	var fault *modelFault
	if errors.As(err, &fault) && (fault.aboutRequest() || fault.busy()) {
		return // the request's fault, or nobody's
	}
	if fault == nil && rejected == nil && !errors.Is(err, errRefusedAlone) && !errors.Is(err, errBadPiece) {
		at = at.itself() // its connection was lost, or its receipt is false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	p, peer := h.get(at), h.get(at.itself())
	if now.Before(p.pausedUntil) || now.Before(peer.pausedUntil) {
		return // of a request from before the pause: one death ends many, and is one fault
	}
	if fault != nil && p.faults+peer.faults == 0 { // on trial there is no indulgence
		if p.modelFaults++; p.modelFaults < maxModelFaults {
			return
		}
	}
	p.faults++
	p.pausedUntil = now.Add(min(pauseFirst<<min(p.faults-1, 10), pauseMost))
}

// connected ends the pauses of an operator that has just connected: it may have been restarted, and a trial will tell.
func (h *health) connected(id p2p.PeerID, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for at, p := range h.seen {
		if at.peer == id && now.Before(p.pausedUntil) {
			p.pausedUntil = now
		}
	}
}

func (h *health) success(at endpoint) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, at := range [...]endpoint{at, at.itself()} {
		p := h.get(at)
		p.faults, p.modelFaults, p.pausedUntil = 0, 0, time.Time{}
	}
}

// afterFault ends what paused says.
const afterFault = " after a fault"

// paused says why a model is not asked for at an operator now, or nothing.
func (h *health) paused(at endpoint, now time.Time) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return cmp.Or(h.seen[at.itself()].paused(now), h.seen[at].paused(now))
}

func (p *endpointHealth) paused(now time.Time) string {
	switch {
	case p == nil || p.faults == 0:
		return ""
	case now.Before(p.pausedUntil):
		return "paused" + afterFault
	case p.trials > 0:
		return "on trial" + afterFault
	}
	return ""
}

// describe adds what this gateway has seen of an operator.
func (h *health) describe(id p2p.PeerID, o *page.Operator) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.seen[endpoint{peer: id}]
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
