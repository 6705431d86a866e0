package p2p_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/multiformats/go-multiaddr"

	"flotilla/p2p"
)

// TestPeersFileStaysReadable: whatever addresses peers claim, the file that a node has written it can read again.
func TestPeersFileStaysReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	var ids []p2p.PeerID
	for range 130 {
		ids = append(ids, mustPeerID(t, newIdentity(t)))
	}
	for name, sni := range map[string]string{"long": strings.Repeat("a", 8<<10), "escaped": strings.Repeat("\x01", 200)} {
		t.Run(name, func(t *testing.T) {
			addr, err := multiaddr.NewMultiaddr("/ip4/198.51.100.7/tcp/4001/tls/sni/" + sni)
			if err != nil {
				t.Fatal(err)
			}
			addrs := []multiaddr.Multiaddr{addr, addr, addr, addr, addr, addr, addr, addr}
			if err := p2p.KeepPeers(path, p2p.Config{}, ids, addrs); err != nil {
				t.Fatal(err)
			}
			if _, err := p2p.LoadPeersFile(path, p2p.Config{}); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestKeptAddressesAreSeen: a peer may claim any address. Kept are that at which it was dialled, and of one that came by itself those of
// the machine that it came from.
func TestKeptAddressesAreSeen(t *testing.T) {
	claims := libp2p.AddrsFactory(func(own []multiaddr.Multiaddr) []multiaddr.Multiaddr {
		return append(own, multiaddr.StringCast("/dns4/victim.example/tcp/80"), multiaddr.StringCast("/ip4/198.51.100.7/tcp/25"))
	})
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, HostOptions: []libp2p.Option{claims}})
	true1, _, _ := strings.Cut(g.Addrs()[0], "/p2p/")
	o := startHost(t, p2p.Config{
		Role: p2p.RoleOperator, Listen: []string{listen["tcp"]}, HostOptions: []libp2p.Option{claims}, Bootstrap: g.Addrs()[:1],
	})
	true2, _, _ := strings.Cut(o.Addrs()[0], "/p2p/")
	await(t, "what the gateway keeps", func() bool { return len(g.Kept(o.ID())) > 0 })
	await(t, "what the operator keeps", func() bool { return len(o.Kept(g.ID())) > 0 })
	if got := o.Kept(g.ID()); !slices.Equal(got, []string{true1}) {
		t.Errorf("of the node that was dialled at %s: %q", true1, got)
	}
	if got := g.Kept(o.ID()); !slices.Equal(got, []string{true2}) {
		t.Errorf("of the node that came from %s: %q", true2, got)
	}
}

// TestKeptPeersOfANamedFleet: a private fleet whose list has only names, none of whose nodes is there, is found again by the peers that
// were met before.
func TestKeptPeersOfANamedFleet(t *testing.T) {
	first := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	second := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, Bootstrap: first.Addrs()})
	cfg := p2p.Config{
		Role: p2p.RoleOperator, Identity: newIdentity(t), PeersFile: filepath.Join(t.TempDir(), "peers.json"),
		Bootstrap: []string{strings.Replace(first.Addrs()[0], "/ip4/127.0.0.1/", "/dns4/localhost/", 1)},
	}
	before := startHost(t, cfg)
	await(t, "both gateways", func() bool { return before.Connected(second.ID()) && len(before.Kept(second.ID())) > 0 })
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	after := startHost(t, cfg)
	await(t, "the gateway that is left", func() bool { return after.Connected(second.ID()) })
	d := newDoor(t)
	sayHello(t, after, newIdentity(t), d, time.Now()) // as near as that one
	await(t, "a dial", func() bool { return d.knocks.Load() > 0 })
}
