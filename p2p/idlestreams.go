package p2p

import (
	"slices"
	"sync"
	"time"
)

// An inference stream carries one request after another, as an HTTP connection does: opening one costs both ends a
// negotiation, resource accounting and some goroutines (docs/decisions/0015).
const (
	// maxIdleStreams bounds the streams that a gateway keeps to one operator between requests.
	maxIdleStreams = 64
	// idleFor is how long it keeps one. The operator waits longer, so that it does not hang up on a request on its way.
	idleFor      = 20 * time.Second
	idlePatience = 3 * idleFor
)

// idleStreams are a gateway's inference streams on which nothing is asked at present.
type idleStreams struct {
	streams *streamSet

	mu     sync.Mutex               // guards what follows; not held during I/O
	free   map[PeerID][]*idleStream // the one used last is the last
	closed bool
}

type idleStream struct {
	frames *frameStream
	expiry *time.Timer
}

func newIdleStreams(streams *streamSet) *idleStreams {
	return &idleStreams{streams: streams, free: make(map[PeerID][]*idleStream)}
}

// put keeps a stream whose request is settled. False: there are enough, or the host is closing; then it is the caller's.
func (s *idleStreams) put(to PeerID, frames *frameStream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || len(s.free[to]) >= maxIdleStreams || frames.stream.SetReadDeadline(time.Time{}) != nil || !s.streams.add(frames.stream) {
		return false
	}
	i := &idleStream{frames: frames}
	i.expiry = time.AfterFunc(idleFor, func() {
		if s.drop(to, i) {
			_ = frames.stream.Close()
		}
	})
	s.free[to] = append(s.free[to], i)
	return true
}

// take returns a stream on which the operator can be asked, nil when none is idle.
func (s *idleStreams) take(to PeerID) *frameStream {
	for {
		i := s.newest(to)
		if i == nil {
			return nil
		}
		if !s.drop(to, i) {
			continue // somebody else was faster
		}
		i.expiry.Stop()
		if i.frames.stream.Conn().IsClosed() {
			_ = i.frames.stream.Reset()
			continue
		}
		return i.frames
	}
}

// newest is the idle stream that was used last, nil when there is none.
func (s *idleStreams) newest(to PeerID) *idleStream {
	s.mu.Lock()
	defer s.mu.Unlock()
	if free := s.free[to]; len(free) > 0 {
		return free[len(free)-1]
	}
	return nil
}

// drop says whether i was idle until now.
func (s *idleStreams) drop(to PeerID, i *idleStream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	at := slices.Index(s.free[to], i)
	if at < 0 {
		return false
	}
	if s.free[to] = slices.Delete(s.free[to], at, at+1); len(s.free[to]) == 0 {
		delete(s.free, to)
	}
	s.streams.remove(i.frames.stream)
	return true
}

// close ends all, and keeps none from here on.
func (s *idleStreams) close() {
	s.mu.Lock()
	all := s.free
	s.free, s.closed = make(map[PeerID][]*idleStream), true
	s.mu.Unlock()
	for _, free := range all {
		for _, i := range free {
			i.expiry.Stop()
			_ = i.frames.stream.Reset()
			s.streams.remove(i.frames.stream)
		}
	}
}
