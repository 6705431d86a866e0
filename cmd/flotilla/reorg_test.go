package main

import (
	"context"
	"fmt"
	"testing"
	"time"

	"flotilla/testnet"
)

// A reorganisation takes out all that the nodes have done since they started: stake, deposit and every settled batch. Nobody restarts
// anything: the nodes bring back what was theirs, serve on, and everything is paid once.
func TestReorgBehindEverything(t *testing.T) {
	for name, c := range map[string]struct{ forgotten, killed bool }{
		"the node's pool has the transactions":         {},
		"nobody has them":                              {forgotten: true},
		"nobody has them, and the gateway starts anew": {forgotten: true, killed: true},
	} {
		t.Run(name, func(t *testing.T) {
			f, begun := newFleet(t), time.Now()
			before := f.head()
			f.startGateway("--settle-every", "1s")
			f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
			f.waitServing(1)
			for i := range 3 {
				if a := f.chat("hello"); !a.done || a.err != "" {
					t.Fatalf("answer %+v", a)
				}
				f.settled(i + 1)
			}
			if c.forgotten {
				time.Sleep(time.Until(begun.Add(poolRecalls)))
			}
			if c.killed {
				f.gateway.kill()
			}
			f.reorgTo(before, c.forgotten)
			if c.killed {
				f.startGateway("--settle-every", "1s")
			}
			f.eventually("an answer after the reorganisation", func() error {
				if a := f.chat("once more"); !a.done || a.err != "" {
					return fmt.Errorf("%+v", a)
				}
				return nil
			})
			f.settled(4)
		})
	}
}

// poolRecalls is when the node has looked once whether its pool has all that it was ever given; it looks again a minute later, and would
// bring back what Drop makes it forget.
const poolRecalls = 12 * time.Second

// reorgTo takes out all blocks after the block. Their transactions wait for the next ones, unless nobody has them any more.
func (f *fleet) reorgTo(block uint64, forgotten bool) {
	f.t.Helper()
	release := f.chain.Hold()
	defer release()
	if err := f.chain.Reorg(f.head() - block); err != nil {
		f.t.Fatal(err)
	}
	f.eventually("the node has the transactions again", func() error {
		for _, role := range []string{"gateway", "alder"} {
			if txs, err := f.chain.Pending(testnet.DevAddress(role)); err != nil || len(txs) == 0 {
				return fmt.Errorf("%d of %s: %w", len(txs), role, err)
			}
		}
		return nil
	})
	if forgotten {
		f.chain.Drop()
	}
	epoch, err := f.reader.NextEpoch(f.t.Context(), testnet.DevAddress("gateway"))
	if err != nil || epoch != 1 {
		f.t.Fatalf("the chain wants batch %d (%v): it holds some still", epoch, err)
	}
}

// head is the number of the newest block.
func (f *fleet) head() uint64 {
	f.t.Helper()
	client := f.chain.Client()
	defer client.Close()
	ctx, cancel := context.WithTimeout(f.t.Context(), patience)
	defer cancel()
	n, err := client.BlockNumber(ctx)
	if err != nil {
		f.t.Fatal(err)
	}
	return n
}
