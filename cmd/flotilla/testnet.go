package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/testnet"
	"flotilla/testnet/localmodels"
)

// testnetFlags are shared by the demo and the standing testnet.
type testnetFlags struct {
	Cache string `help:"Folder of the fetched models and model server; default: flotilla in the user's cache folder." env:"FLOTILLA_CACHE" type:"path" placeholder:"DIR"`
}

func (f testnetFlags) open(ctx context.Context, s *streams, cfg testnet.Config) (*testnet.Net, func(), error) {
	router, closeRouter, err := openRouter(editedIndex(testnet.GatewayDir(cfg.Dir)), embedderFlags{})
	if err != nil {
		return nil, nil, err
	}
	cfg.CacheDir = f.Cache
	if cfg.CacheDir == "" {
		if cfg.CacheDir, err = localmodels.DefaultCacheDir(); err != nil {
			closeRouter()
			return nil, nil, err
		}
	}
	cfg.Router, cfg.Progress, cfg.Logger = router, s.out, s.log
	n, err := testnet.Open(ctx, cfg)
	if err != nil {
		closeRouter()
		return nil, nil, err
	}
	return n, closeRouter, nil
}

type testnetUpCmd struct {
	testnetFlags
	Dir         string        `help:"State folder: chain, ledgers, API key." env:"FLOTILLA_TESTNET_DIR" type:"path" default:".flotilla/testnet"`
	Listen      string        `help:"host:port of the gateway; port 0 takes a free one." env:"FLOTILLA_LISTEN" default:"127.0.0.1:8420"`
	RPC         int           `help:"Port of the chain's JSON-RPC on 127.0.0.1; 0 takes a free one." name:"rpc-port" env:"FLOTILLA_RPC_PORT" default:"8545"`
	P2P         int           `help:"TCP port of the gateway's libp2p on 127.0.0.1; 0 takes a free one." name:"p2p-port" env:"FLOTILLA_P2P_PORT" default:"4001"`
	AdminListen string        `help:"Loopback host:port of the gateway's pages for its owner; port 0 takes a free one." env:"FLOTILLA_ADMIN_LISTEN" default:"127.0.0.1:8421"`
	SettleEvery time.Duration `help:"Longest time that a receipt waits for its batch." env:"FLOTILLA_SETTLE_EVERY" default:"30s" positive:""`
}

// Run keeps a fleet up until Ctrl-C.
func (c *testnetUpCmd) Run(ctx context.Context, s *streams) error {
	n, closeRouter, err := c.open(ctx, s, testnet.Config{
		Dir: c.Dir, HTTPListen: c.Listen, RPCPort: c.RPC, P2PPort: c.P2P, AdminListen: c.AdminListen, SettleEvery: c.SettleEvery,
	})
	if err != nil {
		return err
	}
	defer closeRouter()
	return serveNet(ctx, n, func(ctx context.Context) error {
		if err := waitReady(ctx, n); err != nil {
			return err
		}
		fmt.Fprint(s.out, n.Welcome())
		<-ctx.Done()
		return nil
	})
}

type testnetFundCmd struct {
	Account address `arg:"" help:"Account to fund, as 'flotilla key' prints it."`
	RPC     string  `help:"JSON-RPC URL of the local fleet's chain." env:"FLOTILLA_RPC" default:"http://127.0.0.1:8545"`
}

// Run funds the account.
func (c *testnetFundCmd) Run(ctx context.Context, s *streams) error {
	ctx, cancel := context.WithTimeout(ctx, accountTimeout)
	defer cancel()
	account := common.Address(c.Account)
	given, err := testnet.Fund(ctx, c.RPC, account)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "funded   %s with %s of the test token, and with coins for gas\n", account, given)
	return err
}

// readyTimeout is how long a fleet may take to find itself: stakes, lanes and adverts are a few blocks each.
const readyTimeout = time.Minute

func waitReady(ctx context.Context, n *testnet.Net) error {
	ctx, cancel := context.WithTimeout(ctx, readyTimeout)
	defer cancel()
	return n.WaitReady(ctx)
}

type demoCmd struct {
	testnetFlags
	Dir string `help:"State folder; cleared first, receipts are left in it." env:"FLOTILLA_DEMO_DIR" type:"path" default:"build/demo"`
}

// demoMark is left in a folder that a demo made, so that no other folder is ever cleared.
const demoMark = ".flotilla-demo"

// Run does the whole story once, in a fresh state folder, on free ports.
func (c *demoCmd) Run(ctx context.Context, s *streams) error {
	release, err := c.clear()
	if err != nil {
		return err
	}
	defer release()
	if s.source.level.Level() == slog.LevelInfo { // the story is the log that a person wants; --log-level debug shows the nodes' too
		s.source.level.Set(slog.LevelWarn)
	}
	start := time.Now()
	n, closeRouter, err := c.open(ctx, s, testnet.Config{Dir: c.Dir, HTTPListen: "127.0.0.1:0"})
	if err != nil {
		return err
	}
	defer closeRouter()
	receipts := filepath.Join(c.Dir, "receipts")
	err = serveNet(ctx, n, func(ctx context.Context) error {
		if err := waitReady(ctx, n); err != nil {
			return err
		}
		return testnet.Demo(ctx, n, s.out, receipts)
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprintf(s.out, "\ndemo: everything held, in %.0f s. Receipts are in %s.\n", time.Since(start).Seconds(), receipts)
	return nil
}

// clear empties the demo's own folder of an earlier run, and keeps other demos out of it until release.
func (c *demoCmd) clear() (release func(), err error) {
	entries, err := os.ReadDir(c.Dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("look at the demo's folder: %w", err)
	}
	path := filepath.Join(c.Dir, demoMark)
	if _, err := os.Stat(path); len(entries) > 0 && err != nil {
		return nil, fmt.Errorf("%s is not empty and not of an earlier demo: name another --dir", c.Dir)
	}
	if err := os.MkdirAll(c.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("make the demo's folder: %w", err)
	}
	mark, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, fmt.Errorf("mark the demo's folder: %w", err)
	}
	defer func() {
		if err != nil {
			_ = mark.Close()
		}
	}()
	if err := syscall.Flock(int(mark.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { // until the file is closed
		return nil, fmt.Errorf("another demo runs in %s: wait until it is over, or name another --dir", c.Dir)
	}
	for _, entry := range entries {
		if entry.Name() == demoMark {
			continue
		}
		if err := os.RemoveAll(filepath.Join(c.Dir, entry.Name())); err != nil {
			return nil, fmt.Errorf("clear the demo's folder: %w", err)
		}
	}
	return func() { _ = mark.Close() }, nil
}

// serveNet runs the fleet while work runs, and closes it after; the first error wins.
func serveNet(ctx context.Context, n *testnet.Net, work func(context.Context) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	served := make(chan error, 1)
	go func() {
		served <- n.Run(ctx)
		cancel() // a fleet that fell over must end the work too
	}()
	err := work(ctx)
	cancel()
	runErr := <-served
	if runErr != nil {
		err = errors.Join(runErr, err)
	}
	return errors.Join(err, n.Close())
}
