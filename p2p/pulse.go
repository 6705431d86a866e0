package p2p

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
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
			if err := h.beat(ctx, id, wait); !isTimeout(err) || ctx.Err() != nil || h.infers(id) {
				return // a refusal is an answer, too
			}
			h.log.Info("peer does not answer; it is dialled again", "peer", id.String())
			_ = h.lib.Network().ClosePeer(id) // the connection is lost, whatever it says
		})
	}
	all.Wait()
}

// beat sends a peer a few bytes, and waits until they are back.
func (h *Host) beat(ctx context.Context, id PeerID, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "pulse"), wait)
	defer cancel()
	s, err := h.lib.NewStream(ctx, id, ping.ID)
	if err != nil {
		return fmt.Errorf("open pulse stream: %w", err)
	}
	defer s.Close()
	if deadline, ok := ctx.Deadline(); ok {
		_ = s.SetDeadline(deadline) // only a closed stream refuses
	}
	var bytes [ping.PingSize]byte
	if _, err = s.Write(bytes[:]); err == nil {
		_, err = io.ReadFull(s, bytes[:])
	}
	if err != nil {
		_ = s.Reset()
		return fmt.Errorf("pulse: %w", err)
	}
	return nil
}

// isTimeout says whether nothing came back. Contexts, QUIC and yamux have an error each for it.
func isTimeout(err error) bool {
	var timed net.Error
	return errors.As(err, &timed) && timed.Timeout()
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
