package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"flotilla/testnet"
)

// testnetFlags are shared by the demo and the standing testnet.
type testnetFlags struct {
	Dir    string `help:"State folder: chain, ledgers, API key." env:"FLOTILLA_TESTNET_DIR" type:"path" placeholder:"DIR"`
	Cache  string `help:"Folder of the fetched models and model server." env:"FLOTILLA_CACHE" type:"path" placeholder:"DIR"`
	Listen string `help:"host:port of the gateway." env:"FLOTILLA_LISTEN" default:"127.0.0.1:8420"`
	RPC    int    `help:"Port of the chain's JSON-RPC on 127.0.0.1." name:"rpc-port" env:"FLOTILLA_RPC_PORT" default:"8545"`
}

func (f testnetFlags) open(ctx context.Context, s *streams, dir string, blockEvery time.Duration) (*testnet.Net, func(), error) {
	if f.Dir != "" {
		dir = f.Dir
	}
	cache := f.Cache
	if cache == "" {
		base, err := os.UserCacheDir()
		if err != nil {
			return nil, nil, fmt.Errorf("find a cache folder (name one with --cache): %w", err)
		}
		cache = filepath.Join(base, "flotilla")
	}
	router, closeRouter, err := openRouter("", "")
	if err != nil {
		return nil, nil, err
	}
	n, err := testnet.Open(ctx, testnet.Config{
		Dir: dir, CacheDir: cache, HTTPListen: f.Listen, RPCPort: f.RPC, BlockEvery: blockEvery,
		Router: router, Progress: s.out, Logger: s.log,
	})
	if err != nil {
		closeRouter()
		return nil, nil, err
	}
	return n, closeRouter, nil
}

type testnetUpCmd struct{ testnetFlags }

// Run keeps a fleet up until Ctrl-C.
func (c *testnetUpCmd) Run(ctx context.Context, s *streams) error {
	n, closeRouter, err := c.open(ctx, s, ".flotilla/testnet", time.Second)
	if err != nil {
		return err
	}
	defer closeRouter()
	return serveNet(ctx, n, func(ready context.Context) error {
		if err := n.WaitReady(ready); err != nil {
			return err
		}
		fmt.Fprint(s.out, n.Welcome())
		<-ready.Done()
		return nil
	})
}

type demoCmd struct {
	testnetFlags
}

// Run does the whole story once, in a fresh state folder.
func (c *demoCmd) Run(ctx context.Context, s *streams) error {
	dir := filepath.Join("build", "demo")
	if c.Dir != "" {
		dir = c.Dir
	}
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("clear the demo's state: %w", err)
	}
	start := time.Now()
	n, closeRouter, err := c.open(ctx, s, dir, time.Second)
	if err != nil {
		return err
	}
	defer closeRouter()
	err = serveNet(ctx, n, func(ctx context.Context) error {
		ready, cancel := context.WithTimeout(ctx, time.Minute)
		defer cancel()
		if err := n.WaitReady(ready); err != nil {
			return err
		}
		return testnet.Demo(ctx, n, s.out, filepath.Join(dir, "receipts"))
	})
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	fmt.Fprintf(s.out, "\ndemo: everything held, in %.0f s. Receipts are in %s.\n", time.Since(start).Seconds(), filepath.Join(dir, "receipts"))
	return nil
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
