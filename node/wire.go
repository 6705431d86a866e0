package node

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"flotilla/node/access"
	"flotilla/node/admin"
	"flotilla/node/cache"
	"flotilla/node/feedback"
	"flotilla/node/openai"
	"flotilla/node/page"
	"flotilla/node/postgres"
	"flotilla/node/requestlog"
	"flotilla/node/requestlog/pglog"
	"flotilla/p2p"
	"flotilla/routing/catalogue"
	"flotilla/routing/indexfile"
	"flotilla/settlement"
)

// receiptsTimeout is how long a stopping gateway waits for the receipts of answers whose clients have left.
const receiptsTimeout = 10 * time.Second

// bodyGrowth is more than the bytes that a body grows by on its way to the operator.
const bodyGrowth = 1 << 10

// Node is one wired gateway or operator. Open it, Run it, Close it.
type Node struct {
	cfg    Config
	fleet  *p2p.Host
	ledger *settlement.Ledger
	view   *chainView
	health *health // what a gateway has seen of each operator

	signers *settlement.SignerCache

	// Exactly one of the two is set.
	Gateway  *Gateway
	Operator *Operator

	settler   *settlement.Settler   // of a gateway
	collector *settlement.Collector // of an operator
	feedback  *feedback.Store       // of a gateway
	keys      access.Keys           // of a gateway
	requests  *requestlog.Log       // of a gateway
	page      *page.Handler         // of a gateway, for API keys
	ownerPage http.Handler          // of a gateway, at admin; nil: none
	started   time.Time
	store     *postgres.Pool // of a gateway that shares keys and log with others; nil: its own files
	listener  net.Listener
	admin     net.Listener          // nil: none
	connects  chan struct{}         // capacity 1: an operator has connected
	twoFaced  chan p2p.Equivocation // proofs of double signing that are not stored yet
}

// Open wires a node: this is the product's story in one function.
func Open(ctx context.Context, cfg Config) (_ *Node, err error) {
	cfg.setDefaults()
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure node: %w", err)
	}
	n := &Node{cfg: cfg, started: time.Now(), health: newHealth(), connects: make(chan struct{}, 1), twoFaced: make(chan p2p.Equivocation, maxTwoFaced)}
	defer func() {
		if err != nil {
			err = errors.Join(err, n.Close())
		}
	}()
	self, log := cfg.self(), cfg.Logger

	// What the chain says: who has stake, what lies in our lanes.
	n.view = newChainView(cfg.Chain, self, cfg.ChainPoll, log)
	if err := n.view.Refresh(ctx); err != nil {
		return nil, fmt.Errorf("read chain: %w", err)
	}
	// Whose word a signature is when it is not the payer's own.
	n.signers = settlement.NewSignerCache(cfg.Chain, coverFresh)
	if err := n.checkAuthorised(ctx); err != nil {
		return nil, err
	}
	// What we promised and what we are owed: survives kill -9.
	if n.ledger, err = settlement.OpenLedger(filepath.Join(cfg.DataDir, "ledger"), settlement.LedgerOptions{
		Key: cfg.Key, Owner: self, Signers: n.signers, Domain: cfg.Domain, Logger: log,
	}); err != nil {
		return nil, err
	}
	// Who is there: signed prices of staked operators, and streams to them.
	if n.fleet, err = n.openFleet(); err != nil {
		return nil, err
	}
	if cfg.AdminListen != "" {
		// What its owner may see and start, on this machine only.
		if n.admin, err = admin.Listen(cfg.AdminListen); err != nil {
			return nil, err
		}
	}
	if cfg.Operator != nil {
		// An operator answers orders it can charge for, and signs for each answer.
		if n.Operator, err = n.openOperator(); err != nil {
			return nil, err
		}
		return n, nil
	}
	// A gateway lets the router choose among them, pays by receipt, and brings the receipts on chain.
	if n.Gateway, err = n.openGateway(ctx); err != nil {
		return nil, err
	}
	return n, nil
}

// checkAuthorised: the node's key is that of the account it acts as, or the account has authorised it and is not revoking it.
func (n *Node) checkAuthorised(ctx context.Context) error {
	payer, signer := n.cfg.self(), n.cfg.signer()
	if payer == signer {
		return nil
	}
	binding, err := n.signers.SignerOf(ctx, signer)
	switch {
	case err != nil:
		return fmt.Errorf("look up the signing key: %w", err)
	case binding.Payer != payer:
		return fmt.Errorf("%s has not authorised the key %s to sign for it: see 'flotilla escrow consent' and 'flotilla escrow signer authorize'", payer, signer)
	case binding.ThawEnd != 0:
		return fmt.Errorf("%s revokes the key %s, and no operator takes orders from it: authorise another key, or cancel the thaw with 'flotilla escrow signer cancel'",
			payer, signer)
	}
	return nil
}

// networkName goes into topic names: nodes of another chain or contract never hear each other.
func networkName(d settlement.Domain) string {
	return strconv.FormatUint(d.ChainID, 10) + "/" + d.Contract.Hex()
}

func (n *Node) openFleet() (*p2p.Host, error) {
	cfg := n.cfg
	identity, err := p2p.LoadIdentity(filepath.Join(cfg.DataDir, "peer.key"))
	if err != nil {
		return nil, err
	}
	role := p2p.RoleOperator
	var timers p2p.InferTimers
	if g := cfg.Gateway; g != nil {
		role = p2p.RoleGateway
		timers.Dial, timers.Accept, timers.Gap = g.Timeouts.Connect, g.Timeouts.Accept, g.Timeouts.Idle
	}
	host, err := p2p.New(p2p.Config{
		Identity: identity, Listen: cfg.Listen, Bootstrap: cfg.Bootstrap, Role: role,
		Network: networkName(cfg.Domain), Timers: timers,
		PeersFile:   filepath.Join(cfg.DataDir, PeersFileName),
		CheckAdvert: advertChecker(cfg.Domain, n.view), OnEquivocation: n.onEquivocation, Logger: cfg.Logger,
	})
	if err != nil {
		return nil, fmt.Errorf("join fleet: %w", err)
	}
	host.OnPeer(n.onPeer)
	n.view.newcomer = host.Recheck
	return host, nil
}

func (n *Node) openOperator() (*Operator, error) {
	cfg, self := n.cfg, n.view.self
	familiar, err := n.ledger.Familiar()
	if err != nil {
		return nil, err
	}
	n.signers.Expect(familiar)
	o := &Operator{
		cfg: *cfg.Operator, key: cfg.Key, self: self, domain: cfg.Domain, ledger: n.ledger, chain: cfg.Chain, signers: n.signers,
		fleet: n.fleet, log: cfg.Logger, caused: newFewLines(cfg.Logger), now: time.Now,
		cover: newCoverCache(cfg.Chain, self, familiar), credit: creditBook{limit: cfg.Operator.CreditLimit}, slots: fairSlots{total: cfg.Operator.MaxConcurrent},
	}
	limits := p2p.InferLimits{PerPeer: o.cfg.MaxPerGateway, Total: o.cfg.MaxConcurrent}
	n.fleet.HandleInfer(o.Serve, limits)
	n.fleet.HandleRequest(protoLedger, o.handleLedger)
	n.collector = settlement.NewCollector(n.ledger, cfg.Chain, settlement.CollectorConfig{Logger: cfg.Logger})
	return o, nil
}

func (n *Node) openGateway(ctx context.Context) (*Gateway, error) {
	cfg, log := n.cfg, n.cfg.Logger
	router, err := newLivingRouter(cfg.Gateway.Router, cfg.Gateway.IndexFile, indexfile.NewHistory(filepath.Join(cfg.DataDir, GenerationsDirName)), log)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		self: n.view.self, domain: cfg.Domain, router: router, ledger: n.ledger,
		fleet: n.fleet, view: n.view, health: n.health, log: log, now: time.Now, owners: newReceiptOwners(cfg.Key),
		queue: queue{most: cfg.Gateway.Queue.Length, wait: cfg.Gateway.Queue.Wait},
	}
	g.tellers.every, g.tellers.burst = feedbackEvery, feedbackBurst
	g.fetchers.every, g.fetchers.burst = indexEvery, indexBurst
	g.cfg.Store(cfg.Gateway)
	g.cache = cache.New(g.encoder().Dim(), g.now)
	g.tracer = cfg.Gateway.Traces.Tracer(tracerName)
	for _, lane := range n.view.snap.Load().paid() {
		// A ledger whose files were lost goes on where the chain is; an old copy of one is refused.
		if err := n.ledger.AdoptLane(ctx, lane.payee, lane.collected); err != nil {
			return nil, err
		}
	}
	settle := cfg.Gateway.Settle
	settle.Logger = log
	n.settler = settlement.NewSettler(n.ledger, cfg.Chain, settle)
	if g.feedback, err = feedback.Open(filepath.Join(cfg.DataDir, "feedback.jsonl"), g.now); err != nil {
		return nil, err
	}
	n.feedback = g.feedback
	if cfg.Gateway.Store != "" {
		if n.store, err = postgres.Open(ctx, cfg.Gateway.Store, log); err != nil {
			return nil, err
		}
	}
	if g.keys, err = g.openKeys(ctx, cfg.DataDir, n.store); err != nil {
		return nil, err
	}
	n.keys = g.keys
	if !hasKey(cfg.Gateway.APIKeys) {
		if err := g.checkStoredKeys(ctx); errors.Is(err, errLockedOut) {
			log.Warn("no client can use this gateway, for it has no API key: make one with 'flotilla keys create' (while it runs it is asked at --admin-listen, while it is stopped --data-dir names its files)")
		}
	}
	if n.requests, err = n.openRequests(); err != nil {
		return nil, err
	}
	g.gate = &gate{
		keys: g.keys, cfg: g.cfg.Load, requests: n.requests, book: page.NewBook(g.now), log: log,
		upgrades: openai.NewUpgradeBook(openai.UpgradeLimits{}), // check hands on the limits with each key
		metrics:  newRequestMetrics(n.requests.Dropped),
	}
	if n.listener, err = net.Listen("tcp", cfg.Gateway.HTTPListen); err != nil {
		return nil, fmt.Errorf("listen for HTTP: %w", err)
	}
	return g, n.openPages(g)
}

func (n *Node) openRequests() (*requestlog.Log, error) {
	opts := requestlog.Options{MaxAge: n.cfg.Gateway.LogAge, MaxRecords: n.cfg.Gateway.LogRecords, Logger: n.cfg.Logger}
	if n.store != nil {
		return pglog.Open(n.store, opts), nil
	}
	return requestlog.Open(filepath.Join(n.cfg.DataDir, "requests"), opts)
}

// Run serves until ctx ends; it owns every goroutine of the node and waits for them.
func (n *Node) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return n.fleet.Run(ctx) })
	group.Go(func() error { return n.view.Run(ctx) })
	group.Go(func() error { return n.keepEquivocations(ctx) })
	group.Go(func() error { return n.ledger.AwaitFailure(ctx) })
	if n.admin != nil {
		group.Go(func() error { return admin.Serve(ctx, n.admin, owner{n}, n.ownerPage, n.metrics(), n.cfg.Logger) })
	}
	switch {
	case n.Operator != nil:
		group.Go(func() error {
			if err := n.Operator.stake(ctx); err != nil {
				return err
			}
			group.Go(func() error { return n.collector.Run(ctx) })
			group.Go(func() error { return n.Operator.keepStake(ctx, n.view) })
			return n.Operator.advertise(ctx)
		})
	case n.Gateway != nil:
		if n.cfg.self() == n.cfg.signer() { // escrow is put in by the account itself
			group.Go(func() error { return n.Gateway.fundLanes(ctx, n.cfg.Chain, fundEvery(n.cfg.ChainPoll)) })
		}
		group.Go(func() error { return n.Gateway.syncLedgers(ctx, n.connects) })
		group.Go(func() error { return n.settler.Run(ctx) })
		group.Go(func() error { return n.keys.Run(ctx) })
		group.Go(func() error { return n.Gateway.forgetOrders(ctx) })
		group.Go(func() error {
			n.Gateway.gate.remember(ctx, n.started)
			return nil
		})
		group.Go(func() error { return n.serveHTTP(ctx) })
	}
	return group.Wait()
}

// fundEvery is how often lanes are looked at: no slower than adverts are seen, no faster than the view can change.
func fundEvery(chainPoll time.Duration) time.Duration { return min(chainPoll, 5*time.Second) }

func (n *Node) serveHTTP(ctx context.Context) error {
	g := n.Gateway
	srv, err := openai.NewServer(openai.Config{
		Completer: g, Embeddings: g.embeddingModel(), Feedback: g.takeFeedback,
		Keys: g.gate.check, KeyStatus: g.gate.keyStatus, ModelID: catalogue.ID, Gate: g.gate, Refused: g.gate.metrics.refuse, UpgradeBook: g.gate.upgrades, Generations: g.generation,
		Page: n.page, Tracer: g.tracer, Logger: g.log,
		// The gateway adds a limit on the output tokens before it sends a body on.
		MaxBodyBytes: p2p.MaxBodyBytes - bodyGrowth,
	})
	if err != nil {
		return fmt.Errorf("open HTTP server: %w", err)
	}
	stop := context.AfterFunc(ctx, n.page.Close) // views that are open would be waited for
	defer stop()
	if err := srv.Serve(ctx, n.listener, n.cfg.Gateway.Drain); err != nil {
		return fmt.Errorf("serve HTTP: %w", err)
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), receiptsTimeout)
	defer cancel()
	return g.Drain(drain)
}

// onPeer lets who connects be tried, and wakes the ledger sync; a wake-up that is already waiting is enough.
func (n *Node) onPeer(id p2p.PeerID, connected bool) {
	if !connected {
		return
	}
	n.health.connected(id, time.Now())
	select {
	case n.connects <- struct{}{}:
	default:
	}
}

// Close frees what Open took. The node must not be running.
func (n *Node) Close() error {
	var errs []error
	for _, ln := range []net.Listener{n.listener, n.admin} {
		if ln == nil {
			continue
		}
		if err := ln.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			errs = append(errs, err)
		}
	}
	if n.fleet != nil {
		errs = append(errs, n.fleet.Close())
	}
	if n.feedback != nil {
		errs = append(errs, n.feedback.Close())
	}
	errs = append(errs, n.closeRequests())
	if n.store != nil {
		postgres.Close(n.store)
	}
	if n.ledger != nil {
		errs = append(errs, n.ledger.Close())
	}
	if n.Operator != nil {
		n.Operator.cover.close()
	}
	if n.signers != nil {
		n.signers.Close()
	}
	return errors.Join(errs...)
}

// closeRequests writes what is left of answers, which are all over: the log and the charges at once, so that a database that does not
// answer is waited for once.
func (n *Node) closeRequests() error {
	var both sync.WaitGroup
	var logged, charged error
	if n.requests != nil {
		both.Go(func() { logged = n.requests.Close() })
	}
	if n.keys != nil {
		both.Go(func() { charged = n.keys.Close() })
	}
	both.Wait()
	return errors.Join(logged, charged)
}

// Addrs are the libp2p addresses by which others can bootstrap from this node.
func (n *Node) Addrs() []string { return n.fleet.Addrs() }

// HTTPAddr is the host:port that the gateway's API listens on, empty for an operator.
func (n *Node) HTTPAddr() string {
	if n.listener == nil {
		return ""
	}
	return n.listener.Addr().String()
}

// AdminAddr is the host:port of the administration pages, empty when there are none.
func (n *Node) AdminAddr() string {
	if n.admin == nil {
		return ""
	}
	return n.admin.Addr().String()
}

// SettleNow brings every receipt on chain that is not there yet.
func (n *Node) SettleNow(ctx context.Context) error { return n.settler.SettleNow(ctx) }
