package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// frameQueue is how many frames a call reads ahead of its consumer: with the
// operator's window and frame size this bounds a call's memory to 2 MiB even
// when an operator ignores the window.
const frameQueue = 32

// Call is an accepted inference request, on the gateway's side. Recv and Settle
// belong to one goroutine; Cancel and Close may come from any.
type Call struct {
	host   *Host
	to     PeerID
	frames *frameStream
	timers InferTimers
	// deadline bounds the answer; the operator has until then to End.
	deadline time.Time

	opened   chan frame    // receives Accept or Reject, once
	queue    chan frame    // Deltas, flushes and End; closed by the reader
	readDone chan struct{} // closed when the reader has returned
	readErr  error         // why; valid after readDone or when queue is closed
	stopped  chan struct{} // closed by stop: nobody consumes the queue any more
	stopOnce sync.Once

	partial []byte // pieces of an unfinished Delta; belongs to Recv
	end     *End   // set by Recv

	mu       sync.Mutex // guards what follows; not held during reads
	ack      ackFrame   // what was consumed
	acked    ackFrame   // what the operator was told
	ackTimer *time.Timer
	canceled bool
	settled  bool        // the stream is another call's from here on
	limit    time.Time   // read deadline after Cancel
	watchdog *time.Timer // ends a forgotten call
	accepted bool        // Infer returned the call: stop must land it
	landed   bool
}

// newCall returns a call whose answer must be complete in left.
func newCall(h *Host, to PeerID, frames *frameStream, left time.Duration) *Call {
	return &Call{
		host: h, to: to, frames: frames, timers: h.cfg.Timers,
		deadline: time.Now().Add(left),
		opened:   make(chan frame, 1),
		queue:    make(chan frame, frameQueue),
		readDone: make(chan struct{}),
		stopped:  make(chan struct{}),
	}
}

// read is the reading goroutine of a call.
func (c *Call) read() {
	defer close(c.readDone)
	defer c.host.streams.remove(c.frames.stream) // first: who waits for the reader may hand the stream to the next call
	defer close(c.queue)
	c.readErr = c.readFrames()
	if errors.Is(c.readErr, errForm) || errors.Is(c.readErr, errTooLong) {
		_ = c.frames.stream.ResetWithError(network.StreamProtocolViolation)
	}
}

// readFrames hands frames on until End or until the stream is lost.
func (c *Call) readFrames() error {
	first, err := c.frames.read()
	if err != nil {
		return noEOF(err)
	}
	switch first.(type) {
	case *acceptFrame:
		c.opened <- first
	case *rejectFrame:
		c.opened <- first
		_ = c.frames.stream.Reset() // unblocks a request body still being written
		return nil
	default:
		return fmt.Errorf("%w: frame kind %d before accept", errForm, first.kind())
	}
	order := deltaOrder{}
	for {
		allowed := c.timers.Silence
		if order.n > 0 {
			allowed = c.timers.Gap
		}
		c.extend(allowed)
		f, err := c.frames.read()
		if err != nil {
			return noEOF(err)
		}
		switch f := f.(type) {
		case *pingFrame:
			if !f.Flush {
				continue
			}
		case *deltaFrame:
			if err := order.check(f); err != nil {
				return err
			}
		case *endFrame:
		default:
			return fmt.Errorf("%w: frame kind %d in an answer", errForm, f.kind())
		}
		select {
		case c.queue <- f:
		case <-c.stopped:
			return ErrClosed
		}
		if f.kind() == kindEnd {
			return nil
		}
	}
}

// deltaOrder checks that Deltas come as N = 1, 2, 3 … with rising token counts.
type deltaOrder struct {
	n      uint64
	tokens uint32
	bytes  int // of the unfinished Send
	more   bool
}

// check admits the next Delta.
func (o *deltaOrder) check(f *deltaFrame) error {
	want := o.n + 1
	if o.more {
		want = o.n
	} else {
		o.bytes = 0
	}
	o.bytes += len(f.Data)
	if f.N != want || f.Tokens < o.tokens || o.bytes > MaxDeltaBytes {
		return fmt.Errorf("%w: delta %d with %d tokens and %d bytes after delta %d with %d tokens", errForm, f.N, f.Tokens, o.bytes, o.n, o.tokens)
	}
	o.n, o.tokens, o.more = f.N, f.Tokens, f.More
	return nil
}

// extend gives the operator until now+allowed for the next frame, or until the
// end of the answer plus the time to settle, whichever is earlier.
func (c *Call) extend(allowed time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	until := time.Now().Add(allowed)
	if last := c.deadline.Add(c.timers.Settle); until.After(last) {
		until = last
	}
	if c.canceled && until.After(c.limit) {
		until = c.limit
	}
	_ = c.frames.stream.SetReadDeadline(until) // only a closed stream refuses
}

// Recv returns the next Delta; io.EOF after the operator's End; a *BrokenError,
// which is an ErrBroken, when the stream was lost, after all Deltas received
// before that. Consuming is acknowledging: a Delta counts as delivered, and is
// billed, once Recv returned it. If ctx ends, Recv returns its error and may be
// called again.
func (c *Call) Recv(ctx context.Context) (Delta, error) {
	if c.end != nil {
		return Delta{}, io.EOF
	}
	for {
		var f frame
		select {
		case f = <-c.queue:
		case <-ctx.Done():
			return Delta{}, context.Cause(ctx)
		}
		switch f := f.(type) {
		case nil:
			return Delta{}, c.broken()
		case *endFrame:
			c.finish(f)
			return Delta{}, io.EOF
		case *pingFrame:
			c.sendAck()
		case *deltaFrame:
			if d, whole := c.consume(f); whole {
				return d, nil
			}
		}
	}
}

// consume counts a Delta frame and returns the Delta that it completes.
// Frames after Cancel count for nothing.
func (c *Call) consume(f *deltaFrame) (d Delta, whole bool) {
	c.mu.Lock()
	if c.canceled {
		c.mu.Unlock()
		return Delta{}, false
	}
	c.ack.Bytes += uint64(len(f.Data))
	if !f.More {
		c.ack.N, c.ack.Tokens = f.N, f.Tokens
	}
	due := c.ack.N-c.acked.N >= c.timers.AckDeltas || c.ack.Bytes-c.acked.Bytes >= c.timers.AckBytes
	if !due && c.ackTimer == nil {
		c.ackTimer = time.AfterFunc(c.timers.AckEvery, c.sendAck)
	}
	c.mu.Unlock()
	if due {
		c.sendAck()
	}
	if f.More || c.partial != nil {
		c.partial = append(c.partial, f.Data...)
		if f.More {
			return Delta{}, false
		}
		f.Data, c.partial = c.partial, nil
	}
	return Delta{N: f.N, Data: f.Data, Tokens: f.Tokens}, true
}

// sendAck tells the operator what was consumed, if it does not know. A failed
// write means a lost stream, which the reader reports.
func (c *Call) sendAck() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.canceled && !c.settled {
		c.sendAckLocked()
	}
}

// sendAckLocked is sendAck for a holder of mu.
func (c *Call) sendAckLocked(after ...frame) {
	if out := append(c.dueAckLocked(), after...); len(out) > 0 {
		_ = c.frames.write(out...)
	}
}

// dueAckLocked is the Ack that the operator is owed, if any; the caller sends it.
func (c *Call) dueAckLocked() []frame {
	if c.ackTimer != nil {
		c.ackTimer.Stop()
		c.ackTimer = nil
	}
	if c.ack == c.acked {
		return nil
	}
	ack := c.ack
	c.acked = ack
	return []frame{&ack}
}

// finish keeps the End. Settle acknowledges everything before it; the operator has signed for it already.
func (c *Call) finish(f *endFrame) {
	c.end = &End{
		FinishReason: f.FinishReason, InputTokens: f.InputTokens, OutputTokens: f.OutputTokens,
		Receipt: f.Receipt, ReceiptSig: f.ReceiptSig, Error: f.Error, Fault: f.Fault,
	}
}

// broken builds the error of a lost stream.
func (c *Call) broken() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := c.readErr
	if err == nil {
		err = io.ErrUnexpectedEOF
	}
	return &BrokenError{Deltas: c.ack.N, Tokens: c.ack.Tokens, Err: err}
}

// End is the operator's End; zero before Recv returned io.EOF.
func (c *Call) End() End {
	if c.end == nil {
		return End{}
	}
	return *c.end
}

// Arrived says whether all of the answer is here, to its End, though Recv may not have returned it yet: then Cancel would come too late.
func (c *Call) Arrived() bool {
	select {
	case <-c.readDone:
		return c.readErr == nil
	default:
		return false
	}
}

// Cancel tells the operator to stop, together with the exact count consumed.
// Recv then drops late Deltas and returns io.EOF at the operator's End, which
// carries a receipt for that count, or breaks after InferTimers.Settle.
func (c *Call) Cancel(reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.canceled || c.settled {
		return nil
	}
	c.limit = time.Now().Add(c.timers.Settle)
	if err := c.frames.stream.SetReadDeadline(c.limit); err != nil {
		return fmt.Errorf("cancel: %w", err)
	}
	c.sendAckLocked(&cancelFrame{Reason: truncate(reason)})
	c.canceled = true
	return nil
}

// Settle answers the operator's receipt and ends the call; its stream carries the next one. It may be called
// once, after Recv returned io.EOF. Success means sent, not received: an operator
// that misses it asks for the settlement over a request protocol.
func (c *Call) Settle(ctx context.Context, s Settlement) error {
	if c.end == nil {
		return errors.New("settle: the answer has not ended; call Recv until io.EOF")
	}
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("settle: %w", err)
	}
	if n := len(s.Countersignature) + len(s.Voucher) + len(s.VoucherSig); n > MaxReceiptBytes {
		return fmt.Errorf("settle: %d bytes, limit %d", n, MaxReceiptBytes)
	}
	c.mu.Lock()
	err := c.frames.write(append(c.dueAckLocked(), &settleFrame{
		Countersignature: s.Countersignature, Voucher: s.Voucher, VoucherSig: s.VoucherSig, Dispute: truncate(s.Dispute),
	})...)
	c.settled = true
	again := !c.canceled && s.Dispute == "" && c.end.Error == ""
	c.mu.Unlock()
	c.stop()
	if err != nil {
		_ = c.frames.stream.Reset()
		return fmt.Errorf("settle: %w", err)
	}
	<-c.readDone // it has read the End
	if again && c.host.idle.put(c.to, c.frames) {
		return nil
	}
	// Delivers what was written. It fails when the operator has read that and
	// closed before us, which is as good.
	_ = c.frames.stream.Close()
	return nil
}

// Close ends the call; without a Settle before it, the operator sees a lost
// stream. It waits for the call's reader and may be called more than once.
func (c *Call) Close() error {
	select {
	case <-c.stopped: // settled, or closed before
	default:
		_ = c.frames.stream.Reset()
		c.stop()
	}
	<-c.readDone
	return nil
}

// stop releases what the call holds, except its stream.
func (c *Call) stop() {
	c.stopOnce.Do(func() { close(c.stopped) })
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ackTimer != nil {
		c.ackTimer.Stop()
		c.ackTimer = nil
	}
	if c.watchdog != nil {
		c.watchdog.Stop()
	}
	if c.accepted && !c.landed {
		c.landed = true
		c.host.land(c.to)
	}
}
