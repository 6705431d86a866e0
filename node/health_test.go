package node

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"flotilla/p2p"
)

// TestBreaker: a fault opens it, its pause doubles, one request at a time tries after it, and a success closes it.
func TestBreaker(t *testing.T) {
	h, id, now := newHealth(), p2p.PeerID("op"), time.Unix(1_800_000_000, 0)
	fault := errors.New("lost")
	h.fault(id, fault, now)
	if h.paused(id, now.Add(pauseFirst-1)) == "" {
		t.Fatal("asked while the breaker is open")
	}
	now = now.Add(pauseFirst)
	if why := h.paused(id, now); why != "" {
		t.Fatalf("not asked after the pause: %s", why)
	}
	leave := h.enter(id)
	if h.paused(id, now) == "" {
		t.Error("two trials at once")
	}
	h.fault(id, fault, now)
	leave()
	if h.paused(id, now.Add(2*pauseFirst-1)) == "" || h.paused(id, now.Add(2*pauseFirst)) != "" {
		t.Error("the second pause is not twice the first")
	}
	h.success(id)
	h.enter(id)
	if why := h.paused(id, now); why != "" {
		t.Errorf("not asked after a success: %s", why)
	}
}

// TestBreakerSparesTheInnocent: being busy and refusing a request are no faults.
func TestBreakerSparesTheInnocent(t *testing.T) {
	h, id, now := newHealth(), p2p.PeerID("op"), time.Unix(1_800_000_000, 0)
	h.fault(id, &modelFault{Status: 400}, now)
	h.fault(id, &modelFault{Status: 429}, now)
	h.fault(id, &p2p.RejectedError{Code: codeStalePrice}, now)
	h.fault(id, &p2p.RejectedError{Code: p2p.CodeOverloaded, RetryAfter: time.Second}, now)
	if why := h.paused(id, now); why != "" {
		t.Errorf("paused: %s", why)
	}
	if !h.full(id, now) || h.full(id, now.Add(time.Second)) {
		t.Error("an operator that is full is not left alone for as long as it said")
	}
	h.fault(id, &p2p.RejectedError{Code: p2p.CodeOverloaded, RetryAfter: time.Second}, now)
	if h.freed(id); h.full(id, now) {
		t.Error("full although a slot was freed")
	}
}

// TestBreakerSparesOthersFromOneRequest: a request that every model server fails at does not pause an operator that serves
// others; a model server that fails at each of three does.
func TestBreakerSparesOthersFromOneRequest(t *testing.T) {
	h, id, now := newHealth(), p2p.PeerID("op"), time.Unix(1_800_000_000, 0)
	fault := &modelFault{Status: 500, Code: "scripted_500"}
	for range 10 {
		h.fault(id, fault, now)
		h.fault(id, fault, now)
		if why := h.paused(id, now); why != "" {
			t.Fatalf("%s by a request that failed beside others that were served", why)
		}
		h.success(id)
	}
	for range maxModelFaults {
		h.fault(id, fault, now)
	}
	if h.paused(id, now) == "" {
		t.Error("asked after its model server has failed three times in a row")
	}
	now = now.Add(pauseFirst)
	h.fault(id, fault, now)
	if h.paused(id, now) == "" {
		t.Error("asked after it has failed on trial")
	}
}

// TestBreakerCountsOneDeathOnce: the requests that one death ends are one fault, and an operator that is back is tried at once.
func TestBreakerCountsOneDeathOnce(t *testing.T) {
	h, id, now := newHealth(), p2p.PeerID("op"), time.Unix(1_800_000_000, 0)
	for range 30 {
		h.fault(id, errors.New("lost"), now)
	}
	if why := h.paused(id, now.Add(pauseFirst)); why != "" {
		t.Errorf("%s a second after 30 requests were lost at once", why)
	}
	now = now.Add(pauseFirst)
	for range 5 {
		h.fault(id, errors.New("lost"), now)
		now = now.Add(pauseMost)
	}
	h.fault(id, errors.New("lost"), now)
	h.connected(id, now.Add(time.Second))
	if why := h.paused(id, now.Add(time.Second)); why != "" {
		t.Errorf("%s although it has just connected", why)
	}
	leave := h.enter(id)
	defer leave()
	if h.paused(id, now.Add(time.Second)) == "" {
		t.Error("trusted at once, want one request on trial")
	}
}

// TestHealthIsBounded: an operator that comes under ever new peer ids and fails under each fills no memory; who is asked now
// is not forgotten.
func TestHealthIsBounded(t *testing.T) {
	h, now := newHealth(), time.Unix(1_800_000_000, 0)
	h.enter("asked")
	for i := range maxTracked + 10 {
		h.fault(p2p.PeerID(fmt.Sprint("op", i)), errors.New("lost"), now)
	}
	if len(h.peers) > maxTracked || h.inFlight("asked") != 1 {
		t.Errorf("%d peers are remembered, at most %d; %d in flight of 1", len(h.peers), maxTracked, h.inFlight("asked"))
	}
}
