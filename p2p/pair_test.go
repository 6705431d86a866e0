package p2p_test

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"log/slog"
	"testing"
	"time"

	"flotilla/p2p"
)

// testNetwork names the fleet of these tests.
const testNetwork = "1337/0x5fbd"

// deadline bounds every wait in these tests; it is only reached by a failure, also on a busy machine with the race detector.
const deadline = 2 * time.Minute

// newIdentity returns a fresh key.
func newIdentity(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// testContext ends with the test or after deadline.
func testContext(t testing.TB) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	t.Cleanup(cancel)
	return ctx
}

// startHost starts a host and its Run; both end with the test.
func startHost(t testing.TB, cfg p2p.Config) *p2p.Host {
	t.Helper()
	if cfg.Identity == nil {
		cfg.Identity = newIdentity(t)
	}
	cfg.Network = testNetwork
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	h, err := p2p.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- h.Run(context.Background()) }()
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("close host: %v", err)
		}
		if err := <-done; err != nil {
			t.Errorf("run host: %v", err)
		}
	})
	return h
}

// listen is where test gateways listen, by transport.
var listen = map[string]string{"tcp": "/ip4/127.0.0.1/tcp/0", "quic": "/ip4/127.0.0.1/udp/0/quic-v1"}

// pair is a gateway and an operator without a listen address, connected over loopback.
type pair struct{ gateway, operator *p2p.Host }

// startPair connects a pair; the operator dialled. A busy machine may take longer to answer than a gateway waits for an operator.
func startPair(t testing.TB, transport string, timers p2p.InferTimers) pair {
	t.Helper()
	if timers.Accept == 0 {
		timers.Accept = deadline
	}
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen[transport]}, Timers: timers})
	connected := make(chan struct{}, 16)
	g.OnPeer(func(_ p2p.PeerID, up bool) {
		if up {
			connected <- struct{}{}
		}
	})
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: g.Addrs(), Timers: timers})
	if addrs := o.Addrs(); len(addrs) != 0 {
		t.Fatalf("operator listens on %v, want nowhere", addrs)
	}
	if !g.Connected(o.ID()) {
		select {
		case <-connected:
		case <-time.After(deadline):
			t.Fatal("operator did not connect")
		}
	}
	return pair{gateway: g, operator: o}
}

// infer has the gateway ask the operator, which must accept.
func (p pair) infer(ctx context.Context, t testing.TB, request p2p.InferRequest) *p2p.Call {
	t.Helper()
	call, err := p.gateway.Infer(ctx, p.operator.ID(), request)
	if err != nil {
		t.Fatal(err)
	}
	return call
}

// await polls a condition that other goroutines bring about.
func await(t testing.TB, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(deadline); !condition(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited %s for: %s", deadline, what)
		}
	}
}
