package main

import (
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

// Both nodes start while their chain node is down, as after a power loss. They say so, wait, and serve when it is there.
func TestNodesStartBeforeTheirChainNode(t *testing.T) {
	f := newFleet(t)
	at := "127.0.0.1:" + strconv.Itoa(freePort(t))
	f.rpc = "http://" + at
	const waits = "chain's node gives no answer"
	gatewayArgs := []string{"gateway", "--listen", f.http, "--api-key", testKey, "--p2p-listen", "/ip4/127.0.0.1/tcp/" + strconv.Itoa(f.p2pPort), "--chain-poll", "300ms", "--settle-every", "1s"}
	f.gateway = f.start("gateway", gatewayArgs...)
	early := f.start("birch", "operator", "--backend", newModelServer(t, 5, -1).URL, "--price", "*=10/20", "--stake", "50", "--chain-poll", "300ms")
	for _, p := range []*process{f.gateway, early} {
		f.eventually("it says what it waits for", func() error {
			if !strings.Contains(p.out.String(), waits) {
				return errNotYet
			}
			return nil
		})
	}
	if resp, err := http.Get("http://" + f.http + "/readyz"); err == nil {
		resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			t.Error("a gateway without a chain says that it is ready")
		}
	}

	target, err := url.Parse(f.chain.URL())
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", at)
	if err != nil {
		t.Fatal(err)
	}
	srv := &http.Server{Handler: httputil.NewSingleHostReverseProxy(target)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(l) }()
	t.Cleanup(func() {
		_ = srv.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	f.awaitGateway()
	f.eventually("the operator stakes", func() error {
		if !strings.Contains(early.out.String(), "staked") {
			return errNotYet
		}
		return nil
	})
	f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	if a := f.chat("hello"); !a.done || a.err != "" {
		t.Fatalf("answer %+v", a)
	}
	f.settled(1)
	if n := strings.Count(f.gateway.out.String(), waits); n != 1 {
		t.Errorf("told %d times", n)
	}
}

// What waiting does not mend ends a node at once.
func TestNodesOfAnotherChainEnd(t *testing.T) {
	f := newFleet(t)
	for name, wrong := range map[string][]string{
		"wrong chain":            {"--chain-id", "1"},
		"no contract at address": {"--contract", "0x00000000000000000000000000000000000000f1"},
		"RPC URL is none":        {"--rpc", "localhost:8545"},
	} {
		p := f.start("gateway", append([]string{"gateway", "--listen", f.http, "--p2p-listen", "/ip4/127.0.0.1/tcp/" + strconv.Itoa(f.p2pPort)}, wrong...)...)
		<-p.done
		if !strings.Contains(p.out.String(), name) || p.cmd.ProcessState.ExitCode() != 1 {
			t.Errorf("want %q, got exit status %d:\n%s", name, p.cmd.ProcessState.ExitCode(), p.out)
		}
	}
}
