package p2p_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/peer"
	"pgregory.net/rapid"

	"flotilla/p2p"
)

// clock is a clock that a test moves.
type clock struct{ now time.Time }

func (c *clock) Now() time.Time { return c.now }

// shelf is a directory under test with its surroundings.
type shelf struct {
	*p2p.Directory
	clock  *clock
	stakes map[[20]byte]bool // operators whose stake the checker knows
	proofs []p2p.Equivocation
	key    ed25519.PrivateKey
	id     p2p.PeerID
}

// newShelf returns an empty directory, and one known operator {1} with a key.
func newShelf(t testing.TB) *shelf {
	t.Helper()
	s := &shelf{clock: &clock{now: time.Unix(1_800_000_000, 0)}, stakes: map[[20]byte]bool{{1}: true}, key: newIdentity(t)}
	s.id = mustPeerID(t, s.key)
	s.Directory = p2p.NewTestDirectory(p2p.Config{
		Network: testNetwork, Now: s.clock.Now,
		CheckAdvert: func(a p2p.Advert) (p2p.Verdict, error) {
			switch {
			case a.Offers[0].Model == "forged":
				return p2p.Reject, fmt.Errorf("operator signature does not match")
			case !s.stakes[a.Operator]:
				return p2p.Ignore, nil
			default:
				return p2p.Accept, nil
			}
		},
		OnEquivocation: func(e p2p.Equivocation) { s.proofs = append(s.proofs, e) },
	}, mustPeerID(t, newIdentity(t)))
	return s
}

// mustPeerID derives a peer ID.
func mustPeerID(t testing.TB, key ed25519.PrivateKey) p2p.PeerID {
	t.Helper()
	priv, err := crypto.UnmarshalEd25519PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	id, err := peer.IDFromPrivateKey(priv)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

// advert returns a good advert, valid for half an hour.
func (s *shelf) advert(seq uint64) p2p.Advert {
	now := uint64(s.clock.now.Unix())
	return p2p.Advert{
		Peer: s.id, Operator: [20]byte{1}, Seq: seq, ValidFrom: now, ValidTo: now + 1800,
		Offers: []p2p.Offer{{Model: "m", InputPerMTok: 1, OutputPerMTok: 2, MaxContext: 2048, Features: []string{"tools"}, Sig: []byte{1}}},
	}
}

// seal signs an advert with the shelf's key.
func (s *shelf) seal(t testing.TB, a p2p.Advert) []byte {
	t.Helper()
	raw, err := p2p.SealAdvert(testNetwork, s.key, a)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// want admits raw, as handed over by its signer, and compares the verdict.
func (s *shelf) want(t testing.TB, raw []byte, want p2p.Verdict, cause string) {
	t.Helper()
	got, err := s.Admit(s.id, raw, true)
	if got != want || (cause != "" && (err == nil || !strings.Contains(err.Error(), cause))) {
		t.Fatalf("verdict %s (%v), want %s because of %q", got, err, want, cause)
	}
}

// TestAdmitRejects lists what only the sender can be at fault for.
func TestAdmitRejects(t *testing.T) {
	cases := map[string]struct {
		change func(*p2p.Advert)
		cause  string
	}{
		"span over an hour":  {func(a *p2p.Advert) { a.ValidTo = a.ValidFrom + 3601 }, "limit 1h"},
		"ends before start":  {func(a *p2p.Advert) { a.ValidTo = a.ValidFrom }, "is not after"},
		"no sequence number": {func(a *p2p.Advert) { a.Seq = 0 }, "sequence number is zero"},
		"too many offers":    {func(a *p2p.Advert) { a.Offers = make([]p2p.Offer, 65) }, "65 offers"},
		"bad address":        {func(a *p2p.Advert) { a.Addrs = []string{"localhost:4001"} }, "address"},
		"long name":          {func(a *p2p.Advert) { a.Offers[0].Runtime = strings.Repeat("x", 161) }, "over 160"},
		"escape sequence":    {func(a *p2p.Advert) { a.Offers[0].Model = "llama\x1b[2J" }, "cannot be printed"},
		"invisible letter":   {func(a *p2p.Advert) { a.Offers[0].Model = "llama\u200b-3" }, "cannot be printed"},
		"no model":           {func(a *p2p.Advert) { a.Offers[0].Model = "" }, "model is empty"},
		"too large": {func(a *p2p.Advert) {
			for range 60 {
				a.Offers = append(a.Offers, p2p.Offer{Model: strings.Repeat("m", 160), Runtime: strings.Repeat("r", 160)})
			}
		}, "limit 16384"},
		"someone else's peer id": {func(a *p2p.Advert) { a.Peer = mustPeerID(t, newIdentity(t)) }, "signature does not belong"},
		"no peer id":             {func(a *p2p.Advert) { a.Peer = "" }, "malformed"},
		"check says no":          {func(a *p2p.Advert) { a.Offers[0].Model = "forged" }, "operator signature"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := newShelf(t)
			a := s.advert(1)
			c.change(&a)
			s.want(t, s.seal(t, a), p2p.Reject, c.cause)
			if n := len(s.Live()); n != 0 {
				t.Fatalf("%d adverts stored", n)
			}
		})
	}
	t.Run("other network", func(t *testing.T) {
		s := newShelf(t)
		raw, err := p2p.SealAdvert("1/0xother", s.key, s.advert(1))
		if err != nil {
			t.Fatal(err)
		}
		s.want(t, raw, p2p.Reject, "signature does not belong")
	})
	t.Run("every flipped byte", func(t *testing.T) {
		s := newShelf(t)
		raw := s.seal(t, s.advert(1))
		for i := range raw {
			bad := bytes.Clone(raw)
			bad[i] ^= 1
			s.want(t, bad, p2p.Reject, "")
		}
		s.want(t, append(bytes.Clone(raw), 0), p2p.Reject, "malformed")
		s.want(t, raw, p2p.Accept, "")
	})
}

// TestAdmitIgnores lists what is nobody's fault.
func TestAdmitIgnores(t *testing.T) {
	t.Run("old sequence number", func(t *testing.T) {
		s := newShelf(t)
		first, second := s.seal(t, s.advert(1)), s.seal(t, s.advert(2))
		s.want(t, second, p2p.Accept, "")
		s.want(t, first, p2p.Ignore, "not newer")
		s.want(t, second, p2p.Accept, "") // said again: who has it by a pull relays it to those who do not
		s.want(t, first, p2p.Ignore, "not newer")
		if live := s.Live(); len(live) != 1 || live[0].Seq != 2 {
			t.Fatalf("live adverts %v", live)
		}
	})
	t.Run("clock", func(t *testing.T) {
		s := newShelf(t)
		early, late := s.advert(1), s.advert(2)
		early.ValidFrom += 301
		late.ValidFrom, late.ValidTo = late.ValidFrom-100, late.ValidFrom
		s.want(t, s.seal(t, early), p2p.Ignore, "not valid yet")
		s.want(t, s.seal(t, late), p2p.Ignore, "expired")
		early.ValidFrom -= 1
		s.want(t, s.seal(t, early), p2p.Accept, "")
	})
	t.Run("rate, with room for restarts", func(t *testing.T) {
		s := newShelf(t)
		for seq := uint64(1); seq <= 4; seq++ {
			s.want(t, s.seal(t, s.advert(seq)), p2p.Accept, "")
		}
		s.want(t, s.seal(t, s.advert(5)), p2p.Ignore, "too fast")
		s.clock.now = s.clock.now.Add(10 * time.Second)
		s.want(t, s.seal(t, s.advert(6)), p2p.Accept, "")
		s.want(t, s.seal(t, s.advert(7)), p2p.Ignore, "too fast")
		if _, err := s.Admit(s.id, s.seal(t, s.advert(8)), false); err != nil {
			t.Fatalf("a pull is not rate limited: %v", err)
		}
	})
	t.Run("too many nodes of one operator", func(t *testing.T) {
		s := newShelf(t)
		for i := range p2p.MaxNodesPerOperator + 1 {
			s.key = newIdentity(t)
			s.id = mustPeerID(t, s.key)
			want, cause := p2p.Accept, ""
			if i == p2p.MaxNodesPerOperator {
				want, cause = p2p.Ignore, "full"
			}
			s.want(t, s.seal(t, s.advert(1)), want, cause)
		}
	})
}

// TestAdmitUnknownStake: an advert seen before its stake is taken up as soon as
// the chain view has caught up, without being sent again.
func TestAdmitUnknownStake(t *testing.T) {
	s := newShelf(t)
	a := s.advert(1)
	a.Operator = [20]byte{2}
	s.want(t, s.seal(t, a), p2p.Ignore, "check advert")
	s.Recheck()
	if len(s.Live()) != 0 {
		t.Fatal("stored without stake")
	}
	s.stakes[a.Operator] = true
	s.Recheck()
	if live := s.Live(); len(live) != 1 || live[0].Operator != a.Operator {
		t.Fatalf("not stored after the stake appeared: %v", live)
	}
}

// TestAdmitEquivocation: two adverts under one number are proof against their
// signer, and no fault of a node that relays the second.
func TestAdmitEquivocation(t *testing.T) {
	s := newShelf(t)
	cheap, dear := s.advert(5), s.advert(5)
	dear.Offers[0].OutputPerMTok = 1000
	first, second := s.seal(t, cheap), s.seal(t, dear)
	s.want(t, first, p2p.Accept, "")
	relay := mustPeerID(t, newIdentity(t))
	if verdict, err := s.Admit(relay, second, true); verdict != p2p.Ignore {
		t.Fatalf("relay: %s (%v)", verdict, err)
	}
	s.want(t, second, p2p.Reject, "two adverts under one sequence number")
	if len(s.proofs) != 2 || !bytes.Equal(s.proofs[0].First, first) || !bytes.Equal(s.proofs[0].Second, second) || s.proofs[0].Seq != 5 {
		t.Fatalf("proofs %+v", s.proofs)
	}
	if said := s.proofs[0].Adverts; said[0].Offers[0].OutputPerMTok != 2 || said[1].Offers[0].OutputPerMTok != 1000 {
		t.Fatalf("the proof says %+v", said)
	}
	if live := s.Live(); live[0].Offers[0].OutputPerMTok != 2 {
		t.Fatal("the second advert replaced the first")
	}
}

// TestExpiryIsExact: a reader sees no expired advert, even before any tick.
func TestExpiryIsExact(t *testing.T) {
	s := newShelf(t)
	s.want(t, s.seal(t, s.advert(1)), p2p.Accept, "")
	s.clock.now = s.clock.now.Add(1800*time.Second - time.Nanosecond)
	if len(s.Live()) != 1 {
		t.Fatal("gone before its end")
	}
	s.clock.now = s.clock.now.Add(time.Nanosecond)
	if len(s.Live()) != 0 {
		t.Fatal("alive after its end")
	}
}

// TestNoReplayAfterExpiry: an older advert with a later end stays refused when
// the newer one has ended, or anyone could bring back a withdrawn price.
func TestNoReplayAfterExpiry(t *testing.T) {
	s := newShelf(t)
	long, short := s.advert(1), s.advert(2)
	short.ValidTo = short.ValidFrom + 60
	s.want(t, s.seal(t, long), p2p.Accept, "")
	s.want(t, s.seal(t, short), p2p.Accept, "")
	s.clock.now = s.clock.now.Add(2 * time.Minute)
	if n := len(s.Live()); n != 0 {
		t.Fatalf("%d live adverts", n)
	}
	s.want(t, s.seal(t, long), p2p.Ignore, "not newer")
}

// TestKnownAdvertsAreRelayedSparingly: who repeats the adverts of others, as often as GossipSub has forgotten them, has each relayed
// little more than its node does, and keeps no newer advert out.
func TestKnownAdvertsAreRelayedSparingly(t *testing.T) {
	s := newShelf(t)
	raw := s.seal(t, s.advert(1))
	s.want(t, raw, p2p.Accept, "")
	relays := 0
	for range 10 {
		if verdict, _ := s.Admit(s.id, raw, true); verdict == p2p.Accept {
			relays++
		}
		s.clock.now = s.clock.now.Add(2*time.Minute + time.Second)
	}
	if relays > 4 {
		t.Errorf("relayed %d times in 20 minutes, in which its node says it twice", relays)
	}
	s.clock.now = s.clock.now.Add(5 * time.Minute)
	s.want(t, raw, p2p.Accept, "")
	for seq := range uint64(3) {
		s.want(t, s.seal(t, s.advert(2+seq)), p2p.Accept, "")
	}
}

// TestDirectoryModel compares the directory with a model: of each peer the
// highest sequence number accepted, remembered until an hour and five minutes
// after its end.
func TestDirectoryModel(t *testing.T) {
	keys := []ed25519.PrivateKey{newIdentity(t), newIdentity(t), newIdentity(t)}
	rapid.Check(t, func(rt *rapid.T) {
		s := newShelf(t)
		model := map[p2p.PeerID]p2p.Advert{}
		for range rapid.IntRange(1, 20).Draw(rt, "steps") {
			s.clock.now = s.clock.now.Add(time.Duration(rapid.IntRange(0, 1200).Draw(rt, "seconds")) * time.Second)
			s.key = keys[rapid.IntRange(0, len(keys)-1).Draw(rt, "key")]
			s.id = mustPeerID(t, s.key)
			a := s.advert(rapid.Uint64Range(1, 10).Draw(rt, "seq"))
			unix := uint64(s.clock.now.Unix())
			stored, known := model[s.id]
			if known && stored.ValidTo+3600+300 <= unix {
				known = false
			}
			verdict, _ := s.Admit(s.id, s.seal(t, a), false)
			want := p2p.Accept
			switch {
			case known && a.Seq == stored.Seq && a.ValidFrom != stored.ValidFrom:
				want = p2p.Reject
			case known && a.Seq < stored.Seq:
				want = p2p.Ignore
			}
			if verdict != want {
				rt.Fatalf("seq %d over %d: %s, want %s", a.Seq, stored.Seq, verdict, want)
			}
			if verdict == p2p.Accept {
				model[s.id] = a
			}
			live := 0
			for _, m := range model {
				if m.ValidTo > unix {
					live++
				}
			}
			if got := s.Live(); len(got) != live {
				rt.Fatalf("%d live, model has %d", len(got), live)
			}
			for _, l := range s.Live() {
				if model[l.Peer].Seq != l.Seq {
					rt.Fatalf("peer %s has seq %d, model %d", l.Peer, l.Seq, model[l.Peer].Seq)
				}
			}
		}
	})
}
