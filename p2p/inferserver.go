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
)

// InferHandler serves one request. ctx ends on the gateway's Cancel (its cause
// is ErrCanceled), when the stream is lost (ErrBroken), at the request's
// deadline, or with the host (ErrClosed). A handler that returns without
// Finish breaks the stream; one that returns before Accept rejects with
// CodeInternal. The error is logged, not sent.
type InferHandler func(ctx context.Context, in *Incoming) error

// InferLimits bounds handlers at work; zero fields mean 128 per peer and 512 in total.
type InferLimits struct{ PerPeer, Total int }

// inferServer hands streams to the handler, within its limits.
type inferServer struct {
	host *Host

	mu     sync.Mutex // guards what follows; not held while handlers run
	handle InferHandler
	slots  *slots
}

// newInferServer returns a server without a handler.
func newInferServer(h *Host) *inferServer { return &inferServer{host: h} }

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
	for s.serveNext(frames) {
		if stream.SetReadDeadline(time.Now().Add(idlePatience)) != nil {
			break
		}
		if _, err := frames.r.Peek(1); err != nil { // no other request
			break
		}
	}
	_ = stream.Close()
}

// serveNext serves one request, and says whether the stream can carry another.
func (s *inferServer) serveNext(frames *frameStream) bool {
	from := frames.stream.Conn().RemotePeer()
	handle, slots := s.current()
	if !slots.enter(from) {
		_ = frames.write(&rejectFrame{
			Code: CodeOverloaded, RetryAfterMS: uint64(overloadRetry.Milliseconds()), Message: "all handlers are busy",
		})
		return false
	}
	defer slots.leave(from)
	request, left, err := s.readRequest(frames)
	if err != nil {
		s.host.log.Debug("read inference request", "peer", from.String(), "error", err)
		_ = frames.write(&rejectFrame{Code: CodeBadRequest, Message: "request could not be read"})
		return false
	}
	return s.run(handle, frames, from, request, left)
}

// readRequest reads Open and the body.
func (s *inferServer) readRequest(frames *frameStream) (InferRequest, time.Duration, error) {
	timers := s.host.cfg.Timers
	if err := frames.stream.SetReadDeadline(time.Now().Add(timers.Write)); err != nil {
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
		piece, err := readAs[*bodyFrame](frames.codec, frames.r)
		if err != nil {
			return InferRequest{}, 0, fmt.Errorf("read body: %w", err)
		}
		if len(piece.Data) == 0 || len(body)+len(piece.Data) > int(open.BodyLen) {
			return InferRequest{}, 0, fmt.Errorf("%w: body frames do not add up to %d bytes", errForm, open.BodyLen)
		}
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

// run calls the handler and cleans up behind it. It says whether the stream can carry another request.
func (s *inferServer) run(handle InferHandler, frames *frameStream, from PeerID, request InferRequest, left time.Duration) bool {
	base, cancel := context.WithCancelCause(s.host.life)
	defer cancel(nil)
	ctx, stop := context.WithTimeout(base, left)
	defer stop()
	in := newIncoming(ctx, cancel, frames, from, request, s.host.cfg.Timers)
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
