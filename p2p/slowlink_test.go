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

// slowProxy passes TCP connections on to a host's address, and as many bytes a second of what comes back. It returns the host's address
// behind it; all ends with the test.
func slowProxy(t *testing.T, addr string, bytesPerSecond int) string {
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
	pass := func(from, to net.Conn, perSecond int) {
		defer from.Close()
		defer to.Close()
		stop := context.AfterFunc(ctx, func() { _ = from.Close(); _ = to.Close() })
		defer stop()
		piece := make([]byte, 4<<10)
		for {
			n, err := from.Read(piece)
			if n > 0 && perSecond > 0 {
				time.Sleep(time.Duration(n) * time.Second / time.Duration(perSecond))
			}
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
			work.Go(func() { pass(near, far, 0) })
			work.Go(func() { pass(far, near, bytesPerSecond) })
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
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{slowProxy(t, g.Addrs()[0], perSecond)}})
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
