package p2p_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flotilla/p2p"
)

// TestInferWhole takes one request through every message of the protocol, over
// both transports, to an operator that listens nowhere.
func TestInferWhole(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			request := p2p.InferRequest{
				Order: []byte("order"), OrderSig: []byte("order-sig"), Advert: []byte("advert"), Extra: []byte("extra"),
				Body: bytes.Repeat([]byte("prompt "), 100_000), Stream: true,
			}
			settlement := p2p.Settlement{Countersignature: []byte("counter"), Voucher: []byte("voucher"), VoucherSig: []byte("voucher-sig")}
			end := p2p.End{FinishReason: "stop", InputTokens: 7, OutputTokens: 3, Receipt: []byte("receipt"), ReceiptSig: []byte("receipt-sig"), Error: "why", Fault: []byte("fault")}
			served := make(chan error, 1)
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				served <- serveWhole(in, pr.gateway.ID(), request, end, settlement)
				return nil
			}, p2p.InferLimits{})

			ctx := testContext(t)
			call := pr.infer(ctx, t, request)
			defer call.Close()
			var text strings.Builder
			for n := uint64(1); ; n++ {
				d, err := call.Recv(ctx)
				if errors.Is(err, io.EOF) {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				if d.N != n || d.Tokens != uint32(n) {
					t.Fatalf("delta %d has number %d and %d tokens", n, d.N, d.Tokens)
				}
				text.Write(d.Data)
			}
			if text.String() != "one two three" {
				t.Fatalf("answer %q", text.String())
			}
			if diff := cmp.Diff(end, call.End()); diff != "" {
				t.Fatalf("end differs: %s", diff)
			}
			if err := call.Settle(ctx, settlement); err != nil {
				t.Fatal(err)
			}
			if err := <-served; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// serveWhole is the operator's side of TestInferWhole.
func serveWhole(in *p2p.Incoming, from p2p.PeerID, request p2p.InferRequest, end p2p.End, settlement p2p.Settlement) error {
	got := in.Request()
	if !bytes.Equal(got.Body, request.Body) {
		return errors.New("body differs")
	}
	// The body is left out here: cmp is slow on large slices.
	if diff := cmp.Diff(request, got, cmpopts.IgnoreFields(p2p.InferRequest{}, "Body")); diff != "" {
		return fmt.Errorf("request differs: %s", diff)
	}
	if in.From() != from {
		return fmt.Errorf("request from %s", in.From())
	}
	if err := in.Accept(); err != nil {
		return err
	}
	for i, text := range []string{"one", " two", " three"} {
		if err := in.Send([]byte(text), uint32(i+1)); err != nil {
			return err
		}
	}
	answered, err := in.Finish(end)
	if err != nil {
		return err
	}
	if diff := cmp.Diff(settlement, answered); diff != "" {
		return fmt.Errorf("settlement differs: %s", diff)
	}
	if n, tokens := in.Acked(); n != 3 || tokens != 3 {
		return fmt.Errorf("acked %d deltas, %d tokens", n, tokens)
	}
	return nil
}

// TestInferPacing sends chunk k+1 only after chunk k was received: a package
// that held tokens back would deadlock here.
func TestInferPacing(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			got := make(chan struct{})
			pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				for i := range 50 {
					if err := in.Send(fmt.Appendf(nil, "token %d", i), uint32(i+1)); err != nil {
						return err
					}
					select {
					case <-got:
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				_, err := in.Finish(p2p.End{})
				return err
			}, p2p.InferLimits{})
			ctx := testContext(t)
			call := pr.infer(ctx, t, p2p.InferRequest{})
			defer call.Close()
			for i := range 50 {
				d, err := call.Recv(ctx)
				if err != nil || string(d.Data) != fmt.Sprintf("token %d", i) {
					t.Fatalf("delta %d: %q, %v", i, d.Data, err)
				}
				got <- struct{}{}
			}
			if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
				t.Fatalf("after the last delta: %v", err)
			}
		})
	}
}

// TestInferParallel runs 150 requests to one operator at once, more than
// libp2p's defaults allow; none may be refused or mixed up.
func TestInferParallel(t *testing.T) {
	const parallel = 150
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{Accept: deadline})
			var all sync.WaitGroup // no answer ends before every request is being served
			all.Add(parallel)
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				all.Done()
				all.Wait()
				if err := in.Send(in.Request().Body, 1); err != nil {
					return err
				}
				_, err := in.Finish(p2p.End{})
				return err
			}, p2p.InferLimits{PerPeer: parallel, Total: parallel})
			ctx := testContext(t)
			errs := make(chan error, parallel)
			for i := range parallel {
				go func() { errs <- echo(ctx, pr, fmt.Sprintf("request %d", i)) }()
			}
			for range parallel {
				if err := <-errs; err != nil {
					t.Error(err)
				}
			}
		})
	}
}

// echo sends one body and expects it back.
func echo(ctx context.Context, pr pair, body string) error {
	call, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{Body: []byte(body)})
	if err != nil {
		return err
	}
	defer call.Close()
	d, err := call.Recv(ctx)
	if err != nil {
		return err
	}
	if string(d.Data) != body {
		return fmt.Errorf("got %q, want %q", d.Data, body)
	}
	if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
		return fmt.Errorf("no end: %w", err)
	}
	return call.Settle(ctx, p2p.Settlement{})
}

// TestInferReject checks every way in which an operator refuses.
func TestInferReject(t *testing.T) {
	busy := make(chan struct{})
	handlers := map[string]struct {
		handle p2p.InferHandler
		want   p2p.RejectedError
	}{
		"by the handler": {
			handle: func(_ context.Context, in *p2p.Incoming) error {
				return in.Reject("need_voucher", 1500*time.Millisecond, "credit is used up")
			},
			want: p2p.RejectedError{Code: "need_voucher", RetryAfter: 1500 * time.Millisecond, Message: "credit is used up"},
		},
		"handler fails": {
			handle: func(context.Context, *p2p.Incoming) error { return errors.New("secret detail") },
			want:   p2p.RejectedError{Code: p2p.CodeInternal, Message: "operator could not take the request"},
		},
	}
	for name, c := range handlers {
		t.Run(name, func(t *testing.T) {
			pr := startPair(t, "tcp", p2p.InferTimers{})
			pr.operator.HandleInfer(c.handle, p2p.InferLimits{})
			wantRejected(t, pr, c.want)
		})
	}
	t.Run("handlers busy", func(t *testing.T) {
		pr := startPair(t, "tcp", p2p.InferTimers{})
		pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			<-busy
			return nil
		}, p2p.InferLimits{PerPeer: 1})
		call, err := pr.gateway.Infer(testContext(t), pr.operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		wantRejected(t, pr, p2p.RejectedError{Code: p2p.CodeOverloaded, RetryAfter: time.Second, Message: "all handlers are busy"})
		close(busy)
		if err := call.Close(); err != nil {
			t.Fatal(err)
		}
	})
}

// TestInferShortAnswers: an answer that is over before the gateway has looked
// at Accept is not taken for a lost stream. Many rounds, since it is a race.
func TestInferShortAnswers(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			unsettled := make(chan error, 1)
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				if err := in.Send(in.Request().Body, 1); err != nil {
					return err
				}
				_, err := in.Finish(p2p.End{})
				if err != nil {
					select {
					case unsettled <- err:
					default:
					}
				}
				return err
			}, p2p.InferLimits{})
			ctx := testContext(t)
			for i := range 500 {
				if err := echo(ctx, pr, fmt.Sprintf("request %d", i)); err != nil {
					t.Fatalf("round %d: %v", i, err)
				}
			}
			select {
			case err := <-unsettled:
				t.Fatalf("operator missed a settlement: %v", err)
			default:
			}
		})
	}
}

// wantRejected makes a request, with a body larger than any buffer on the way,
// and compares the refusal.
func wantRejected(t *testing.T, pr pair, want p2p.RejectedError) {
	t.Helper()
	_, err := pr.gateway.Infer(testContext(t), pr.operator.ID(), p2p.InferRequest{Body: make([]byte, 3<<20)})
	var got *p2p.RejectedError
	if !errors.As(err, &got) {
		t.Fatalf("got %v, want a rejection", err)
	}
	if diff := cmp.Diff(want, *got); diff != "" {
		t.Fatal(diff)
	}
}

// TestInferInFlightLimit fills this node's own limit and sees it freed again.
func TestInferInFlightLimit(t *testing.T) {
	pr := startPair(t, "tcp", p2p.InferTimers{Accept: deadline})
	pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		<-ctx.Done()
		return nil
	}, p2p.InferLimits{PerPeer: 250, Total: 250})
	ctx := testContext(t)
	var calls []*p2p.Call
	for range p2p.MaxInFlightPerPeer {
		call := pr.infer(ctx, t, p2p.InferRequest{})
		calls = append(calls, call)
	}
	var rejected *p2p.RejectedError
	if _, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{}); !errors.As(err, &rejected) || rejected.Code != p2p.CodeOverloaded {
		t.Fatalf("over the limit: %v", err)
	}
	for _, call := range calls {
		if err := call.Close(); err != nil {
			t.Fatal(err)
		}
	}
	call, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{})
	if err != nil {
		t.Fatalf("after closing all: %v", err)
	}
	call.Close()
}

// TestInferUnreachable names a peer that nobody knows.
func TestInferUnreachable(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	if _, err := g.Infer(testContext(t), mustPeerID(t, newIdentity(t)), p2p.InferRequest{}); !errors.Is(err, p2p.ErrUnreachable) {
		t.Fatalf("got %v, want ErrUnreachable", err)
	}
}
