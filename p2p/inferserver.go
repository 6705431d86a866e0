package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
)

// Default handler bounds: one gateway cannot take a whole operator, and 512
// handlers of a few goroutines each are nothing to a process.
const (
	defaultPerPeer = 128
	defaultTotal   = 512
	// overloadRetry is what a gateway is told when handlers are all busy.
	overloadRetry = time.Second
	// waitingStream is what a stream is taken to cost while no request on it is accepted: a frame, buffers and goroutines. The bodies that
	// have been read come on top, and waitingInfer bounds both: 2,048 streams, or 64 of the longest bodies.
	waitingStream = 128 << 10
	waitingInfer  = 256 << 20
)

// InferHandler serves one request. Until it calls Accept it does no more than judge: only from there on it has one of the slots that
// InferLimits bounds, and before that the stream is reset where too many wait. ctx ends on the gateway's Cancel (its cause
// is ErrCanceled), when the stream is lost (ErrBroken), at the request's
// deadline, or with the host (ErrClosed). A handler that returns without
// Finish breaks the stream; one that returns before Accept rejects with
// CodeInternal. The error is logged, not sent.
type InferHandler func(ctx context.Context, in *Incoming) error

// InferLimits bounds requests that are accepted and whose answers are not over; zero fields mean 128 per peer and 512 in total. An
// answer that waits for its settlement has no slot: like a request that is not there yet it costs its peer a stream.
type InferLimits struct{ PerPeer, Total int }

// inferServer hands streams to the handler, within its limits.
type inferServer struct {
	host  *Host
	waits *waits

	mu     sync.Mutex // guards what follows; not held while handlers run
	handle InferHandler
	slots  *slots
}

// newInferServer returns a server without a handler.
func newInferServer(h *Host) *inferServer {
	return &inferServer{host: h, waits: newWaits(waitingStream, waitingInfer)}
}

// HandleInfer serves inference streams with handle. A second call replaces the first.
func (h *Host) HandleInfer(handle InferHandler, limits InferLimits) {
	if limits.PerPeer <= 0 {
		limits.PerPeer = defaultPerPeer
	}
	if limits.Total <= 0 {
		limits.Total = defaultTotal
	}
	h.infer.mu.Lock()
	h.infer.handle, h.infer.slots = handle, newSlots(limits.PerPeer, limits.Total)
	h.infer.mu.Unlock()
	h.lib.SetStreamHandler(protoInfer, h.streams.handler(h.infer.serve))
}

// current is the handler and its slots.
func (s *inferServer) current() (InferHandler, *slots) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.handle, s.slots
}

// serve is the stream handler: one request after another, as long as the gateway keeps the stream.
func (s *inferServer) serve(stream network.Stream) {
	frames := newFrameStream(stream, s.host.frames, s.host.cfg.Timers.Write)
	w := s.waits.begin(stream, network.StreamResourceLimitExceeded)
	patience := s.host.cfg.Timers.Write
	for s.awaited(frames, patience) && s.serveNext(frames, w) {
		w.end()
		w = s.waits.begin(stream, network.StreamNoError) // the gateway takes another stream, and does not think that we are full
		patience = idlePatience
	}
	w.end()
	_ = stream.Close()
}

// awaited says whether a request begins within the patience.
func (s *inferServer) awaited(frames *frameStream, patience time.Duration) bool {
	if frames.stream.SetReadDeadline(time.Now().Add(patience)) != nil {
		return false
	}
	_, err := frames.r.Peek(1)
	return err == nil
}

// serveNext serves one request, and says whether the stream can carry another.
func (s *inferServer) serveNext(frames *frameStream, w *wait) bool {
	from := frames.stream.Conn().RemotePeer()
	request, left, err := s.readRequest(frames, w)
	if err != nil {
		s.host.log.Debug("read inference request", "peer", from.String(), "error", err)
		_ = frames.write(&rejectFrame{Code: CodeBadRequest, Message: "request could not be read"})
		return false
	}
	handle, slots := s.current()
	accepted := false
	enter := func() bool {
		if accepted = slots.enter(from); accepted {
			w.end()
		}
		return accepted
	}
	leave := sync.OnceFunc(func() {
		if accepted {
			w.resume()
			slots.leave(from)
		}
	})
	defer leave()
	return s.run(handle, frames, from, request, left, func(in *Incoming) { in.enter, in.leave = enter, leave })
}

// readRequest reads Open and the body. Each frame of it has the time that the gateway has to write it: a body takes as long as its link
// does, and past that waits tell whose streams have to go.
func (s *inferServer) readRequest(frames *frameStream, w *wait) (InferRequest, time.Duration, error) {
	timers := s.host.cfg.Timers
	last := time.Now().Add(timers.Answer)
	soon := func() error {
		until := time.Now().Add(timers.Write)
		if until.After(last) {
			until = last
		}
		return frames.stream.SetReadDeadline(until)
	}
	if err := soon(); err != nil {
		return InferRequest{}, 0, fmt.Errorf("set deadline: %w", err)
	}
	open, err := readAs[*openFrame](frames.codec, frames.r)
	if err != nil {
		return InferRequest{}, 0, fmt.Errorf("read open: %w", err)
	}
	if open.BodyLen > MaxBodyBytes {
		return InferRequest{}, 0, fmt.Errorf("%w: body of %d bytes, limit %d", errTooLong, open.BodyLen, MaxBodyBytes)
	}
	var body []byte // grows as bytes arrive: a length alone allocates nothing
	for len(body) < int(open.BodyLen) {
		if err := soon(); err != nil {
			return InferRequest{}, 0, fmt.Errorf("set deadline: %w", err)
		}
		piece, err := readAs[*bodyFrame](frames.codec, frames.r)
		if err != nil {
			return InferRequest{}, 0, fmt.Errorf("read body: %w", err)
		}
		if len(piece.Data) == 0 || len(body)+len(piece.Data) > int(open.BodyLen) {
			return InferRequest{}, 0, fmt.Errorf("%w: body frames do not add up to %d bytes", errForm, open.BodyLen)
		}
		w.grow(len(piece.Data))
		body = append(body, piece.Data...)
	}
	left := timers.Answer
	if ms := open.TimeoutMS; ms > 0 && ms < uint64(left.Milliseconds()) {
		left = time.Duration(ms) * time.Millisecond
	}
	return InferRequest{
		Order: open.Order, OrderSig: open.OrderSig, Advert: open.Advert, Extra: open.Extra,
		Body: body, Stream: open.Stream,
	}, left, nil
}

// run calls the handler, with a request that admit has given its slot's functions, and cleans up behind it. It says whether the stream
// can carry another request.
func (s *inferServer) run(handle InferHandler, frames *frameStream, from PeerID, request InferRequest, left time.Duration, admit func(*Incoming)) bool {
	base, cancel := context.WithCancelCause(s.host.life)
	defer cancel(nil)
	ctx, stop := context.WithTimeout(base, left)
	defer stop()
	in := newIncoming(ctx, cancel, frames, from, request, s.host.cfg.Timers)
	admit(in)
	// The reader outlives the answer by the time to settle, and ends with the stream at the latest.
	_ = frames.stream.SetReadDeadline(time.Now().Add(left + 2*s.host.cfg.Timers.Settle))
	in.work.Go(in.read)
	err := handle(ctx, in)
	again := in.close()
	if err != nil && !errors.Is(err, ErrCanceled) {
		s.host.log.Debug("inference handler", "peer", from.String(), "error", err)
	}
	return again
}
