package node

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"flotilla/node/access"
	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/node/postgres"
	"flotilla/routing"
	"flotilla/settlement"
)

// Config describes one node. Exactly one of Gateway and Operator is set: a machine that wants both roles runs two
// nodes, since each has its own key and ledger.
type Config struct {
	// DataDir holds the ledger, the libp2p identity and the known peers. One process at a time.
	DataDir string
	// Key signs orders, vouchers, prices and receipts. Whoever has it can spend the node's escrow or stake its name.
	Key *ecdsa.PrivateKey
	// Payer is the account that a gateway pays from; the address of Key when zero. Another account must have authorised
	// Key on chain, and funds its lanes itself: then the machine that serves holds no key that can take escrow out.
	Payer common.Address
	// Domain is the chain and the contract that every signature is bound to.
	Domain settlement.Domain
	// Chain is the settlement contract.
	Chain Chain
	// ChainPoll is how often stakes and lanes are read again. Default 15 s. Longer means slower to see a new operator.
	ChainPoll time.Duration
	// Listen are libp2p multiaddrs. A gateway needs one that operators can reach; an operator may have none.
	Listen []string
	// Bootstrap are multiaddrs of nodes to join by. With none, only peers kept from earlier runs are dialled.
	Bootstrap []string
	// AdminListen is the loopback host:port of the pages for the node's owner; empty for none. Port 0 takes a free one.
	AdminListen string
	// Logger gets outcomes an operator cares about; never prompts, keys or signatures.
	Logger *slog.Logger

	Gateway  *GatewayConfig
	Operator *OperatorConfig
}

// IndexFileName is a gateway's edited index in its data directory.
const IndexFileName = "index.fidx"

// GenerationsDirName is, in a gateway's data directory, the folder of the generations of its index.
const GenerationsDirName = "generations"

// minStoreLease leaves a gateway several beats to be heard.
const minStoreLease = 2 * time.Second

// PeersFileName is, in a node's data directory, whom it has met and dials again.
const PeersFileName = "peers.json"

// AccessDirName is the folder of a gateway's API keys in its data directory.
const AccessDirName = "access"

// GatewayConfig is the part of a node that answers the OpenAI API.
type GatewayConfig struct {
	// Router decides; its embedder and index are chosen by the caller (cmd, testnet).
	Router *routing.Router
	// IndexFile is where the router's index is kept once it has been edited. Default: IndexFileName in DataDir.
	IndexFile string
	// HTTPListen is host:port of the OpenAI API. Default 127.0.0.1:8420. Port 0 takes a free one.
	HTTPListen string
	// APIKeys are keys that clients may use without limits, beside those that are made with 'flotilla keys'. With neither,
	// nobody is served: an open gateway spends its owner's money for anyone.
	APIKeys []string
	// LaneDeposit is the escrow that each operator's lane is topped up to. Default 1 USD. An operator whose lane is
	// empty refuses orders; what lies in a lane can be thawed back.
	LaneDeposit settlement.Amount
	// Store is the URL of a PostgreSQL database in which several gateways share API keys, budgets, rates and the request log.
	// Default: files of this gateway alone.
	Store string
	// StoreLease is how long a gateway may be silent until the others free what it holds of budgets. Default 15 min.
	StoreLease time.Duration
	// MaxOutputTokens is the limit of an answer whose request names none. Default 1024.
	MaxOutputTokens uint32
	// DefaultModel runs prompts that lie far from all the router knows, in any spelling; empty lets the router judge by
	// the models' general ability. A request may name its own.
	DefaultModel string
	// AcceptFeedback is how many API keys must say the same of a model on like prompts before their feedback becomes rows
	// of the index by itself; 0 leaves that to the owner.
	AcceptFeedback int
	// ShareIndex says which generations of the index users may have, to make their decisions again. Default: ShareOwn.
	ShareIndex IndexSharing
	// Upgrades bounds what one API key may spend on dearer models than the cheapest capable. Default: no bound.
	Upgrades openai.UpgradeLimits
	// Cache says which answers are given again to keys whose terms leave it open. Default: none.
	Cache access.Caching
	// LogAge and LogRecords bound the request log. Defaults 30 days and 250,000 records.
	LogAge     time.Duration
	LogRecords int
	// Traces makes the spans of requests: routing, and each order, by OpenTelemetry's conventions for generative models.
	// Default: none.
	Traces trace.TracerProvider
	// Settle says when receipts go on chain.
	Settle settlement.SettlerConfig
	// Queue is for requests whose operators are all busy.
	Queue QueueConfig
	// Timeouts of one operator's answer.
	Timeouts Timeouts
	// Drain is how long a gateway that is stopped lets answers under way finish. Default 30 s; what is left then is cut.
	Drain time.Duration
}

// Timeouts say when an operator is given up.
type Timeouts struct {
	// Connect bounds the dial of an operator that is not connected. Default 5 s.
	Connect time.Duration
	// Accept bounds the wait of an operator that has the whole request until it takes the order or refuses it; past it the next one is
	// tried. Default 2 s.
	Accept time.Duration
	// FirstByte bounds the wait for the first piece of a streamed answer; past it the next operator is tried. Default
	// 2 min: reading a long prompt takes a CPU that long. An answer that is not streamed has all its time before it.
	FirstByte time.Duration
	// Idle bounds the quiet within an answer; past it the answer is cut. Default 20 s.
	Idle time.Duration
}

// QueueConfig bounds the waiting of requests whose operators are all busy.
type QueueConfig struct {
	// Length is how many may wait. Default 256.
	Length int
	// Wait is how long one may. Default 10 s.
	Wait time.Duration
}

// OperatorConfig is the part of a node that serves models.
type OperatorConfig struct {
	// Models are what is served and for how much, each from one backend.
	Models []ServedModel
	// Find says what of one of their backends is served, when its list of models has changed. Without it, a model that was not there at
	// the start is not served. Optional.
	Find func(context.Context, *backend.Backend) ([]ServedModel, error)
	// Stake is topped up to this amount at start. What an operator is paid in an epoch is capped by it. 0 leaves it.
	Stake settlement.Amount
	// CreditLimit is how much a gateway may owe without a signed voucher before it is refused. Default 0.10 USD.
	CreditLimit settlement.Amount
	// MaxConcurrent requests over all gateways, and MaxPerGateway of one. Defaults 4 and 4: one slot more than a
	// local llama.cpp server runs at once makes requests wait, not fail.
	MaxConcurrent, MaxPerGateway int
	// AdvertEvery is how often prices are signed anew. Default 10 min; they are valid for three times that (≤ 1 h).
	AdvertEvery time.Duration
}

// Price of one model in token base units (1e-6 USD) per million tokens, and flat per request.
type Price = settlement.Price

func (c *Config) setDefaults() {
	c.ChainPoll = cmp.Or(c.ChainPoll, 15*time.Second)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if g := c.Gateway; g != nil {
		g.HTTPListen = cmp.Or(g.HTTPListen, "127.0.0.1:8420")
		g.IndexFile = cmp.Or(g.IndexFile, filepath.Join(c.DataDir, IndexFileName))
		if g.Traces == nil {
			g.Traces = noop.NewTracerProvider()
		}
		g.setDefaults()
		g.Timeouts.Connect = cmp.Or(g.Timeouts.Connect, 5*time.Second)
		g.Timeouts.FirstByte = cmp.Or(g.Timeouts.FirstByte, 2*time.Minute)
		g.Timeouts.Idle = cmp.Or(g.Timeouts.Idle, 20*time.Second)
		g.Drain = cmp.Or(g.Drain, 30*time.Second)
		g.Queue.Length = cmp.Or(g.Queue.Length, 256)
		g.Queue.Wait = cmp.Or(g.Queue.Wait, 10*time.Second)
	}
	if o := c.Operator; o != nil {
		o.CreditLimit = cmp.Or(o.CreditLimit, 100_000)
		o.MaxConcurrent = cmp.Or(o.MaxConcurrent, 4)
		o.MaxPerGateway = cmp.Or(o.MaxPerGateway, 4)
		o.AdvertEvery = cmp.Or(o.AdvertEvery, 10*time.Minute)
	}
}

// setDefaults of what Reconfigure can change.
func (g *GatewayConfig) setDefaults() {
	g.LaneDeposit = cmp.Or(g.LaneDeposit, 1_000_000)
	g.MaxOutputTokens = cmp.Or(g.MaxOutputTokens, 1024)
	g.ShareIndex = cmp.Or(g.ShareIndex, ShareOwn)
}

// self is the account that the node acts as: a gateway's payer, an operator's own.
func (c *Config) self() common.Address { return cmp.Or(c.Payer, c.signer()) }

// signer is the account of the key that the node signs with.
func (c *Config) signer() common.Address { return crypto.PubkeyToAddress(c.Key.PublicKey) }

// Validate reports what is wrong with the settings themselves, whatever they are used with.
func (g *GatewayConfig) Validate() error {
	var store, lease error
	if g.Store != "" {
		store = postgres.CheckURL(g.Store)
	}
	if g.StoreLease != 0 && g.StoreLease < minStoreLease {
		lease = fmt.Errorf("gateway: store lease %s: at least %s", g.StoreLease, minStoreLease)
	}
	return errors.Join(g.Cache.Validate(), store, lease, checkAPIKeys(g.APIKeys))
}

// checkAPIKeys refuses keys that no request could come with. Empty ones are left out: a variable that is not set.
func checkAPIKeys(keys []string) error {
	for i, k := range keys {
		if strings.TrimSpace(k) != k || len(k) > openai.MaxKeyBytes {
			return fmt.Errorf("gateway: API key %d of %d could never be used: a key has at most %d bytes and no white space at its ends", i+1, len(keys), openai.MaxKeyBytes)
		}
	}
	return nil
}

// Validate reports everything that is wrong at once.
func (c *Config) Validate() error {
	var errs []error
	add := func(bad bool, format string, args ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, args...))
		}
	}
	add(c.DataDir == "", "no data directory: name one that only this node uses")
	add(c.Key == nil, "no key: an operator or gateway signs with its own key")
	add(c.Chain == nil, "no chain: give the RPC URL and the contract's address")
	add(c.Operator != nil && c.Payer != (common.Address{}), "operator: it signs with its own key and pays for nobody: leave the payer out")
	add((c.Gateway == nil) == (c.Operator == nil), "a node is either a gateway or an operator")
	if g := c.Gateway; g != nil {
		add(g.Router == nil, "gateway: no router")
		errs = append(errs, g.Validate())
		add(len(c.Listen) == 0, "gateway: no libp2p listen address: operators could not reach it")
	}
	if o := c.Operator; o != nil {
		add(len(o.Models) == 0, "operator: no model to serve: start Ollama, llama.cpp or vLLM, or name a backend URL")
		add(o.AdvertEvery > 20*time.Minute, "operator: adverts every %s: at most 20m, since a price is valid for 1 h at most", o.AdvertEvery)
		for _, m := range o.Models {
			add(m.Backend == nil, "operator: model %s has no backend", m.Model)
			add(m.Model == "", "operator: a served model has no name")
		}
	}
	return errors.Join(errs...)
}
