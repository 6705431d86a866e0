package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of the directory.
const (
	// MaxAdverts bounds the nodes kept: four times the fleet size that the
	// gossip budget was computed for.
	MaxAdverts = 4096
	// MaxNodesPerOperator bounds the nodes behind one staked address, so that one
	// stake cannot fill the directory.
	MaxNodesPerOperator = 16
	// maxPending bounds adverts that wait for a stake this node has not seen yet.
	maxPending = 256

	// advertSpacing and advertBurst limit accepted adverts per node: on average
	// one per 10 s, with room for a restart or two in quick succession.
	advertSpacing = 10 * time.Second
	advertBurst   = 3
	// relaySpacing is the least time between two relays of one advert that is stored already: half the period at which its node says it
	// again. Whoever has an advert can say it too, and each relay is a message to every node.
	relaySpacing = 5 * time.Minute
)

// Causes of Ignore. Callers see them in logs and counters only.
var (
	errStale   = errors.New("sequence number is not newer")
	errRate    = errors.New("adverts come too fast")
	errFull    = errors.New("directory is full")
	errUnknown = errors.New("advert check")
	errOwn     = errors.New("own advert came back")
)

// errKnown: the advert is stored already. It came by a pull, or its node says it again, and is relayed for those whom neither reached
// (Accept), unless it just was; GossipSub's memory of messages ends each round.
var errKnown = errors.New("advert is stored already")

// errTwoFaced marks two different adverts signed under one sequence number.
var errTwoFaced = errors.New("peer signed two adverts under one sequence number")

// entry is one stored advert with the envelope that proves it.
type entry struct {
	sealed
	advert  Advert
	bucket  tokenBucket
	relayed time.Time // when it was last relayed although it was stored; zero: never
}

// snapshot is what readers see; it is never modified after it is stored.
type snapshot struct {
	adverts []Advert
	// nextExpiry is the earliest ValidTo (unix seconds), 0 when empty.
	nextExpiry uint64
}

// Directory holds the newest advert of each node, and shows the live ones. Reads take no lock
// unless an advert has expired since the last write.
type Directory struct {
	codec   codec
	network string
	self    PeerID
	check   func(Advert) (Verdict, error)
	twoFace func(Equivocation)
	now     func() time.Time

	current atomic.Pointer[snapshot]

	// mu guards the maps. It is not held while check or twoFace run.
	mu      sync.Mutex
	entries map[PeerID]*entry
	pending map[PeerID][]byte // raw envelopes whose check said Ignore
}

// newDirectory returns an empty directory.
func newDirectory(cfg Config, c codec, self PeerID) *Directory {
	d := &Directory{
		self:    self,
		codec:   c,
		network: cfg.Network,
		check:   cfg.CheckAdvert,
		twoFace: cfg.OnEquivocation,
		now:     cfg.Now,
		entries: make(map[PeerID]*entry),
		pending: make(map[PeerID][]byte),
	}
	d.current.Store(&snapshot{})
	return d
}

// snapshotNow returns the live adverts, ordered by peer. The slice is shared
// and must not be changed.
func (d *Directory) snapshotNow() []Advert {
	s := d.current.Load()
	if s.nextExpiry != 0 && d.unix() >= s.nextExpiry {
		d.expire()
		s = d.current.Load()
	}
	return s.adverts
}

// admit judges a signed advert that the peer from handed over and stores it
// when good. Checks run cheapest first. limited applies the rate limit, which
// pulls do without because they are rationed themselves.
//
// Two adverts under one sequence number are the signer's fault alone: each half
// of the fleet may in good faith relay the one it saw first. So only the signer
// is rejected for it; rejecting relays would let one liar turn honest nodes
// against one another.
func (d *Directory) admit(from PeerID, raw []byte, limited bool) (Verdict, error) {
	a, err := d.codec.openAdvert(d.network, raw)
	if err != nil {
		return Reject, err
	}
	if a.Peer == d.self {
		return Ignore, errOwn
	}
	switch verdict, err := d.precheck(&a, raw, limited); {
	case errors.Is(err, errTwoFaced) && from != a.Peer:
		return Ignore, err
	case verdict != Accept:
		return verdict, err
	case errors.Is(err, errKnown):
		return Accept, nil
	}
	if d.check != nil {
		switch verdict, err := d.check(a); verdict {
		case Accept:
		case Reject:
			return Reject, fmt.Errorf("check advert: %w", orUnknown(err))
		default:
			d.keepPending(a.Peer, raw)
			return Ignore, fmt.Errorf("check advert: %w", orUnknown(err))
		}
	}
	return d.put(a, raw)
}

// orUnknown gives a verdict without error a cause.
func orUnknown(err error) error {
	if err == nil {
		return errUnknown
	}
	return err
}

// precheck compares an advert with the clock and with what is stored.
func (d *Directory) precheck(a *Advert, raw []byte, limited bool) (Verdict, error) {
	now := d.now()
	d.mu.Lock()
	stored := d.remembered(a.Peer)
	var proof *Equivocation
	verdict, err := Accept, error(nil)
	switch {
	case stored != nil && bytes.Equal(raw, stored.raw):
		err = errKnown
	case stored != nil && a.Seq == stored.advert.Seq:
		proof = &Equivocation{
			Peer: a.Peer, Seq: a.Seq, First: stored.raw, Second: bytes.Clone(raw), Adverts: [2]Advert{stored.advert, *a},
		}
		verdict, err = Reject, errTwoFaced
	case stored != nil && a.Seq <= stored.advert.Seq:
		verdict, err = Ignore, errStale
	}
	if verdict == Accept {
		switch late := a.fresh(now); {
		case late != nil:
			verdict, err = Ignore, late
		case !limited || stored == nil:
		case err == nil:
			if !stored.bucket.take(now) {
				verdict, err = Ignore, errRate
			}
		case now.Sub(stored.relayed) < relaySpacing:
			verdict = Ignore
		default:
			stored.relayed = now
		}
	}
	d.mu.Unlock()
	if proof != nil && d.twoFace != nil {
		d.twoFace(*proof)
	}
	return verdict, err
}

// put stores a checked advert, unless a newer one came in meanwhile.
func (d *Directory) put(a Advert, raw []byte) (Verdict, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	delete(d.pending, a.Peer)
	stored := d.remembered(a.Peer)
	if stored != nil && a.Seq <= stored.advert.Seq {
		return Ignore, errStale
	}
	if stored == nil {
		d.forget()
		if len(d.entries) >= MaxAdverts {
			d.evictEnded()
		}
		if len(d.entries) >= MaxAdverts || d.nodesOf(a.Operator) >= MaxNodesPerOperator {
			return Ignore, errFull
		}
		stored = &entry{bucket: newTokenBucket(advertBurst, advertSpacing, d.now())}
		d.entries[a.Peer] = stored
	}
	stored.advert, stored.sealed, stored.relayed = a, newSealed(raw), time.Time{}
	d.publish()
	return Accept, nil
}

// nodesOf counts the live nodes of one operator. The caller holds mu.
func (d *Directory) nodesOf(operator [20]byte) int {
	n, now := 0, d.unix()
	for _, e := range d.entries {
		if e.advert.Operator == operator && e.advert.ValidTo > now {
			n++
		}
	}
	return n
}

// keepPending remembers an advert for recheck: the chain view of this node may
// lag behind the operator's. A full table drops an arbitrary other one.
func (d *Directory) keepPending(id PeerID, raw []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, known := d.pending[id]; !known && len(d.pending) >= maxPending {
		for victim := range d.pending {
			delete(d.pending, victim)
			break
		}
	}
	d.pending[id] = bytes.Clone(raw)
}

// recheck gives pending adverts another chance.
func (d *Directory) recheck() {
	d.mu.Lock()
	waiting := d.pending
	d.pending = make(map[PeerID][]byte)
	d.mu.Unlock()
	for id, raw := range waiting {
		_, _ = d.admit(id, raw, false) // an Ignore puts it back, anything else settles it
	}
}

// expire publishes a snapshot without the adverts whose time is over, if there
// are any in the current one.
func (d *Directory) expire() {
	d.mu.Lock()
	defer d.mu.Unlock()
	if s := d.current.Load(); s.nextExpiry != 0 && s.nextExpiry <= d.unix() {
		d.forget()
		d.publish()
	}
}

// forgettable says whether an entry ended so long ago that no lower sequence
// number of that peer can still be valid. Until then an ended entry stays,
// unpublished: it keeps an older advert with a later end from being replayed.
func (d *Directory) forgettable(e *entry) bool {
	return e.advert.ValidTo+uint64((MaxAdvertSpan+clockSkew)/time.Second) <= d.unix()
}

// remembered returns the entry of a peer, nil if there is none or it may be
// forgotten. The caller holds mu.
func (d *Directory) remembered(id PeerID) *entry {
	e := d.entries[id]
	if e != nil && d.forgettable(e) {
		delete(d.entries, id)
		return nil
	}
	return e
}

// forget deletes all forgettable entries. The caller holds mu.
func (d *Directory) forget() {
	maps.DeleteFunc(d.entries, func(_ PeerID, e *entry) bool { return d.forgettable(e) })
}

// evictEnded deletes every ended entry: in a full directory newcomers matter
// more than replays. The caller holds mu.
func (d *Directory) evictEnded() {
	now := d.unix()
	maps.DeleteFunc(d.entries, func(_ PeerID, e *entry) bool { return e.advert.ValidTo <= now })
}

// unix is the clock in unix seconds.
func (d *Directory) unix() uint64 { return uint64(d.now().Unix()) }

// publish stores a new snapshot. The caller holds mu.
func (d *Directory) publish() {
	now := d.unix()
	s := &snapshot{adverts: make([]Advert, 0, len(d.entries))}
	for _, e := range d.entries {
		if e.advert.ValidTo <= now {
			continue
		}
		s.adverts = append(s.adverts, e.advert)
		if s.nextExpiry == 0 || e.advert.ValidTo < s.nextExpiry {
			s.nextExpiry = e.advert.ValidTo
		}
	}
	slices.SortFunc(s.adverts, func(a, b Advert) int { return bytes.Compare([]byte(a.Peer), []byte(b.Peer)) })
	d.current.Store(s)
}

// lookup returns the live advert of a node.
func (d *Directory) lookup(id PeerID) (Advert, bool) {
	for _, a := range d.snapshotNow() {
		if a.Peer == id {
			return a, true
		}
	}
	return Advert{}, false
}

// envelopes returns the signed adverts of all live entries, in map order.
func (d *Directory) envelopes() []sealed {
	d.mu.Lock()
	defer d.mu.Unlock()
	now := d.unix()
	live := make([]sealed, 0, len(d.entries))
	for _, e := range d.entries {
		if e.advert.ValidTo > now {
			live = append(live, e.sealed)
		}
	}
	return live
}

// tokenBucket allows so many events at once and one more each period.
type tokenBucket struct {
	most   int
	every  time.Duration
	tokens int
	last   time.Time
}

// newTokenBucket returns a full bucket.
func newTokenBucket(most int, every time.Duration, now time.Time) tokenBucket {
	return tokenBucket{most: most, every: every, tokens: most, last: now}
}

// empty says whether there is no token now.
func (b *tokenBucket) empty(now time.Time) bool {
	if refill := int(now.Sub(b.last) / b.every); refill > 0 {
		b.tokens = min(b.tokens+refill, b.most)
		b.last = b.last.Add(time.Duration(refill) * b.every)
	}
	return b.tokens == 0
}

// take uses one token and says whether there was one.
func (b *tokenBucket) take(now time.Time) bool {
	if b.empty(now) {
		return false
	}
	b.tokens--
	return true
}
