package p2p

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
)

// Periods and bounds of Run.
const (
	maintainEvery   = 5 * time.Second
	eventBuffer     = 1024 // libp2p blocks when a subscriber's buffer is full
	pullsPerSync    = 2
	connectedPulls  = 64 // pulls after connects that may wait; more are left to the periodic sync
	advertPeerValue = 50 // connection manager's value of a peer with a live advert
)

// Run keeps the node in the fleet: it dials, republishes the own advert, sends
// hellos (gateways), pulls what gossip missed, and forgets what expired. It
// blocks until ctx ends or the host is closed, and returns nil then.
func (h *Host) Run(ctx context.Context) error {
	if !h.ran.CompareAndSwap(false, true) {
		return ErrRunning
	}
	h.mu.Lock()
	if h.life.Err() != nil {
		h.mu.Unlock()
		return nil
	}
	h.loops.Add(1)
	h.mu.Unlock()
	defer h.loops.Done()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(h.life, cancel)()

	events, err := h.lib.EventBus().Subscribe([]any{
		new(event.EvtPeerConnectednessChanged), new(event.EvtPeerIdentificationCompleted),
	}, eventbus.BufSize(eventBuffer), eventbus.Name("flotilla"))
	if err != nil {
		return fmt.Errorf("subscribe to peer events: %w", err)
	}
	defer events.Close()

	pulls := make(chan PeerID, connectedPulls)
	var loops sync.WaitGroup
	defer loops.Wait()
	loops.Go(func() { h.dialer.run(ctx) })
	loops.Go(func() { h.watch(ctx, events.Out(), pulls) })
	for range maxParallelPulls {
		loops.Go(func() { h.pullLoop(ctx, pulls) })
	}
	loops.Go(func() { h.gossip.adverts.run(ctx, h.log) })
	loops.Go(func() { h.gossip.hellos.run(ctx, h.log) })
	loops.Go(func() { h.every(ctx, maintainEvery, h.maintain) })
	loops.Go(func() { h.every(ctx, pulseEvery, func(ctx context.Context) { h.pulse(ctx, pulseWait) }) })
	loops.Go(func() { h.every(ctx, h.cfg.RepublishEvery, h.republish) })
	loops.Go(func() { h.every(ctx, h.cfg.SyncEvery, func(context.Context) { h.schedulePulls(pulls) }) })
	if h.cfg.Role == RoleGateway {
		loops.Go(func() { h.helloLoop(ctx) })
	}
	<-ctx.Done()
	return nil
}

// every calls do each period until ctx ends.
func (h *Host) every(ctx context.Context, period time.Duration, do func(context.Context)) {
	tick := time.NewTicker(period)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			do(ctx)
		}
	}
}

// watch turns libp2p events into callbacks and pulls. A peer that connected
// before Run subscribed is reported too. Each new peer is pulled from twice: what
// it announces between the first pull and its entry into our gossip mesh comes
// neither way, and GossipSub drops a message that is published again.
func (h *Host) watch(ctx context.Context, events <-chan any, pulls chan<- PeerID) {
	up := make(map[PeerID]bool)
	set := func(id PeerID, connected bool) {
		if up[id] == connected {
			return
		}
		up[id] = connected
		if !connected {
			delete(up, id)
		}
		h.mu.Lock()
		callbacks := h.onPeer // append-only
		h.mu.Unlock()
		for _, notify := range callbacks {
			notify(id, connected)
		}
	}
	enqueue := func(id PeerID) {
		select {
		case pulls <- id:
		default:
		}
	}
	for _, id := range h.lib.Network().Peers() {
		set(id, true)
		enqueue(id)
	}
	var young, old []PeerID // pulled from once, since the last tick and since the one before
	tick := time.NewTicker(h.cfg.SyncAgain)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			for _, id := range old {
				enqueue(id)
			}
			young, old = nil, young
		case e, open := <-events:
			if !open {
				return
			}
			switch e := e.(type) {
			case event.EvtPeerConnectednessChanged:
				set(e.Peer, e.Connectedness == network.Connected)
			case event.EvtPeerIdentificationCompleted:
				h.notePeer(e.Peer)
				enqueue(e.Peer)
				if len(young) < connectedPulls {
					young = append(young, e.Peer)
				}
			}
		}
	}
}

// pullLoop pulls from the peers that it is handed.
func (h *Host) pullLoop(ctx context.Context, pulls <-chan PeerID) {
	for {
		select {
		case <-ctx.Done():
			return
		case id := <-pulls:
			fresh, err := h.syncer.pull(ctx, id)
			if err != nil {
				h.log.Debug("sync with peer", "peer", id.String(), "error", err)
			} else if fresh > 0 {
				h.log.Debug("synced with peer", "peer", id.String(), "fresh", fresh)
			}
		}
	}
}

// schedulePulls picks random peers for a periodic pull.
func (h *Host) schedulePulls(pulls chan<- PeerID) {
	peers := h.lib.Network().Peers()
	rand.Shuffle(len(peers), func(i, j int) { peers[i], peers[j] = peers[j], peers[i] })
	for _, id := range peers[:min(len(peers), pullsPerSync)] {
		select {
		case pulls <- id:
		default:
		}
	}
}

// maintain expires adverts, rechecks pending ones, values the connections of
// advertised operators, and saves the peers file.
func (h *Host) maintain(context.Context) {
	h.directory.expire()
	h.directory.recheck()
	for _, a := range h.directory.snapshotNow() {
		if h.Connected(a.Peer) {
			h.lib.ConnManager().TagPeer(a.Peer, connTag, advertPeerValue)
		}
	}
	h.notePeers()
	if err := h.kept.save(); err != nil {
		h.log.Warn("save peers file", "error", err)
	}
}
