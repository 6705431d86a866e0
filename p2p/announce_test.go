package p2p_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/multiformats/go-multiaddr"

	"flotilla/p2p"
)

// TestAddressesOfAContainerHost: of a machine with more addresses than a message names, those are named that others can dial. libp2p
// sorts them by number, so that the bridges of containers come before most public addresses.
func TestAddressesOfAContainerHost(t *testing.T) {
	const public = "/ip4/203.0.114.7/tcp/4001"
	all := []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/127.0.0.1/tcp/4001"), multiaddr.StringCast(public)}
	for bridge := range p2p.MaxAdvertAddrs {
		all = append(all, multiaddr.StringCast(fmt.Sprintf("/ip4/172.%d.0.1/tcp/4001", 17+bridge)))
	}
	h := startHost(t, p2p.Config{
		Role: p2p.RoleGateway, Listen: []string{listen["tcp"]},
		HostOptions: []libp2p.Option{libp2p.AddrsFactory(func([]multiaddr.Multiaddr) []multiaddr.Multiaddr { return all })},
	})
	now := uint64(time.Now().Unix())
	if err := h.Announce(testContext(t), p2p.Advert{Seq: 1, ValidFrom: now - 1, ValidTo: now + 1000}); err != nil {
		t.Fatal(err)
	}
	await(t, "hello", func() bool { return len(h.Gateways()) > 0 })
	advert, _ := h.Advert(h.ID())
	for what, addrs := range map[string][]string{"advert": advert.Addrs, "hello": h.Gateways()} {
		if len(addrs) != p2p.MaxAdvertAddrs || !slices.Contains(addrs, public) {
			t.Errorf("the %s names %v, want %d with %s", what, addrs, p2p.MaxAdvertAddrs, public)
		}
	}
}
