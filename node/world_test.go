package node

import (
	"bytes"
	"cmp"
	"context"
	"crypto/ecdsa"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"

	"flotilla/node/backend"
	"flotilla/p2p"
	"flotilla/routing"
	"flotilla/routing/index"
	"flotilla/settlement"
	"flotilla/settlement/memchain"
)

const (
	worldModel  = "smollm2-135m-instruct"
	worldAPIKey = "sk-world"
	worldWait   = 30 * time.Second
)

// world is a gateway over real libp2p on loopback, with the contract's rules in memory.
type world struct {
	t       testing.TB
	mem     *memchain.Chain
	gwKey   *ecdsa.PrivateKey
	gateway *Node
	router  *routing.Router
	// modelURL is the honest operator's model server.
	modelURL string
	// operatorLog is where operators log that are started from now on; nil: nowhere.
	operatorLog *slog.Logger
	// operatorListen is where they listen; nil: nowhere.
	operatorListen []string
	// operatorKey is their account; nil: each has its own.
	operatorKey *ecdsa.PrivateKey

	mu     sync.Mutex
	staked []common.Address
}

// chainFor is the in-memory chain as one account uses it.
type chainFor struct {
	*memchain.Chain
	w    *world
	self common.Address
}

func (c chainFor) StakedOperators(context.Context) ([]common.Address, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return append([]common.Address(nil), c.w.staked...), nil
}

func (c chainFor) AddStake(_ context.Context, a settlement.Amount) error {
	c.w.stake(c.self, a)
	return nil
}

func (c chainFor) HasStaked(_ context.Context, op common.Address) (bool, error) {
	c.w.mu.Lock()
	defer c.w.mu.Unlock()
	return slices.Contains(c.w.staked, op), nil
}

func (c chainFor) Deposit(_ context.Context, payee common.Address, a settlement.Amount) error {
	c.Chain.Deposit(c.self, payee, a)
	return nil
}

func (w *world) stake(op common.Address, a settlement.Amount) {
	w.mem.AddStake(op, a)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.staked = append(w.staked, op)
}

// noEmbedder serves tests that name their model: nothing is ever embedded.
type noEmbedder struct{}

func (noEmbedder) Embed(context.Context, string) ([]float32, error) {
	return nil, fmt.Errorf("nothing is to be embedded here")
}
func (noEmbedder) ID() string { return "none" }
func (noEmbedder) Dim() int   { return 2 }

// newWorld has a gateway that pays from its own account.
func newWorld(t testing.TB) *world {
	t.Helper()
	w := newEmptyWorld(t)
	w.gateway = w.open(w.gatewayConfig())
	return w
}

// newEmptyWorld has no node yet.
func newEmptyWorld(t testing.TB) *world {
	t.Helper()
	w := &world{t: t, mem: memchain.New(memchain.Config{Domain: testDomain}), gwKey: testKey(t)}
	b, err := index.NewBuilder("none", 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range [][]float32{{1, 0}, {0, 1}} {
		if err := b.Add(index.Row{Vector: v, Source: "test", Outcomes: []index.Outcome{{Model: worldModel, Score: 0.5, OutputTokens: 10}}}); err != nil {
			t.Fatal(err)
		}
	}
	ix, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	if w.router, err = routing.New(routing.Config{Embedder: noEmbedder{}, Index: ix}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) gatewayConfig() Config {
	return Config{
		DataDir: w.t.TempDir(), Key: w.gwKey, Listen: []string{"/ip4/127.0.0.1/tcp/0"},
		Gateway: &GatewayConfig{Router: w.router, HTTPListen: "127.0.0.1:0", APIKeys: []string{worldAPIKey}, LaneDeposit: 1_000_000},
	}
}

// onChain is cfg with the world's chain. Its gateway gives operators longer than the default: on a busy machine no test must fail for that.
func (w *world) onChain(cfg Config) Config {
	if cfg.Gateway != nil {
		cfg.Gateway.Timeouts.Accept = worldWait
	}
	cfg.Domain, cfg.ChainPoll = testDomain, cmp.Or(cfg.ChainPoll, 50*time.Millisecond)
	cfg.Chain = chainFor{w.mem, w, crypto.PubkeyToAddress(cfg.Key.PublicKey)}
	return cfg
}

// open starts a node and stops it with the test.
func (w *world) open(cfg Config) *Node {
	w.t.Helper()
	n, err := Open(w.t.Context(), w.onChain(cfg))
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Errorf("run node: %v", err)
		}
		if err := n.Close(); err != nil {
			w.t.Errorf("close node: %v", err)
		}
	})
	return n
}

// honestOperator serves worldModel from a model server that answers with five tokens.
func (w *world) honestOperator() *Node {
	w.t.Helper()
	return w.operator(OperatorConfig{})
}

// operator is honestOperator with some of its configuration given.
func (w *world) operator(cfg OperatorConfig) *Node {
	w.t.Helper()
	return w.operatorOf(fiveTokens, cfg)
}

// operatorOf serves worldModel from a model server of one's own.
func (w *world) operatorOf(model http.HandlerFunc, cfg OperatorConfig, alsoDial ...string) *Node {
	w.t.Helper()
	op := w.startOperator(model, cfg, alsoDial...)
	w.waitServing(1)
	return op
}

// startOperator is operatorOf that does not wait for a funded lane.
func (w *world) startOperator(model http.HandlerFunc, cfg OperatorConfig, alsoDial ...string) *Node {
	w.t.Helper()
	srv := httptest.NewServer(model)
	w.t.Cleanup(srv.Close)
	w.modelURL = srv.URL
	b, err := backend.New(srv.URL, backend.Options{})
	if err != nil {
		w.t.Fatal(err)
	}
	cfg.Stake = 50_000_000
	cfg.Models = []ServedModel{{Model: worldModel, BackendModel: worldModel, Backend: b, Price: Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000}, MaxContext: 2048}}
	return w.open(Config{
		DataDir: w.t.TempDir(), Key: cmp.Or(w.operatorKey, testKey(w.t)), Listen: w.operatorListen, Bootstrap: append(w.gateway.Addrs(), alsoDial...), Operator: &cfg, Logger: w.operatorLog,
	})
}

func fiveTokens(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fmt.Fprintf(rw, `{"object":"list","data":[{"id":%q,"object":"model"}]}`, worldModel)
		return
	}
	_, _ = io.Copy(io.Discard, r.Body)
	rw.Header().Set("Content-Type", "text/event-stream")
	for i := range 5 {
		fmt.Fprintf(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t%d \"}}]}\n\n", i)
	}
	fmt.Fprint(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n")
	fmt.Fprint(rw, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":5}}\n\ndata: [DONE]\n\n")
}

func (w *world) waitServing(n int) {
	w.t.Helper()
	w.eventually(fmt.Sprintf("%d operators can be asked", n), func() bool { return len(w.gateway.Gateway.Serving()) == n })
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(worldWait); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("waited %s for: %s", worldWait, what)
		}
	}
}

// chat sends one streamed request to the gateway and returns the status and the whole body.
func (w *world) chat() (int, string) {
	w.t.Helper()
	return w.chatAt("http://" + w.gateway.HTTPAddr())
}

func (w *world) chatAt(url string) (int, string) {
	w.t.Helper()
	body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":20,"messages":[{"role":"user","content":"hello there"}]}`, worldModel)
	req, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, url+"/v1/chat/completions", bytes.NewReader([]byte(body)))
	if err != nil {
		w.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+worldAPIKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		raw = append(raw, "\n(read: "+err.Error()+")"...)
	}
	return resp.StatusCode, string(raw)
}

// receipts of the gateway.
func (w *world) receipts() []settlement.Bundle {
	w.t.Helper()
	var out []settlement.Bundle
	for r, err := range w.gateway.ledger.Receipts(settlement.Filter{}) {
		if err != nil {
			w.t.Fatal(err)
		}
		out = append(out, r.Bundle)
	}
	return out
}

// rawHost is a libp2p node that does not follow our rules: it is what the liars of the tests are built on.
func (w *world) rawHost(role p2p.Role, listen ...string) *p2p.Host {
	w.t.Helper()
	id, err := p2p.LoadIdentity(w.t.TempDir() + "/peer.key")
	if err != nil {
		w.t.Fatal(err)
	}
	h, err := p2p.New(p2p.Config{
		Identity: id, Role: role, Listen: listen, Bootstrap: w.gateway.Addrs(), Network: networkName(testDomain),
		CheckAdvert: func(p2p.Advert) (p2p.Verdict, error) { return p2p.Accept, nil }, Logger: w.gateway.cfg.Logger,
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- h.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		<-done
		if err := h.Close(); err != nil {
			w.t.Errorf("close host: %v", err)
		}
	})
	return h
}

// mustEncode is for what p2p carries.
func mustEncode(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := encode(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func mustJSON(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
