// Package testnet runs a complete fleet on one machine: an Ethereum development chain with the contracts, real local
// models, three operators and a gateway. Everything in it is the real thing but the money: keys and tokens are worth
// nothing anywhere else.
//
// All state is under one folder and survives a restart and kill -9.
package testnet

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"flotilla/node"
	"flotilla/routing"
	"flotilla/settlement"
	"flotilla/settlement/ethchain"
	"flotilla/testnet/localmodels"
)

// Config of a local fleet.
type Config struct {
	// Dir holds all state: chain, ledgers, identities, the API key. One fleet at a time.
	Dir string
	// CacheDir holds the fetched models and model server; shared between fleets. Default: the user's cache folder.
	CacheDir string
	// HTTPListen is host:port of the gateway. Default 127.0.0.1:8420; port 0 takes a free one.
	HTTPListen string
	// RPCPort of the chain and P2PPort of the gateway's libp2p, on 127.0.0.1; 0 takes a free one.
	RPCPort, P2PPort int
	// AdminListen is the loopback host:port of the gateway's pages for its owner; empty for none.
	AdminListen string
	// BlockEvery is the least time between blocks; below 1 s chain time runs ahead of the clock. Default 1 s.
	BlockEvery time.Duration
	// SettleEvery is how long a receipt waits for its batch. Default 1 min.
	SettleEvery time.Duration
	// Operators of the fleet; default: two models, one at two prices.
	Operators []OperatorSpec
	// Router decides for the gateway.
	Router *routing.Router
	// Progress gets one line a step, for people.
	Progress io.Writer
	Logger   *slog.Logger
}

// OperatorSpec is one operator of the fleet.
type OperatorSpec struct {
	Name  string
	Model string // one of localmodels' names
	URL   string // of a model server that runs already, served whole in place of Model
	Price settlement.Price
	Stake settlement.Amount
}

// defaultOperators are two sellers of one model at different prices, and one of another: enough for a real choice of
// model and a real choice of operator. Prices are about a hundred times what such small models cost elsewhere: the dial
// weighs absolute money, and at their real prices there would be nothing to weigh.
func defaultOperators() []OperatorSpec {
	const stake = 50_000_000
	return []OperatorSpec{
		{Name: "alder", Model: localmodels.SmolLM2, Price: settlement.Price{InputPerMTok: 20_000_000, OutputPerMTok: 40_000_000}, Stake: stake},
		{Name: "birch", Model: localmodels.SmolLM2, Price: settlement.Price{InputPerMTok: 15_000_000, OutputPerMTok: 30_000_000}, Stake: stake},
		{Name: "cedar", Model: localmodels.Gemma3, Price: settlement.Price{InputPerMTok: 5_000_000, OutputPerMTok: 10_000_000}, Stake: stake},
	}
}

// Net is a running fleet.
type Net struct {
	cfg       Config
	chain     *Chain
	servers   []*localmodels.Server
	gateway   *node.Node
	operators []*node.Node
	clients   []*ethchain.Chain
	apiKey    string
}

// Open sets everything up: fetches what is missing, starts chain and model servers, and wires the nodes. Run serves.
func Open(ctx context.Context, cfg Config) (_ *Net, err error) {
	cfg.setDefaults()
	n := &Net{cfg: cfg}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	if n.apiKey, err = loadAPIKey(filepath.Join(cfg.Dir, "api-key")); err != nil {
		return nil, err
	}
	if err := WriteKeyFile(n.spareKey(), roleSpare, SparePassphrase); err != nil {
		return nil, err
	}
	var paths localmodels.Paths
	if cfg.needsModels() {
		if paths, err = localmodels.Install(ctx, cfg.CacheDir, cfg.Progress); err != nil {
			return nil, fmt.Errorf("fetch models: %w", err)
		}
	}
	// The chain and the model servers do not need each other: start them at once.
	group, groupCtx := errgroup.WithContext(ctx)
	n.servers = make([]*localmodels.Server, len(cfg.Operators))
	group.Go(func() (err error) {
		n.chain, err = startChain(groupCtx, cfg)
		return err
	})
	for i, op := range cfg.Operators {
		if op.URL != "" {
			continue
		}
		group.Go(func() (err error) {
			n.servers[i], err = localmodels.Start(groupCtx, localmodels.Config{
				Paths: paths, Model: op.Model, Threads: 1, LogDir: filepath.Join(cfg.Dir, op.Name, "logs"),
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	n.say("chain        %s, settlement contract %s", n.chain.URL(), n.chain.Domain().Contract)
	if err := n.openNodes(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

func (c *Config) needsModels() bool {
	return slices.ContainsFunc(c.Operators, func(op OperatorSpec) bool { return op.URL == "" })
}

func (c *Config) setDefaults() {
	if c.HTTPListen == "" {
		c.HTTPListen = "127.0.0.1:8420"
	}
	if c.BlockEvery == 0 {
		c.BlockEvery = time.Second
	}
	if c.SettleEvery == 0 {
		c.SettleEvery = time.Minute
	}
	if c.Operators == nil {
		c.Operators = defaultOperators()
	}
	if c.Progress == nil {
		c.Progress = io.Discard
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
}

// GatewayDir is the data directory of the gateway of the fleet whose state is in dir.
func GatewayDir(dir string) string { return filepath.Join(dir, roleGateway) }

// openNodes wires the gateway first, since operators dial it.
func (n *Net) openNodes(ctx context.Context) error {
	gwKey := DevKey("gateway")
	gwChain, err := n.chain.client(ctx, gwKey)
	if err != nil {
		return err
	}
	n.clients = append(n.clients, gwChain)
	n.gateway, err = node.Open(ctx, node.Config{
		DataDir: GatewayDir(n.cfg.Dir), Key: gwKey, Domain: n.chain.Domain(), Chain: gwChain, ChainPoll: time.Second,
		AdminListen: n.cfg.AdminListen, Listen: []string{fmt.Sprintf("/ip4/127.0.0.1/tcp/%d", n.cfg.P2PPort)}, Logger: n.cfg.Logger.With("node", "gateway"),
		Gateway: &node.GatewayConfig{
			Router: n.cfg.Router, HTTPListen: n.cfg.HTTPListen, APIKeys: []string{n.apiKey}, LaneDeposit: 10_000_000,
			Settle: settlement.SettlerConfig{MaxAge: n.cfg.SettleEvery},
		},
	})
	if err != nil {
		return fmt.Errorf("open gateway: %w", err)
	}
	for i, spec := range n.cfg.Operators {
		if spec.URL == "" {
			spec.URL = n.servers[i].URL
		}
		op, err := n.openOperator(ctx, spec)
		if err != nil {
			return fmt.Errorf("open operator %s: %w", spec.Name, err)
		}
		n.operators = append(n.operators, op)
		n.say("operator     %-6s %s  %-22s %5s/%s USD per Mtok in/out", spec.Name, DevAddress(spec.Name), spec.Model,
			perMTok(spec.Price.InputPerMTok), perMTok(spec.Price.OutputPerMTok))
	}
	return nil
}

func (n *Net) openOperator(ctx context.Context, spec OperatorSpec) (*node.Node, error) {
	key := DevKey(spec.Name)
	chain, err := n.chain.client(ctx, key)
	if err != nil {
		return nil, err
	}
	n.clients = append(n.clients, chain)
	served, err := node.ServeURL(ctx, spec.URL, spec.Price)
	if err != nil {
		return nil, err
	}
	return node.Open(ctx, node.Config{
		DataDir: filepath.Join(n.cfg.Dir, spec.Name), Key: key, Domain: n.chain.Domain(), Chain: chain, ChainPoll: time.Second,
		// No listen address: an operator dials out, as one behind a home router would.
		Bootstrap: n.gateway.Addrs(), Logger: n.cfg.Logger.With("node", spec.Name),
		Operator: &node.OperatorConfig{Models: served, Stake: spec.Stake},
	})
}

// Run serves until ctx ends, then stops the nodes in order: gateway first, so that nothing new is asked.
func (n *Net) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, op := range n.operators {
		group.Go(func() error {
			if err := op.Run(ctx); err != nil {
				return fmt.Errorf("operator %s: %w", n.cfg.Operators[i].Name, err)
			}
			return nil
		})
	}
	for i, server := range n.servers {
		if server != nil {
			group.Go(func() error { n.watch(ctx, n.cfg.Operators[i].Name, server); return nil })
		}
	}
	group.Go(func() error {
		if err := n.gateway.Run(ctx); err != nil {
			return fmt.Errorf("gateway: %w", err)
		}
		return nil
	})
	return group.Wait()
}

// watch says when an operator's model server has ended: the operator stays, and each request to it fails.
func (n *Net) watch(ctx context.Context, operator string, server *localmodels.Server) {
	select {
	case <-ctx.Done():
	case <-server.Exited():
		n.cfg.Logger.Error("the model server of an operator has ended: its requests fail until the fleet is started anew",
			"operator", operator, "model", server.Model, "log", server.Log)
	}
}

// WaitReady returns when every operator can be asked, or says what is still missing when ctx ends.
func (n *Net) WaitReady(ctx context.Context) error {
	for {
		ready := n.gateway.Gateway.Serving()
		if len(ready) >= len(n.cfg.Operators) {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for the fleet: %d of %d operators can be asked: %w", len(ready), len(n.cfg.Operators), ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Close stops what Open started. Run must have returned.
func (n *Net) Close() error {
	var errs []error
	if n.gateway != nil {
		errs = append(errs, n.gateway.Close())
	}
	for _, op := range n.operators {
		errs = append(errs, op.Close())
	}
	for _, c := range n.clients {
		errs = append(errs, c.Close())
	}
	for _, s := range n.servers {
		if s != nil {
			errs = append(errs, s.Stop())
		}
	}
	if n.chain != nil {
		errs = append(errs, n.chain.Close())
	}
	return errors.Join(errs...)
}

// URL is the base URL for OpenAI clients, ending in /v1.
func (n *Net) URL() string { return "http://" + n.gateway.HTTPAddr() + "/v1" }

// PageURL opens the gateway's page with the fleet's key: what follows # stays in the browser.
func (n *Net) PageURL() string { return "http://" + n.gateway.HTTPAddr() + "/#key=" + n.apiKey }

// AdminURL is the address of the gateway's pages for its owner, empty when there are none.
func (n *Net) AdminURL() string {
	if addr := n.gateway.AdminAddr(); addr != "" {
		return "http://" + addr
	}
	return ""
}

// APIKey is the gateway's key for clients.
func (n *Net) APIKey() string { return n.apiKey }

// RPC is the chain's JSON-RPC URL.
func (n *Net) RPC() string { return n.chain.URL() }

// Domain names the chain and the contract.
func (n *Net) Domain() settlement.Domain { return n.chain.Domain() }

// Bootstrap are the addresses by which another operator can join.
func (n *Net) Bootstrap() []string { return n.gateway.Addrs() }

// Operators of the fleet.
func (n *Net) Operators() []OperatorSpec { return n.cfg.Operators }

// SettleNow brings every receipt on chain.
func (n *Net) SettleNow(ctx context.Context) error { return n.gateway.SettleNow(ctx) }

func (n *Net) spareKey() string { return filepath.Join(n.cfg.Dir, roleSpare+".key") }

func (n *Net) say(format string, args ...any) { fmt.Fprintf(n.cfg.Progress, format+"\n", args...) }

// loadAPIKey reads the fleet's client key, or makes it on the first start, and again where a crash left an empty file.
func loadAPIKey(file string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read API key: %w", err)
	}
	if have := strings.TrimSpace(string(raw)); have != "" {
		return have, nil
	}
	var b [24]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	key := "sk-flotilla-" + hex.EncodeToString(b[:])
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return "", fmt.Errorf("make state folder: %w", err)
	}
	if err := os.WriteFile(file, []byte(key+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("write API key: %w", err)
	}
	return key, nil
}
