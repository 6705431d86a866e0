package p2p_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"flotilla/p2p"
)

// badLink passes TCP connections on to a host's address; what comes back waits for delay, which is told how many bytes it is. It returns the
// host's address behind it; all ends with the test.
func badLink(t *testing.T, addr string, delay func(bytes int)) string {
	t.Helper()
	where, id, _ := strings.Cut(addr, "/p2p/")
	target, err := manet.ToNetAddr(multiaddr.StringCast(where))
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var work sync.WaitGroup
	ctx, end := context.WithCancel(context.Background())
	t.Cleanup(func() { end(); _ = l.Close(); work.Wait() })
	pass := func(from, to net.Conn, delay func(int)) {
		defer from.Close()
		defer to.Close()
		stop := context.AfterFunc(ctx, func() { _ = from.Close(); _ = to.Close() })
		defer stop()
		piece := make([]byte, 4<<10)
		for {
			n, err := from.Read(piece)
			delay(n)
			if _, werr := to.Write(piece[:n]); err != nil || werr != nil {
				return
			}
		}
	}
	work.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", target.String())
			if err != nil {
				_ = near.Close()
				continue
			}
			work.Go(func() { pass(near, far, func(int) {}) })
			work.Go(func() { pass(far, near, delay) })
		}
	})
	behind, err := manet.FromNetAddr(l.Addr())
	if err != nil {
		t.Fatal(err)
	}
	return behind.String() + "/p2p/" + id
}

// TestLongBodyOverSlowLink: a body that was written and is still under way is waited for: over TCP all of it is in buffers at once.
func TestLongBodyOverSlowLink(t *testing.T) {
	const body, perSecond = 200 << 10, 100 << 10
	ctx := testContext(t)
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, Timers: p2p.InferTimers{Accept: time.Second}})
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{badLink(t, g.Addrs()[0], func(bytes int) {
		time.Sleep(time.Duration(bytes) * time.Second / perSecond)
	})}})
	o.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		_, err := in.Finish(p2p.End{})
		return err
	}, p2p.InferLimits{})
	await(t, "the operator to connect", func() bool { return g.Connected(o.ID()) })
	call, err := g.Infer(ctx, o.ID(), p2p.InferRequest{Body: bytes.Repeat([]byte{1}, body)})
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	if _, err := call.Recv(ctx); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
}

// TestSilentConnectionIsLeft: an operator hangs up on a gateway from which nothing comes back, and on none that answers; while a request is
// under way its timers decide.
func TestSilentConnectionIsLeft(t *testing.T) {
	const short = 300 * time.Millisecond
	ctx := testContext(t)
	var silent sync.RWMutex // whoever holds it keeps what comes back
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, Timers: p2p.InferTimers{Accept: deadline}})
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{badLink(t, g.Addrs()[0], func(int) {
		silent.RLock()
		defer silent.RUnlock()
	})}})
	over := make(chan struct{})
	o.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		defer close(over)
		if err := in.Accept(); err != nil {
			return err
		}
		<-ctx.Done()
		return context.Cause(ctx)
	}, p2p.InferLimits{})
	await(t, "both to be connected", func() bool { return g.Connected(o.ID()) && o.Connected(g.ID()) })
	o.Pulse(ctx, deadline)
	if !o.Connected(g.ID()) {
		t.Fatal("hung up on a gateway that answers")
	}
	call, err := g.Infer(ctx, o.ID(), p2p.InferRequest{})
	if err != nil {
		t.Fatal(err)
	}
	silent.Lock()
	o.Pulse(ctx, short)
	if !o.Connected(g.ID()) {
		t.Error("hung up on a gateway whose request is under way")
	}
	silent.Unlock()
	_ = call.Close()
	<-over
	await(t, "the stream to end", func() bool { return o.InferStreams(g.ID()) == 0 })
	silent.Lock()
	defer silent.Unlock()
	o.Pulse(ctx, short)
	if o.Connected(g.ID()) {
		t.Error("still connected to a gateway that does not answer")
	}
}
