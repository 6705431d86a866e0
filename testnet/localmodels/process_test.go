package localmodels_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os/exec"
	"syscall"
	"testing"
	"time"

	"flotilla/node/backend"
)

// process is a model server of somebody else's, at an address of its own.
type process struct {
	addr string
	cmd  *exec.Cmd
}

// freeAddr is a loopback address that nobody listens at.
func freeAddr(t *testing.T) string {
	t.Helper()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer free.Close()
	return free.Addr().String()
}

// startProcess runs cmd until the test ends, and returns when the path is answered.
func startProcess(t *testing.T, addr, path string, cmd *exec.Cmd) *process {
	t.Helper()
	p := &process{addr, cmd}
	cmd.Stdout, cmd.Stderr = t.Output(), t.Output()
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // who computes is a child of its own
	cmd.WaitDelay = 5 * time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if resp, err := http.DefaultClient.Do(req); err == nil {
			_ = resp.Body.Close()
			return p
		} else if ctx.Err() != nil {
			t.Fatalf("%s does not answer: %v", addr, err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// kill ends the server and its children as a power cut would.
func (p *process) kill() {
	_ = syscall.Kill(-p.cmd.Process.Pid, syscall.SIGKILL) // gone is as good
	_ = p.cmd.Wait()
}

// refusesUnknown: a model that the server does not have is 404.
func refusesUnknown(t *testing.T, b *backend.Backend) {
	t.Helper()
	var refused *backend.UpstreamError
	if _, err := b.WithModel("no-such-model").Chat(t.Context(), []byte(story(8)), true); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
		t.Errorf("a model that is not there: %v", err)
	}
}

// deathIsNoCleanEnd kills the server in the middle of an answer.
func deathIsNoCleanEnd(t *testing.T, p *process, b *backend.Backend) {
	t.Helper()
	s, err := b.Chat(t.Context(), []byte(story(400)), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err = s.Next(t.Context()); err != nil {
		t.Fatal(err)
	}
	p.kill()
	for err == nil {
		_, err = s.Next(t.Context())
	}
	if errors.Is(err, io.EOF) {
		t.Error("an answer that was cut off by the server's death ended cleanly")
	}
	if err := b.Ready(t.Context()); err == nil {
		t.Error("a dead server is ready")
	}
}
