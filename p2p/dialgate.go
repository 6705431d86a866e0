package p2p

import (
	"sync/atomic"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// nearness of an address: how close to this machine it may lead.
type nearness int32

const (
	farAway   nearness = iota // an address of the internet, or a name
	onNetwork                 // of a network that is not public
	onMachine                 // of whoever dials it
)

// near says how near an address is.
func near(a multiaddr.Multiaddr) nearness {
	switch {
	case manet.IsIPLoopback(a):
		return onMachine
	case manet.IsPublicAddr(a):
		return farAway
	default:
		return onNetwork
	}
}

// dialGate keeps strangers from using this node to knock at doors that are closed to them. Hellos and libp2p's identification
// bring addresses that a stranger named. Of those it lets only such be dialled as are no nearer than the user's own
// bootstrap list: in a fleet of the internet none of the home network or of this machine, in a fleet of one machine all. It also lets an
// address through at which this node has met the peer before: a list of names does not say how near its nodes are until one answers.
type dialGate struct {
	bootstrap map[PeerID]bool
	kept      *peersFile
	nearest   atomic.Int32 // nearness that is let through; it only grows
}

// newDialGate returns a gate for a bootstrap list that was validated with the Config.
func newDialGate(bootstrap []string, kept *peersFile) *dialGate {
	g := &dialGate{bootstrap: make(map[PeerID]bool), kept: kept}
	for _, text := range bootstrap {
		if info, err := peer.AddrInfoFromString(text); err == nil {
			g.bootstrap[info.ID] = true
			for _, a := range info.Addrs {
				g.letIn(near(a))
			}
		}
	}
	return g
}

// letIn opens the gate for addresses as near.
func (g *dialGate) letIn(n nearness) {
	for old := g.nearest.Load(); old < int32(n) && !g.nearest.CompareAndSwap(old, int32(n)); old = g.nearest.Load() {
	}
}

// InterceptAddrDial is asked of each address, after names in it were looked up.
func (g *dialGate) InterceptAddrDial(to peer.ID, a multiaddr.Multiaddr) bool {
	return g.bootstrap[to] || int32(near(a)) <= g.nearest.Load() || g.kept.met(to, a)
}

// InterceptUpgraded learns where a bootstrap node that the list gives by name is, or a peer that was met before.
func (g *dialGate) InterceptUpgraded(c network.Conn) (bool, control.DisconnectReason) {
	if c.Stat().Direction == network.DirOutbound {
		g.letIn(near(c.RemoteMultiaddr()))
	}
	return true, 0
}

// What else a gate may refuse, this one lets pass.

func (g *dialGate) InterceptPeerDial(peer.ID) bool              { return true }
func (g *dialGate) InterceptAccept(network.ConnMultiaddrs) bool { return true }
func (g *dialGate) InterceptSecured(network.Direction, peer.ID, network.ConnMultiaddrs) bool {
	return true
}
