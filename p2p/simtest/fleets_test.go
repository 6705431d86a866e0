package simtest_test

import (
	"context"
	"testing"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// announceAll has every operator announce at this moment, each on a stake of its own.
func announceAll(t *testing.T, ops []*simtest.Node) {
	t.Helper()
	for i, o := range ops {
		a := advert(30 * time.Minute)
		a.Operator = [20]byte{1, byte(i)}
		if err := o.Announce(context.Background(), a); err != nil {
			t.Fatal(err)
		}
	}
}

// wantNewest checks that hosts have what each operator announced last.
func wantNewest(t *testing.T, hosts, ops []*simtest.Node) {
	t.Helper()
	missing := 0
	for _, o := range ops {
		own, _ := o.Advert(o.ID())
		for _, h := range hosts {
			if a, _ := h.Advert(o.ID()); a.Seq != own.Seq {
				missing++
			}
		}
	}
	if missing > 0 {
		t.Errorf("%d of %d adverts are missing or old, with %d hosts", missing, len(hosts)*len(ops), len(hosts))
	}
}

// wantConnected checks that every gateway has a connection to every operator.
func wantConnected(t *testing.T, gateways, ops []*simtest.Node) {
	t.Helper()
	missing := 0
	for _, o := range ops {
		missing += len(gateways) - met(o, gateways)
	}
	if missing > 0 {
		t.Errorf("%d of %d operators' connections with gateways are missing", missing, len(gateways)*len(ops))
	}
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

// ring starts gateways, each of which knows the one before it, and operators, each of which knows one gateway.
func ring(f *simtest.Fleet, gateways, operators int, clock func(i int) func() time.Time) (gs, ops []*simtest.Node) {
	for i := range gateways {
		cfg := p2p.Config{Role: p2p.RoleGateway, Now: clock(i)}
		if i > 0 {
			cfg.Bootstrap = []string{gs[i-1].Addr}
		}
		gs = append(gs, f.Start(cfg))
	}
	for i := range operators {
		ops = append(ops, f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gs[i%gateways].Addr}, Now: clock(i / gateways)}))
	}
	return gs, ops
}

func rightClock(int) func() time.Time { return time.Now }

// TestHerd: a site comes back from a power cut. What all its operators say before they are connected, and then at the same moment, is
// known within seconds.
func TestHerd(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		const never = time.Hour // no pull but of a new connection repairs what gossip lost
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway, SyncEvery: never, SyncAgain: never})
		var ops []*simtest.Node
		for range 80 {
			ops = append(ops, f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}, SyncEvery: never, SyncAgain: never}))
		}
		announceAll(t, ops)
		time.Sleep(5 * time.Second)
		wantNewest(t, []*simtest.Node{gateway}, ops)
		time.Sleep(5 * time.Second)
		announceAll(t, ops)
		time.Sleep(5 * time.Second)
		wantNewest(t, append(ops, gateway), ops)
	})
}

// TestGatewayLosesPower: operators are back soon after the only gateway that they know was away for long.
func TestGatewayLosesPower(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gs, ops := ring(f, 1, 20, rightClock)
		announceAll(t, ops)
		time.Sleep(10 * time.Second)
		wantConnected(t, gs, ops)
		f.Cut(gs...) // nobody is told
		f.Stop(gs[0])
		time.Sleep(5 * time.Minute)
		f.Heal()
		gs[0] = f.Restart(gs[0])
		time.Sleep(35 * time.Second)
		wantConnected(t, gs, ops)
		wantNewest(t, gs, ops)
	})
}

// TestGatewayIsKilled: operators are with a gateway again within seconds that was killed and is back at once, so that nothing has told them,
// and no connection has run out.
func TestGatewayIsKilled(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gs, ops := ring(f, 1, 20, rightClock)
		announceAll(t, ops)
		time.Sleep(20 * time.Second)
		f.Cut(gs...) // nobody is told
		f.Stop(gs[0])
		f.Heal()
		gs[0] = f.Restart(gs[0])
		time.Sleep(15 * time.Second)
		if n := met(gs[0], ops); n != len(ops) {
			t.Errorf("%d of %d operators are back", n, len(ops))
		}
		wantNewest(t, gs, ops)
	})
}

// TestGatewayMoves: operators that only dial out are with a gateway that has moved within seconds where they have it in their list, and soon
// where they know it by its hello.
func TestGatewayMoves(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gs, ops := ring(f, 2, 20, rightClock)
		for _, o := range ops {
			f.Enclose(o)
		}
		announceAll(t, ops)
		time.Sleep(20 * time.Second)
		f.Stop(gs[0])
		time.Sleep(2 * time.Minute)
		gs[0] = f.Start(p2p.Config{Role: p2p.RoleGateway, Identity: gs[0].Key, Bootstrap: []string{gs[1].Addr}})
		time.Sleep(20 * time.Second)
		var listing []*simtest.Node
		for i := 0; i < len(ops); i += len(gs) {
			listing = append(listing, ops[i])
		}
		wantConnected(t, gs, listing)
		wantNewest(t, gs, ops)
		time.Sleep(80 * time.Second)
		wantConnected(t, gs, ops)
	})
}

// TestPartitionHeals: a gateway and some operators are cut off for ten minutes. Each side goes on, and they are one fleet again.
func TestPartitionHeals(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gs, ops := ring(f, 3, 21, rightClock)
		time.Sleep(20 * time.Second)
		f.Cut(append(ops[:7:7], gs[0])...)
		time.Sleep(9 * time.Minute)
		announceAll(t, ops)
		time.Sleep(time.Minute)
		wantNewest(t, gs[:1], ops[:7])
		wantNewest(t, gs[1:], ops[7:])
		f.Heal()
		time.Sleep(100 * time.Second) // a gateway that only its hello names is dialled each 90 s at the latest
		wantConnected(t, gs, ops)
		wantNewest(t, append(gs, ops...), ops)
	})
}

// TestClocksApart: gateways and operators whose clocks differ by almost as much as an advert may start in the future are one fleet.
func TestClocksApart(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gs, ops := ring(f, 2, 12, func(i int) func() time.Time {
			return func() time.Time { return time.Now().Add(time.Duration(i%2) * -270 * time.Second) }
		})
		for minute := range 10 {
			time.Sleep(time.Minute)
			if minute == 0 {
				announceAll(t, ops)
				time.Sleep(5 * time.Second)
			}
			wantConnected(t, gs, ops)
			wantNewest(t, gs, ops)
		}
	})
}
