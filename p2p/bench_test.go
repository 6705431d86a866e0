package p2p_test

import (
	"context"
	"errors"
	"io"
	"testing"

	"flotilla/p2p"
)

// BenchmarkOpenToFirstDelta is one whole request with a 2 KB body and one
// Delta: open, accept, first frame, end, settle.
func BenchmarkOpenToFirstDelta(b *testing.B) {
	for transport := range listen {
		b.Run(transport, func(b *testing.B) {
			pr := startPair(b, transport, p2p.InferTimers{})
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				if err := in.Send([]byte("token"), 1); err != nil {
					return err
				}
				_, err := in.Finish(p2p.End{Receipt: make([]byte, 400), ReceiptSig: make([]byte, 65)})
				return err
			}, p2p.InferLimits{})
			ctx := context.Background()
			request := p2p.InferRequest{Order: make([]byte, 400), OrderSig: make([]byte, 65), Body: make([]byte, 2048)}
			for b.Loop() {
				call, err := pr.gateway.Infer(ctx, pr.operator.ID(), request)
				if err != nil {
					b.Fatal(err)
				}
				if _, err := call.Recv(ctx); err != nil {
					b.Fatal(err)
				}
				if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
					b.Fatal(err)
				}
				if err := call.Settle(ctx, p2p.Settlement{Countersignature: make([]byte, 65)}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkDelta is the cost of one 64-byte Delta in a long answer, both ends
// and acknowledgements included.
func BenchmarkDelta(b *testing.B) {
	for transport := range listen {
		b.Run(transport, func(b *testing.B) {
			pr := startPair(b, transport, p2p.InferTimers{})
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				err := in.Accept()
				data := make([]byte, 64)
				for n := uint32(1); err == nil; n++ {
					err = in.Send(data, n)
				}
				return err
			}, p2p.InferLimits{})
			ctx := context.Background()
			call, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{})
			if err != nil {
				b.Fatal(err)
			}
			defer call.Close()
			for b.Loop() {
				if _, err := call.Recv(ctx); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkAdmit is the gossip cost of one advert of one offer, verification included.
func BenchmarkAdmit(b *testing.B) {
	s := newShelf(b)
	raw := s.seal(b, s.advert(1))
	if _, err := s.Admit(s.id, raw, false); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if verdict, _ := s.Admit(s.id, raw, false); verdict != p2p.Accept {
			b.Fatal(verdict)
		}
	}
}
