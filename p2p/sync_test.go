package p2p_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"flotilla/p2p"
)

// TestWhatGossipMissedIsPulled: what a new peer has to tell between our first pull and its entry into the gossip mesh is brought by
// a second pull, or by a caller that asks. Nothing is gossiped here.
func TestWhatGossipMissedIsPulled(t *testing.T) {
	for name, again := range map[string]time.Duration{"by itself": time.Second, "when asked": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			key := newIdentity(t)
			o := startHost(t, p2p.Config{Identity: key, Role: p2p.RoleOperator, Listen: []string{listen["tcp"]}})
			now := uint64(time.Now().Unix())
			a := p2p.Advert{
				Peer: o.ID(), Operator: [20]byte{1}, Seq: 1, ValidFrom: now - 1, ValidTo: now + 1000,
				Offers: []p2p.Offer{{Model: "m", InputPerMTok: 1, OutputPerMTok: 2, MaxContext: 2048, Sig: []byte{1}}},
			}
			raw, err := p2p.SealAdvert(testNetwork, key, a)
			if err != nil {
				t.Fatal(err)
			}
			held := make(chan error, 1)
			o.AfterFirstPull(func() { held <- o.Hold(a, raw) })
			g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}, Bootstrap: o.Addrs(), SyncAgain: again})
			if err := <-held; err != nil {
				t.Fatal(err)
			}
			known := func() bool { _, ok := g.Advert(o.ID()); return ok }
			if again == time.Second {
				await(t, "the advert", known)
				return
			}
			if err := g.Sync(testContext(t), o.ID()); err != nil {
				t.Fatal(err)
			}
			if !known() {
				t.Error("the advert is not there after Sync")
			}
		})
	}
}

// TestSyncDoesNotWaitForOthers: a gateway's client waits for what a caller pulls, and not for peers that have it wait for theirs.
func TestSyncDoesNotWaitForOthers(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	honest := joined(t, g)
	var asked []*atomic.Int32
	for range 6 {
		silent := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: g.Addrs()})
		asked = append(asked, silent.KeepWaiting())
		await(t, "a connection", func() bool { return g.Connected(silent.ID()) })
	}
	await(t, "as many to be asked as are at once", func() bool {
		n := 0
		for _, taken := range asked {
			n += int(min(taken.Load(), 1))
		}
		return n >= p2p.MaxParallelPulls
	})
	before := time.Now()
	if err := g.Sync(testContext(t), honest.ID()); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(before); took > 8*time.Second { // the others keep it waiting for 10 s
		t.Errorf("pulled after %s", took)
	}
}

// TestCallersShareOnePull: a peer that tells each of a gateway's clients of a new advert is not pulled from by each of them.
func TestCallersShareOnePull(t *testing.T) {
	g := startHost(t, p2p.Config{Role: p2p.RoleGateway, Listen: []string{listen["tcp"]}})
	o := startHost(t, p2p.Config{Role: p2p.RoleOperator, Bootstrap: g.Addrs()})
	await(t, "a connection", func() bool { return g.Connected(o.ID()) })
	await(t, "the pull of a new connection", func() bool { return g.Sync(testContext(t), o.ID()) == nil })
	taken := o.KeepWaiting()
	ctx, cancel := context.WithTimeout(testContext(t), 2*time.Second)
	defer cancel()
	var callers sync.WaitGroup
	for range 50 {
		callers.Go(func() {
			if err := g.Sync(ctx, o.ID()); err == nil {
				t.Error("a pull that nobody answers succeeded")
			}
		})
	}
	callers.Wait()
	if n := taken.Load(); n < 1 || n > 4 { // the node's own second pull may be among them
		t.Errorf("%d pulls for 50 callers", n)
	}
}

// TestPullIsCheaperThanHashing: a pull of what the asker has does not hash the directory, which anybody could have us do as often as wanted.
func TestPullIsCheaperThanHashing(t *testing.T) {
	h := startHost(t, p2p.Config{Role: p2p.RoleOperator})
	raw := make([]byte, p2p.MaxAdvertBytes) // as large as they may be; nobody opens them here
	now := uint64(time.Now().Unix())
	const nodes = 500
	for i := range nodes {
		a := p2p.Advert{Peer: p2p.PeerID(fmt.Sprint("peer ", i)), Operator: [20]byte{byte(i), byte(i >> 8)}, Seq: 1, ValidFrom: now, ValidTo: now + 1000}
		raw[0], raw[1] = byte(i), byte(i>>8)
		if err := h.Hold(a, raw); err != nil {
			t.Fatal(err)
		}
	}
	pull, hash := time.Hour, time.Hour
	for range 50 { // others use the machine too
		before := time.Now()
		if err := h.AnswerPull(); err != nil {
			t.Fatal(err)
		}
		pull = min(pull, time.Since(before))
		before = time.Now()
		for range nodes {
			sha256.Sum256(raw)
		}
		if hash = min(hash, time.Since(before)); pull <= hash/2 {
			return
		}
	}
	t.Errorf("an answer takes %s, hashing the directory %s", pull, hash)
}
