package p2p

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Bounds of small requests.
const (
	// MaxRequestBytes bounds the body of a request and of its answer.
	MaxRequestBytes = 1 << 20
	// RequestTimeout bounds a request on both sides when the caller's context
	// has no earlier deadline.
	RequestTimeout = 10 * time.Second
	// maxRequestsServing bounds handlers of one protocol at work, with a whole request, and maxPeerRequests those for one peer.
	maxRequestsServing = 64
	maxPeerRequests    = 8
	// waitingRequest is what a stream is taken to cost while its request is read or its answer written, waitingRequests what all may.
	waitingRequest  = MaxRequestBytes
	waitingRequests = 128 << 20
	maxErrorText    = 1 << 10
)

// Status bytes that open an answer.
const (
	requestOK     = 0
	requestFailed = 1
)

// RemoteError is the error text that a peer's request handler returned.
type RemoteError struct{ Message string }

// Error returns the peer's words.
func (e *RemoteError) Error() string { return "peer answered: " + e.Message }

// RequestHandler answers one request. The text of its error travels to the peer.
type RequestHandler func(ctx context.Context, from PeerID, body []byte) ([]byte, error)

// requestServer answers small requests of one protocol.
type requestServer struct {
	host   *Host
	handle RequestHandler
	slots  *slots
	waits  *waits
}

// HandleRequest answers a request protocol such as /flotilla/ledger/2. Past
// the bounds on those at work, peers get a resource-limit reset.
func (h *Host) HandleRequest(proto string, handle RequestHandler) {
	r := &requestServer{
		host: h, handle: handle,
		slots: newSlots(maxPeerRequests, maxRequestsServing), waits: newWaits(waitingRequest, waitingRequests),
	}
	h.lib.SetStreamHandler(protocol.ID(proto), h.streams.handler(func(s network.Stream) {
		if err := r.serve(s); err != nil {
			h.log.Debug("answer request", "protocol", proto, "peer", s.Conn().RemotePeer().String(), "error", err)
			code := network.StreamNoError
			if errors.Is(err, errBusy) {
				code = network.StreamResourceLimitExceeded
			}
			_ = s.ResetWithError(code)
		}
	}))
}

// errBusy: all slots are taken.
var errBusy = errors.New("all slots are taken")

// work calls the handler in a slot.
func (r *requestServer) work(ctx context.Context, from PeerID, body []byte) ([]byte, error) {
	if !r.slots.enter(from) {
		return nil, errBusy
	}
	defer r.slots.leave(from)
	return r.handle(ctx, from, body)
}

// serve reads one request and writes one answer.
func (r *requestServer) serve(s network.Stream) error {
	ctx, cancel := context.WithTimeout(r.host.life, RequestTimeout)
	defer cancel()
	reading := r.waits.begin(s, network.StreamResourceLimitExceeded)
	defer reading.end()
	if err := s.SetDeadline(time.Now().Add(RequestTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	body, err := readMessage(bufio.NewReader(s), MaxRequestBytes)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	reading.end()
	answer, err := r.work(ctx, s.Conn().RemotePeer(), body)
	defer r.waits.begin(s, network.StreamResourceLimitExceeded).end() // it is written
	status := byte(requestOK)
	switch {
	case errors.Is(err, errBusy):
		return err
	case err != nil:
		text := err.Error()
		status, answer = requestFailed, []byte(text[:min(len(text), maxErrorText)])
	case len(answer) > MaxRequestBytes:
		return fmt.Errorf("answer has %d bytes, limit %d", len(answer), MaxRequestBytes)
	}
	if err := writeMessage(s, append([]byte{status}, answer...)); err != nil {
		return fmt.Errorf("write answer: %w", err)
	}
	return s.Close()
}

// Request sends body to a peer and returns its answer; both at most
// MaxRequestBytes. Errors: ErrUnreachable, *RemoteError, *RejectedError with
// code "overloaded", or the context's.
func (h *Host) Request(ctx context.Context, to PeerID, proto string, body []byte) ([]byte, error) {
	if len(body) > MaxRequestBytes {
		return nil, fmt.Errorf("request has %d bytes, limit %d", len(body), MaxRequestBytes)
	}
	ctx, cancel := context.WithTimeout(ctx, RequestTimeout)
	defer cancel()
	open, err := h.reach(ctx, to)
	if err != nil {
		return nil, err
	}
	s, err := h.lib.NewStream(open, to, protocol.ID(proto))
	if err != nil {
		return nil, openError(ctx, to, err)
	}
	defer s.Reset() // a no-op after the orderly close
	if !h.streams.add(s) {
		return nil, ErrClosed
	}
	defer h.streams.remove(s)
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	answer, err := exchange(s, body)
	switch {
	case err == nil:
		return answer, nil
	case ctx.Err() != nil:
		return nil, fmt.Errorf("request to %s: %w", to, ctx.Err())
	case isOverload(err):
		return nil, &RejectedError{Code: CodeOverloaded, RetryAfter: time.Second, Message: "peer is out of streams"}
	default:
		return nil, fmt.Errorf("request to %s: %w", to, err)
	}
}

// exchange writes the request and reads the answer.
func exchange(s network.Stream, body []byte) ([]byte, error) {
	// A refusal is only readable: the write may fail first, so its error waits.
	writeErr := writeMessage(s, body)
	if writeErr == nil {
		writeErr = s.CloseWrite()
	}
	answer, err := readMessage(bufio.NewReader(s), MaxRequestBytes+1)
	switch {
	case err != nil && writeErr != nil && !isOverload(err):
		return nil, writeErr
	case errors.Is(err, io.EOF):
		return nil, io.ErrUnexpectedEOF
	case err != nil:
		return nil, err
	case len(answer) == 0:
		return nil, errForm
	}
	_ = s.Close()
	if answer[0] != requestOK {
		return nil, &RemoteError{Message: string(answer[1:])}
	}
	return answer[1:], nil
}
