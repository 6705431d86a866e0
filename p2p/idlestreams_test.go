package p2p_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"testing"

	"flotilla/p2p"
)

// serveEcho answers each request with its body.
func serveEcho(h *p2p.Host) {
	h.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		if err := in.Send(in.Request().Body, 1); err != nil {
			return err
		}
		_, err := in.Finish(p2p.End{})
		return err
	}, p2p.InferLimits{})
}

// inTurn sends n requests, one after another.
func inTurn(ctx context.Context, t *testing.T, pr pair, n int, between func()) {
	t.Helper()
	for i := range n {
		if err := echo(ctx, pr, fmt.Sprintf("request %d", i)); err != nil {
			t.Fatal(err)
		}
		between()
	}
}

// TestStreamsAreUsedAgain: requests one after another share a stream, those at once have one each, and none is mixed up.
func TestStreamsAreUsedAgain(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			serveEcho(pr.operator)
			ctx := testContext(t)
			inTurn(ctx, t, pr, 20, func() {})
			if n := pr.gateway.InferStreams(pr.operator.ID()); n != 1 {
				t.Errorf("%d streams after requests one after another, want 1", n)
			}
			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					if err := echo(ctx, pr, fmt.Sprintf("request %d at once", i)); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			await(t, "streams beyond the bound to end", func() bool { return pr.gateway.InferStreams(pr.operator.ID()) <= p2p.MaxIdleStreams })
		})
	}
}

// TestIdleStreamThatIsGone: an operator that has hung up meanwhile is asked on a new stream.
func TestIdleStreamThatIsGone(t *testing.T) {
	for transport := range listen {
		t.Run(transport, func(t *testing.T) {
			pr := startPair(t, transport, p2p.InferTimers{})
			serveEcho(pr.operator)
			inTurn(testContext(t), t, pr, 5, pr.operator.HangUp)
		})
	}
}

// TestCancelledStreamIsNotUsedAgain: what was still on its way for one request must not reach the next.
func TestCancelledStreamIsNotUsedAgain(t *testing.T) {
	pr := startPair(t, "tcp", p2p.InferTimers{})
	pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		for i := range uint32(1000) {
			if err := in.Send(in.Request().Body, i+1); err != nil {
				break
			}
		}
		_, err := in.Finish(p2p.End{})
		return err
	}, p2p.InferLimits{})
	ctx := testContext(t)
	for i := range 20 {
		want := fmt.Sprintf("request %d", i)
		call := pr.infer(ctx, t, p2p.InferRequest{Body: []byte(want), Stream: true})
		for n := range 3 {
			if d, err := call.Recv(ctx); err != nil || string(d.Data) != want {
				t.Fatalf("piece %d of %q: %q, %v", n, want, d.Data, err)
			}
		}
		if err := call.Cancel("enough"); err != nil {
			t.Fatal(err)
		}
		if _, err := call.Recv(ctx); !errors.Is(err, io.EOF) {
			t.Fatalf("after Cancel: %v", err)
		}
		if err := errors.Join(call.Settle(ctx, p2p.Settlement{}), call.Cancel("too late"), call.Close()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestIdleStreamsAtOnce: who puts one first finds one.
func TestIdleStreamsAtOnce(t *testing.T) {
	if none := p2p.IdleAtOnce(8, 2000); none != 0 {
		t.Errorf("%d times there was no idle stream", none)
	}
}

// TestReaderLeavesItsStreamFirst: once a reader is done its stream is the next call's.
func TestReaderLeavesItsStreamFirst(t *testing.T) {
	behind, err := p2p.ReadersBehind(10_000)
	if err != nil || behind != 0 {
		t.Errorf("%d readers were done before they had let go of the stream, %v", behind, err)
	}
}

// TestNoPingBehindTheEnd: a ping behind the End would break the next call of the stream, whose order is then sent twice.
func TestNoPingBehindTheEnd(t *testing.T) {
	if n := p2p.PingsBehind(); n != 0 {
		t.Errorf("%d pings were written after pings were over", n)
	}
}
