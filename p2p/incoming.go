package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// errState marks calls of Incoming's methods out of order.
var errState = errors.New("call out of order")

// incomingState is where an incoming request stands.
type incomingState uint8

const (
	stateOpen incomingState = iota
	stateAccepted
	stateRejected
	stateFinished
)

// sentDelta remembers the token count of a Send until it is acknowledged.
type sentDelta struct {
	n      uint64
	tokens uint32
}

// Incoming is an inference request on the operator's side. Its methods may be
// called concurrently, though Sends then arrive in an order of their own.
type Incoming struct {
	enter   func() bool // takes a slot, if one is free; called once, before the request is accepted
	leave   func()      // gives it back, if it was taken; may be called again
	frames  *frameStream
	from    PeerID
	request InferRequest
	timers  InferTimers
	cancel  context.CancelCauseFunc // ends the handler's context
	over    <-chan struct{}         // closed when the handler's context ends
	cause   func() error            // why it ended, nil before

	work       sync.WaitGroup // reader and pinger
	lost       chan struct{}  // closed when the reader has returned
	settled    chan *settleFrame
	moved      chan struct{} // capacity 1: an Ack arrived
	stopPings  chan struct{}
	pingsOnce  sync.Once
	sendMu     sync.Mutex // one Send at a time
	outMu      sync.Mutex // guards held, and keeps writes in order
	held       []frame    // for the next write
	mu         sync.Mutex // guards what follows; not held during writes
	state      incomingState
	canceled   bool
	answered   bool // Finish has the gateway's settlement
	broken     error
	sent       ackFrame // everything written
	acked      ackFrame // everything acknowledged
	unackedLog []sentDelta
}

// newIncoming returns a request whose reader is not started yet.
// ctx is the handler's context, and cancel ends it with a cause.
func newIncoming(ctx context.Context, cancel context.CancelCauseFunc, frames *frameStream, from PeerID, request InferRequest, timers InferTimers) *Incoming {
	return &Incoming{
		frames: frames, from: from, request: request, timers: timers, cancel: cancel,
		over: ctx.Done(), cause: func() error { return context.Cause(ctx) },
		lost:      make(chan struct{}),
		settled:   make(chan *settleFrame, 1),
		moved:     make(chan struct{}, 1),
		stopPings: make(chan struct{}),
	}
}

// From is the gateway's node.
func (in *Incoming) From() PeerID { return in.from }

// Request is what the gateway asks.
func (in *Incoming) Request() InferRequest { return in.request }

// Acked is what the gateway has acknowledged: whole Sends, and the token count
// given with the last of them. After Cancel it is final, and it is what may be billed.
func (in *Incoming) Acked() (n uint64, tokens uint32) {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.acked.N, in.acked.Tokens
}

// advance moves from one state to another.
func (in *Incoming) advance(from, to incomingState) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if in.state != from {
		return fmt.Errorf("%w: state %d, need %d", errState, in.state, from)
	}
	in.state = to
	return nil
}

// holdBack is how long a frame that can wait does, so as to leave with the next one: a packet costs more than what is in it.
const holdBack = 5 * time.Millisecond

// Accept tells the gateway that the request is being worked on: with the first Send if that comes within holdBack, else by
// itself. Keep-alives follow until the first Send. Where all slots are taken it rejects the request, with CodeOverloaded.
func (in *Incoming) Accept() error {
	if err := in.advance(stateOpen, stateAccepted); err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	if !in.enter() {
		_ = in.advance(stateAccepted, stateRejected)
		return errors.Join(fmt.Errorf("accept: %w", errBusy), in.refuse(CodeOverloaded, overloadRetry, "all handlers are busy"))
	}
	in.hold(&acceptFrame{})
	in.work.Go(in.ping)
	return nil
}

// hold keeps a frame for the next write, or for the pinger's.
func (in *Incoming) hold(f frame) {
	in.outMu.Lock()
	defer in.outMu.Unlock()
	in.held = append(in.held, f)
}

// write sends what was held back, and frames, in one packet.
func (in *Incoming) write(frames ...frame) error {
	in.outMu.Lock()
	defer in.outMu.Unlock()
	return in.writeLocked(frames...)
}

// writePing is the pinger's write. Once pings are over it does nothing: behind an End a ping would be taken for the first frame of
// the answer to the stream's next request.
func (in *Incoming) writePing(frames ...frame) error {
	in.outMu.Lock()
	defer in.outMu.Unlock()
	select {
	case <-in.stopPings:
		return nil
	default:
		return in.writeLocked(frames...)
	}
}

// writeLocked is write for a holder of outMu.
func (in *Incoming) writeLocked(frames ...frame) error {
	out := append(in.held, frames...)
	if in.held = nil; len(out) == 0 {
		return nil
	}
	return in.frames.write(out...)
}

// Reject refuses the request. retryAfter of zero means "not soon".
func (in *Incoming) Reject(code string, retryAfter time.Duration, message string) error {
	if err := in.advance(stateOpen, stateRejected); err != nil {
		return fmt.Errorf("reject: %w", err)
	}
	return in.refuse(code, retryAfter, message)
}

// refuse tells the gateway of a rejection.
func (in *Incoming) refuse(code string, retryAfter time.Duration, message string) error {
	err := in.frames.write(&rejectFrame{
		Code: truncate(code), RetryAfterMS: uint64(max(retryAfter.Milliseconds(), 0)), Message: truncate(message),
	})
	if err != nil {
		return in.fail(fmt.Errorf("reject: %w", err))
	}
	return nil
}

// ping writes what was held back for too long, and then keep-alives, until something is sent.
func (in *Incoming) ping() {
	timer := time.NewTimer(min(holdBack, in.timers.Ping))
	defer timer.Stop()
	var due []frame
	for {
		select {
		case <-in.stopPings:
			return
		case <-in.lost:
			return
		case <-timer.C:
		}
		if err := in.writePing(due...); err != nil {
			_ = in.fail(fmt.Errorf("ping: %w", err))
			return
		}
		in.mu.Lock()
		answering := in.sent.N > 0
		in.mu.Unlock()
		if answering { // it was held back, and has left with this write
			return
		}
		due = []frame{&pingFrame{}}
		timer.Reset(in.timers.Ping)
	}
}

// endPings stops the keep-alives.
func (in *Incoming) endPings() { in.pingsOnce.Do(func() { close(in.stopPings) }) }

// fail is lose, and resets the stream.
func (in *Incoming) fail(err error) error {
	err = in.lose(err)
	_ = in.frames.stream.Reset()
	return err
}

// status returns why nothing more can be sent, nil if it can.
func (in *Incoming) status() error {
	in.mu.Lock()
	defer in.mu.Unlock()
	switch {
	case in.canceled:
		return ErrCanceled
	case in.broken != nil:
		return in.broken
	case in.state != stateAccepted:
		return fmt.Errorf("%w: state %d, need %d", errState, in.state, stateAccepted)
	default:
		return in.cause() // the deadline, or the host's end
	}
}

// read is the reading goroutine of a request.
func (in *Incoming) read() {
	defer close(in.lost)
	for {
		f, err := in.frames.read()
		if err != nil {
			_ = in.lose(noEOF(err))
			return
		}
		switch f := f.(type) {
		case *ackFrame:
			err = in.acknowledge(f)
		case *cancelFrame:
			in.mu.Lock()
			in.canceled = true
			in.mu.Unlock()
			in.endPings()
			in.cancel(ErrCanceled)
		case *settleFrame:
			in.settled <- f // capacity 1, and the reader ends here
			return
		default:
			err = fmt.Errorf("%w: frame kind %d from a gateway", errForm, f.kind())
		}
		if err != nil {
			_ = in.frames.stream.ResetWithError(network.StreamProtocolViolation)
			_ = in.lose(err)
			return
		}
	}
}

// lose records the loss of the stream, ends the handler's context, and returns the first loss.
func (in *Incoming) lose(err error) error {
	in.mu.Lock()
	if in.broken == nil {
		in.broken = fmt.Errorf("%w: %w", ErrBroken, err)
	}
	err = in.broken
	in.mu.Unlock()
	in.cancel(err)
	return err
}

// acknowledge takes an Ack in. It must lie between the last one and what was
// sent, and must repeat the token count of the Send it names.
func (in *Incoming) acknowledge(f *ackFrame) error {
	in.mu.Lock()
	defer in.mu.Unlock()
	if f.N < in.acked.N || f.N > in.sent.N || f.Bytes < in.acked.Bytes || f.Bytes > in.sent.Bytes {
		return fmt.Errorf("%w: ack of %d deltas and %d bytes out of range", errForm, f.N, f.Bytes)
	}
	tokens := in.acked.Tokens
	log := in.unackedLog
	for len(log) > 0 && log[0].n <= f.N {
		tokens = log[0].tokens
		log = log[1:]
	}
	if tokens != f.Tokens {
		return fmt.Errorf("%w: ack of delta %d names %d tokens, not %d", errForm, f.N, f.Tokens, tokens)
	}
	in.unackedLog = log
	in.acked = *f
	select {
	case in.moved <- struct{}{}:
	default:
	}
	return nil
}

// close ends the request after the handler has returned, and the stream, unless it can carry another request: then it
// returns true.
func (in *Incoming) close() (again bool) {
	in.endPings()
	if in.advance(stateOpen, stateRejected) == nil {
		_ = in.frames.write(&rejectFrame{Code: CodeInternal, Message: "operator could not take the request"})
	}
	in.mu.Lock()
	orderly := (in.state == stateFinished || in.state == stateRejected) && in.broken == nil
	again = orderly && in.answered && !in.canceled
	in.mu.Unlock()
	if again { // its reader ended with the settlement
		in.work.Wait()
		return true
	}
	if orderly {
		_ = in.frames.stream.Close()
	} else {
		_ = in.frames.stream.Reset()
	}
	// A closed read side ends the reader; not all transports do so at once.
	_ = in.frames.stream.SetReadDeadline(time.Now())
	in.work.Wait()
	return false
}
