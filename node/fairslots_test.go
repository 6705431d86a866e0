package node

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/p2p"
)

// hold asks for answers from the customer's peers by turns and takes nothing of them, until the operator refuses each peer; it
// returns what leaves them.
func (c *customer) hold(peers []*p2p.Host) (calls []*p2p.Call) {
	c.t.Helper()
	for refused := 0; refused < len(peers); {
		gw := peers[(len(calls)+refused)%len(peers)]
		mine := *c
		mine.gw = gw
		ctx, cancel := context.WithTimeout(c.t.Context(), worldWait)
		call, err := mine.ask(ctx, c.order(customerBody), customerBody)
		cancel()
		var rejected *p2p.RejectedError
		switch {
		case err == nil:
			calls = append(calls, call)
		case errors.As(err, &rejected) && rejected.Code == p2p.CodeOverloaded:
			refused++
		default:
			c.t.Fatal(err)
		}
	}
	return calls
}

// holds is how many slots the customer has.
func (c *customer) holds() int {
	s := &c.op.Operator.slots
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.held[c.payer]
}

// A payer with little in its lane, whose peers take slots and never acknowledge what they get, has all of an operator's only until
// somebody else asks.
func TestOnePayerLeavesSlotsToOthers(t *testing.T) {
	w := newWorld(t)
	stuck := endless(5 * time.Millisecond)
	second := w.rawHost(p2p.RoleGateway, "/ip4/127.0.0.1/tcp/0")
	c := w.customer(t, func(rw http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		if strings.Contains(string(raw), `"hi"`) {
			stuck(rw, r)
			return
		}
		fiveTokens(rw, r)
	}, OperatorConfig{})
	w.eventually("the operator dials the second peer", func() bool { return second.Connected(c.op.fleet.ID()) })
	peers := []*p2p.Host{c.gw, second}

	calls := c.hold(peers)
	if len(calls) != 4 { // OperatorConfig.MaxConcurrent
		t.Errorf("a payer beside whom nobody asks has %d slots, want all 4", len(calls))
	}
	served := make(chan int, 1)
	go func() {
		status, _ := w.chat()
		served <- status
	}()
	w.eventually("the gateway finds no slot", func() bool { return w.gateway.Gateway.queue.length() == 1 })
	for range 3 { // as an answer that is not acknowledged is ended after 20 s
		for _, call := range calls {
			_ = call.Close()
		}
		w.eventually("what was held is free", func() bool { return c.holds() == 0 })
		if calls = c.hold(peers); len(calls) != 3 {
			t.Errorf("it has %d slots of 4 again while another wants one, want 3", len(calls))
		}
	}
	if status := <-served; status != http.StatusOK {
		t.Errorf("the request that waited: %d", status)
	}
	if status, body := w.chat(); status != http.StatusOK {
		t.Errorf("the next: %d %s", status, body)
	}
	for _, call := range calls {
		_ = call.Close()
	}
}

// Others count as long as they may be waiting, whoever asks most, and with as many slots as they want at once; a lone slot is anybody's.
func TestFairSlots(t *testing.T) {
	greedy, modest := common.Address{1}, common.Address{2}
	for _, total := range []int{1, 2, 3, 8} {
		s, now := fairSlots{total: total}, time.Unix(1_800_000_000, 0)
		fill := func(payer common.Address) (release []func()) {
			for range total {
				if r, err := s.take(payer, now); err == nil {
					release = append(release, r)
				}
			}
			return release
		}
		drop := func(release []func()) {
			for _, r := range release {
				r()
			}
		}
		all := fill(greedy)
		if len(all) != total {
			t.Errorf("alone it gets %d of %d", len(all), total)
		}
		drop(all)
		drop(fill(modest))
		now = now.Add(wantedFor - time.Second)
		half := fill(greedy)
		if want := max(1, total/2); len(half) != want {
			t.Errorf("it gets %d of %d while another asks, want %d", len(half), total, want)
		}
		drop(half)
		now = now.Add(time.Second)
		if all = fill(greedy); len(all) != total {
			t.Errorf("when the other is gone it gets %d of %d", len(all), total)
		}
		drop(all)
	}
}

// A payer that sends one small order after the other, a few a minute, keeps a lone payer from one slot, not from half of them; two such
// payers from two.
func TestDustLeavesTheRest(t *testing.T) {
	for _, total := range []int{4, 8, 128} {
		s, now := fairSlots{total: total}, time.Unix(1_800_000_000, 0)
		for dusty := range 2 {
			for range 5 {
				for p := range dusty + 1 {
					release, err := s.take(common.Address{9, byte(p)}, now)
					if err != nil {
						t.Fatal(err)
					}
					release()
				}
				now = now.Add(10 * time.Second)
			}
			var all []func()
			for range total {
				if release, err := s.take(common.Address{1}, now); err == nil {
					all = append(all, release)
				}
			}
			if want := total - dusty - 1; len(all) != want {
				t.Errorf("beside %d payers with little it gets %d of %d slots, want %d", dusty+1, len(all), total, want)
			}
			for _, release := range all {
				release()
			}
		}
	}
}
