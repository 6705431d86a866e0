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
	// maxRequestsServing bounds handlers of one protocol at work, maxPeerRequests those for one peer.
	maxRequestsServing = 64
	maxPeerRequests    = 8
	maxErrorText       = 1 << 10
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

// requestServer answers small requests.
type requestServer struct{ host *Host }

// newRequestServer returns the server of a host.
func newRequestServer(h *Host) *requestServer { return &requestServer{host: h} }

// HandleRequest answers a request protocol such as /flotilla/ledger/2. Past
// the bounds on those at work, peers get a resource-limit reset.
func (h *Host) HandleRequest(proto string, handle RequestHandler) {
	serve := newSlots(maxPeerRequests, maxRequestsServing).handler(func(s network.Stream) {
		if err := h.requests.serve(s, handle); err != nil {
			h.log.Debug("answer request", "protocol", proto, "peer", s.Conn().RemotePeer().String(), "error", err)
			_ = s.Reset()
		}
	})
	h.lib.SetStreamHandler(protocol.ID(proto), h.streams.handler(serve))
}

// serve reads one request and writes one answer.
func (r *requestServer) serve(s network.Stream, handle RequestHandler) error {
	ctx, cancel := context.WithTimeout(r.host.life, RequestTimeout)
	defer cancel()
	if err := s.SetDeadline(time.Now().Add(RequestTimeout)); err != nil {
		return fmt.Errorf("set deadline: %w", err)
	}
	body, err := readMessage(bufio.NewReader(s), MaxRequestBytes)
	if err != nil {
		return fmt.Errorf("read request: %w", err)
	}
	answer, err := handle(ctx, s.Conn().RemotePeer(), body)
	status := byte(requestOK)
	switch {
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
