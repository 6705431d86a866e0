package p2p_test

import (
	"context"
	"testing"
	"time"

	"flotilla/p2p"
)

// joined is an operator of its own that is connected to the server.
func joined(t *testing.T, server *p2p.Host) *p2p.Host {
	t.Helper()
	h := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: server.Addrs()})
	await(t, "a connection", func() bool { return h.Connected(server.ID()) })
	return h
}

// TestSilentPeersLeaveRoom: identities that open all the streams they can, and never say what they want, keep nobody else from an
// answer: neither with the first byte of a request alone, nor with all but its body.
func TestSilentPeersLeaveRoom(t *testing.T) {
	const proto = "/flotilla/ledger/2"
	for name, served := range map[string]struct {
		proto string
		begin []byte
		ask   func(ctx context.Context, other, server *p2p.Host) error
	}{
		"infer": {p2p.ProtoInfer, p2p.LongOpen(0), func(ctx context.Context, other, server *p2p.Host) error {
			return echo(ctx, pair{gateway: other, operator: server}, "hello")
		}},
		"request": {proto, []byte{0x80}, func(ctx context.Context, other, server *p2p.Host) error {
			_, err := other.Request(ctx, server.ID(), proto, []byte("hello"))
			return err
		}},
		"sync": {p2p.ProtoSync, []byte{0x80}, func(ctx context.Context, other, server *p2p.Host) error {
			return other.Sync(ctx, server.ID())
		}},
	} {
		for transport := range listen {
			t.Run(name+" over "+transport, func(t *testing.T) {
				ctx := testContext(t)
				server := startHost(t, p2p.Config{Role: p2p.RoleOperator, Listen: []string{listen[transport]}})
				server.HandleRequest(proto, func(_ context.Context, _ p2p.PeerID, body []byte) ([]byte, error) { return body, nil })
				serveEcho(server)
				other := joined(t, server)
				opened := 0
				for range 10 {
					opened += joined(t, server).OpenSilent(ctx, server.ID(), served.proto, 250, served.begin) // QUIC lets it wait for the 257th
				}
				before := time.Now()
				if err := served.ask(ctx, other, server); err != nil {
					t.Errorf("another peer, behind %d silent streams: %v", opened, err)
				}
				t.Logf("%d silent streams, answered in %s", opened, time.Since(before))
			})
		}
	}
}

// TestUnfinishedBodiesAreBounded: requests that never end keep no more memory than they may.
func TestUnfinishedBodiesAreBounded(t *testing.T) {
	const streams, most = 80, 64
	ctx := testContext(t)
	server := startHost(t, p2p.Config{Role: p2p.RoleOperator, Listen: []string{listen["tcp"]}, Timers: p2p.InferTimers{Write: 2 * deadline}})
	serveEcho(server)
	slow := joined(t, server)
	if opened := slow.OpenSilent(ctx, server.ID(), p2p.ProtoInfer, streams, p2p.LongOpen(127)); opened != streams { // of 128
		t.Fatalf("opened %d streams", opened)
	}
	await(t, "the oldest to be reset", func() bool { return server.InferStreams(slow.ID()) <= most })
}

// TestUnnamedStreamsLeaveRoom: neither do streams of which nobody learns what they are for.
func TestUnnamedStreamsLeaveRoom(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			ctx := testContext(t)
			server := startHost(t, p2p.Config{Role: p2p.RoleOperator, Listen: []string{listen[transport]}})
			serveEcho(server)
			other := joined(t, server)
			opened := 0
			for range 6 {
				opened += joined(t, server).OpenUnnamed(ctx, server.ID(), 250)
			}
			if err := echo(ctx, pair{gateway: other, operator: server}, "hello"); err != nil {
				t.Errorf("another peer, behind %d unnamed streams: %v", opened, err)
			}
		})
	}
}

// TestThousandOperatorsFit: the connections of as many operators as a gateway is made for leave memory for requests.
func TestThousandOperatorsFit(t *testing.T) {
	gateway := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	for range 4 {
		joined(t, gateway)
	}
	time.Sleep(3 * time.Second) // gossip has come, and what each is asked at first is over
	if share := gateway.OperatorsMemory(1000); share > 0.5 || share == 0 {
		t.Errorf("1,000 operators take %.0f %% of libp2p's memory", 100*share)
	}
}
