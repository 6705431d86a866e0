package p2p_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"flotilla/p2p"
	"flotilla/p2p/simtest"
)

// dialLog is a log that counts the dials to addresses that have a text in them.
type dialLog struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (d *dialLog) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.text.Write(p)
}

func (d *dialLog) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(d, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (d *dialLog) dials(to string) int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Count(d.text.String(), "* ["+to)
}

// hold has a host hear hellos that name addrs, signed by each key, as of now.
func hold(t *testing.T, h *p2p.Host, keys []ed25519.PrivateKey, addrs func(i int) []string) {
	t.Helper()
	for i, key := range keys {
		raw, err := p2p.SealHello(simtest.Network, key, mustPeerID(t, key), addrs(i), uint64(time.Now().UnixMilli()))
		if err != nil {
			t.Fatal(err)
		}
		_ = h.HoldHello(raw) // a full set may have no room
	}
}

// TestKnocksAtAThirdParty: many gateways that somebody has invented name the address of one that has nothing to do with the fleet. An
// operator knocks there a few times, and meets an honest gateway all the same.
func TestKnocksAtAThirdParty(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		log := &dialLog{}
		known := f.Start(p2p.Config{Role: p2p.RoleGateway})
		// A dial waits longer than QUIC's handshake: one that is given up just then does not say where it knocked.
		o := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{known.Addr}, Logger: log.logger(), Timers: p2p.InferTimers{Dial: 15 * time.Second}})
		time.Sleep(5 * time.Second)
		victim := func(int) (addrs []string) {
			for port := range 8 {
				addrs = append(addrs, fmt.Sprintf("/ip4/9.9.9.9/udp/%d/quic-v1", 1000+port))
			}
			return addrs
		}
		const minutes = 10
		var honest *simtest.Node
		for minute := range minutes {
			var keys []ed25519.PrivateKey
			for i := range p2p.MaxGateways {
				keys = append(keys, simtest.Key(1000+i))
			}
			if minute == minutes/2 {
				honest = f.Start(p2p.Config{Role: p2p.RoleGateway, Bootstrap: []string{known.Addr}})
				time.Sleep(time.Second)
			}
			hold(t, o.Host, keys, victim)
			time.Sleep(time.Minute)
		}
		if n := log.dials("/ip4/9.9.9.9/"); n == 0 || n > 8+minutes {
			t.Errorf("%d knocks at a third party in %d minutes, want a few", n, minutes)
		}
		if !o.Connected(honest.ID()) {
			t.Error("an honest gateway was not met")
		}
	})
}

// TestKnocksAtManyPlaces: what invented gateways have a node dial altogether is bounded too; where a peer has proved itself, its own backoff is
// enough.
func TestKnocksAtManyPlaces(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	knock := p2p.NewTestDoors(now, "/ip4/8.8.8.8/udp/1/quic-v1")
	strange, proven := 0, 0
	const minutes = 10
	for second := range minutes * 60 {
		for i := range 4 {
			strange += len(knock(now, fmt.Sprintf("/ip4/9.9.%d.%d/udp/1000/quic-v1", second/60, (4*second+i)%256)))
		}
		proven += len(knock(now, "/ip4/8.8.8.8/udp/2/quic-v1"))
		now = now.Add(time.Second)
	}
	if strange < p2p.MaxGateways || strange > p2p.MaxGateways+minutes*15 {
		t.Errorf("%d dials in %d minutes for gateways that somebody has invented", strange, minutes)
	}
	if proven != minutes*60 {
		t.Errorf("%d of %d dials where a peer was met", proven, minutes*60)
	}
}

// TestKnocksAreNotForgotten: whoever names places without end does not have it forgotten how often there were knocks at one of them.
func TestKnocksAreNotForgotten(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	knock := p2p.NewTestDoors(now, "/ip4/8.8.8.8/udp/1/quic-v1")
	victim := 0
	const minutes = 10
	for second := range minutes * 60 {
		var many []string
		for i := range 8 {
			many = append(many, fmt.Sprintf("/ip4/9.9.9.9/udp/%d/quic-v1", 1000+i))
		}
		victim += len(knock(now, many...))
		for i := range 64 { // as gateways of a full set may name
			knock(now, fmt.Sprintf("/ip4/11.%d.%d.%d/udp/1/quic-v1", second/256, second%256, i))
		}
		now = now.Add(time.Second)
	}
	if most := 8 + 8 + minutes/2; victim == 0 || victim > most {
		t.Errorf("%d knocks at one place in %d minutes, want %d at most", victim, minutes, most)
	}
}

// TestEveryAddressHasItsTurn: a gateway whose first address is dead is found at its second also where there were many knocks.
func TestEveryAddressHasItsTurn(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	knock := p2p.NewTestDoors(now, "/ip4/8.8.8.8/udp/1/quic-v1")
	dead, alive := "/ip4/9.9.9.9/tcp/1", "/ip4/9.9.9.9/udp/1/quic-v1"
	for range 8 {
		knock(now, dead, alive)
	}
	knocks := make(map[string]int)
	for range 60 {
		now = now.Add(time.Minute)
		for _, a := range knock(now, dead, alive) {
			knocks[a]++
		}
	}
	if knocks[dead]+knocks[alive] != 30 || knocks[alive] == 0 {
		t.Errorf("knocks in an hour: %v", knocks)
	}
}

// TestMovedBootstrapGateway: a gateway of the list that is at another address now is met there.
func TestMovedBootstrapGateway(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		first := f.Start(p2p.Config{Role: p2p.RoleGateway})
		second := f.Start(p2p.Config{Role: p2p.RoleGateway, Bootstrap: []string{first.Addr}})
		o := f.Start(p2p.Config{Role: p2p.RoleOperator, Bootstrap: []string{first.Addr, second.Addr}})
		time.Sleep(10 * time.Second)
		f.Stop(first)
		time.Sleep(time.Minute)
		moved := f.Start(p2p.Config{Role: p2p.RoleGateway, Identity: first.Key, Bootstrap: []string{second.Addr}})
		time.Sleep(3 * time.Minute)
		if !o.Connected(moved.ID()) {
			t.Errorf("the gateway moved from %s to %s and said so, and was not met there", first.Addr, moved.Addr)
		}
	})
}

// TestIntroductionsAreNotFollowed: GossipSub lets whoever prunes a peer name others in its place, as many as it likes, each with any
// addresses. They are not dialled.
func TestIntroductionsAreNotFollowed(t *testing.T) {
	inFleet(t, func(t *testing.T, f *simtest.Fleet) {
		node, third := f.Start(p2p.Config{Role: p2p.RoleGateway}), f.Start(p2p.Config{Role: p2p.RoleGateway})
		s := f.Stranger(t.Context(), node)
		defer s.Close()
		time.Sleep(5 * time.Second)
		if err := s.Introduce(t.Context(), node, third); err != nil {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Second)
		if node.Connected(third.ID()) {
			t.Error("a node has dialled an address that a stranger named")
		}
	})
}
