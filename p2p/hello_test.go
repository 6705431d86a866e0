package p2p_test

import (
	"crypto/ed25519"
	"slices"
	"testing"
	"time"

	"flotilla/p2p"
)

// TestHelloFromTheFarFuture: a number that is no time of ours would never grow old.
func TestHelloFromTheFarFuture(t *testing.T) {
	now := time.Now()
	gateways := p2p.NewTestGateways(p2p.Config{Network: testNetwork, Now: func() time.Time { return now }})
	for _, seq := range []uint64{1<<62 | uint64(now.UnixMilli()), 1<<63 | uint64(now.UnixMilli()), 3<<62 | uint64(now.UnixMilli()), 1 << 62, 1<<64 - 1} {
		key := newIdentity(t)
		raw, err := p2p.SealHello(testNetwork, key, mustPeerID(t, key), []string{"/ip4/127.0.0.1/tcp/4001"}, seq)
		if err != nil {
			t.Fatal(err)
		}
		if verdict, err := gateways.Admit(raw); verdict != p2p.Ignore {
			t.Errorf("number %x: %v, %v", seq, verdict, err)
		}
	}
	now = now.Add(24 * time.Hour)
	if n := gateways.Live(); n != 0 {
		t.Errorf("%d gateways are kept that nobody has heard of for a day", n)
	}
}

// Gateways that nobody else knows of cannot keep the others out by saying hello for ever: each has its time in a full set, and then
// makes room for one that is not in it.
func TestGatewaysTakeTurns(t *testing.T) {
	now := time.Now()
	gateways := p2p.NewTestGateways(p2p.Config{Network: testNetwork, Now: func() time.Time { return now }})
	hello := func(key ed25519.PrivateKey) p2p.Verdict {
		t.Helper()
		raw, err := p2p.SealHello(testNetwork, key, mustPeerID(t, key), []string{"/ip4/127.0.0.1/tcp/4001"}, uint64(now.UnixMilli()))
		if err != nil {
			t.Fatal(err)
		}
		verdict, _ := gateways.Admit(raw)
		return verdict
	}
	var many []ed25519.PrivateKey
	for range p2p.MaxGateways {
		many = append(many, newIdentity(t))
	}
	honest := []ed25519.PrivateKey{newIdentity(t), newIdentity(t)}
	heard := make([]int, len(honest))
	for minute := range 20 {
		for _, key := range many {
			hello(key)
		}
		for i, key := range honest {
			if hello(key) == p2p.Accept {
				heard[i]++
			}
		}
		if minute == 0 && slices.Max(heard) > 0 {
			t.Error("a gateway had to go that was heard of a moment ago")
		}
		if n := gateways.Live(); n != p2p.MaxGateways {
			t.Fatalf("%d gateways are kept, want %d", n, p2p.MaxGateways)
		}
		now = now.Add(time.Minute)
	}
	for i := range honest {
		if heard[i] < 3 {
			t.Errorf("gateway %d was heard %d times in twenty minutes", i, heard[i])
		}
	}
}

// TestHelloByName: a name has whoever hears of it ask name servers that a stranger chose; gateways say numbers.
func TestHelloByName(t *testing.T) {
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator})
	key := newIdentity(t)
	named := []string{"/dns4/localhost/tcp/4001", "/dnsaddr/localhost", "/ip4/198.51.100.1/tcp/4001"}
	raw, err := p2p.SealHello(testNetwork, key, mustPeerID(t, key), named, uint64(time.Now().UnixMilli()))
	if err != nil {
		t.Fatal(err)
	}
	if err := o.HoldHello(raw); err != nil {
		t.Fatal(err)
	}
	if got := o.Gateways(); !slices.Equal(got, named[2:]) {
		t.Errorf("would dial %q, want %q", got, named[2:])
	}
}
