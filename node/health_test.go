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
	h, op, now := newHealth(), endpoint{"op", "a"}, time.Unix(1_800_000_000, 0)
	fault := errors.New("lost")
	h.fault(op, fault, now)
	if h.paused(op, now.Add(pauseFirst-1)) == "" {
		t.Fatal("asked while the breaker is open")
	}
	now = now.Add(pauseFirst)
	if why := h.paused(op, now); why != "" {
		t.Fatalf("not asked after the pause: %s", why)
	}
	_, leave := h.enter(op.itself())
	if h.paused(op, now) == "" {
		t.Error("two trials at once")
	}
	h.fault(op, fault, now)
	leave()
	if h.paused(op, now.Add(2*pauseFirst-1)) == "" || h.paused(op, now.Add(2*pauseFirst)) != "" {
		t.Error("the second pause is not twice the first")
	}
	h.success(op)
	h.enter(op.itself())
	if why := h.paused(op, now); why != "" {
		t.Errorf("not asked after a success: %s", why)
	}
}

// TestBreakerSparesTheInnocent: being busy and refusing a request are no faults.
func TestBreakerSparesTheInnocent(t *testing.T) {
	h, op, now := newHealth(), endpoint{"op", "a"}, time.Unix(1_800_000_000, 0)
	h.fault(op, &modelFault{Status: 400}, now)
	h.fault(op, &modelFault{Status: 429}, now)
	h.fault(op, &p2p.RejectedError{Code: codeStalePrice}, now)
	h.fault(op, &p2p.RejectedError{Code: p2p.CodeOverloaded, RetryAfter: time.Second}, now)
	if why := h.paused(op, now); why != "" {
		t.Errorf("paused: %s", why)
	}
	if !h.full(op.peer, now) || h.full(op.peer, now.Add(time.Second)) {
		t.Error("an operator that is full is not left alone for as long as it said")
	}
	h.fault(op, &p2p.RejectedError{Code: p2p.CodeOverloaded, RetryAfter: time.Second}, now)
	if h.freed(op.peer); h.full(op.peer, now) {
		t.Error("full although a slot was freed")
	}
}

// TestBreakerSparesOthersFromOneRequest: a request that every model server fails at does not pause an operator that serves
// others; a model server that fails at each of three does.
func TestBreakerSparesOthersFromOneRequest(t *testing.T) {
	h, op, now := newHealth(), endpoint{"op", "a"}, time.Unix(1_800_000_000, 0)
	fault := &modelFault{Status: 500, Code: "scripted_500"}
	for range 10 {
		h.fault(op, fault, now)
		h.fault(op, fault, now)
		if why := h.paused(op, now); why != "" {
			t.Fatalf("%s by a request that failed beside others that were served", why)
		}
		h.success(op)
	}
	for range maxModelFaults {
		h.fault(op, fault, now)
	}
	if h.paused(op, now) == "" {
		t.Error("asked after its model server has failed three times in a row")
	}
	now = now.Add(pauseFirst)
	h.fault(op, fault, now)
	if h.paused(op, now) == "" {
		t.Error("asked after it has failed on trial")
	}
}

// TestBreakerIsOfTheModel: a model whose server hangs is paused, however often the operator's other models answer in between, and
// they are not; what is the operator's own fault pauses all its models.
func TestBreakerIsOfTheModel(t *testing.T) {
	h, now := newHealth(), time.Unix(1_800_000_000, 0)
	hangs, serves := endpoint{"op", "hangs"}, endpoint{"op", "serves"}
	for range maxModelFaults {
		h.fault(hangs, &modelFault{Status: 504}, now)
		h.success(serves)
	}
	if h.paused(hangs, now) == "" || h.paused(serves, now) != "" {
		t.Errorf("the model that hangs: %q, the one that serves: %q", h.paused(hangs, now), h.paused(serves, now))
	}
	for _, err := range []error{&p2p.RejectedError{Code: codeNotReady}, errRefusedAlone, errBadPiece} {
		at := endpoint{"op", err.Error()}
		if h.fault(at, err, now); h.paused(at, now) == "" || h.paused(serves, now) != "" {
			t.Errorf("after %v, it: %q, the one that serves: %q", err, h.paused(at, now), h.paused(serves, now))
		}
	}
	now = now.Add(pauseFirst)
	_, leave := h.enter(hangs)
	if h.paused(hangs, now) == "" || h.paused(serves, now) != "" {
		t.Errorf("on trial, the model that hung: %q, the one that serves: %q", h.paused(hangs, now), h.paused(serves, now))
	}
	leave()
	h.fault(hangs, errors.New("lost"), now)
	if h.paused(hangs, now) == "" || h.paused(serves, now) == "" {
		t.Error("asked although the operator was lost")
	}
	h.fault(hangs, errors.New("lost"), now.Add(pauseFirst))
	if h.connected("op", now.Add(pauseFirst)); h.paused(hangs, now.Add(pauseFirst)) != "" || h.paused(serves, now.Add(pauseFirst)) != "" {
		t.Error("not tried although it has just connected")
	}
}

// TestBreakerCountsOneDeathOnce: the requests that one death ends are one fault, and an operator that is back is tried at once.
func TestBreakerCountsOneDeathOnce(t *testing.T) {
	h, op, now := newHealth(), endpoint{"op", "a"}, time.Unix(1_800_000_000, 0)
	for range 30 {
		h.fault(op, errors.New("lost"), now)
	}
	if why := h.paused(op, now.Add(pauseFirst)); why != "" {
		t.Errorf("%s a second after 30 requests were lost at once", why)
	}
	now = now.Add(pauseFirst)
	for range 5 {
		h.fault(op, errors.New("lost"), now)
		now = now.Add(pauseMost)
	}
	h.fault(op, errors.New("lost"), now)
	h.connected(op.peer, now.Add(time.Second))
	if why := h.paused(op, now.Add(time.Second)); why != "" {
		t.Errorf("%s although it has just connected", why)
	}
	_, leave := h.enter(op.itself())
	defer leave()
	if h.paused(op, now.Add(time.Second)) == "" {
		t.Error("trusted at once, want one request on trial")
	}
}

// TestHealthIsBounded: an operator that comes under ever new peer ids and fails under each fills no memory; who is asked now
// is not forgotten.
func TestHealthIsBounded(t *testing.T) {
	h, now := newHealth(), time.Unix(1_800_000_000, 0)
	h.enter(endpoint{peer: "asked"})
	for i := range maxTracked + 10 {
		h.fault(endpoint{p2p.PeerID(fmt.Sprint("op", i)), "a"}, errors.New("lost"), now)
	}
	if len(h.seen) > maxTracked || h.inFlight("asked") != 1 {
		t.Errorf("%d endpoints are remembered, at most %d; %d in flight of 1", len(h.seen), maxTracked, h.inFlight("asked"))
	}
}
