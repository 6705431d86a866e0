package p2p

import (
	"math/rand/v2"
	"net/netip"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Bounds of dials to where only a hello says that a gateway is. Identities cost nothing, so nothing is bounded by who said a hello,
// but by whom hellos name: what such a third party sees of this node, and what this node dials altogether.
const (
	placeKnocks     = 8 // addresses of one place at once: TCP and QUIC of four gateways
	placeKnockEvery = 2 * time.Minute
	strangeDials    = maxGateways // at once: a fleet that is heard of for the first time
	strangeEvery    = 4 * time.Second
	maxPlaces       = 1024
)

// doors count the knocks at places of the internet where no peer has proved itself yet. Where one has, a gateway may be, or have been:
// there each peer's own backoff is enough. Its user guards it.
type doors struct {
	all    tokenBucket // of dials
	places map[netip.Prefix]*place
}

// place is one machine or site as others see it.
type place struct {
	proven bool        // a peer that was dialled there was who it had to be
	knocks tokenBucket // unless proven
}

func newDoors(now time.Time) *doors {
	return &doors{all: newTokenBucket(strangeDials, strangeEvery, now), places: make(map[netip.Prefix]*place)}
}

// placeOf an address of the internet; false for others, which the dialGate judges.
func placeOf(a multiaddr.Multiaddr) (netip.Prefix, bool) {
	ip, err := manet.ToIP(a)
	if err != nil || near(a) != farAway {
		return netip.Prefix{}, false
	}
	addr, _ := netip.AddrFromSlice(ip) // has 4 or 16 bytes
	if addr = addr.Unmap(); addr.Is4() {
		return netip.PrefixFrom(addr, 32), true
	}
	site, _ := addr.Prefix(56) // what a household has
	return site, true
}

// knock returns the addresses at which a peer may be dialled now, and counts them.
func (d *doors) knock(addrs []multiaddr.Multiaddr, now time.Time) (open []multiaddr.Multiaddr) {
	var strange []multiaddr.Multiaddr
	for _, a := range addrs {
		at, public := placeOf(a)
		if p := d.places[at]; !public || p != nil && p.proven {
			open = append(open, a)
		} else {
			strange = append(strange, a)
		}
	}
	if d.all.empty(now) { // places that are not knocked at would push those out that were
		return open
	}
	rand.Shuffle(len(strange), func(i, j int) { strange[i], strange[j] = strange[j], strange[i] }) // or a dead one would take each knock from the next
	free := len(open)
	for _, a := range strange {
		at, _ := placeOf(a)
		if d.at(at, now).knocks.take(now) {
			open = append(open, a)
		}
	}
	if len(open) > free {
		d.all.take(now)
	}
	return open
}

// prove notes that a peer was where it was dialled.
func (d *doors) prove(a multiaddr.Multiaddr, now time.Time) {
	if at, public := placeOf(a); public {
		d.at(at, now).proven = true
	}
}

// at is the state of a place. A full table forgets the strange place that was knocked at longest ago, or an arbitrary one.
func (d *doors) at(where netip.Prefix, now time.Time) *place {
	if p := d.places[where]; p != nil {
		return p
	}
	if len(d.places) >= maxPlaces {
		var oldest netip.Prefix
		for other, p := range d.places {
			o := d.places[oldest]
			if o == nil || o.proven && !p.proven || o.proven == p.proven && p.knocks.last.Before(o.knocks.last) {
				oldest = other
			}
		}
		delete(d.places, oldest)
	}
	p := &place{knocks: newTokenBucket(placeKnocks, placeKnockEvery, now)}
	d.places[where] = p
	return p
}
