package p2p_test

import (
	"net"
	"strings"
	"testing"
	"time"

	"flotilla/p2p"
)

// TestDualStack: hosts with IPv4, IPv6 or both are one fleet. Whoever lists a gateway by one hears of the other's in hellos.
func TestDualStack(t *testing.T) {
	probe, err := net.Listen("tcp6", "[::1]:0")
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	_ = probe.Close()
	both := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{"/ip4/127.0.0.1/tcp/0", "/ip6/::1/tcp/0", "/ip6/::1/udp/0/quic-v1"}})
	listing := func(part string) []string {
		for _, a := range both.Addrs() {
			if strings.Contains(a, part) {
				return []string{a}
			}
		}
		t.Fatalf("gateway listens on %v, of which none has %s", both.Addrs(), part)
		return nil
	}
	gateways := []*p2p.Host{both, startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{"/ip6/::1/udp/0/quic-v1"}, Bootstrap: listing("/ip6/::1/tcp/")})}
	for i, part := range []string{"/ip4/127.0.0.1/tcp/", "/ip6/::1/tcp/", "/ip6/::1/udp/"} {
		o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: listing(part)})
		now := uint64(time.Now().Unix())
		if err := o.Announce(testContext(t), p2p.Advert{Operator: [20]byte{byte(i)}, Seq: 1, ValidFrom: now - 1, ValidTo: now + 1000}); err != nil {
			t.Fatal(err)
		}
		for _, g := range gateways {
			await(t, "a connection of an operator that lists "+part, func() bool { return g.Connected(o.ID()) })
			await(t, "the advert of an operator that lists "+part, func() bool { _, known := g.Advert(o.ID()); return known })
		}
	}
}
