package p2p_test

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"flotilla/p2p"
)

// TestLoadIdentity: made once, kept, readable by its owner only.
func TestLoadIdentity(t *testing.T) {
	path := filepath.Join(t.TempDir(), "node", "identity")
	first, err := p2p.LoadIdentity(path)
	if err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if again, err := p2p.LoadIdentity(path); err != nil || !bytes.Equal(first, again) {
		t.Fatalf("second load differs: %v", err)
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := p2p.LoadIdentity(path); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Fatalf("a key that others may read: %v", err)
	}
	if err := os.Chmod(path, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("short"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p2p.LoadIdentity(path); err == nil {
		t.Fatal("a damaged key was replaced or read")
	}
}

// TestConfigValidate: all problems in one error.
func TestConfigValidate(t *testing.T) {
	err := p2p.Config{
		Role: p2p.RoleGateway, Bootstrap: []string{"/ip4/1.2.3.4/tcp/1"}, Network: "a b",
		Timers: p2p.InferTimers{AckDeltas: 256},
	}.Validate()
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"identity", "listen", "bootstrap", "network", "logger", "deadlock"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in: %v", want, err)
		}
	}
	good := p2p.Config{Identity: newIdentity(t), Role: p2p.RoleOperator, Network: testNetwork, Logger: slog.New(slog.DiscardHandler)}
	if err := good.Validate(); err != nil {
		t.Errorf("good configuration: %v", err)
	}
}

// TestListenOnATakenPort: two nodes on one port would share its connections out between them, and each refuse the other's.
func TestListenOnATakenPort(t *testing.T) {
	for name, addr := range listen {
		t.Run(name, func(t *testing.T) {
			first := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{addr}})
			taken, _, _ := strings.Cut(first.Addrs()[0], "/p2p/")
			for _, addrs := range [][]string{{taken}, {taken, listen["tcp"]}} { // that the other address is free does not help who dials this one
				second, err := p2p.New(p2p.Config{
					Identity: newIdentity(t), Role: p2p.RoleGateway, Network: testNetwork, Logger: slog.New(slog.DiscardHandler), Listen: addrs,
				})
				if err == nil {
					_ = second.Close()
					t.Fatalf("two nodes listen on %s", taken)
				}
				if !strings.Contains(err.Error(), taken) || !errors.Is(err, syscall.EADDRINUSE) {
					t.Errorf("%v does not name %s, or why it cannot be", err, taken)
				}
			}
		})
	}
}

// TestPeersFile: written by a host that had peers, read by the next, and never
// trusted blindly.
func TestPeersFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "peers.json")
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	o, err := p2p.New(p2p.Config{
		Identity: newIdentity(t), Role: p2p.RoleOperator, Network: testNetwork, Bootstrap: g.Addrs(),
		PeersFile: path, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx := testContext(t)
	done := make(chan error, 1)
	go func() { done <- o.Run(ctx) }()
	await(t, "operator to connect", func() bool { return o.Connected(g.ID()) })
	if err := o.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n, err := p2p.LoadPeersFile(path, p2p.Config{}); err != nil || n != 1 {
		t.Fatalf("%d peers kept, %v", n, err)
	}
	for name, text := range map[string]string{
		"unknown peer id": `[{"id":"nobody","addrs":["/ip4/127.0.0.1/tcp/1"],"last_seen":"2099-01-01T00:00:00Z"}]`,
		"no address":      `[{"id":"` + g.ID().String() + `","addrs":["localhost"],"last_seen":"2099-01-01T00:00:00Z"}]`,
		"long ago":        `[{"id":"` + g.ID().String() + `","addrs":["/ip4/127.0.0.1/tcp/1"],"last_seen":"2001-01-01T00:00:00Z"}]`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if n, err := p2p.LoadPeersFile(path, p2p.Config{}); err != nil || n != 0 {
			t.Errorf("%s: %d peers, %v", name, n, err)
		}
	}
	if err := os.WriteFile(path, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := p2p.LoadPeersFile(path, p2p.Config{}); err == nil || !strings.Contains(err.Error(), "only a cache") {
		t.Errorf("damaged file: %v", err)
	}
}
