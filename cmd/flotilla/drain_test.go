package main

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"flotilla/node/backend/scripted"
)

// A gateway that is told to stop takes nothing new, lets the stream under way finish, and has its receipt after a restart.
func TestDrainOnSIGTERM(t *testing.T) {
	f := newFleet(t)
	f.startGateway("--settle-every", "1s")
	model := scripted.New(testModel)
	srv := httptest.NewServer(model)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	f.startOperator("alder", srv.URL, "10/20")
	f.waitServing(1)

	resp, err := f.streamRequest(t.Context(), "@script tokens=30 delay=100ms tag=drained")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	f.eventually("the stream is under way", func() error {
		if len(model.Stats("drained").SentAt) < 5 {
			return errNotYet
		}
		return nil
	})
	if err := f.gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	// The signal takes a moment to arrive; a request sent meanwhile would be answered, and leave a receipt.
	f.eventually("the gateway drains", func() error {
		resp, err := http.Get("http://" + f.http + "/healthz")
		if err != nil {
			return nil
		}
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return errNotYet
		}
		return nil
	})
	// Whoever asks for a reload now, or closes the terminal, must not end what is under way.
	if err := f.gateway.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if other, err := f.streamRequest(ctx, "new"); err == nil {
		other.Body.Close()
		if other.StatusCode == http.StatusOK {
			t.Error("a request was taken while the gateway drained")
		}
	}
	raw, err := io.ReadAll(resp.Body)
	if err != nil || strings.Count(string(raw), `"content":"t`) != 30 || !strings.HasSuffix(string(raw), "data: [DONE]\n\n") {
		t.Errorf("the stream under way: %v, %d tokens, ends %q", err, strings.Count(string(raw), `"content":"t`), raw[max(0, len(raw)-200):])
	}
	select {
	case <-f.gateway.done:
	case <-time.After(patience):
		t.Fatal("the gateway does not end")
	}
	if code := f.gateway.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit status %d", code)
	}
	f.startGateway("--settle-every", "1s")
	f.settled(1)
}

// Whoever asks a second time does not want to wait for streams any more.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	f := newFleet(t)
	f.startGateway()
	model := scripted.New(testModel)
	srv := httptest.NewServer(model)
	t.Cleanup(func() { srv.CloseClientConnections(); srv.Close() })
	f.startOperator("alder", srv.URL, "10/20")
	f.waitServing(1)
	resp, err := f.streamRequest(t.Context(), "@script tokens=45 delay=500ms tag=long")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	interrupt := func() {
		t.Helper()
		if err := f.gateway.cmd.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
	}
	interrupt()
	interrupt() // one signal that comes twice, as where a shell and a supervisor both pass it on
	select {
	case <-f.gateway.done:
		t.Fatal("a signal that came twice cut the stream")
	case <-time.After(3 * time.Second):
	}
	interrupt()
	select {
	case <-f.gateway.done:
	case <-time.After(5 * time.Second):
		t.Fatal("the second signal is ignored")
	}
	if f.gateway.cmd.ProcessState.ExitCode() == 0 {
		t.Error("a stream was cut, and the exit status is 0")
	}
}
