package p2p_test

import (
	"context"
	"testing"

	"flotilla/p2p"
)

// TestSilentPeerLeavesRoom: a peer that opens more streams than there are slots, and never says what it wants, keeps nobody else
// from an answer.
func TestSilentPeerLeavesRoom(t *testing.T) {
	const proto = "/flotilla/ledger/2"
	ctx := testContext(t)
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	g.HandleRequest(proto, func(_ context.Context, _ p2p.PeerID, body []byte) ([]byte, error) { return body, nil })
	silent := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: g.Addrs()})
	other := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: g.Addrs()})
	await(t, "connections", func() bool { return silent.Connected(g.ID()) && other.Connected(g.ID()) })
	for name, served := range map[string]struct {
		proto string
		slots int
		ask   func() error
	}{
		"request": {proto, p2p.MaxRequestsServing, func() error {
			_, err := other.Request(ctx, g.ID(), proto, []byte("hello"))
			return err
		}},
		"sync": {p2p.ProtoSync, p2p.MaxSyncServing, func() error { return other.Sync(ctx, g.ID()) }},
	} {
		t.Run(name, func(t *testing.T) {
			const more = 20
			if err := silent.OpenSilent(ctx, g.ID(), served.proto, served.slots+more, more); err != nil {
				t.Fatal(err)
			}
			if err := served.ask(); err != nil {
				t.Errorf("another peer: %v", err)
			}
		})
	}
}
