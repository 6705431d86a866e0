package p2p

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"golang.org/x/sync/singleflight"
)

// Errors that callers branch on.
var (
	// ErrClosed means that the host was closed.
	ErrClosed = errors.New("host is closed")
	// ErrUnreachable means that there is no connection to the peer and none could be made.
	ErrUnreachable = errors.New("peer is unreachable")
	// ErrRunning means that Run was called twice.
	ErrRunning = errors.New("host is already running")
)

// Host is one node of the fleet. Its methods may be called concurrently.
type Host struct {
	cfg       Config
	log       *slog.Logger
	lib       host.Host
	codec     codec
	directory *Directory
	gateways  *gatewaySet
	gossip    *gossip
	frames    frameCodec
	dialer    *dialer
	syncer    *syncer
	syncs     singleflight.Group // by peer; see Sync
	kept      *peersFile
	streams   *streamSet
	idle      *idleStreams
	infer     *inferServer

	// life ends with Close; background work of the host hangs on it.
	life   context.Context
	end    context.CancelCauseFunc
	ran    atomic.Bool
	loops  sync.WaitGroup // Run, while it runs
	closed sync.Once

	mu     sync.Mutex // guards own, onPeer and flights
	own    *ownAdvert
	onPeer []func(PeerID, bool)
	// flights counts this node's open calls per operator.
	flights map[PeerID]int
}

// New opens sockets and answers protocols. The node dials nobody until Run.
func New(cfg Config) (*Host, error) {
	cfg = cfg.withDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure p2p host: %w", err)
	}
	kept, err := loadPeersFile(cfg.PeersFile, cfg.Now)
	if err != nil {
		return nil, err
	}
	options, err := hostOptions(cfg, kept)
	if err != nil {
		return nil, err
	}
	lib, err := libp2p.New(options...)
	if err != nil {
		return nil, fmt.Errorf("start libp2p host: %w", err)
	}
	boundUnnamed(lib.Network().(*swarm.Swarm))
	if err := listenOn(lib, cfg.Listen); err != nil {
		return nil, errors.Join(err, lib.Close())
	}
	life, end := context.WithCancelCause(context.Background())
	h := &Host{
		cfg: cfg, log: cfg.Logger, lib: lib, codec: newCodec(), frames: newFrameCodec(), kept: kept,
		life: life, end: end,
		flights: make(map[PeerID]int),
	}
	h.directory = newDirectory(cfg, h.codec, lib.ID())
	h.gateways = newGatewaySet(cfg, h.codec)
	h.dialer = newDialer(cfg, lib, kept, h.gateways)
	h.syncer = newSyncer(cfg, lib, h.codec, h.directory, h.gateways)
	h.streams = newStreamSet()
	h.idle = newIdleStreams(h.streams)
	h.infer = newInferServer(h)
	if h.gossip, err = joinGossip(life, cfg, lib, h.directory, h.gateways); err != nil {
		end(err)
		_ = lib.Close()
		return nil, err
	}
	lib.SetStreamHandler(protoSync, h.streams.handler(h.syncer.serve))
	return h, nil
}

// listenOn opens every address. Told of them when it starts, libp2p is content with one, logs by itself why it has none, and
// gives the cause as text.
func listenOn(lib host.Host, addrs []string) error {
	for _, text := range addrs {
		addr, err := multiaddr.NewMultiaddr(text)
		if err == nil {
			err = lib.Network().(*swarm.Swarm).AddListenAddr(addr)
		}
		if err != nil {
			return fmt.Errorf("listen on %s: %w", text, err)
		}
	}
	return nil
}

// ID is the node's peer ID.
func (h *Host) ID() PeerID { return h.lib.ID() }

// Addrs are the addresses on which the node listens, each ending in /p2p/<id>.
func (h *Host) Addrs() []string {
	var addrs []string
	for _, a := range h.lib.Addrs() {
		addrs = append(addrs, a.String()+"/p2p/"+h.lib.ID().String())
	}
	return addrs
}

// Adverts returns the live adverts, ordered by peer, the node's own included.
// The slice is shared: do not change it. An advert may start up to five minutes
// in the future; ValidFrom tells.
func (h *Host) Adverts() []Advert { return h.directory.snapshotNow() }

// Advert returns the live advert of one node.
func (h *Host) Advert(id PeerID) (Advert, bool) { return h.directory.lookup(id) }

// Connected says whether there is a connection to the peer.
func (h *Host) Connected(id PeerID) bool {
	return h.lib.Network().Connectedness(id) == network.Connected
}

// Peers lists the connected peers.
func (h *Host) Peers() []PeerID { return h.lib.Network().Peers() }

// Gossip returns the counters of verdicts on received gossip.
func (h *Host) Gossip() *GossipCounters { return &h.gossip.verdict }

// Sync pulls from a connected peer what it announces and gossip has not brought yet, its own advert first of all. For
// a caller that learned from the peer itself that its advert is out of date. Callers at the same time share one pull, and the
// first one's ctx: a pull may bring some megabytes of signatures to check, and a peer may send everybody here for one.
func (h *Host) Sync(ctx context.Context, id PeerID) error {
	_, err, _ := h.syncs.Do(string(id), func() (any, error) { return h.syncer.pull(ctx, id) })
	if err != nil {
		return fmt.Errorf("sync with %s: %w", id, err)
	}
	return nil
}

// OnPeer registers a callback for peers that come and go. It is called from one
// goroutine of Run, in order, and must not block.
func (h *Host) OnPeer(notify func(id PeerID, connected bool)) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.onPeer = append(h.onPeer, notify)
}

// Close ends streams, handlers and Run, saves the peers file, and waits for all
// of them. It may be called more than once.
func (h *Host) Close() error {
	var err error
	h.closed.Do(func() {
		h.notePeers()
		h.mu.Lock() // Run joins loops before the host ends, or not at all
		h.end(ErrClosed)
		h.mu.Unlock()
		h.idle.close()
		h.streams.close() // handlers see ErrClosed and return
		h.loops.Wait()
		h.gossip.close()
		err = errors.Join(h.kept.save(), h.lib.Close())
	})
	return err
}

// notePeers remembers where connected peers can be dialled.
func (h *Host) notePeers() {
	for _, id := range h.lib.Network().Peers() {
		h.notePeer(id)
	}
}

// notePeer remembers where one can be dialled: where it was dialled and has proved who it is. One that came by itself may claim any
// address, and is believed those of the machine that it came from.
func (h *Host) notePeer(id PeerID) {
	var met, claimed []multiaddr.Multiaddr
	for _, c := range h.lib.Network().ConnsToPeer(id) {
		if c.Stat().Direction == network.DirOutbound {
			met = append(met, c.RemoteMultiaddr())
			continue
		}
		for _, a := range h.lib.Peerstore().Addrs(id) {
			if sameMachine(a, c.RemoteMultiaddr()) {
				claimed = append(claimed, a)
			}
		}
	}
	if len(met) > 0 {
		h.kept.note(id, met, true)
	} else {
		h.kept.note(id, claimed, false)
	}
}

func sameMachine(a, b multiaddr.Multiaddr) bool {
	ipA, errA := manet.ToIP(a)
	ipB, errB := manet.ToIP(b)
	return errA == nil && errB == nil && ipA.Equal(ipB)
}
