package p2p_test

import (
	"testing"
	"time"

	"flotilla/p2p"
)

// What a new peer announces between our first pull and its entry into the gossip mesh is brought by a second pull, or by
// a caller that asks.
func TestWhatGossipMissedIsPulled(t *testing.T) {
	for name, ask := range map[string]bool{"by itself": false, "when asked": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx := testContext(t)
			// The second pull comes two of these after the start: long enough that a busy machine has announced twice by then,
			// and well before await gives up.
			g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, SyncAgain: 8 * time.Second})
			key := newIdentity(t)
			o := startHost(t, p2p.Config{Identity: key, Role: p2p.RoleOperator, Bootstrap: g.Addrs()})
			await(t, "connection", func() bool { return g.Connected(o.ID()) && o.Connected(g.ID()) })
			now := uint64(time.Now().Unix())
			a := p2p.Advert{
				Peer: o.ID(), Operator: [20]byte{1}, Seq: 1, ValidFrom: now - 1, ValidTo: now + 1000,
				Offers: []p2p.Offer{{Model: "m", InputPerMTok: 1, OutputPerMTok: 2, MaxContext: 2048, Sig: []byte{1}}},
			}
			if err := o.Announce(ctx, a); err != nil {
				t.Fatal(err)
			}
			await(t, "first advert", func() bool { _, ok := g.Advert(o.ID()); return ok })
			a.Seq = 2
			raw, err := p2p.SealAdvert(testNetwork, key, a)
			if err != nil {
				t.Fatal(err)
			}
			if err := o.Hold(a, raw); err != nil {
				t.Fatal(err)
			}
			second := func() bool { got, _ := g.Advert(o.ID()); return got.Seq == 2 }
			if !ask {
				await(t, "second advert", second)
				return
			}
			if err := g.Sync(ctx, o.ID()); err != nil {
				t.Fatal(err)
			}
			if !second() {
				t.Error("the second advert is not there after Sync")
			}
		})
	}
}
