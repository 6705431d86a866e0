package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// Infer opens a stream to an operator, sends the request and returns once the
// operator accepted. ctx covers that opening only; its deadline, or
// InferTimers.Answer if that is earlier, is also sent along and bounds the whole
// answer. After Infer returns, the caller must end the call with Settle or Close.
//
// Errors: *RejectedError, ErrUnreachable, ErrAcceptTimeout, ErrBroken when the
// stream was lost before the operator answered, or the context's. After any of
// them another operator may be tried: nothing was delivered.
func (h *Host) Infer(ctx context.Context, to PeerID, request InferRequest) (*Call, error) {
	if err := request.validate(); err != nil {
		return nil, fmt.Errorf("infer: %w", err)
	}
	if !h.takeOff(to) {
		return nil, &RejectedError{
			Code: CodeOverloaded, RetryAfter: time.Second,
			Message: fmt.Sprintf("%d requests to this operator are in flight here", MaxInFlightPerPeer),
		}
	}
	call, err := h.openCall(ctx, to, request)
	if err != nil {
		h.land(to)
		return nil, err
	}
	return call, nil
}

// takeOff counts a call to an operator, unless there are too many.
func (h *Host) takeOff(to PeerID) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flights[to] >= MaxInFlightPerPeer {
		return false
	}
	h.flights[to]++
	return true
}

// land undoes takeOff.
func (h *Host) land(to PeerID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.flights[to]--; h.flights[to] <= 0 {
		delete(h.flights, to)
	}
}

// openCall takes a call through the opening, on a stream that is there or on a new one.
func (h *Host) openCall(ctx context.Context, to PeerID, request InferRequest) (*Call, error) {
	if frames := h.idle.take(to); frames != nil {
		c, err := h.begin(ctx, to, frames, request)
		if !errors.Is(err, ErrBroken) {
			return c, err
		}
		// The operator hung up. Should it have read the request before, then it is asked twice: an order has one receipt.
	}
	timers := h.cfg.Timers
	dialCtx, cancel := context.WithTimeout(ctx, timers.Dial)
	defer cancel()
	openCtx, err := h.reach(dialCtx, to)
	if err != nil {
		return nil, err
	}
	stream, err := h.lib.NewStream(openCtx, to, protoInfer)
	if err != nil {
		return nil, openError(ctx, to, err)
	}
	return h.begin(ctx, to, newFrameStream(stream, h.frames, timers.Write), request)
}

// begin takes a call through the opening, on a stream on which nothing else is going on.
func (h *Host) begin(ctx context.Context, to PeerID, frames *frameStream, request InferRequest) (*Call, error) {
	stream := frames.stream
	if !h.streams.add(stream) {
		_ = stream.Reset()
		return nil, ErrClosed
	}
	left := h.cfg.Timers.Answer
	if deadline, ok := ctx.Deadline(); ok {
		left = min(left, time.Until(deadline))
	}
	c := newCall(h, to, frames, left)
	go c.read() // ends with the answer or the stream; Host.Close waits for it through the stream set
	stopReset := context.AfterFunc(ctx, func() { _ = stream.Reset() })
	err := c.open(ctx, request, left)
	if !stopReset() && err == nil {
		err = context.Cause(ctx) // ctx ended between Accept and here
	}
	if err != nil {
		c.abandon()
		return nil, err
	}
	c.hold()
	return c, nil
}

// hold makes the call the caller's. The watchdog ends one that was forgotten,
// well after every other timer has fired.
func (c *Call) hold() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.accepted = true
	c.watchdog = time.AfterFunc(time.Until(c.deadline)+2*c.timers.Settle, func() {
		_ = c.frames.stream.Reset()
		c.stop()
	})
}

// open sends the request and waits for Accept or Reject.
func (c *Call) open(ctx context.Context, request InferRequest, left time.Duration) error {
	// A write fails when the operator rejects early; the reader knows why.
	writeErr := c.sendRequest(request, left)
	if errors.Is(writeErr, errTooLong) {
		return fmt.Errorf("send request: %w", writeErr)
	}
	timer := time.NewTimer(c.timers.Accept + underWay(len(request.Body)))
	defer timer.Stop()
	select {
	case first := <-c.opened:
		return opening(first)
	case <-c.readDone:
	case <-timer.C:
		return fmt.Errorf("%w: %s", ErrAcceptTimeout, c.to)
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	select {
	case first := <-c.opened: // a short answer can be read whole before we look
		return opening(first)
	default:
		return c.openLost(ctx)
	}
}

// What of a body can be under way when its last byte is written: a yamux stream's window, in the buffers of this machine and those of the
// link. A link is taken to carry slowestLink bytes a second of it, as one of 1 Mbit/s does for each of four requests at once.
const (
	streamWindow = 256 << 10
	slowestLink  = 32 << 10
)

// underWay is how long a body may take to arrive after its last byte was written.
func underWay(body int) time.Duration {
	return time.Duration(min(body, streamWindow)) * time.Second / slowestLink
}

// maxRetryAfter bounds how long an operator can ask to be left alone.
const maxRetryAfter = time.Hour

// opening is the outcome of an operator's first frame.
func opening(first frame) error {
	reject, ok := first.(*rejectFrame)
	if !ok {
		return nil
	}
	return &RejectedError{
		Code:       reject.Code,
		RetryAfter: time.Duration(min(reject.RetryAfterMS, uint64(maxRetryAfter/time.Millisecond))) * time.Millisecond,
		Message:    reject.Message,
	}
}

// openLost says why the stream ended before an answer.
func (c *Call) openLost(ctx context.Context) error {
	switch {
	case ctx.Err() != nil:
		return context.Cause(ctx)
	case isOverload(c.readErr):
		return &RejectedError{Code: CodeOverloaded, RetryAfter: time.Second, Message: "operator is out of streams"}
	case c.host.life.Err() != nil:
		return ErrClosed
	default:
		return &BrokenError{Err: c.readErr}
	}
}

// sendRequest writes Open and the body; a body of one frame goes out with Open, in one packet.
func (c *Call) sendRequest(request InferRequest, left time.Duration) error {
	out := []frame{&openFrame{
		Order: request.Order, OrderSig: request.OrderSig, Advert: request.Advert, Extra: request.Extra,
		BodyLen: uint32(len(request.Body)), Stream: request.Stream, TimeoutMS: uint64(max(left.Milliseconds(), 1)),
	}}
	for chunk := range slices.Chunk(request.Body, maxChunkBytes) {
		if err := c.frames.write(append(out, &bodyFrame{Data: chunk})...); err != nil {
			return err
		}
		out = nil
	}
	if out != nil { // no body
		return c.frames.write(out...)
	}
	return nil
}

// abandon ends a call that was not opened.
func (c *Call) abandon() {
	_ = c.frames.stream.ResetWithError(network.StreamNoError)
	c.stop()
	<-c.readDone
}
