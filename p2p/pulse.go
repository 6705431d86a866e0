package p2p

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
)

// A node asks where it dialled whether anybody is there. A gateway that was killed and is back knows nothing of the connection, and says
// so over QUIC only to packets that are longer than a keep-alive: its operators would be without work until theirs run out, after 30 s
// over QUIC and 40 s over TCP.
const (
	pulseEvery = 10 * time.Second
	pulseWait  = 10 * time.Second
)

// pulse asks the peers that this node dialled, and hangs up on those that do not answer within wait, for the dialer to try them again.
func (h *Host) pulse(ctx context.Context, wait time.Duration) {
	dialled := make(map[PeerID]bool)
	for _, c := range h.lib.Network().Conns() {
		if c.Stat().Direction == network.DirOutbound {
			dialled[c.RemotePeer()] = true
		}
	}
	var all sync.WaitGroup
	for id := range dialled {
		all.Go(func() {
			if !h.isSilent(ctx, id, wait) || h.infers(id) {
				return
			}
			h.log.Info("peer does not answer; it is dialled again", "peer", id.String())
			_ = h.lib.Network().ClosePeer(id) // the connection is lost, whatever it says
		})
	}
	all.Wait()
}

// isSilent says whether a peer gave no answer to a ping within wait; a refusal is an answer, too.
func (h *Host) isSilent(ctx context.Context, id PeerID, wait time.Duration) bool {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "pulse"), wait)
	pings := ping.Ping(ctx, h.lib, id)
	<-pings // closed without a result when ctx ends
	silent := errors.Is(ctx.Err(), context.DeadlineExceeded)
	cancel()
	for range pings { // it pings again and again until it has seen that
	}
	return silent
}

// infers says whether inference streams with a peer are open: these have their own timers, and a long request on a slow link may hold
// up all else.
func (h *Host) infers(id PeerID) bool {
	for _, c := range h.lib.Network().ConnsToPeer(id) {
		for _, s := range c.GetStreams() {
			if s.Protocol() == protoInfer {
				return true
			}
		}
	}
	return false
}
