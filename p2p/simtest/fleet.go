// Package simtest runs a fleet of p2p hosts over a simulated QUIC network
// inside a testing/synctest bubble: hours of fleet life in a second, in
// virtual time, on real libp2p.
package simtest

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/x/simlibp2p"
	"github.com/marcopolo/simnet"

	"flotilla/p2p"
)

// Network is the Config.Network of simulated hosts.
const Network = "1337/0xsim"

// linkBits is the bandwidth of each simulated host, both ways, in bits per second, unless LinkBits says otherwise.
const linkBits = 50 * simlibp2p.OneMbps

// Fleet is a simulated network of hosts. All methods belong to the test's goroutine.
type Fleet struct {
	// LinkBits is the bandwidth of the hosts that are started from here on.
	LinkBits int

	t     testing.TB
	net   *simnet.Simnet
	wires *wires
	nodes []*Node
	runs  sync.WaitGroup
}

// Node is one host of a Fleet.
type Node struct {
	*p2p.Host
	Key  ed25519.PrivateKey
	Addr string // full multiaddr
	cfg  p2p.Config
	down bool
}

// New starts an empty network with a fixed one-way latency. It must be called
// inside a synctest bubble; Close ends all goroutines that the bubble waits for.
func New(t testing.TB, latency time.Duration) *Fleet {
	t.Helper()
	f := &Fleet{t: t, wires: newWires(latency), LinkBits: linkBits}
	f.net = &simnet.Simnet{LatencyFunc: f.wires.carry, Logger: slog.New(slog.DiscardHandler)} // it logs each packet that is lost
	f.net.Start()
	return f
}

// Key is the identity of the i-th host: the same in every run.
func Key(i int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "simtest host %d", i))
	return ed25519.NewKeyFromSeed(seed[:])
}

// Start adds a host and runs it. Identity, Listen, Network and Logger are
// filled in where empty; everything else is the caller's.
func (f *Fleet) Start(cfg p2p.Config) *Node {
	f.t.Helper()
	n := len(f.nodes)
	if cfg.Identity == nil {
		cfg.Identity = Key(n)
	}
	if cfg.Network == "" {
		cfg.Network = Network
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if len(cfg.Listen) == 0 {
		cfg.Listen = []string{fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(n))}
	}
	asked := cfg
	cfg.HostOptions = slices.Concat(cfg.HostOptions, f.hostOptions())
	h, err := p2p.New(cfg)
	if err != nil {
		f.t.Fatalf("start simulated host %d: %v", n, err)
	}
	node := &Node{Host: h, Key: cfg.Identity, Addr: h.Addrs()[0], cfg: asked}
	f.nodes = append(f.nodes, node)
	f.runs.Go(func() {
		if err := h.Run(context.Background()); err != nil {
			f.t.Errorf("run simulated host %d: %v", n, err)
		}
	})
	return node
}

// hostOptions put a libp2p host onto the simulated network.
func (f *Fleet) hostOptions() []libp2p.Option {
	link := simnet.LinkSettings{BitsPerSecond: f.LinkBits}
	return []libp2p.Option{
		simlibp2p.QUICSimnet(f.net, simnet.NodeBiDiLinkSettings{Uplink: link, Downlink: link}),
		// Address discovery waits in ways that synctest takes for a deadlock.
		libp2p.DisableIdentifyAddressDiscovery(),
	}
}

// Restart starts a host that was stopped again, as the same peer at the same address.
func (f *Fleet) Restart(n *Node) *Node {
	f.t.Helper()
	return f.Start(n.cfg)
}

// Stop takes a host down.
func (f *Fleet) Stop(n *Node) {
	f.t.Helper()
	if n.down {
		return
	}
	n.down = true
	if err := n.Close(); err != nil {
		f.t.Errorf("close simulated host: %v", err)
	}
}

// Close stops all hosts and the network.
func (f *Fleet) Close() {
	for _, n := range f.nodes {
		f.Stop(n)
	}
	f.runs.Wait()
	f.net.Close()
}
