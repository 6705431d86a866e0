package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/internal/hangup"
	"flotilla/node"
	"flotilla/settlement"
)

type gatewayCmd struct {
	embedderFlags
	chainFlags
	keyFlags
	fleetFlags
	traceFlags

	UpgradeShare float64 `help:"Largest share (0 to 1) of an API key's requests in a day that may be upgrades above the cheapest capable model; 0 sets no limit. Beyond it the cheapest capable answers." name:"upgrade-share" env:"FLOTILLA_UPGRADE_SHARE" default:"0"`
	UpgradeUSD   usd     `help:"Most USD a day that an API key's upgrades may cost above the cheapest capable model; 0 sets no limit." name:"upgrade-usd" env:"FLOTILLA_UPGRADE_USD" default:"0"`

	Listen      string        `help:"host:port of the OpenAI API." env:"FLOTILLA_LISTEN" default:"127.0.0.1:8420"`
	P2PListen   []string      `help:"libp2p listen multiaddrs; operators must reach them." name:"p2p-listen" env:"FLOTILLA_P2P_LISTEN" default:"/ip4/0.0.0.0/tcp/4001,/ip4/0.0.0.0/udp/4001/quic-v1"`
	APIKey      []string      `help:"API keys that clients may use without limits; others are made with 'flotilla keys create'." name:"api-key" env:"FLOTILLA_API_KEYS" placeholder:"KEY"`
	Payer       *address      `help:"Account to pay from, when that is not --key's own: it must have authorised the key ('flotilla escrow signer authorize') and funds its lanes itself ('flotilla escrow deposit')." env:"FLOTILLA_PAYER" placeholder:"0x…"`
	LaneDeposit usd           `help:"Escrow in USD that each operator's lane is topped up to." env:"FLOTILLA_LANE_DEPOSIT" default:"1" positive:""`
	SettleEvery time.Duration `help:"Longest time that a receipt waits for its batch." env:"FLOTILLA_SETTLE_EVERY" default:"10m" positive:""`
	SettleCount int           `help:"Receipts that fill a batch." env:"FLOTILLA_SETTLE_COUNT" default:"1000" positive:""`
	SettleWait  time.Duration `help:"Longest time that a lane waits until it is worth its gas." env:"FLOTILLA_SETTLE_WAIT" default:"24h" positive:""`
	SettleGain  uint64        `help:"A lane goes into a batch when it is worth so many times its gas (see --native-price)." env:"FLOTILLA_SETTLE_GAIN" default:"100" positive:""`
	Confirm     uint64        `help:"Blocks that make a batch final." env:"FLOTILLA_CONFIRM" default:"1" positive:""`
	Index       string        `help:"Routing index file; edits ('flotilla index') are written to it. Without it, the one in the binary, or in the data directory what edits have made of that." env:"FLOTILLA_INDEX" type:"existingfile" placeholder:"FILE"`
	Default     string        `help:"Model for prompts that are unlike everything in the index; without it, the router's general estimate decides. A request may name its own (default_model)." name:"default-model" env:"FLOTILLA_DEFAULT_MODEL" placeholder:"MODEL"`
	MaxOutput   uint32        `help:"Most tokens of an answer whose request sets no limit (max_tokens); what they may cost is held from its key's budget and the operator's lane." name:"max-output-tokens" env:"FLOTILLA_MAX_OUTPUT_TOKENS" default:"1024" positive:""`
	LogAge      time.Duration `help:"How long the request log keeps a record (no prompts; see 'flotilla requests')." env:"FLOTILLA_LOG_AGE" default:"720h" positive:""`
	LogRecords  int           `help:"Most records that the request log keeps." env:"FLOTILLA_LOG_RECORDS" default:"250000" positive:""`
	Connect     time.Duration `help:"Longest dial of an operator that is not connected." name:"connect-timeout" env:"FLOTILLA_CONNECT_TIMEOUT" default:"5s" positive:""`
	FirstByte   time.Duration `help:"Longest wait for the first byte of a streamed answer; then the next operator is tried." name:"first-byte-timeout" env:"FLOTILLA_FIRST_BYTE_TIMEOUT" default:"2m" positive:""`
	Idle        time.Duration `help:"Longest quiet within an answer; then it is cut." name:"idle-timeout" env:"FLOTILLA_IDLE_TIMEOUT" default:"20s" positive:""`
	QueueLength int           `help:"Requests that may wait when every operator is busy." name:"queue-length" env:"FLOTILLA_QUEUE_LENGTH" default:"256" positive:""`
	QueueWait   time.Duration `help:"How long one may wait." name:"queue-wait" env:"FLOTILLA_QUEUE_WAIT" default:"10s" positive:""`
	Drain       time.Duration `help:"How long answers under way may go on when the gateway is stopped." env:"FLOTILLA_DRAIN" default:"30s" positive:""`
	Cache       string        `help:"Give answers again to keys that leave it open: exact, to the same request; semantic, also to one that asks the same in other words. Never across keys; a request opts out with Cache-Control: no-cache." enum:"off,exact,semantic" env:"FLOTILLA_ANSWER_CACHE" default:"off"`
	CacheTTL    time.Duration `help:"How long an answer may be given again." name:"cache-ttl" env:"FLOTILLA_CACHE_TTL" default:"1h" positive:""`
	CacheCosine float64       `help:"Least similarity (cosine, 0.8 to 1) of two texts that ask the same." name:"cache-similarity" env:"FLOTILLA_CACHE_SIMILARITY" default:"0.97"`
	Store       string        `help:"PostgreSQL database in which several gateways share API keys, budgets, rates and the request log: postgres://user@host/database?sslmode=verify-full. Without it, files in the data directory." env:"FLOTILLA_STORE" placeholder:"URL"`
	StoreLease  time.Duration `help:"How long a gateway may be silent until those that share its --store free what it holds of budgets; longer than any answer takes." name:"store-lease" env:"FLOTILLA_STORE_LEASE" default:"15m" positive:""`
	ShareIndex  string        `help:"Which generations of the routing index API keys may fetch, of those that their own receipts name, so that 'flotilla verify' can make their decisions again: own, of built-in rows, probes and the key's own verdicts alone (not others' verdicts, judged logs or your tables); all; or off." name:"share-index" enum:"own,all,off" env:"FLOTILLA_SHARE_INDEX" default:"own"`
	Accept      int           `help:"Accept users' verdicts (POST /v1/feedback) by themselves when so many API keys agree; 0 leaves it to 'flotilla feedback'." name:"accept-feedback" env:"FLOTILLA_ACCEPT_FEEDBACK" default:"0"`
}

// gcPercent keeps a gateway within 60 MB: some 20 of its heap are in use, which Go lets double before it collects. Collecting is 3 % of
// its CPU then, and 1.4 times as much so.
const gcPercent = 70

// Run serves until the process is asked to stop.
func (c *gatewayCmd) Run(ctx context.Context, s *streams) error {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	key, err := c.load()
	if err != nil {
		return err
	}
	cfg, err := c.config()
	if err != nil {
		return err
	}
	router, closeRouter, err := openRouter(c.indexFile(), c.embedderFlags)
	if err != nil {
		return err
	}
	defer closeRouter()
	chain, domain, err := c.chainFlags.await(ctx, key, s.log)
	if err != nil {
		return err
	}
	defer func() { _ = chain.Close() }()
	traces, flush, err := c.traceFlags.open(ctx, s)
	if err != nil {
		return err
	}
	defer flush()
	cfg.Router, cfg.Traces = router, traces
	var payer common.Address
	if c.Payer != nil {
		payer = common.Address(*c.Payer)
	}
	n, err := node.Open(ctx, node.Config{
		DataDir: c.DataDir, Key: key, Payer: payer, Domain: domain, Chain: chain, ChainPoll: c.ChainPoll, AdminListen: c.AdminListen, Listen: c.P2PListen, Bootstrap: c.Bootstrap, Logger: s.log,
		Gateway: &cfg,
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(s.out, "gateway   http://%s/v1\n", n.HTTPAddr())
	fmt.Fprintf(s.out, "page      http://%s/\n", n.HTTPAddr())
	if addr := n.AdminAddr(); addr != "" {
		fmt.Fprintf(s.out, "admin     http://%s\n", addr)
	}
	for _, a := range n.Addrs() {
		fmt.Fprintf(s.out, "bootstrap %s\n", a)
	}
	ctx, stop := context.WithCancel(ctx)
	reloaded := make(chan struct{})
	go func() { defer close(reloaded); c.keepConfigured(ctx, s, n.Gateway, hangup.C) }()
	err = runAndClose(ctx, n)
	stop()
	<-reloaded
	return err
}

// config is what the flags say, but for the router.
func (c *gatewayCmd) config() (node.GatewayConfig, error) {
	upgrades, err := c.upgradeLimits()
	if err != nil {
		return node.GatewayConfig{}, err
	}
	kept, err := caching(c.Cache, c.CacheTTL, c.CacheCosine)
	if err != nil {
		return node.GatewayConfig{}, err
	}
	var keys []string
	for _, k := range c.APIKey {
		keys = append(keys, strings.TrimSpace(k)) // of "a, b", or of a file's last line; no request could come with it
	}
	return node.GatewayConfig{
		Cache: kept, IndexFile: c.Index, HTTPListen: c.Listen, APIKeys: keys, LaneDeposit: settlement.Amount(c.LaneDeposit), MaxOutputTokens: c.MaxOutput, DefaultModel: c.Default, Upgrades: upgrades, AcceptFeedback: c.Accept, ShareIndex: node.IndexSharing(c.ShareIndex),
		Timeouts: node.Timeouts{Connect: c.Connect, FirstByte: c.FirstByte, Idle: c.Idle},
		Queue:    node.QueueConfig{Length: c.QueueLength, Wait: c.QueueWait}, Drain: c.Drain,
		Store: c.Store, StoreLease: c.StoreLease, LogAge: c.LogAge, LogRecords: c.LogRecords,
		Settle: settlement.SettlerConfig{
			MaxAge: c.SettleEvery, MaxReceipts: c.SettleCount, MaxWait: c.SettleWait, MinGain: c.SettleGain, Confirmations: c.Confirm,
		},
	}, nil
}

// indexFile is the index to start with; "" for the one in the binary.
func (c *gatewayCmd) indexFile() string {
	return cmp.Or(c.Index, editedIndex(c.DataDir))
}

// editedIndex is what edits have made of the index in the binary; "" where there were none.
func editedIndex(dataDir string) string {
	file := filepath.Join(dataDir, node.IndexFileName)
	if _, err := os.Stat(file); err != nil {
		return ""
	}
	return file
}
