package simtest_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// latency is one way between any two hosts.
const latency = 25 * time.Millisecond

// inFleet runs a test inside a bubble with a fleet.
func inFleet(t *testing.T, test func(t *testing.T, f *simtest.Fleet)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		f := simtest.New(t, latency)
		defer f.Close()
		test(t, f)
	})
}

// advert is valid for the given time from now; seq is the virtual clock.
func advert(lifetime time.Duration) p2p.Advert {
	now := time.Now()
	return p2p.Advert{
		Operator: [20]byte{1}, Seq: uint64(now.UnixMilli()),
		ValidFrom: uint64(now.Unix()), ValidTo: uint64(now.Add(lifetime).Unix()),
		Offers: []p2p.Offer{{Model: "smollm2-135m-instruct", Quantization: "Q8_0", Runtime: "llama.cpp", InputPerMTok: 10, OutputPerMTok: 40, MaxContext: 2048}},
	}
}

// holds says whether a host has a live advert of a peer.
func holds(h *simtest.Node, id p2p.PeerID) bool {
	_, ok := h.Advert(id)
	return ok
}

// star starts one gateway and operators that know only it.
func star(f *simtest.Fleet, operators int) (gateway *simtest.Node, ops []*simtest.Node) {
	gateway = f.Start(p2p.Config{Role: p2p.RoleGateway})
	for range operators {
		ops = append(ops, f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}}))
	}
	return gateway, ops
}

// TestAdvertReachesAll: one announcement, every host has it, and loses it at its end.
func TestAdvertReachesAll(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, ops := star(f, 40) // three times what the gateway takes into its mesh
		time.Sleep(10 * time.Second)
		if err := ops[0].Announce(context.Background(), advert(10*time.Minute)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		for i, h := range append(ops, gateway) {
			if !holds(h, ops[0].ID()) {
				t.Errorf("host %d has no advert after 3 s", i)
			}
		}
		time.Sleep(9 * time.Minute)
		if !holds(gateway, ops[0].ID()) {
			t.Error("advert is gone before its end")
		}
		time.Sleep(time.Minute)
		for i, h := range append(ops, gateway) {
			if len(h.Adverts()) != 0 {
				t.Errorf("host %d still has %d adverts after their end", i, len(h.Adverts()))
			}
		}
	})
}

// TestLateJoiner: a host that starts after an announcement learns it by a pull,
// long before it is published again.
func TestLateJoiner(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, ops := star(f, 10)
		time.Sleep(10 * time.Second)
		for _, o := range ops {
			if err := o.Announce(context.Background(), advert(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		late := f.Start(p2p.Config{Role: p2p.RoleGateway, Bootstrap: []string{gateway.Addr}})
		time.Sleep(2 * time.Second)
		if n := len(late.Adverts()); n != len(ops) {
			t.Fatalf("late joiner has %d adverts after 2 s, want %d", n, len(ops))
		}
		// Operators hear of the new gateway by its hello and dial it.
		time.Sleep(2 * time.Minute)
		for i, o := range ops {
			if !late.Connected(o.ID()) {
				t.Errorf("operator %d did not dial the new gateway", i)
			}
		}
	})
}

// TestBootstrapDies: hosts that restart after the only bootstrap node is gone
// find one another through their peers files.
func TestBootstrapDies(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		dir := t.TempDir()
		bootstrap := f.Start(p2p.Config{Role: p2p.RoleGateway})
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway, Bootstrap: []string{bootstrap.Addr}})
		operator := func(i int) p2p.Config {
			return p2p.Config{
				Role: p2p.RoleOperator, Bootstrap: []string{bootstrap.Addr},
				Identity: simtest.Key(100 + i), PeersFile: fmt.Sprintf("%s/peers-%d.json", dir, i),
			}
		}
		var ops []*simtest.Node
		for i := range 6 {
			ops = append(ops, f.Start(operator(i)))
		}
		time.Sleep(3 * time.Minute) // hellos have come round
		f.Stop(bootstrap)
		for _, o := range ops {
			f.Stop(o)
		}
		time.Sleep(time.Minute)
		for i := range ops {
			ops[i] = f.Start(operator(i))
		}
		time.Sleep(time.Minute)
		if err := ops[0].Announce(context.Background(), advert(time.Hour)); err != nil {
			t.Fatal(err)
		}
		time.Sleep(3 * time.Second)
		for i, o := range ops {
			if !gateway.Connected(o.ID()) {
				t.Errorf("operator %d did not find the gateway", i)
			}
			if !holds(o, ops[0].ID()) {
				t.Errorf("operator %d has no advert", i)
			}
		}
		if !holds(gateway, ops[0].ID()) {
			t.Error("gateway has no advert")
		}
	})
}
