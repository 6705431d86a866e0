package p2p

import (
	"cmp"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
)

// PeerID names a node: the hash of, or for ed25519 keys exactly, its public key.
type PeerID = peer.ID

// Role says which side of the market a node is on.
type Role uint8

const (
	// RoleOperator dials gateways and serves inference streams.
	RoleOperator Role = iota + 1
	// RoleGateway listens, gossips hellos, and opens inference streams.
	RoleGateway
)

// String names the role as it appears in logs.
func (r Role) String() string {
	switch r {
	case RoleOperator:
		return "operator"
	case RoleGateway:
		return "gateway"
	default:
		return fmt.Sprintf("role(%d)", uint8(r))
	}
}

// Verdict is the outcome of judging a gossip message.
type Verdict uint8

const (
	// Accept stores the message and relays it.
	Accept Verdict = iota + 1
	// Ignore drops the message and does not hold it against the sender: it is
	// old, early, or this node's view of the chain may lag.
	Ignore
	// Reject drops the message and lowers the sender's score: no honest node
	// could have relayed it.
	Reject
)

// String names the verdict as it appears in logs.
func (v Verdict) String() string {
	switch v {
	case Accept:
		return "accept"
	case Ignore:
		return "ignore"
	case Reject:
		return "reject"
	default:
		return fmt.Sprintf("verdict(%d)", uint8(v))
	}
}

// Equivocation is proof that a peer signed two different adverts under one
// sequence number. First and Second are the complete signed envelopes, Adverts
// is what they say.
type Equivocation struct {
	Peer          PeerID
	Seq           uint64
	First, Second []byte
	Adverts       [2]Advert
}

// Config describes a Host. Identity, Network, Role and Logger are required.
type Config struct {
	// Identity is the node's ed25519 key; see [LoadIdentity].
	Identity ed25519.PrivateKey
	// Listen holds multiaddrs such as /ip4/0.0.0.0/udp/4001/quic-v1. Empty means
	// that the node accepts no inbound connection, which suits an operator
	// behind NAT; a gateway must listen.
	Listen []string
	// Bootstrap holds full multiaddrs ending in /p2p/<id>, dialled for ever.
	Bootstrap []string
	// Network separates fleets, e.g. "1337/0x5fbd…": it is part of every topic
	// name and of every signature. Up to MaxNetworkBytes, no space.
	Network string
	// PeersFile keeps known addresses between runs; empty keeps none, and then a
	// node cannot rejoin once every bootstrap node is gone.
	PeersFile string
	// Role decides whom the node dials and whether it gossips hellos.
	Role Role
	// CheckAdvert judges an advert whose form and peer signature are good; the
	// node checks operator signature and stake here. It is called from gossip
	// validation and must not block. Nil accepts everything.
	CheckAdvert func(Advert) (Verdict, error)
	// OnEquivocation, if set, is handed proof of double signing. It must not block.
	OnEquivocation func(Equivocation)
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// Logger receives structured logs; never a prompt, a key or a signature.
	Logger *slog.Logger

	// RepublishEvery is the period at which the own advert is sent again; 0 means 10 min.
	RepublishEvery time.Duration
	// SyncEvery is the period of pulls from two random peers that repair what
	// gossip lost; 0 means 1 min.
	SyncEvery time.Duration
	// SyncAgain is when a peer that has just connected is pulled from once more, one to two of these after the first time.
	// Default 2 s.
	SyncAgain time.Duration
	// HelloEvery is the period of gateway hellos; 0 means 60 s. Receivers forget
	// a gateway after helloAge.
	HelloEvery time.Duration
	// Timers of inference streams; zero fields take the defaults.
	Timers InferTimers
	// HostOptions are appended to the libp2p options; tests use them to swap in a
	// simulated network. They void the promises of this package's documentation.
	HostOptions []libp2p.Option
}

// MaxNetworkBytes bounds Config.Network: it is repeated in each topic name.
const MaxNetworkBytes = 128

// InferTimers are the waits of an inference stream. A zero field means its default.
type InferTimers struct {
	// Dial bounds a dial to a peer that is not connected. Default 5 s.
	Dial time.Duration
	// Accept bounds the wait from the last byte of the request to Accept or
	// Reject; past it the gateway tries another operator. Default 2 s. A long
	// body has up to 8 s more to arrive.
	Accept time.Duration
	// Ping is the operator's keep-alive period before the first Delta. Default 5 s.
	Ping time.Duration
	// Silence bounds the wait for a Ping or Delta before the first Delta. Default 15 s.
	Silence time.Duration
	// Gap bounds the wait between Deltas, and from the last one to End. Default 20 s.
	Gap time.Duration
	// Answer bounds the whole stream when the caller's context has no earlier
	// deadline. Default 10 min.
	Answer time.Duration
	// Settle bounds the wait from End to Settle, and from Cancel to End. Default 5 s.
	Settle time.Duration
	// Write bounds each write to the stream, and the wait for each piece of a request. Default 10 s.
	Write time.Duration
	// AckEvery is the longest time a consumed Delta stays unacknowledged. Default 1 s.
	AckEvery time.Duration
	// AckDeltas is the number of Deltas after which an Ack is sent at once. Default 32.
	AckDeltas uint64
	// AckBytes is the number of bytes after which an Ack is sent at once. Default 64 KiB.
	AckBytes uint64
	// WindowDeltas and WindowBytes bound how far an operator runs ahead of the
	// acknowledgements. Defaults 256 and 128 KiB; they must exceed AckDeltas and AckBytes.
	WindowDeltas, WindowBytes uint64
	// Stalled bounds the time that Send waits for the window to open. Default 20 s.
	Stalled time.Duration
}

// withDefaults fills zero fields.
func (t InferTimers) withDefaults() InferTimers {
	t.Dial = cmp.Or(t.Dial, 5*time.Second)
	t.Accept = cmp.Or(t.Accept, 2*time.Second)
	t.Ping = cmp.Or(t.Ping, 5*time.Second)
	t.Silence = cmp.Or(t.Silence, 15*time.Second)
	t.Gap = cmp.Or(t.Gap, 20*time.Second)
	t.Answer = cmp.Or(t.Answer, 10*time.Minute)
	t.Settle = cmp.Or(t.Settle, 5*time.Second)
	t.Write = cmp.Or(t.Write, 10*time.Second)
	t.AckEvery = cmp.Or(t.AckEvery, time.Second)
	t.Stalled = cmp.Or(t.Stalled, 20*time.Second)
	t.AckDeltas = cmp.Or(t.AckDeltas, 32)
	t.AckBytes = cmp.Or(t.AckBytes, 64<<10)
	t.WindowDeltas = cmp.Or(t.WindowDeltas, 256)
	t.WindowBytes = cmp.Or(t.WindowBytes, 128<<10)
	return t
}

// withDefaults fills zero fields; it does not validate.
func (c Config) withDefaults() Config {
	if c.Now == nil {
		c.Now = time.Now
	}
	c.RepublishEvery = cmp.Or(c.RepublishEvery, 10*time.Minute)
	c.SyncAgain = cmp.Or(c.SyncAgain, 2*time.Second)
	c.SyncEvery = cmp.Or(c.SyncEvery, time.Minute)
	c.HelloEvery = cmp.Or(c.HelloEvery, time.Minute)
	c.Timers = c.Timers.withDefaults()
	return c
}

// Validate reports every problem of the configuration at once.
func (c Config) Validate() error {
	var problems []error
	if len(c.Identity) != ed25519.PrivateKeySize {
		problems = append(problems, errors.New("identity: need an ed25519 private key; make one with LoadIdentity"))
	}
	if c.Network == "" || len(c.Network) > MaxNetworkBytes || strings.ContainsAny(c.Network, " \t\n\x00") {
		problems = append(problems, fmt.Errorf("network %q: need 1..%d bytes without spaces, e.g. 1337/0xabc", c.Network, MaxNetworkBytes))
	}
	if c.Role != RoleOperator && c.Role != RoleGateway {
		problems = append(problems, fmt.Errorf("role %d: need RoleOperator or RoleGateway", c.Role))
	}
	if c.Role == RoleGateway && len(c.Listen) == 0 {
		problems = append(problems, errors.New("listen: a gateway needs at least one address, e.g. /ip4/0.0.0.0/tcp/4001"))
	}
	if c.Logger == nil {
		problems = append(problems, errors.New("logger: need one; slog.New(slog.DiscardHandler) silences the host"))
	}
	for _, a := range c.Listen {
		if _, err := multiaddr.NewMultiaddr(a); err != nil {
			problems = append(problems, fmt.Errorf("listen address %q: %w", a, err))
		}
	}
	for _, a := range c.Bootstrap {
		if _, err := peer.AddrInfoFromString(a); err != nil {
			problems = append(problems, fmt.Errorf("bootstrap address %q: need a multiaddr ending in /p2p/<id>: %w", a, err))
		}
	}
	problems = append(problems, c.Timers.validate()...)
	return errors.Join(problems...)
}

// validate checks timers whose defaults are filled.
func (t InferTimers) validate() []error {
	t = t.withDefaults()
	var problems []error
	if t.WindowDeltas <= t.AckDeltas || t.WindowBytes < t.AckBytes+maxChunkBytes || t.WindowBytes > math.MaxInt32 {
		problems = append(problems, errors.New("timers: windows must exceed the acknowledgement thresholds, or the stream deadlocks"))
	}
	if t.Ping >= t.Silence {
		problems = append(problems, errors.New("timers: ping period must be below silence limit"))
	}
	return problems
}
