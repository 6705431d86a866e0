package p2p_test

import (
	"context"
	"errors"
	"io"
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

// TestUnnamedStreamsLeaveRoom: neither do streams of which nobody learns what they are for, though the identities of five addresses
// have all that they can. They leave memory too: over TCP a stream for which there is none takes its connection along.
func TestUnnamedStreamsLeaveRoom(t *testing.T) {
	const identities = 40
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			ctx := testContext(t)
			server := startHost(t, p2p.Config{Role: p2p.RoleOperator, Listen: []string{listen[transport]}})
			serveEcho(server)
			other := joined(t, server)
			opened := 0
			for range identities {
				opened += joined(t, server).OpenUnnamed(ctx, server.ID(), 250)
			}
			if err := echo(ctx, pair{gateway: other, operator: server}, "hello"); err != nil {
				t.Errorf("another peer, behind %d unnamed streams: %v", opened, err)
			}
			if share := server.OperatorsMemory(len(server.Peers())); share > 0.5 {
				t.Errorf("%d unnamed streams take %.2f of libp2p's memory", opened, share)
			}
		})
	}
}

// TestUnnamedStreamsOfOnePeer: of a gateway's streams and memory, the identities that one address can have get so little that those of
// several addresses keep nobody out.
func TestUnnamedStreamsOfOnePeer(t *testing.T) {
	gateway := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	o := joined(t, gateway)
	opened := o.OpenUnnamed(testContext(t), gateway.ID(), 64)
	most := 0
	await(t, "the streams to come", func() bool {
		n := gateway.Unnamed(o.ID())
		most = max(most, n)
		return most > 0 && n == 0 || most >= 6 // they have 10 s to say what for
	})
	time.Sleep(100 * time.Millisecond)
	if most = max(most, gateway.Unnamed(o.ID())); most > 8 || opened < 64 {
		t.Errorf("a peer has %d unnamed streams, of %d that it opened", most, opened)
	}
}

// TestThousandOperatorsFit: the connections of as many operators as a gateway is made for leave memory for requests.
func TestThousandOperatorsFit(t *testing.T) {
	gateway := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	for range 4 {
		joined(t, gateway)
	}
	time.Sleep(3 * time.Second)                                                       // gossip has come, and what each is asked at first is over
	await(t, "1,000 operators to take half of libp2p's memory at most", func() bool { // on a busy machine questions take longer
		share := gateway.OperatorsMemory(1000)
		return share > 0 && share <= 0.5
	})
}

// TestSlotIsFreeWithTheAnswer: who has an answer's end can have the next one, whether or not the last is settled yet; and who settles
// none has no more of them wait than it may have streams.
func TestSlotIsFreeWithTheAnswer(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{Settle: deadline})
			settled := make(chan error, 8)
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				_, err := in.Finish(p2p.End{})
				settled <- err
				return err
			}, p2p.InferLimits{PerPeer: 1, Total: 1})
			ctx := testContext(t)
			var calls []*p2p.Call
			for i := range cap(settled) {
				call, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{Body: []byte("hello")})
				if err != nil {
					t.Fatalf("behind %d answers that wait for their settlements: %v", i, err)
				}
				defer call.Close()
				if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
					t.Fatal(err)
				}
				calls = append(calls, call)
			}
			for _, call := range calls {
				if err := call.Settle(ctx, p2p.Settlement{}); err != nil {
					t.Error(err)
				}
				if err := <-settled; err != nil {
					t.Error(err)
				}
			}
		})
	}
}
