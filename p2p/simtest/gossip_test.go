package simtest_test

import (
	"bytes"
	"context"
	"fmt"
	"testing"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// line starts stranger — near — far: what near refuses, far can only have by relay.
func line(t *testing.T, f *simtest.Fleet) (ctx context.Context, s *simtest.Stranger, near, far *simtest.Node) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	near = f.Start(p2p.Config{Role: p2p.RoleGateway})
	far = f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{near.Addr}})
	s = f.Stranger(ctx, near)
	time.Sleep(10 * time.Second)
	return ctx, s, near, far
}

// announceHeard lets a node announce and returns the bytes that went round.
func announceHeard(t *testing.T, ctx context.Context, s *simtest.Stranger, from *simtest.Node, a p2p.Advert) []byte {
	t.Helper()
	if err := from.Announce(ctx, a); err != nil {
		t.Fatal(err)
	}
	raw, err := s.Hear(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// TestForgeryStopsAtFirstHop: a changed copy of a good advert is rejected by
// whoever gets it, goes no further, and soon silences its sender.
func TestForgeryStopsAtFirstHop(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		ctx, s, near, far := line(t, f)
		defer s.Close()
		good := announceHeard(t, ctx, s, far, advert(time.Hour))
		heard := near.Gossip().Accepted.Load()
		if heard == 0 {
			t.Fatal("the good advert was not accepted")
		}
		farBefore := far.Gossip().Ignored.Load() + far.Gossip().Rejected.Load()
		const forgeries = 200
		for i := range forgeries {
			bad := bytes.Clone(good)
			bad[len(bad)-1-i%64] ^= byte(1 + i/64) // in the signature
			if err := s.Publish(ctx, bad); err != nil {
				t.Fatal(err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		rejected := near.Gossip().Rejected.Load()
		if rejected == 0 || rejected > forgeries/10 {
			t.Errorf("near node judged %d of %d forgeries, want a few and then silence", rejected, forgeries)
		}
		if n := far.Gossip().Ignored.Load() + far.Gossip().Rejected.Load() - farBefore; n != 0 {
			t.Errorf("%d forgeries were relayed", n)
		}
		if a, ok := near.Advert(far.ID()); !ok || a.Peer != far.ID() {
			t.Error("the good advert is gone")
		}
		// Honest gossip still works.
		if err := far.Announce(ctx, advert(time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if near.Gossip().Accepted.Load() <= heard {
			t.Error("near node no longer accepts honest adverts")
		}
	})
}

// TestReplayIsIgnored: an old advert sent again, after everyone has forgotten
// the message, changes nothing and costs its sender nothing.
func TestReplayIsIgnored(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		ctx, s, near, far := line(t, f)
		defer s.Close()
		old := announceHeard(t, ctx, s, far, advert(time.Hour))
		time.Sleep(time.Minute)
		fresh := advert(time.Hour)
		announceHeard(t, ctx, s, far, fresh)
		time.Sleep(5 * time.Minute) // past the memory of message ids
		ignored, rejected := near.Gossip().Ignored.Load(), near.Gossip().Rejected.Load()
		if err := s.Publish(ctx, old); err != nil {
			t.Fatal(err)
		}
		time.Sleep(2 * time.Second)
		if near.Gossip().Ignored.Load() != ignored+1 || near.Gossip().Rejected.Load() != rejected {
			t.Errorf("ignored %d→%d, rejected %d→%d", ignored, near.Gossip().Ignored.Load(), rejected, near.Gossip().Rejected.Load())
		}
		if a, _ := near.Advert(far.ID()); a.Seq != fresh.Seq {
			t.Errorf("near holds seq %d, want %d", a.Seq, fresh.Seq)
		}
	})
}

// TestRestartedOperator: an operator that is back within seconds is known by
// its new advert at once.
func TestRestartedOperator(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway})
		cfg := p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}, Identity: simtest.Key(100)}
		for range 3 {
			o := f.Start(cfg)
			time.Sleep(2 * time.Second)
			isHeard(t, o, gateway)
			f.Stop(o)
			time.Sleep(time.Second)
		}
	})
}

// TestBackFromElsewhere: a node that left while its gossip stream was being opened anew, and is back from another address, is part of
// the gossip at once. A dial to where it was would outlast its return and keep its new connection from a stream.
func TestBackFromElsewhere(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway, SyncAgain: time.Hour}) // so that what it hears later is gossip
		s := f.Stranger(t.Context(), gateway)
		time.Sleep(time.Second)
		s.Hush() // the first loss of a stream is repaired at once
		time.Sleep(time.Second)
		s.Hush() // the second one after a tenth of a second
		time.Sleep(2 * latency)
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Second)
		o := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}, Identity: simtest.Key(1)}) // the stranger's
		time.Sleep(2 * time.Second)
		isHeard(t, o, gateway)
	})
}

// isHeard: what the operator announces is with the gateway within a second.
func isHeard(t *testing.T, o, gateway *simtest.Node) {
	t.Helper()
	a := advert(time.Hour)
	if err := o.Announce(context.Background(), a); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if got, _ := gateway.Advert(o.ID()); got.Seq != a.Seq {
		t.Fatalf("gateway holds seq %d, want %d", got.Seq, a.Seq)
	}
}

// TestNodesBehindOneAddress: an operator's machines behind one router are part of the gossip.
func TestNodesBehindOneAddress(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway, SyncAgain: time.Hour, SyncEvery: time.Hour}) // what it hears later is gossip
		var ops []*simtest.Node
		for i := range p2p.MaxNodesPerOperator {
			ops = append(ops, f.Start(p2p.Config{
				Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}, Listen: []string{fmt.Sprintf("/ip4/1.2.3.4/udp/%d/quic-v1", 8000+i)},
			}))
		}
		time.Sleep(10 * time.Second)
		for _, o := range ops {
			a := advert(time.Hour)
			if err := o.Announce(context.Background(), a); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(5 * time.Second)
		if n := len(gateway.Adverts()); n != len(ops) {
			t.Errorf("gateway has the prices of %d nodes, want %d", n, len(ops))
		}
	})
}
