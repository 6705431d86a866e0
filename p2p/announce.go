package p2p

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/multiformats/go-multiaddr"
)

// ownAdvert is what this node announces, signed.
type ownAdvert struct {
	raw     []byte
	validTo uint64 // unix seconds
}

// Announce signs the advert with the node's key, stores it, publishes it, and
// lets Run publish it again until it expires or is replaced. A zero Peer means
// this node, nil Addrs the addresses it listens on. Seq must exceed that of the
// previous call and, since peers remember, of previous runs; unix milliseconds do.
// Announcing before any peer is connected is fine: it is published to the first.
func (h *Host) Announce(ctx context.Context, a Advert) error {
	if h.life.Err() != nil {
		return ErrClosed
	}
	a, raw, err := h.sealOwn(a)
	if err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	if _, err := h.directory.put(a, raw); err != nil {
		return fmt.Errorf("announce: %w", err)
	}
	h.mu.Lock()
	h.own = &ownAdvert{raw: raw, validTo: a.ValidTo}
	h.mu.Unlock()
	if err := h.gossip.adverts.publish(ctx, raw); err != nil {
		return fmt.Errorf("publish advert: %w", err)
	}
	return nil
}

// Recheck asks CheckAdvert at once about adverts that it has said Ignore to; Run does so every five seconds. It is for a caller that
// has learnt what it did not know then, such as an operator's stake.
func (h *Host) Recheck() { h.directory.recheck() }

// Fits says why Announce would not take an advert, for a caller that can do with fewer offers.
func (h *Host) Fits(a Advert) error {
	_, _, err := h.sealOwn(a)
	return err
}

// sealOwn fills in what an advert leaves to the node, checks it, and signs it.
func (h *Host) sealOwn(a Advert) (Advert, []byte, error) {
	if a.Peer == "" {
		a.Peer = h.lib.ID()
	}
	if a.Peer != h.lib.ID() {
		return a, nil, fmt.Errorf("advert names peer %s, this node is %s", a.Peer, h.lib.ID())
	}
	if a.Addrs == nil {
		a.Addrs = h.announced()
	}
	if err := a.validate(); err != nil {
		return a, nil, err
	}
	if err := a.fresh(h.cfg.Now()); err != nil {
		return a, nil, err
	}
	raw, err := h.codec.seal(advertDomain, h.cfg.Network, h.cfg.Identity, a, MaxAdvertBytes)
	return a, raw, err
}

// announced are the addresses by which others can dial this node, as a message names them.
func (h *Host) announced() []string {
	var addrs []string
	for _, a := range mostDialable(h.lib.Addrs()) {
		addrs = append(addrs, a.String())
	}
	return addrs
}

// mostDialable keeps MaxAdvertAddrs addresses of a node, public ones first and those of its own machine last. libp2p sorts them by
// number, and has one for each bridge of a container host.
func mostDialable(addrs []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	addrs = slices.SortedStableFunc(slices.Values(addrs), func(a, b multiaddr.Multiaddr) int { return cmp.Compare(near(a), near(b)) })
	return addrs[:min(len(addrs), MaxAdvertAddrs)]
}

// republish sends the own advert again, for nodes that gossip did not reach.
func (h *Host) republish(ctx context.Context) {
	h.mu.Lock()
	own := h.own
	h.mu.Unlock()
	switch {
	case own == nil:
	case own.validTo <= uint64(h.cfg.Now().Unix()):
		h.log.Warn("own advert has expired; announce a new one")
	default:
		if err := h.gossip.adverts.publish(ctx, own.raw); err != nil {
			h.log.Debug("republish advert", "error", err)
		}
	}
}

// helloLoop tells operators where this gateway listens: at once, and each period ± 20 %.
func (h *Host) helloLoop(ctx context.Context) {
	for {
		if err := h.sayHello(ctx); err != nil {
			h.log.Debug("gateway hello", "error", err)
		}
		period := h.cfg.HelloEvery
		select {
		case <-ctx.Done():
			return
		case <-time.After(period*4/5 + rand.N(period*2/5)):
		}
	}
}

// sayHello publishes one hello and keeps it for pulls.
func (h *Host) sayHello(ctx context.Context) error {
	own := hello{Peer: h.lib.ID(), Addrs: h.announced(), Seq: uint64(h.cfg.Now().UnixMilli())}
	raw, err := h.codec.seal(helloDomain, h.cfg.Network, h.cfg.Identity, own, maxHelloBytes)
	if err != nil {
		return err
	}
	if _, err := h.gateways.admit(raw); err != nil && !errors.Is(err, errFull) { // others may have room
		return err
	}
	return h.gossip.hellos.publish(ctx, raw)
}

// reach returns a context for opening a stream to id: with a connection, or
// with an address to dial, it may be used; else the peer is unreachable.
func (h *Host) reach(ctx context.Context, id PeerID) (context.Context, error) {
	if h.life.Err() != nil {
		return nil, ErrClosed
	}
	if h.Connected(id) {
		return network.WithNoDial(ctx, connTag), nil
	}
	if len(h.lib.Peerstore().Addrs(id)) == 0 {
		return nil, fmt.Errorf("%w: %s is not connected and has no known address", ErrUnreachable, id)
	}
	return ctx, nil
}
