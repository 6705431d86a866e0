package p2p

import (
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
)

// Stream protocols. The major version is part of the name.
const (
	protoInfer protocol.ID = "/flotilla/infer/3"
	protoSync  protocol.ID = "/flotilla/sync/2"
)

// Connection and stream bounds. libp2p's own scale with memory and are too
// small on small machines: 4 GiB gives 96 inbound connections and 66 streams
// per peer and protocol.
const (
	maxConns        = 2048 // a gateway of 1,000 operators, twice
	maxStreams      = 8192
	maxPeerStreams  = inferPeerStreams + 64
	maxInferStreams = 4096
	// inferPeerStreams is above MaxInFlightPerPeer, so that our own limit, which
	// has a clear error, is met before the resource manager's.
	inferPeerStreams = 256
	// connsPerAddress admits a household or office behind one NAT address.
	connsPerAddress = 64
	// libp2pMemory is counted in windows, which are full only where nobody reads: 256 KiB a stream over TCP, of which each connection
	// has two for gossip alone. Half of it does for a gateway of 1,000 operators.
	libp2pMemory = 1 << 30
)

// resourceManager builds the limits above on libp2p's defaults.
func resourceManager() (network.ResourceManager, error) {
	defaults := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&defaults)
	infer := rcmgr.ResourceLimits{
		Streams: maxInferStreams, StreamsInbound: maxInferStreams, StreamsOutbound: maxInferStreams, Memory: libp2pMemory / 2,
	}
	inferPeer := rcmgr.ResourceLimits{
		Streams: 2 * inferPeerStreams, StreamsInbound: inferPeerStreams, StreamsOutbound: inferPeerStreams, Memory: libp2pMemory / 8,
	}
	limits := rcmgr.PartialLimitConfig{
		System: rcmgr.ResourceLimits{
			Conns: maxConns, ConnsInbound: maxConns, ConnsOutbound: maxConns, FD: maxConns,
			Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: libp2pMemory,
		},
		PeerDefault: rcmgr.ResourceLimits{
			Streams: 2 * maxPeerStreams, StreamsInbound: maxPeerStreams, StreamsOutbound: maxPeerStreams, Memory: libp2pMemory / 8,
		},
		Transient: rcmgr.ResourceLimits{ // streams that have not said what for: with fewer, a few identities would have all of them
			Streams: maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
		},
		Protocol:     map[protocol.ID]rcmgr.ResourceLimits{protoInfer: infer},
		ProtocolPeer: map[protocol.ID]rcmgr.ResourceLimits{protoInfer: inferPeer},
	}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits.Build(defaults.AutoScale())),
		rcmgr.WithMetricsDisabled(), // nobody reads them, and each stream would be counted a dozen times
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: connsPerAddress}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: connsPerAddress}},
		),
	)
}

// hostOptions are the libp2p options of a node. Transports are named so that
// the defaults (WebSocket, WebTransport, WebRTC) stay out of the binary's attack surface.
func hostOptions(cfg Config) ([]libp2p.Option, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(cfg.Identity)
	if err != nil {
		return nil, fmt.Errorf("read identity key: %w", err)
	}
	limits, err := resourceManager()
	if err != nil {
		return nil, fmt.Errorf("build resource limits: %w", err)
	}
	low, high := 96, 192
	if cfg.Role == RoleGateway {
		low, high = 1200, 1600 // each operator of the fleet is connected
	}
	conns, err := connmgr.NewConnManager(low, high, connmgr.WithGracePeriod(time.Minute))
	if err != nil {
		return nil, fmt.Errorf("build connection manager: %w", err)
	}
	options := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.Transport(tcp.NewTCPTransport, tcp.DisableReuseport()), // or a second node on the same port would get half of the first one's dials
		libp2p.Transport(quic.NewTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamux.DefaultTransport),
		libp2p.ResourceManager(limits),
		libp2p.ConnectionManager(conns),
		libp2p.ConnectionGater(newDialGate(cfg.Bootstrap)),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.UserAgent("flotilla"),
		libp2p.NoListenAddrs, // see listenOn
	}
	return append(options, cfg.HostOptions...), nil
}
