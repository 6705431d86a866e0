package p2p_test

import (
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
