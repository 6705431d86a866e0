package simtest

import (
	"net"
	"sync"
	"time"

	"github.com/marcopolo/simnet"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// wires decide how long a packet takes, and whether it arrives.
type wires struct {
	latency time.Duration

	mu     sync.Mutex        // guards what follows
	away   map[string]bool   // addresses that are cut off from the others
	closed map[string]sentTo // addresses behind a router that lets in answers only
}

// sentTo are the addresses to which there were packets.
type sentTo map[string]bool

func newWires(latency time.Duration) *wires {
	return &wires{
		latency: latency, away: make(map[string]bool), closed: make(map[string]sentTo),
	}
}

// nowhere is the address of no host: simnet drops what goes there.
var nowhere = &net.UDPAddr{IP: net.IPv4zero}

// carry is asked of each packet.
func (w *wires) carry(p *simnet.Packet) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	from, to := p.From.String(), p.To.String()
	if sent := w.closed[from]; sent != nil {
		sent[to] = true
	}
	shut := w.closed[to] != nil && !w.closed[to][from]
	if shut || w.away[from] != w.away[to] {
		p.To = nowhere
		return 0
	}
	return w.latency
}

// at is the UDP address of a node, as packets name it.
func (f *Fleet) at(n *Node) string {
	f.t.Helper()
	a, err := multiaddr.NewMultiaddr(n.cfg.Listen[0])
	if err != nil {
		f.t.Fatalf("address of simulated host: %v", err)
	}
	addr, err := manet.ToNetAddr(a.Decapsulate(multiaddr.StringCast("/quic-v1")))
	if err != nil {
		f.t.Fatalf("address of simulated host: %v", err)
	}
	return addr.String()
}

// Cut lets no packet pass between these nodes and the others until Heal.
func (f *Fleet) Cut(nodes ...*Node) {
	for _, n := range nodes {
		at := f.at(n)
		f.wires.mu.Lock()
		f.wires.away[at] = true
		f.wires.mu.Unlock()
	}
}

// Heal undoes every Cut.
func (f *Fleet) Heal() {
	f.wires.mu.Lock()
	defer f.wires.mu.Unlock()
	clear(f.wires.away)
}

// Enclose puts a node behind a router that lets in answers only.
func (f *Fleet) Enclose(n *Node) {
	at := f.at(n)
	f.wires.mu.Lock()
	defer f.wires.mu.Unlock()
	f.wires.closed[at] = make(sentTo)
}
