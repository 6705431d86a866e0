package p2p

import (
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/network"
)

// waits are the streams of one protocol that wait for their peer: for its request, to be rid of an answer, or for its settlement.
// What they may cost together is bounded. Past the bound the peer whose streams cost most loses its oldest one. A request is there within moments, so
// this is hardly ever an honest peer's: neither many streams nor many identities, which cost nothing to make, keep others out.
type waits struct {
	each, most int // bytes: what each stream is taken to cost, and all may

	mu    sync.Mutex // guards what follows; not held during I/O
	cost  int
	peers map[PeerID]*peerWaits
}

// peerWaits are those of one peer, oldest first.
type peerWaits struct {
	cost    int
	streams []*wait
}

type wait struct {
	of     *waits
	stream network.Stream
	code   network.StreamErrorCode
	cost   int
}

func newWaits(each, most int) *waits {
	return &waits{each: each, most: most, peers: make(map[PeerID]*peerWaits)}
}

// begin counts a stream in. Should it have to go, its peer is told code.
func (s *waits) begin(stream network.Stream, code network.StreamErrorCode) *wait {
	w := &wait{of: s, stream: stream, code: code}
	w.resume()
	w.grow(s.each)
	return w
}

// resume counts a stream in again that was counted out, with all that it cost.
func (w *wait) resume() {
	s := w.of
	s.mu.Lock()
	p := s.peers[w.from()]
	if p == nil {
		p = &peerWaits{}
		s.peers[w.from()] = p
	}
	p.streams = append(p.streams, w)
	p.cost, s.cost = p.cost+w.cost, s.cost+w.cost
	s.mu.Unlock()
	w.grow(0)
}

func (w *wait) from() PeerID { return w.stream.Conn().RemotePeer() }

// grow counts bytes that were read of a request and are kept.
func (w *wait) grow(bytes int) {
	s := w.of
	s.mu.Lock()
	var gone []*wait
	if p := s.peers[w.from()]; p != nil && slices.Contains(p.streams, w) {
		w.cost, p.cost, s.cost = w.cost+bytes, p.cost+bytes, s.cost+bytes
		for s.cost > s.most {
			oldest := s.heaviest().streams[0]
			s.drop(oldest)
			gone = append(gone, oldest)
		}
	}
	s.mu.Unlock()
	for _, w := range gone {
		_ = w.stream.ResetWithError(w.code)
	}
}

// heaviest is the peer whose streams cost most. The caller holds mu.
func (s *waits) heaviest() (most *peerWaits) {
	for _, p := range s.peers {
		if most == nil || p.cost > most.cost {
			most = p
		}
	}
	return most
}

// end counts the stream out. It may be called again.
func (w *wait) end() {
	w.of.mu.Lock()
	defer w.of.mu.Unlock()
	w.of.drop(w)
}

// drop forgets a stream, if it is there. The caller holds mu.
func (s *waits) drop(w *wait) {
	p := s.peers[w.from()]
	if p == nil {
		return
	}
	at := slices.Index(p.streams, w)
	if at < 0 {
		return
	}
	p.streams = slices.Delete(p.streams, at, at+1)
	p.cost -= w.cost
	s.cost -= w.cost
	if len(p.streams) == 0 {
		delete(s.peers, w.from())
	}
}
