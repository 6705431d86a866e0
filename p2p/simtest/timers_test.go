package simtest_test

import (
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// served starts a gateway and an operator with a handler.
func served(f *simtest.Fleet, handle p2p.InferHandler) (gateway, operator *simtest.Node) {
	gateway, ops := star(f, 1)
	ops[0].HandleInfer(handle, p2p.InferLimits{})
	time.Sleep(5 * time.Second)
	return gateway, ops[0]
}

// wantAfter checks virtual time that passed since start, to within network delays.
func wantAfter(t *testing.T, start time.Time, want time.Duration) {
	t.Helper()
	if got := time.Since(start); got < want-4*latency || got > want+500*time.Millisecond {
		t.Errorf("took %s, want %s", got, want)
	}
}

// TestAcceptTimeout: an operator that does not answer costs two seconds.
func TestAcceptTimeout(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, operator := served(f, func(ctx context.Context, _ *p2p.Incoming) error {
			<-ctx.Done()
			return nil
		})
		start := time.Now()
		if _, err := gateway.Infer(context.Background(), operator.ID(), p2p.InferRequest{}); !errors.Is(err, p2p.ErrAcceptTimeout) {
			t.Fatalf("got %v, want ErrAcceptTimeout", err)
		}
		wantAfter(t, start, 2*time.Second)
	})
}

// TestLongPrefill: keep-alives carry a prefill of two minutes; a pause of the
// same length between Deltas is too long.
func TestLongPrefill(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, operator := served(f, func(ctx context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			time.Sleep(2 * time.Minute)
			if err := in.Send([]byte("first"), 1); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		})
		ctx := context.Background()
		call, err := gateway.Infer(ctx, operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer call.Close()
		start := time.Now()
		if d, err := call.Recv(ctx); err != nil || string(d.Data) != "first" {
			t.Fatalf("first delta %q, %v", d.Data, err)
		}
		wantAfter(t, start, 2*time.Minute)
		start = time.Now()
		if _, err := call.Recv(ctx); !errors.Is(err, p2p.ErrBroken) {
			t.Fatalf("got %v, want ErrBroken", err)
		}
		wantAfter(t, start, 20*time.Second)
	})
}

// TestSilentOperator: an operator whose machine vanished after Accept is given
// up after fifteen seconds without a keep-alive.
func TestSilentOperator(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, _ := star(f, 0)
		silent := f.Start(p2p.Config{
			Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr},
			Timers: p2p.InferTimers{Ping: time.Hour, Silence: 2 * time.Hour},
		})
		silent.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			<-ctx.Done()
			return nil
		}, p2p.InferLimits{})
		time.Sleep(5 * time.Second)
		call, err := gateway.Infer(context.Background(), silent.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer call.Close()
		start := time.Now()
		if _, err := call.Recv(context.Background()); !errors.Is(err, p2p.ErrBroken) {
			t.Fatalf("got %v, want ErrBroken", err)
		}
		wantAfter(t, start, 15*time.Second)
	})
}

// TestDeadline: the handler's context ends at the request's deadline, and the
// operator can still hand in a receipt.
func TestDeadline(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, operator := served(f, func(ctx context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			<-ctx.Done()
			_, err := in.Finish(p2p.End{FinishReason: "deadline", Error: context.Cause(ctx).Error()})
			return err
		})
		start := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		call, err := gateway.Infer(ctx, operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer call.Close()
		if _, err := call.Recv(context.Background()); !errors.Is(err, io.EOF) {
			t.Fatalf("got %v, want an end", err)
		}
		wantAfter(t, start, 30*time.Second)
		if end := call.End(); end.FinishReason != "deadline" || end.Error != context.DeadlineExceeded.Error() {
			t.Fatalf("end %+v", end)
		}
	})
}

// TestSettleTimeout: a gateway that takes the answer and says nothing leaves
// the operator without a settlement after five seconds.
func TestSettleTimeout(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		finished := make(chan error, 1)
		gateway, operator := served(f, func(_ context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			_, err := in.Finish(p2p.End{})
			finished <- err
			return nil
		})
		call, err := gateway.Infer(context.Background(), operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer call.Close()
		start := time.Now()
		if _, err := call.Recv(context.Background()); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
		if err := <-finished; !errors.Is(err, p2p.ErrNoSettlement) {
			t.Fatalf("got %v, want ErrNoSettlement", err)
		}
		wantAfter(t, start, 5*time.Second)
	})
}

// TestStalledGateway: a gateway that never consumes is given up, and both sides know.
func TestStalledGateway(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		stopped := make(chan error, 1)
		gateway, operator := served(f, func(_ context.Context, in *p2p.Incoming) error {
			err := in.Accept()
			for n := uint32(1); err == nil; n++ {
				err = in.Send([]byte("token"), n)
			}
			stopped <- err
			return err
		})
		start := time.Now()
		call, err := gateway.Infer(context.Background(), operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		defer call.Close()
		if err := <-stopped; !errors.Is(err, p2p.ErrStalled) {
			t.Fatalf("got %v, want ErrStalled", err)
		}
		wantAfter(t, start, 20*time.Second)
		for err == nil {
			_, err = call.Recv(context.Background())
		}
		if !errors.Is(err, p2p.ErrBroken) {
			t.Fatalf("gateway: %v, want ErrBroken", err)
		}
	})
}

// TestLateAck: Deltas too few for an Ack of their own are acknowledged within a second.
func TestLateAck(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		acked := make(chan uint64, 1)
		gateway, operator := served(f, func(ctx context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			if err := in.Send([]byte("only"), 1); err != nil {
				return err
			}
			time.Sleep(1500 * time.Millisecond)
			n, _ := in.Acked()
			acked <- n
			<-ctx.Done()
			return nil
		})
		call, err := gateway.Infer(context.Background(), operator.ID(), p2p.InferRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := call.Recv(context.Background()); err != nil {
			t.Fatal(err)
		}
		if n := <-acked; n != 1 {
			t.Errorf("%d deltas acked after 1.5 s, want 1", n)
		}
		call.Close()
	})
}

// TestRequestsAfterPauses: the next request is served, whether the stream of the one before is still idle, has ended at the
// gateway, or at the operator too.
func TestRequestsAfterPauses(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway, operator := served(f, func(_ context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			if err := in.Send([]byte("answer"), 1); err != nil {
				return err
			}
			_, err := in.Finish(p2p.End{})
			return err
		})
		ctx := context.Background()
		for _, pause := range []time.Duration{0, 19 * time.Second, 21 * time.Second, 90 * time.Second} {
			time.Sleep(pause)
			call, err := gateway.Infer(ctx, operator.ID(), p2p.InferRequest{})
			if err != nil {
				t.Fatalf("after %s: %v", pause, err)
			}
			if d, err := call.Recv(ctx); err != nil || string(d.Data) != "answer" {
				t.Fatalf("after %s: %q, %v", pause, d.Data, err)
			}
			if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
				t.Fatalf("after %s: no end: %v", pause, err)
			}
			if err := call.Settle(ctx, p2p.Settlement{}); err != nil {
				t.Fatal(err)
			}
		}
	})
}
