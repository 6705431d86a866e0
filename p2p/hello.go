package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Bounds of gateway hellos.
const (
	// maxGateways bounds the gateways that an operator keeps dialling. Where there are more they take turns: one that has been among them
	// for a helloTTL makes room for one that is not. A connection that is there stays, so an operator meets them all in time, and
	// nobody keeps the others out by being many.
	maxGateways   = 32
	maxHelloBytes = 4 << 10
	// helloTTL is three missed hellos.
	helloTTL = 180 * time.Second
	// helloAge is when a hello is old: its gateway's clock may be as far behind ours as an advert may start in our future.
	helloAge = helloTTL + clockSkew
	// helloSpacing is the least time between two hellos of one gateway.
	helloSpacing = 10 * time.Second
)

// hello tells operators where a gateway listens.
type hello struct {
	Peer  PeerID   `cbor:"1,keyasint"`
	Addrs []string `cbor:"2,keyasint"`
	Seq   uint64   `cbor:"3,keyasint"` // unix milliseconds of signing
}

// validate checks form and bounds and returns what can be dialled.
func (h *hello) validate() (peer.AddrInfo, error) {
	info := peer.AddrInfo{ID: h.Peer}
	if len(h.Addrs) == 0 || len(h.Addrs) > MaxAdvertAddrs {
		return info, fmt.Errorf("hello has %d addresses, need 1..%d", len(h.Addrs), MaxAdvertAddrs)
	}
	for _, text := range h.Addrs {
		if len(text) > maxAddrBytes {
			return info, fmt.Errorf("hello address has %d bytes, limit %d", len(text), maxAddrBytes)
		}
		addr, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return info, fmt.Errorf("hello address: %w", err)
		}
		if manet.IsThinWaist(addr) { // a name would have us ask name servers that a stranger chose
			info.Addrs = append(info.Addrs, addr)
		}
	}
	return info, nil
}

// gatewayEntry is one gateway that was heard of lately.
type gatewayEntry struct {
	sealed
	info  peer.AddrInfo
	seq   uint64
	since time.Time // it has been in the set without a pause
}

// gatewaySet holds the gateways whose last hello is not old.
type gatewaySet struct {
	codec   codec
	network string
	now     func() time.Time

	mu      sync.Mutex // guards entries
	entries map[PeerID]gatewayEntry
}

// newGatewaySet returns an empty set.
func newGatewaySet(cfg Config, c codec) *gatewaySet {
	return &gatewaySet{codec: c, network: cfg.Network, now: cfg.Now, entries: make(map[PeerID]gatewayEntry)}
}

// openHello reads a signed hello.
func (c codec) openHello(network string, raw []byte) (hello, peer.AddrInfo, error) {
	var h hello
	env, err := c.open(raw, maxHelloBytes, &h)
	if err != nil {
		return h, peer.AddrInfo{}, err
	}
	if err := env.verify(helloDomain, network, h.Peer); err != nil {
		return h, peer.AddrInfo{}, err
	}
	info, err := h.validate()
	if err != nil {
		return h, info, fmt.Errorf("%w: %w", errForm, err)
	}
	return h, info, nil
}

// admit judges a signed hello and stores it when good.
func (g *gatewaySet) admit(raw []byte) (Verdict, error) {
	h, info, err := g.codec.openHello(g.network, raw)
	if err != nil {
		return Reject, err
	}
	now := g.now()
	age := now.Sub(time.UnixMilli(int64(min(h.Seq, 1<<62)))) // no later number is a time either, and one that is kept never grows old
	if age > helloAge || age < -clockSkew {
		return Ignore, errors.New("hello is old or from a skewed clock")
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropExpired(now)
	stored, known := g.entries[h.Peer]
	switch {
	case known && bytes.Equal(raw, stored.raw): // by a pull; it is relayed for those who have not pulled
		return Accept, nil
	case known && h.Seq <= stored.seq:
		return Ignore, errStale
	case known && h.Seq-stored.seq < uint64(helloSpacing.Milliseconds()):
		return Ignore, errRate
	case !known && !g.makeRoom(now):
		return Ignore, errFull
	case !known:
		stored.since = now
	}
	g.entries[h.Peer] = gatewayEntry{sealed: newSealed(raw), info: info, seq: h.Seq, since: stored.since}
	return Accept, nil
}

// makeRoom for one more gateway: of a full set the one that has been in it for longest goes, if its turn is over. The caller holds mu.
func (g *gatewaySet) makeRoom(now time.Time) bool {
	if len(g.entries) < maxGateways {
		return true
	}
	var oldest PeerID
	for id, e := range g.entries {
		if oldest == "" || e.since.Before(g.entries[oldest].since) {
			oldest = id
		}
	}
	if now.Sub(g.entries[oldest].since) < helloTTL {
		return false
	}
	delete(g.entries, oldest)
	return true
}

// dropExpired forgets silent gateways. The caller holds mu.
func (g *gatewaySet) dropExpired(now time.Time) {
	oldest := uint64(max(now.Add(-helloAge).UnixMilli(), 0))
	maps.DeleteFunc(g.entries, func(_ PeerID, e gatewayEntry) bool { return e.seq < oldest })
}

// live returns the gateways heard of lately, by their clocks, and the envelopes that prove them.
func (g *gatewaySet) live() (infos []peer.AddrInfo, hellos []sealed) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.dropExpired(g.now())
	for _, e := range g.entries {
		infos = append(infos, e.info)
		hellos = append(hellos, e.sealed)
	}
	return infos, hellos
}
