package p2p_test

import (
	"bufio"
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/libp2p/go-libp2p/core/peer"

	"flotilla/p2p"
)

// deathEnv, when set to a gateway's address, turns this test binary into an
// operator that dies by SIGKILL.
const deathEnv = "FLOTILLA_TEST_OPERATOR_FOR"

// TestOperatorProcess is not a test: it is the child of TestOperatorKilled.
func TestOperatorProcess(t *testing.T) {
	gateway := os.Getenv(deathEnv)
	if gateway == "" {
		t.Skip("runs as a child of TestOperatorKilled")
	}
	h, err := p2p.New(p2p.Config{
		Identity: newIdentity(t), Network: testNetwork, Role: p2p.RoleOperator,
		Bootstrap: []string{gateway}, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	h.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		for i, text := range []string{"three", "deltas", "only"} {
			if err := in.Send([]byte(text), uint32(10*(i+1))); err != nil {
				return err
			}
		}
		<-ctx.Done() // never: the process is killed here
		return nil
	}, p2p.InferLimits{})
	os.Stdout.WriteString("\npeer " + h.ID().String() + "\n")
	_ = h.Run(testContext(t))
}

// TestOperatorKilled kills a real operator process mid-answer. The gateway gets
// every Delta sent before, then an error with the count, and the next request
// fails at once because the connection is gone.
func TestOperatorKilled(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	child := exec.Command(os.Args[0], "-test.run=^TestOperatorProcess$")
	child.Env = append(os.Environ(), deathEnv+"="+g.Addrs()[0])
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	defer child.Wait()
	defer child.Process.Kill()
	var operator p2p.PeerID
	for lines := bufio.NewScanner(out); operator == "" && lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), "peer "); ok {
			if operator, err = peer.Decode(text); err != nil {
				t.Fatal(err)
			}
		}
	}
	await(t, "the operator process to connect", func() bool { return g.Connected(operator) })

	ctx := testContext(t)
	call, err := g.Infer(ctx, operator, p2p.InferRequest{})
	if err != nil {
		t.Fatal(err)
	}
	defer call.Close()
	for range 2 {
		if _, err := call.Recv(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = call.Recv(ctx)
	}
	var broken *p2p.BrokenError
	if !errors.Is(err, p2p.ErrBroken) || !errors.As(err, &broken) {
		t.Fatalf("got %v, want ErrBroken", err)
	}
	// The third Delta was sent before the kill, but may not have left the child.
	if broken.Deltas < 2 || broken.Deltas > 3 || broken.Tokens != uint32(10*broken.Deltas) {
		t.Fatalf("broken after %d deltas and %d tokens", broken.Deltas, broken.Tokens)
	}
	await(t, "the connection to be gone", func() bool { return !g.Connected(operator) })
	if _, err := g.Infer(ctx, operator, p2p.InferRequest{}); !errors.Is(err, p2p.ErrUnreachable) {
		t.Fatalf("after death: %v, want ErrUnreachable", err)
	}
}

// TestGatewayHostCloses: closing a gateway's host breaks its calls on both
// sides, ends handlers, and leaves Close with nothing to wait for.
func TestGatewayHostCloses(t *testing.T) {
	pr := startPair(t, "tcp", p2p.InferTimers{})
	ended := make(chan error, 1)
	pr.operator.HandleInfer(func(ctx context.Context, in *p2p.Incoming) error {
		if err := in.Accept(); err != nil {
			return err
		}
		<-ctx.Done()
		ended <- context.Cause(ctx)
		return nil
	}, p2p.InferLimits{})
	ctx := testContext(t)
	call := pr.infer(ctx, t, p2p.InferRequest{})
	if err := pr.gateway.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := call.Recv(ctx); !errors.Is(err, p2p.ErrBroken) {
		t.Fatalf("gateway: %v, want ErrBroken", err)
	}
	if err := <-ended; !errors.Is(err, p2p.ErrBroken) {
		t.Fatalf("operator: %v, want ErrBroken", err)
	}
	if _, err := pr.gateway.Infer(ctx, pr.operator.ID(), p2p.InferRequest{}); !errors.Is(err, p2p.ErrClosed) {
		t.Fatalf("infer on a closed host: %v", err)
	}
}

// TestRequest covers the small request protocol and its errors.
func TestRequest(t *testing.T) {
	pr := startPair(t, "quic", p2p.InferTimers{})
	pr.operator.HandleRequest("/flotilla/ledger/2", func(_ context.Context, from p2p.PeerID, body []byte) ([]byte, error) {
		if from != pr.gateway.ID() {
			return nil, errors.New("wrong peer")
		}
		if len(body) == 0 {
			return nil, errors.New("empty body")
		}
		return append([]byte("echo "), body...), nil
	})
	ctx := testContext(t)
	big := make([]byte, p2p.MaxRequestBytes-5)
	for _, body := range [][]byte{[]byte("hello"), big} {
		got, err := pr.gateway.Request(ctx, pr.operator.ID(), "/flotilla/ledger/2", body)
		for errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil { // RequestTimeout, on a busy machine
			got, err = pr.gateway.Request(ctx, pr.operator.ID(), "/flotilla/ledger/2", body)
		}
		if err != nil || string(got) != "echo "+string(body) {
			t.Fatalf("%d bytes: %d bytes, %v", len(body), len(got), err)
		}
	}
	var remote *p2p.RemoteError
	if _, err := pr.gateway.Request(ctx, pr.operator.ID(), "/flotilla/ledger/2", nil); !errors.As(err, &remote) || remote.Message != "empty body" {
		t.Fatalf("handler error: %v", err)
	}
	if _, err := pr.gateway.Request(ctx, pr.operator.ID(), "/flotilla/ledger/2", append(big, big...)); err == nil {
		t.Fatal("request over the limit was sent")
	}
	if _, err := pr.gateway.Request(ctx, pr.operator.ID(), "/flotilla/other/1", []byte("x")); err == nil || errors.Is(err, io.EOF) {
		t.Fatalf("unknown protocol: %v", err)
	}
}
