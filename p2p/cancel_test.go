package p2p_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"flotilla/p2p"
)

// TestCancelBeforeAccept: the gateway's client leaves while the operator still
// considers; the handler learns of it and Infer returns the context's error.
func TestCancelBeforeAccept(t *testing.T) {
	pr := startPair(t, "tcp", p2p.InferTimers{Accept: deadline})
	entered, ended := make(chan struct{}), make(chan error, 1)
	pr.operator.HandleInfer(func(ctx context.Context, _ *p2p.Incoming) error {
		close(entered)
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	}, p2p.InferLimits{})
	ctx, cancel := context.WithCancel(testContext(t))
	go func() { <-entered; cancel() }()
	if _, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{}); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v, want context.Canceled", err)
	}
	if err := <-ended; !errors.Is(err, p2p.ErrBroken) {
		t.Fatalf("handler's cause %v, want ErrBroken", err)
	}
}

// TestCancelMidAnswer cancels before the first Delta and after some. Both sides
// must agree on what was delivered, and the receipt for it must arrive.
func TestCancelMidAnswer(t *testing.T) {
	for _, consumed := range []int{0, 1, 40} {
		t.Run(fmt.Sprintf("after %d deltas", consumed), func(t *testing.T) {
			pr := startPair(t, "tcp", p2p.InferTimers{})
			served := make(chan error, 1)
			pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
				served <- serveUntilCancel(ctx, in, consumed)
				return nil
			}, p2p.InferLimits{})
			ctx := testContext(t)
			call := pr.infer(ctx, t, p2p.InferRequest{})
			defer call.Close()
			for range consumed {
				if _, err := call.Recv(ctx); err != nil {
					t.Fatal(err)
				}
			}
			if err := call.Cancel("client left"); err != nil {
				t.Fatal(err)
			}
			if d, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
				t.Fatalf("after cancel: delta %d, %v", d.N, err)
			}
			if n, tokens := call.Received(); n != uint64(consumed) || tokens != uint32(2*consumed) {
				t.Fatalf("gateway counts %d deltas, %d tokens", n, tokens)
			}
			if want := fmt.Sprintf("%d deltas", consumed); string(call.End().Receipt) != want {
				t.Fatalf("receipt for %q, want %q", call.End().Receipt, want)
			}
			if err := call.Settle(ctx, p2p.Settlement{Countersignature: []byte("agreed")}); err != nil {
				t.Fatal(err)
			}
			if err := <-served; err != nil {
				t.Fatal(err)
			}
		})
	}
}

// serveUntilCancel sends, at two tokens each, more Deltas than the gateway will
// consume, and then a receipt for what was acknowledged. With consumed of zero
// it sends none, like a long prefill.
func serveUntilCancel(ctx context.Context, in *p2p.Incoming, consumed int) error {
	if err := in.Accept(); err != nil {
		return err
	}
	for i := 0; consumed > 0; i++ {
		if err := in.Send([]byte("token"), uint32(2*(i+1))); err != nil {
			if !errors.Is(err, p2p.ErrCanceled) {
				return fmt.Errorf("send: %w", err)
			}
			break
		}
	}
	<-ctx.Done()
	if cause := context.Cause(ctx); !errors.Is(cause, p2p.ErrCanceled) {
		return fmt.Errorf("cause %w", cause)
	}
	n, tokens := in.Acked()
	if n != uint64(consumed) || tokens != uint32(2*consumed) {
		return fmt.Errorf("operator counts %d deltas, %d tokens", n, tokens)
	}
	s, err := in.Finish(p2p.End{FinishReason: "canceled", OutputTokens: tokens, Receipt: fmt.Appendf(nil, "%d deltas", n)})
	if err != nil {
		return err
	}
	if string(s.Countersignature) != "agreed" {
		return fmt.Errorf("settlement %+v", s)
	}
	return nil
}

// TestCloseIsSeen: a gateway that closes without settling leaves an operator
// whose Send fails and whose context has ended.
func TestCloseIsSeen(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			served := make(chan error, 1)
			pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				<-ctx.Done()
				served <- in.Send([]byte("late"), 1)
				return nil
			}, p2p.InferLimits{})
			call, err := pr.gateway.Infer(testContext(t), pr.operator.ID(), p2p.InferRequest{})
			if err != nil {
				t.Fatal(err)
			}
			call.Close()
			if err := <-served; !errors.Is(err, p2p.ErrBroken) {
				t.Fatalf("send after close: %v, want ErrBroken", err)
			}
		})
	}
}

// TestWindow: a gateway that does not consume stops the operator after a
// window, of Deltas or of bytes, and nothing is lost when it goes on.
func TestWindow(t *testing.T) {
	cases := map[string]struct {
		size, most int // bytes of a Delta, and the most that may be sent unread
	}{
		"deltas": {size: 1, most: 256},
		"bytes":  {size: 8 << 10, most: 16},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			const total = 1000
			pr := startPair(t, "tcp", p2p.InferTimers{})
			sent := make(chan int, total)
			pr.operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				for i := range total {
					if err := in.Send(bytes.Repeat([]byte{byte(i)}, c.size), uint32(i+1)); err != nil {
						return err
					}
					sent <- i
				}
				_, err := in.Finish(p2p.End{})
				return err
			}, p2p.InferLimits{})
			ctx := testContext(t)
			call := pr.infer(ctx, t, p2p.InferRequest{})
			defer call.Close()
			await(t, "the window to fill", func() bool { return len(sent) == c.most })
			time.Sleep(50 * time.Millisecond) // room for a Send that ought not to happen
			if n := len(sent); n != c.most {
				t.Fatalf("operator ran %d deltas ahead, window %d", n, c.most)
			}
			for i := range total {
				d, err := call.Recv(ctx)
				if err != nil {
					t.Fatal(err)
				}
				if d.N != uint64(i+1) || len(d.Data) != c.size || d.Data[0] != byte(i) {
					t.Fatalf("delta %d: number %d, %d bytes", i+1, d.N, len(d.Data))
				}
			}
			if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
		})
	}
}

// TestLargeDelta: one Send far larger than frame and window is one Delta.
func TestLargeDelta(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			answer := bytes.Repeat([]byte("0123456789abcdef"), 1<<16) // 1 MiB
			flushed := make(chan error, 1)
			pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
				if err := in.Accept(); err != nil {
					return err
				}
				if err := in.Send(answer, 9); err != nil {
					return err
				}
				err := in.Flush(ctx)
				if n, tokens := in.Acked(); err == nil && (n != 1 || tokens != 9) {
					err = fmt.Errorf("after flush %d deltas, %d tokens acked", n, tokens)
				}
				flushed <- err
				_, err = in.Finish(p2p.End{})
				return err
			}, p2p.InferLimits{})
			ctx := testContext(t)
			call := pr.infer(ctx, t, p2p.InferRequest{})
			defer call.Close()
			d, err := call.Recv(ctx)
			if err != nil || d.N != 1 || d.Tokens != 9 || !bytes.Equal(d.Data, answer) {
				t.Fatalf("delta %d of %d bytes, %d tokens, %v", d.N, len(d.Data), d.Tokens, err)
			}
			if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if err := <-flushed; err != nil {
				t.Fatal(err)
			}
		})
	}
}
