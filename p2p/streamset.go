package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
)

// streamSet knows every open stream of a host, so that Close can end them and
// wait for their handlers.
type streamSet struct {
	mu       sync.Mutex // guards open and closed; not held while handlers run
	open     map[network.Stream]struct{}
	closed   bool
	handlers sync.WaitGroup
}

// newStreamSet returns an empty set.
func newStreamSet() *streamSet {
	return &streamSet{open: make(map[network.Stream]struct{})}
}

// add registers a stream; false means that the host is closing.
func (s *streamSet) add(stream network.Stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.open[stream] = struct{}{}
	s.handlers.Add(1)
	return true
}

// remove undoes one add.
func (s *streamSet) remove(stream network.Stream) {
	s.mu.Lock()
	delete(s.open, stream)
	s.mu.Unlock()
	s.handlers.Done()
}

// handler wraps a libp2p stream handler: registered while it runs.
func (s *streamSet) handler(serve func(network.Stream)) network.StreamHandler {
	return func(stream network.Stream) {
		if !s.add(stream) {
			_ = stream.ResetWithError(network.StreamShutdown)
			return
		}
		defer s.remove(stream)
		serve(stream)
	}
}

// close resets all streams and waits until they are removed.
func (s *streamSet) close() {
	s.mu.Lock()
	s.closed = true
	for stream := range s.open {
		_ = stream.ResetWithError(network.StreamShutdown)
	}
	s.mu.Unlock()
	s.handlers.Wait()
}

// isOverload recognises a refusal by a resource manager, ours or the peer's.
// The peer's arrives as a reset with its own code, and only on read.
func isOverload(err error) bool {
	var reset *network.StreamError
	if errors.As(err, &reset) {
		return reset.ErrorCode == network.StreamResourceLimitExceeded || reset.ErrorCode == network.StreamRateLimited
	}
	return errors.Is(err, network.ErrResourceLimitExceeded)
}

// openError classifies a failure to open a stream.
func openError(ctx context.Context, to PeerID, err error) error {
	if isOverload(err) {
		return &RejectedError{Code: CodeOverloaded, Message: "no stream to " + to.String() + " is free"}
	}
	if cause := context.Cause(ctx); cause != nil && errors.Is(cause, context.Canceled) {
		return cause
	}
	return fmt.Errorf("%w: %s: %w", ErrUnreachable, to, err)
}
