package p2p_test

import (
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// TestHalfOpenConnectionsLeaveRoom: whoever connects and says nothing keeps nobody else from connecting.
func TestHalfOpenConnectionsLeaveRoom(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	parts := strings.Split(g.Addrs()[0], "/") // "", ip4, address, tcp, port, …
	for range 200 {
		c, err := net.Dial("tcp", net.JoinHostPort(parts[2], parts[4]))
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
	}
	before := time.Now()
	joined(t, g)
	if took := time.Since(before); took > 12*time.Second { // libp2p gives a handshake 15 s
		t.Errorf("an operator connected after %s, behind 200 connections that say nothing", took)
	}
}

// inFleet runs a test in a simulated network, in virtual time.
func inFleet(t *testing.T, test func(t *testing.T, f *simtest.Fleet)) {
	synctest.Test(t, func(t *testing.T) {
		f := simtest.New(t, 25*time.Millisecond)
		defer f.Close()
		test(t, f)
	})
}

// crowd starts operators that come to a node from one address.
func crowd(f *simtest.Fleet, to *simtest.Node, n int) (all []*simtest.Node) {
	for i := range n {
		all = append(all, f.Start(p2p.Config{
			Role: p2p.RoleOperator, Bootstrap: []string{to.Addr}, Listen: []string{fmt.Sprintf("/ip4/1.2.3.4/udp/%d/quic-v1", 8000+i)},
		}))
	}
	return all
}

// TestOneAddressComesBack: as many machines as may come from one address are there soon after the gateway started.
func TestOneAddressComesBack(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		g := f.Start(p2p.Config{Role: p2p.RoleGateway})
		all := crowd(f, g, 60)
		time.Sleep(20 * time.Second)
		there := 0
		for _, o := range all {
			if g.Connected(o.ID()) {
				there++
			}
		}
		if there < len(all) {
			t.Errorf("%d of %d operators behind one address are connected after 20 s", there, len(all))
		}
	})
}

// TestOperatorReachesASite: an operator that has one gateway of a site in its list meets all that are behind the same address; of a site
// that only hellos name, eight at most.
func TestOperatorReachesASite(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		listed := site(f, "1.2.3.4", 12, "")
		unlisted := site(f, "5.6.7.8", 12, listed[0].Addr)
		o := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{listed[0].Addr}})
		time.Sleep(3 * time.Minute)
		if n := met(o, listed); n != len(listed) {
			t.Errorf("%d of %d gateways behind an address of the list are connected", n, len(listed))
		}
		if n := met(o, unlisted); n < 6 || n > 8 { // a connection that is being given up counts too
			t.Errorf("%d gateways behind an address that hellos name are connected, want some 8", n)
		}
	})
}

// site starts gateways behind one address; they find one another by the first, or by a node elsewhere.
func site(f *simtest.Fleet, ip string, n int, bootstrap string) (all []*simtest.Node) {
	for i := range n {
		cfg := p2p.Config{Role: p2p.RoleGateway, Listen: []string{fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip, 8000+i)}}
		switch {
		case bootstrap != "":
			cfg.Bootstrap = []string{bootstrap}
		case i > 0:
			cfg.Bootstrap = []string{all[0].Addr}
		}
		all = append(all, f.Start(cfg))
	}
	return all
}

// met counts the nodes that one is connected to.
func met(o *simtest.Node, nodes []*simtest.Node) (n int) {
	for _, g := range nodes {
		if o.Connected(g.ID()) {
			n++
		}
	}
	return n
}

// TestOneAddressLeavesRoom: all the identities that one machine can have, each with all the streams that it can open, keep nobody else
// from asking the node, nor it from asking others.
func TestOneAddressLeavesRoom(t *testing.T) {
	for _, role := range []p2p.Role{p2p.RoleGateway, p2p.RoleOperator} {
		t.Run(role.String(), func(t *testing.T) {
			inFleet(t, func(t *testing.T, f *simtest.Fleet) {
				node := f.Start(p2p.Config{Role: role})
				other := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{node.Addr}})
				time.Sleep(5 * time.Second)
				opened := 0
				all := crowd(f, node, 34)
				time.Sleep(20 * time.Second)
				for _, o := range all {
					opened += o.OpenUnnamed(t.Context(), node.ID(), 250)
				}
				time.Sleep(time.Second)
				if err := other.Sync(t.Context(), node.ID()); err != nil {
					t.Errorf("asked behind %d unnamed streams: %v", opened, err)
				}
				if err := node.Sync(t.Context(), other.ID()); err != nil {
					t.Errorf("asks behind %d unnamed streams: %v", opened, err)
				}
			})
		})
	}
}
