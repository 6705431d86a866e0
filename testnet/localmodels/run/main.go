// Command run installs the local models and serves one of them until it is interrupted:
//
//	go run ./testnet/localmodels/run -model gemma-3-270m -port 18091
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"flotilla/testnet/localmodels"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

func run() error {
	cacheDir, err := localmodels.DefaultCacheDir()
	if err != nil {
		return err
	}
	flag.StringVar(&cacheDir, "cache", cacheDir, "cache directory (environment: "+localmodels.CacheEnv+")")
	model := flag.String("model", "", localmodels.SmolLM2+" or "+localmodels.Gemma3+"; empty only installs")
	port := flag.Int("port", 0, "port on 127.0.0.1; 0 takes a free one")
	threads := flag.Int("threads", 1, "compute threads")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	paths, err := localmodels.Install(ctx, cacheDir, os.Stderr)
	if err != nil || *model == "" {
		return err
	}
	server, err := localmodels.Start(ctx, localmodels.Config{Paths: paths, Model: *model, Port: *port, Threads: *threads})
	if err != nil {
		return err
	}
	fmt.Printf("%s serves %s (pid %d, log %s)\n", server.URL, server.Model, server.PID, server.Log)
	select {
	case <-ctx.Done():
		return server.Stop()
	case <-server.Exited():
		return fmt.Errorf("the server has ended, see %s", server.Log)
	}
}
