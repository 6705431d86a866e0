// Package devchain runs a whole Ethereum development chain inside the process: a go-ethereum node that
// makes its own blocks, speaks JSON-RPC on loopback, keeps its chain on disk and survives SIGKILL. It
// also deploys Flotilla's contracts on it. For tests and local fleets only: its money is worthless.
package devchain

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"path/filepath"
	"sync"
	"time"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/core"
	"github.com/ethereum/go-ethereum/core/rawdb"
	"github.com/ethereum/go-ethereum/eth"
	"github.com/ethereum/go-ethereum/eth/catalyst"
	"github.com/ethereum/go-ethereum/eth/ethconfig"
	"github.com/ethereum/go-ethereum/eth/filters"
	"github.com/ethereum/go-ethereum/ethclient"
	"github.com/ethereum/go-ethereum/node"
	"github.com/ethereum/go-ethereum/p2p"
	"github.com/ethereum/go-ethereum/rpc"
)

// ChainID of every devchain. TestToken refuses other ids than this and anvil's.
const ChainID = 1337

// defaultBlockGap is the least gap at which the chain's clock keeps up with the wall clock: block times
// are whole seconds and strictly rise, so that denser blocks carry times in the future.
const defaultBlockGap = time.Second

// Config says how to run a chain. The zero value is a chain in memory on a free port.
type Config struct {
	// DataDir keeps the chain; empty keeps it in memory. One process at a time may use it.
	DataDir string
	// Port of the JSON-RPC server on 127.0.0.1; 0 takes a free one (see [Chain.URL]).
	Port int
	// BlockGap is the least time between blocks; default 1 s. Tests may go lower when they
	// do not compare chain time with the wall clock.
	BlockGap time.Duration
	// Alloc is the wei of each account in the first block. Every restart must name accounts that the
	// first start named, or name none: what they own by then stands in the chain.
	Alloc map[common.Address]*big.Int
	// Logger takes the node's log, at debug level except for errors; nil drops it.
	Logger *slog.Logger
}

// Chain is a running chain.
type Chain struct {
	stack  *node.Node
	eth    *eth.Ethereum
	beacon *catalyst.SimulatedBeacon
	logger *slog.Logger

	sealing sync.Mutex // serialises block making: the beacon is not safe for concurrent use
	quit    chan struct{}
	once    sync.Once
	wg      sync.WaitGroup
}

// ErrInUse: another process has the chain's folder open.
var ErrInUse = node.ErrDatadirUsed

// Start opens the chain in cfg.DataDir, or makes a new one, and makes blocks until Close.
func Start(ctx context.Context, cfg Config) (*Chain, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("start devchain: %w", err)
	}
	if cfg.BlockGap == 0 {
		cfg.BlockGap = defaultBlockGap
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	genesis, err := loadGenesis(cfg)
	if err != nil {
		return nil, fmt.Errorf("start devchain: %w", err)
	}
	routeLogs(cfg.Logger)
	stack, err := newNode(cfg)
	if err != nil {
		return nil, fmt.Errorf("start devchain in %q: %w", cfg.DataDir, err)
	}
	c := &Chain{stack: stack, logger: cfg.Logger, quit: make(chan struct{})}
	if err := c.assemble(genesis); err != nil {
		return nil, errors.Join(fmt.Errorf("start devchain on port %d: %w", cfg.Port, err), stack.Close())
	}
	c.wg.Go(func() { c.makeBlocks(cfg.BlockGap) })
	return c, nil
}

func newNode(cfg Config) (*node.Node, error) {
	nc := node.DefaultConfig
	nc.Name, nc.DataDir, nc.IPCPath = "devchain", "", ""
	if cfg.DataDir != "" {
		dir, err := filepath.Abs(cfg.DataDir) // the node would resolve it against its own default
		if err != nil {
			return nil, err
		}
		nc.DataDir = dir
	}
	nc.P2P = p2p.Config{NoDial: true, NoDiscovery: true} // no devp2p listener
	nc.HTTPHost, nc.HTTPPort = "127.0.0.1", cfg.Port
	nc.HTTPModules = []string{"eth", "net", "web3", "txpool"}
	nc.Logger = gethLogger(cfg.Logger)
	return node.New(&nc)
}

// assemble puts the Ethereum service, its filters and the block maker on the node and starts it.
func (c *Chain) assemble(genesis *core.Genesis) error {
	ec := ethconfig.Defaults
	ec.Genesis, ec.NetworkId, ec.SyncMode = genesis, ChainID, ethconfig.FullSync
	// Each block's state goes to the database at once. The library's default keeps it in memory and
	// rewinds to the last clean stop after a crash.
	ec.StateScheme, ec.NoPruning = rawdb.HashScheme, true
	ec.DatabaseCache, ec.TrieCleanCache, ec.TrieDirtyCache, ec.SnapshotCache = 32, 16, 32, 0 // MiB
	service, err := eth.New(c.stack, &ec)
	if err != nil {
		return err
	}
	// The filter API (eth_getLogs) is not part of the service.
	fs := filters.NewFilterSystem(service.APIBackend, filters.Config{
		LogCacheSize: ec.FilterLogCacheSize, LogQueryLimit: ec.LogQueryLimit,
	})
	c.stack.RegisterAPIs([]rpc.API{{Namespace: "eth", Service: filters.NewFilterAPI(fs)}})
	beacon, err := catalyst.NewSimulatedBeacon(0, ec.Miner.PendingFeeRecipient, service)
	if err != nil {
		return err
	}
	// RegisterSimulatedBeaconAPIs is left out on purpose: it starts a second block maker.
	c.stack.RegisterLifecycle(beacon)
	c.eth, c.beacon = service, beacon
	return c.stack.Start()
}

// Client returns a client that talks to the chain inside the process.
func (c *Chain) Client() *ethclient.Client { return ethclient.NewClient(c.stack.Attach()) }

// URL returns the address of the JSON-RPC server, such as http://127.0.0.1:8545.
func (c *Chain) URL() string { return c.stack.HTTPEndpoint() }

// Warp makes an empty block whose time is d (whole seconds) after the last one's, for tests of
// deadlines. Transactions that wait go into a block before.
func (c *Chain) Warp(d time.Duration) error {
	c.sealing.Lock()
	defer c.sealing.Unlock()
	if err := c.sealWaiting(); err != nil {
		return err
	}
	if err := c.beacon.AdjustTime(d); err != nil {
		return fmt.Errorf("warp devchain by %v: %w", d, err)
	}
	return c.sync()
}

// Close stops making blocks and closes the chain. It is safe to call more than once.
func (c *Chain) Close() error {
	var err error
	c.once.Do(func() {
		close(c.quit)
		c.wg.Wait()
		err = c.stack.Close()
	})
	if err != nil {
		return fmt.Errorf("close devchain: %w", err)
	}
	return nil
}
