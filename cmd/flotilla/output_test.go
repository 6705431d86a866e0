package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
)

// TestOutputThatIsLost: a command whose output has gone nowhere, as on a full disk, does not end as if all were well.
func TestOutputThatIsLost(t *testing.T) {
	t.Setenv("FLOTILLA_PASSPHRASE", "secret")
	t.Chdir(t.TempDir())
	var stderr bytes.Buffer
	if code := run(t.Context(), []string{"key", "op.json"}, full{}, &stderr); code != 2 || !strings.Contains(stderr.String(), errFull.Error()) {
		t.Errorf("exit status %d, stderr %q", code, stderr.String())
	}
}

// TestAnInterruptedDemoFails: nothing was shown to hold.
func TestAnInterruptedDemoFails(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var stdout, stderr bytes.Buffer
	dir := t.TempDir()
	if code := run(ctx, []string{"demo", "--dir", dir + "/demo", "--cache", dir + "/cache"}, &stdout, &stderr); code == 0 || stderr.Len() == 0 {
		t.Errorf("exit status %d, stderr %q", code, stderr.String())
	}
}

// TestAPortInUse: who reads that an address is in use is told how to take another.
func TestAPortInUse(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = net.Listen("tcp", l.Addr().String())
	if got := advice(fmt.Errorf("listen for HTTP: %w", err)); !strings.Contains(got, "--listen") {
		t.Errorf("advice %q", got)
	}
	if got := advice(errFull); got != "" {
		t.Errorf("advice %q on another error", got)
	}
}

var errFull = errors.New("no space left on device")

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errFull }
