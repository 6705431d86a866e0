package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet"
	"flotilla/testnet/devchain"
)

// asFlotilla makes this test binary be the flotilla command: the processes of these tests are real ones, so that they
// can be killed with SIGKILL.
const asFlotilla = "FLOTILLA_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asFlotilla) != "" {
		main()
	}
	if target := os.Getenv(asProxy); target != "" {
		fmt.Fprintln(os.Stderr, runProxy(target))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

const (
	testModel      = "smollm2-135m-instruct"
	testKey        = "sk-test"
	testPassphrase = "test"
	patience       = 60 * time.Second
)

// fleet is a chain in this process and nodes in processes of their own.
type fleet struct {
	t       *testing.T
	dir     string
	chain   *devchain.Chain
	domain  settlement.Domain
	reader  *ethchain.Chain
	rpc     string // the chain's URL as nodes have it; empty: the chain's own
	http    string // host:port of the gateway
	p2pPort int
	boot    string
	gateway *process
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	if testing.Short() {
		t.Skip("starts processes and a chain")
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	roles := []string{"deployer", "gateway", "alder", "birch"}
	eth := new(big.Int).Mul(big.NewInt(1000), big.NewInt(1e18))
	alloc := map[common.Address]*big.Int{}
	for _, r := range roles {
		alloc[testnet.DevAddress(r)] = eth
	}
	chain, err := devchain.Start(ctx, devchain.Config{BlockGap: 100 * time.Millisecond, Alloc: alloc})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = chain.Close() })
	f := &fleet{t: t, dir: t.TempDir(), chain: chain}
	holders := []common.Address{testnet.DevAddress("gateway"), testnet.DevAddress("alder"), testnet.DevAddress("birch")}
	if f.domain, err = testnet.Deploy(ctx, chain, holders); err != nil {
		t.Fatal(err)
	}
	if f.reader, err = ethchain.New(ctx, ethchain.Config{RPC: chain.URL(), Contract: f.domain.Contract, ChainID: f.domain.ChainID}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.reader.Close() })
	f.http, f.p2pPort = "127.0.0.1:"+strconv.Itoa(freePort(t)), freePort(t)
	for _, r := range roles[1:] {
		f.writeKey(r)
	}
	return f
}

// freePort is one that nobody else gets by asking for any: it lies below those that systems hand out, and stays free while a node that
// was killed is away.
func freePort(t *testing.T) int {
	t.Helper()
	for range 100 {
		port := 10_000 + rand.IntN(20_000)
		if l, err := net.Listen("tcp", "127.0.0.1:"+strconv.Itoa(port)); err == nil {
			l.Close()
			return port
		}
	}
	t.Fatal("no port is free")
	return 0
}

func (f *fleet) writeKey(role string) {
	f.t.Helper()
	if err := testnet.WriteKeyFile(filepath.Join(f.dir, role+".key"), role, testPassphrase); err != nil {
		f.t.Fatal(err)
	}
}

// process is one flotilla node.
type process struct {
	cmd  *exec.Cmd
	out  *tail
	done chan struct{}
}

func (f *fleet) start(role string, args ...string) *process {
	f.t.Helper()
	args = slices.Concat(args[:1], []string{"--rpc", cmp.Or(f.rpc, f.chain.URL()), "--contract", f.domain.Contract.Hex(),
		"--key", filepath.Join(f.dir, role+".key"), "--data-dir", filepath.Join(f.dir, role)}, args[1:]) // the last of a flag counts
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), asFlotilla+"=1", "FLOTILLA_PASSPHRASE="+testPassphrase, "FLOTILLA_LOG_LEVEL=info")
	p := &process{cmd: cmd, out: &tail{}, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = p.out, p.out
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { _ = cmd.Wait(); close(p.done) }()
	f.t.Cleanup(func() {
		p.kill()
		if f.t.Failed() {
			f.t.Logf("--- %s\n%s", role, p.out)
		}
	})
	return p
}

// kill is SIGKILL: the process gets no chance to tidy up.
func (p *process) kill() {
	_ = p.cmd.Process.Signal(syscall.SIGKILL)
	<-p.done
}

func (f *fleet) startGateway(args ...string) {
	f.t.Helper()
	f.gateway = f.start("gateway", append([]string{"gateway", "--listen", f.http, "--api-key", testKey,
		"--p2p-listen", fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", f.p2pPort), "--chain-poll", "300ms"}, args...)...)
	f.awaitGateway()
}

// awaitGateway waits until the gateway serves, and learns its address.
func (f *fleet) awaitGateway() {
	f.t.Helper()
	f.eventually("the gateway prints its address", func() error {
		for _, line := range strings.Split(f.gateway.out.String(), "\n") {
			if addr, ok := strings.CutPrefix(line, "bootstrap "); ok {
				f.boot = addr
				return nil
			}
		}
		return fmt.Errorf("not yet")
	})
}

func (f *fleet) startOperator(role, backendURL, price string) *process {
	f.t.Helper()
	return f.start(role, "operator", "--backend", backendURL, "--price", "*="+price, "--stake", "50",
		"--bootstrap", f.boot, "--chain-poll", "300ms", "--advert-every", "1m")
}

// waitServing waits until the gateway can ask n operators.
func (f *fleet) waitServing(n int) {
	f.t.Helper()
	f.eventually(fmt.Sprintf("%d operators can be asked", n), func() error {
		raw, err := f.call(http.MethodPost, "/v1/route", map[string]any{"model": testModel, "messages": []any{map[string]string{"role": "user", "content": "hi"}}})
		if err != nil {
			return err
		}
		var d struct {
			Considered []json.RawMessage `json:"considered"`
		}
		if err := json.Unmarshal(raw, &d); err != nil {
			return err
		}
		if len(d.Considered) != n {
			return fmt.Errorf("%d considered: %s", len(d.Considered), raw)
		}
		return nil
	})
}

func (f *fleet) call(method, path string, body any) ([]byte, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(f.t.Context(), method, "http://"+f.http+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	out, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: %s: %s", method, path, resp.Status, out)
	}
	return out, err
}

// answer is one streamed chat as the client saw it.
type answer struct {
	text     string
	err      string // the error event's message
	done     bool   // [DONE] arrived
	operator string
}

// streamRequest starts a streamed chat with the named model and returns once the first byte is there.
func (f *fleet) streamRequest(ctx context.Context, prompt string) (*http.Response, error) {
	f.t.Helper()
	body, err := json.Marshal(map[string]any{"model": testModel, "stream": true, "max_tokens": 50, "messages": []any{map[string]string{"role": "user", "content": prompt}}})
	if err != nil {
		f.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+f.http+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	return http.DefaultClient.Do(req)
}

// chat streams one answer from the named model, to its end or break.
func (f *fleet) chat(prompt string) answer {
	f.t.Helper()
	return f.chatUntil(prompt, func(int) bool { return true })
}

// chatUntil tells more how many tokens have arrived after each, and leaves when it says no.
func (f *fleet) chatUntil(prompt string, more func(tokens int) bool) answer {
	f.t.Helper()
	resp, err := f.streamRequest(f.t.Context(), prompt)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	a := answer{operator: resp.Header.Get("x-flotilla-operator")}
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(resp.Body)
		a.err = string(raw)
		return a
	}
	for sc := bufio.NewScanner(resp.Body); sc.Scan(); {
		data, ok := strings.CutPrefix(sc.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			a.done = true
			break
		}
		var ch struct {
			Choices []struct{ Delta struct{ Content string } }
			Error   *struct{ Message string }
		}
		if err := json.Unmarshal([]byte(data), &ch); err != nil {
			f.t.Fatalf("chunk %s: %v", data, err)
		}
		if ch.Error != nil {
			a.err = ch.Error.Message
		}
		for _, c := range ch.Choices {
			a.text += c.Delta.Content
			if c.Delta.Content != "" && !more(strings.Count(a.text, "tok")) {
				return a
			}
		}
	}
	return a
}

// bundles fetches every receipt of the gateway.
func (f *fleet) bundles() []settlement.Bundle {
	f.t.Helper()
	raw, err := f.call(http.MethodGet, "/v1/receipts?limit=100", nil)
	if err != nil {
		f.t.Fatal(err)
	}
	var list struct {
		Data []string `json:"data"`
	}
	if err := json.Unmarshal(raw, &list); err != nil {
		f.t.Fatalf("receipts list %s: %v", raw, err)
	}
	var out []settlement.Bundle
	for _, r := range list.Data {
		raw, err := f.call(http.MethodGet, "/v1/receipts/"+r, nil)
		if err != nil {
			f.t.Fatal(err)
		}
		b, err := settlement.DecodeBundle(raw)
		if err != nil {
			f.t.Fatal(err)
		}
		out = append(out, b)
	}
	return out
}

// settled waits until every receipt is on chain and verifies them all; it returns what each operator was paid.
func (f *fleet) settled(want int) map[common.Address]settlement.Amount {
	f.t.Helper()
	var bs []settlement.Bundle
	f.eventually("all receipts are settled", func() error {
		bs = f.bundles()
		if len(bs) != want {
			return fmt.Errorf("%d receipts, want %d", len(bs), want)
		}
		for _, b := range bs {
			if b.Inclusion == nil {
				return fmt.Errorf("receipt %s is not on chain", b.ID())
			}
		}
		return nil
	})
	owed := map[common.Address]settlement.Amount{}
	for i, r := range settlement.VerifyAll(f.t.Context(), bs, f.reader, settlement.VerifyOptions{Domain: f.domain}) {
		if err := r.Err(); err != nil {
			f.t.Errorf("verify: %v", err)
		}
		owed[bs[i].Receipt.Payee] += bs[i].Receipt.Amount
	}
	for _, role := range []string{"alder", "birch"} {
		addr := testnet.DevAddress(role)
		paid, err := f.reader.Claimable(f.t.Context(), addr)
		if err != nil {
			f.t.Fatal(err)
		}
		if paid != owed[addr] {
			f.t.Errorf("%s was paid %s, its receipts add up to %s", role, paid, owed[addr])
		}
	}
	return owed
}

func (f *fleet) eventually(what string, check func() error) {
	f.t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("waited %s for: %s: %v", patience, what, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
}

// tail keeps the last output of a process.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	if over := len(t.buf) - 1<<18; over > 0 {
		t.buf = t.buf[over:]
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.buf)
}
