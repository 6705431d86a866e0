package p2p_test

import (
	"crypto/ed25519"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/p2p"
)

// door is a TCP port of this machine that counts who knocks.
type door struct {
	addr   string // multiaddr
	knocks atomic.Int64
}

func newDoor(t *testing.T) *door {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	d := &door{addr: fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", l.Addr().(*net.TCPAddr).Port)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			d.knocks.Add(1)
			_ = c.Close()
		}
	}()
	return d
}

// sayHello has the host hear of a new gateway behind the door.
func sayHello(t *testing.T, o *p2p.Host, key ed25519.PrivateKey, d *door, at time.Time) {
	t.Helper()
	raw, err := p2p.SealHello(testNetwork, key, mustPeerID(t, key), []string{d.addr}, uint64(at.UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.HoldHello(raw); err != nil {
		t.Fatal(err)
	}
}

// nobody is where no node is, at a bootstrap address of the given kind.
func nobody(t *testing.T, at string) []string {
	return []string{at + "/p2p/" + mustPeerID(t, newIdentity(t)).String()}
}

// TestStrangersDoorsStayClosed: whoever says hello cannot send an operator of a public fleet to ports of its own machine; in a fleet of one
// machine that is how operators find gateways.
func TestStrangersDoorsStayClosed(t *testing.T) {
	for name, fleet := range map[string]struct {
		bootstrap string
		opens     bool
	}{
		"public":         {"/ip4/198.51.100.1/tcp/4001", false},
		"home network":   {"/ip4/192.168.77.1/tcp/4001", false},
		"of one machine": {"/ip4/127.0.0.1/tcp/1", true},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDoor(t)
			o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: nobody(t, fleet.bootstrap)})
			sayHello(t, o, newIdentity(t), d, time.Now())
			if fleet.opens {
				await(t, "a dial", func() bool { return d.knocks.Load() > 0 })
				return
			}
			time.Sleep(2500 * time.Millisecond) // two ticks of the dialer
			if n := d.knocks.Load(); n > 0 {
				t.Errorf("%d knocks at a port of this machine that a stranger named", n)
			}
		})
	}
}

// TestNamedBootstrapOpens: where a list names its nodes by names, they say how near the fleet is.
func TestNamedBootstrapOpens(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{strings.Replace(g.Addrs()[0], "/ip4/127.0.0.1/", "/dns4/localhost/", 1)}})
	await(t, "a connection", func() bool { return o.Connected(g.ID()) })
	d := newDoor(t)
	sayHello(t, o, newIdentity(t), d, time.Now())
	await(t, "a dial", func() bool { return d.knocks.Load() > 0 })
}

// TestNewHelloReplacesTheOld: a gateway that says hello from another place is dialled there, and no longer where it was. Or one that
// says so every ten seconds has ever more doors knocked at.
func TestNewHelloReplacesTheOld(t *testing.T) {
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: nobody(t, "/ip4/127.0.0.1/tcp/1")})
	key, first, second := newIdentity(t), newDoor(t), newDoor(t)
	sayHello(t, o, key, first, time.Now().Add(-time.Minute))
	await(t, "a dial", func() bool { return first.knocks.Load() > 0 })
	sayHello(t, o, key, second, time.Now())
	await(t, "the dial under way to end", func() bool { return o.Dialling() == 0 })
	before, since := first.knocks.Load(), second.knocks.Load()
	await(t, "two more dials", func() bool { return second.knocks.Load() > since+1 })
	if n := first.knocks.Load() - before; n > 0 {
		t.Errorf("%d knocks where the gateway was", n)
	}
}
