package p2p

import (
	"cmp"
	"context"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"
)

// Bounds and periods of the dialer.
const (
	// enoughPeers is where a node stops dialling peers it merely remembers:
	// GossipSub's mesh degree plus two.
	enoughPeers   = 8
	parallelDials = 8
	dialTick      = time.Second
	backoffMin    = time.Second
	backoffMax    = time.Minute
	// listedBackoffMax is for the bootstrap list: an operator may have no other gateway, and is without work until it is back.
	listedBackoffMax = 15 * time.Second
	// failuresTold in a row of a node of the bootstrap list are told to the owner, once: an address that is wrong is never reached.
	failuresTold = 3
)

// connTag names our protection and tags in libp2p's connection manager.
const connTag = "flotilla"

// target is the dial state of one peer.
type target struct {
	tried    []multiaddr.Multiaddr // at the last attempt
	failures int
	next     time.Time
	dialing  bool
}

// dialer keeps the node connected: to bootstrap nodes and, for an operator, to
// every live gateway, always; to remembered peers until there are enough.
type dialer struct {
	lib       host.Host
	log       *slog.Logger
	role      Role
	bootstrap []peer.AddrInfo
	kept      *peersFile
	gateways  *gatewaySet
	timeout   time.Duration

	mu      sync.Mutex // guards targets and doors
	targets map[PeerID]*target
	doors   *doors
	dials   sync.WaitGroup
	slots   chan struct{}
}

// newDialer returns a dialer; bootstrap addresses were validated with the Config.
func newDialer(cfg Config, lib host.Host, kept *peersFile, gateways *gatewaySet) *dialer {
	d := &dialer{
		lib: lib, log: cfg.Logger, role: cfg.Role, kept: kept, gateways: gateways,
		timeout: cfg.Timers.Dial,
		targets: make(map[PeerID]*target), doors: newDoors(time.Now()),
		slots: make(chan struct{}, parallelDials),
	}
	byID := make(map[PeerID]int)
	for _, text := range cfg.Bootstrap {
		info, err := peer.AddrInfoFromString(text)
		if err != nil || info.ID == lib.ID() {
			continue
		}
		if at, known := byID[info.ID]; known {
			d.bootstrap[at].Addrs = append(d.bootstrap[at].Addrs, info.Addrs...)
			continue
		}
		byID[info.ID] = len(d.bootstrap)
		d.bootstrap = append(d.bootstrap, *info)
	}
	return d
}

// run dials until ctx ends, then waits for dials under way.
func (d *dialer) run(ctx context.Context) {
	defer d.dials.Wait()
	tick := time.NewTicker(dialTick)
	defer tick.Stop()
	for {
		d.step(ctx)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// step starts the dials that are due.
func (d *dialer) step(ctx context.Context) {
	seen := make(map[PeerID]bool)
	enough := func() bool { return len(d.lib.Network().Peers()) >= enoughPeers }
	try := func(infos []peer.AddrInfo, always, strange bool, longest time.Duration) {
		for _, info := range infos {
			if info.ID == d.lib.ID() || seen[info.ID] {
				continue
			}
			seen[info.ID] = true
			if always {
				d.lib.ConnManager().Protect(info.ID, connTag)
			}
			if always || !enough() {
				d.dial(ctx, info, strange, longest)
			}
		}
	}
	live, _ := d.gateways.live()
	try(d.listed(live), true, false, listedBackoffMax)
	try(d.leastTried(live), d.role == RoleOperator, true, backoffMax)
	if !enough() {
		try(d.kept.list(), false, false, backoffMax)
	}
	d.forget(seen)
}

// listed is the bootstrap list. A node of it may say in its hello that it has moved.
func (d *dialer) listed(live []peer.AddrInfo) []peer.AddrInfo {
	all := slices.Clone(d.bootstrap)
	for i := range all {
		for _, g := range live {
			if g.ID == all[i].ID {
				all[i].Addrs = slices.Concat(all[i].Addrs, g.Addrs)
			}
		}
	}
	return all
}

// leastTried sorts gateways so that whoever invents some cannot use up the dials that an honest one waits for.
func (d *dialer) leastTried(live []peer.AddrInfo) []peer.AddrInfo {
	d.mu.Lock()
	defer d.mu.Unlock()
	failures := func(id PeerID) int {
		if t := d.targets[id]; t != nil {
			return t.failures
		}
		return 0
	}
	slices.SortFunc(live, func(a, b peer.AddrInfo) int { return cmp.Compare(failures(a.ID), failures(b.ID)) })
	return live
}

func (d *dialer) isListed(id PeerID) bool {
	return slices.ContainsFunc(d.bootstrap, func(b peer.AddrInfo) bool { return b.ID == id })
}

// forget drops the state of peers that are no longer targets.
func (d *dialer) forget(seen map[PeerID]bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for id, t := range d.targets {
		if !seen[id] && !t.dialing {
			delete(d.targets, id)
			d.lib.ConnManager().Unprotect(id, connTag)
		}
	}
}

// dial starts one dial unless the peer is connected, being dialled, or its
// backoff has not run out, or all slots are taken. A node of the list is tried at once at an address that is new. Where only a stranger
// says that the peer is, doors bound the knocks.
func (d *dialer) dial(ctx context.Context, info peer.AddrInfo, strange bool, longest time.Duration) {
	if len(info.Addrs) == 0 {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	t := d.targets[info.ID]
	if t == nil {
		t = &target{}
		d.targets[info.ID] = t
	}
	if d.lib.Network().Connectedness(info.ID) == network.Connected {
		t.failures = 0
		return
	}
	if t.dialing || time.Now().Before(t.next) && (strange || !t.elsewhere(info.Addrs)) {
		return
	}
	select {
	case d.slots <- struct{}{}:
	default:
		return
	}
	t.tried = info.Addrs
	if strange {
		if info.Addrs = d.doors.knock(info.Addrs, time.Now()); len(info.Addrs) == 0 {
			<-d.slots
			return
		}
	}
	t.dialing = true
	d.dials.Go(func() {
		defer func() { <-d.slots }()
		err := d.connect(ctx, info)
		d.mu.Lock()
		defer d.mu.Unlock()
		t.dialing = false
		for _, c := range d.lib.Network().ConnsToPeer(info.ID) {
			if c.Stat().Direction == network.DirOutbound {
				d.doors.prove(c.RemoteMultiaddr(), time.Now())
			}
		}
		t.next = time.Now().Add(t.backoff(err, longest))
		if t.failures == failuresTold && d.isListed(info.ID) {
			d.log.Warn("a node of the bootstrap list cannot be reached; it is tried until it can", "peer", info.ID.String(), "error", err)
		}
	})
}

// connect makes one attempt, at these addresses and none that were heard before. libp2p's own backoff is cleared: it
// would refuse dials that ours allows.
func (d *dialer) connect(ctx context.Context, info peer.AddrInfo) error {
	if s, ok := d.lib.Network().(*swarm.Swarm); ok {
		s.Backoff().Clear(info.ID)
	}
	d.lib.Peerstore().ClearAddrs(info.ID)
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	if err := d.lib.Connect(ctx, info); err != nil {
		d.log.Debug("dial peer", "peer", info.ID.String(), "error", err)
		return err
	}
	d.log.Info("peer dialled", "peer", info.ID.String())
	return nil
}

// elsewhere says whether an address was not among those of the last attempt: the peer has moved, and said so.
func (t *target) elsewhere(addrs []multiaddr.Multiaddr) bool {
	return slices.ContainsFunc(addrs, func(a multiaddr.Multiaddr) bool { return !slices.ContainsFunc(t.tried, a.Equal) })
}

// backoff counts an attempt and returns the wait before the next: doubling from
// 1 s to the longest, ± 50 % so that a fleet does not return to a gateway in step.
func (t *target) backoff(err error, longest time.Duration) time.Duration {
	if err == nil {
		t.failures = 0
	} else {
		t.failures++
	}
	wait := min(backoffMin<<min(max(t.failures-1, 0), 10), longest)
	return wait/2 + rand.N(wait)
}
