package p2p

import (
	"fmt"
	"net/netip"
	"slices"
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
	"github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Stream protocols. The major version is part of the name.
const (
	protoInfer protocol.ID = "/flotilla/infer/3"
	protoSync  protocol.ID = "/flotilla/sync/2"
)

// Connection and stream bounds. libp2p's own scale with memory and are too
// small on small machines: 4 GiB gives 96 inbound connections and 66 streams
// per peer and protocol. What a node opens by itself has as much again, so that strangers cannot take it.
const (
	maxConns        = 2048 // a gateway of 1,000 operators, twice
	maxStreams      = 8192
	maxInferStreams = 4096
	// maxHandshakes bounds connections that are not yet known whose; 15 s is the time that they have.
	maxHandshakes = maxConns / 4
	// inferPeerStreams is above MaxInFlightPerPeer, so that our own limit, which
	// has a clear error, is met before the resource manager's.
	inferPeerStreams = 256
	// libp2pMemory is counted in windows, which are full only where nobody reads: 256 KiB a stream over TCP, of which each connection
	// has two for gossip alone. Half of it does for a gateway of 1,000 operators.
	libp2pMemory = 1 << 30
)

// addressLimits are the connections with one address, whoever opened them, and the streams that a peer may open on them. Identities cost
// nothing, so it is their product that one machine can have: well below maxStreams, and below libp2pMemory in windows.
type addressLimits struct{ conns, streams int }

// limitsFor a role. To a gateway come the operators of a household or office, and ask little; to an operator come gateways, with requests.
func limitsFor(r Role) addressLimits {
	if r == RoleGateway {
		return addressLimits{conns: 64, streams: 8} // gossip, two of identification, pulls: 512 an address, 128 MiB of windows
	}
	return addressLimits{conns: 8, streams: inferPeerStreams + 64}
}

// trustedConns may be had with an address of the bootstrap list, whatever the role: a site may have many gateways behind one.
const trustedConns = 64

// trusted are the addresses of a bootstrap list that was validated with the Config, after those that libp2p has no limit for.
func trusted(bootstrap []string) (v4, v6 []rcmgr.NetworkPrefixLimit) {
	v4, v6 = slices.Clone(rcmgr.DefaultNetworkPrefixLimitV4), slices.Clone(rcmgr.DefaultNetworkPrefixLimitV6)
	for _, text := range bootstrap {
		a, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			continue
		}
		ip, err := manet.ToIP(a)
		if err != nil {
			continue // a name
		}
		addr, _ := netip.AddrFromSlice(ip) // has 4 or 16 bytes
		addr = addr.Unmap()
		limit := rcmgr.NetworkPrefixLimit{Network: netip.PrefixFrom(addr, addr.BitLen()), ConnCount: trustedConns}
		switch {
		case addr.IsLoopback():
		case addr.Is4():
			v4 = append(v4, limit)
		default:
			v6 = append(v6, limit)
		}
	}
	return v4, v6
}

// resourceManager builds the limits above on libp2p's defaults.
func resourceManager(cfg Config) (network.ResourceManager, error) {
	one := limitsFor(cfg.Role)
	v4, v6 := trusted(cfg.Bootstrap)
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
			Conns: 2 * maxConns, ConnsInbound: maxConns, ConnsOutbound: maxConns, FD: 2 * maxConns,
			Streams: 2 * maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams, Memory: libp2pMemory,
		},
		PeerDefault: rcmgr.ResourceLimits{
			Streams: rcmgr.LimitVal(one.streams) + inferPeerStreams + 64, StreamsInbound: rcmgr.LimitVal(one.streams), StreamsOutbound: inferPeerStreams + 64,
			Memory: libp2pMemory / 8,
		},
		Transient: rcmgr.ResourceLimits{ // streams that have not said what for: with fewer, a few identities would have all of them; see boundUnnamed
			Streams: 2 * maxStreams, StreamsInbound: maxStreams, StreamsOutbound: maxStreams,
			Conns: 2 * maxHandshakes, ConnsInbound: maxHandshakes, ConnsOutbound: maxHandshakes, FD: 2 * maxHandshakes,
		},
		Protocol:     map[protocol.ID]rcmgr.ResourceLimits{protoInfer: infer},
		ProtocolPeer: map[protocol.ID]rcmgr.ResourceLimits{protoInfer: inferPeer},
	}
	return rcmgr.NewResourceManager(
		rcmgr.NewFixedLimiter(limits.Build(defaults.AutoScale())),
		rcmgr.WithMetricsDisabled(), // nobody reads them, and each stream would be counted a dozen times
		rcmgr.WithNetworkPrefixLimit(v4, v6),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: one.conns}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: one.conns}, {PrefixLength: 48, ConnCount: 4 * one.conns}},
		),
		rcmgr.WithConnRateLimiters(connRate(one.conns)),
	)
}

// connRate lets as many connections at once come from an address as it may have, and all of them come anew in half a minute: libp2p's own
// rate keeps most of an office waiting for minutes when a gateway has restarted.
func connRate(conns int) *rate.Limiter {
	of := func(prefix, conns int) rate.SubnetLimit {
		return rate.SubnetLimit{PrefixLength: prefix, Limit: rate.Limit{RPS: float64(conns) / 30, Burst: 2 * conns}}
	}
	return &rate.Limiter{
		NetworkPrefixLimits: []rate.PrefixLimit{ // none
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: rate.SubnetLimiter{
			IPv4SubnetLimits: []rate.SubnetLimit{of(32, conns)},
			IPv6SubnetLimits: []rate.SubnetLimit{of(56, conns), of(48, 4*conns)},
			GracePeriod:      time.Minute,
		},
	}
}

// hostOptions are the libp2p options of a node. Transports are named so that
// the defaults (WebSocket, WebTransport, WebRTC) stay out of the binary's attack surface.
func hostOptions(cfg Config, kept *peersFile) ([]libp2p.Option, error) {
	key, err := crypto.UnmarshalEd25519PrivateKey(cfg.Identity)
	if err != nil {
		return nil, fmt.Errorf("read identity key: %w", err)
	}
	limits, err := resourceManager(cfg)
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
		libp2p.ConnectionGater(newDialGate(cfg.Bootstrap, kept)),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.UserAgent("flotilla"),
		libp2p.NoListenAddrs, // see listenOn
	}
	return append(options, cfg.HostOptions...), nil
}
