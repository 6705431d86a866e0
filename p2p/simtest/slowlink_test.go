package simtest_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/x/simlibp2p"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// TestSlowUploads: four requests with an image each, at once, over 1 Mbit/s: all of them arrive, though together they take longer than
// one write may.
func TestSlowUploads(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		gateway := f.Start(p2p.Config{Role: p2p.RoleGateway})
		f.LinkBits = simlibp2p.OneMbps
		operator := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{gateway.Addr}})
		operator.HandleInfer(func(_ context.Context, in *p2p.Incoming) error {
			if err := in.Accept(); err != nil {
				return err
			}
			_, err := in.Finish(p2p.End{})
			return err
		}, p2p.InferLimits{})
		time.Sleep(5 * time.Second)
		body := bytes.Repeat([]byte("image "), 350_000/6)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() {
				call, err := gateway.Infer(context.Background(), operator.ID(), p2p.InferRequest{Body: body})
				if err != nil {
					t.Errorf("ask: %v", err)
					return
				}
				_ = call.Close()
			})
		}
		all.Wait()
	})
}
