package p2p

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math"
	"sync/atomic"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
)

// Bounds of gossip.
const (
	// gossipQueue bounds what waits to be judged, and to be written to each peer. libp2p drops past 32, and nobody offers a neighbour in the
	// mesh what was dropped: of a hundred adverts at once some came a minute later, by a pull.
	gossipQueue = 1024
	seenTTL     = 2 * time.Minute
)

// gossip is the node's membership in the two topics of its network.
type gossip struct {
	self    PeerID
	adverts *outbox
	hellos  *outbox
	leave   []func()
	verdict GossipCounters
}

// GossipCounters counts verdicts on messages received from other nodes.
type GossipCounters struct {
	Accepted, Ignored, Rejected atomic.Uint64
}

// count adds one verdict and translates it for pubsub.
func (c *GossipCounters) count(v Verdict) pubsub.ValidationResult {
	switch v {
	case Accept:
		c.Accepted.Add(1)
		return pubsub.ValidationAccept
	case Reject:
		c.Rejected.Add(1)
		return pubsub.ValidationReject
	default:
		c.Ignored.Add(1)
		return pubsub.ValidationIgnore
	}
}

// joinGossip starts GossipSub on a host; it ends with ctx.
func joinGossip(ctx context.Context, cfg Config, lib host.Host, d *Directory, gateways *gatewaySet) (*gossip, error) {
	advertTopic := "/flotilla/" + cfg.Network + "/advert/2"
	helloTopic := "/flotilla/" + cfg.Network + "/hello/1"
	g := &gossip{self: lib.ID()}
	ps, err := pubsub.NewGossipSub(ctx, undialled{lib}, gossipOptions(advertTopic, helloTopic)...)
	if err != nil {
		return nil, fmt.Errorf("start gossipsub: %w", err)
	}
	judgeAdvert := func(from PeerID, raw []byte) (Verdict, error) { return d.admit(from, raw, true) }
	judgeHello := func(_ PeerID, raw []byte) (Verdict, error) { return gateways.admit(raw) }
	if g.adverts, err = g.join(ps, cfg, advertTopic, judgeAdvert); err != nil {
		return nil, err
	}
	if g.hellos, err = g.join(ps, cfg, helloTopic, judgeHello); err != nil {
		return nil, err
	}
	return g, nil
}

// undialled is a host on which streams open to connected peers only. GossipSub has one stream for each peer, and opens it again when it
// is lost: while it dialled where a peer is no more, the connection on which that peer is back would have none.
type undialled struct{ host.Host }

func (u undialled) NewStream(ctx context.Context, to peer.ID, protos ...protocol.ID) (network.Stream, error) {
	return u.Host.NewStream(network.WithNoDial(ctx, "gossip"), to, protos...)
}

// join registers the validator, which also stores what it accepts, and relays
// the topic. There is no subscription: nothing reads messages a second time.
func (g *gossip) join(ps *pubsub.PubSub, cfg Config, name string, judge func(PeerID, []byte) (Verdict, error)) (*outbox, error) {
	validate := func(_ context.Context, from peer.ID, m *pubsub.Message) pubsub.ValidationResult {
		if from == g.self {
			return pubsub.ValidationAccept // checked before it was published
		}
		verdict, err := judge(from, m.Data)
		if verdict == Reject {
			cfg.Logger.Debug("gossip message rejected", "topic", name, "from", from.String(), "cause", err)
		}
		return g.verdict.count(verdict)
	}
	// A message that finds all goroutines of a validator busy is dropped for good: inline it waits in the queue.
	if err := ps.RegisterTopicValidator(name, validate, pubsub.WithValidatorInline(true)); err != nil {
		return nil, fmt.Errorf("register validator of %s: %w", name, err)
	}
	topic, err := ps.Join(name)
	if err != nil {
		return nil, fmt.Errorf("join topic %s: %w", name, err)
	}
	if err := topic.SetScoreParams(topicScore()); err != nil {
		return nil, fmt.Errorf("score topic %s: %w", name, err)
	}
	leave, err := topic.Relay()
	if err != nil {
		return nil, fmt.Errorf("relay topic %s: %w", name, err)
	}
	own, err := newOutbox(topic)
	if err != nil {
		leave()
		return nil, err
	}
	g.leave = append(g.leave, func() { own.joins.Cancel(); leave(); topic.Close() })
	return own, nil
}

// close leaves the topics.
func (g *gossip) close() {
	for _, leave := range g.leave {
		leave()
	}
}

// gossipOptions: messages are signed inside the payload, so pubsub's own
// signature would only cost a second verification per hop.
func gossipOptions(topics ...string) []pubsub.Option {
	params := pubsub.DefaultGossipSubParams()
	// Each neighbour outside the mesh is told, in the three heartbeats that follow, what messages there were. Without peer exchange a
	// host that knows one gateway, whose mesh is full, hears no other way; told by lot, a quarter at a time, one in twenty never was.
	params.GossipFactor = 1
	return []pubsub.Option{
		pubsub.WithGossipSubParams(params),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(MaxAdvertBytes + 1<<10), // envelope plus pubsub's own framing
		pubsub.WithFloodPublish(true),
		pubsub.WithSeenMessagesTTL(seenTTL),
		pubsub.WithValidateQueueSize(gossipQueue),
		pubsub.WithPeerOutboundQueueSize(gossipQueue),
		pubsub.WithSubscriptionFilter(pubsub.WrapLimitSubscriptionFilter(pubsub.NewAllowlistSubscriptionFilter(topics...), 8*len(topics))),
		pubsub.WithPeerScore(peerScore(), &pubsub.PeerScoreThresholds{
			GossipThreshold:   -50,
			PublishThreshold:  -100,
			GraylistThreshold: -200,
			// Peer exchange is believed from nobody: each message of a stranger could have us dial some hundred addresses.
			// Who listens says so in its hello.
			AcceptPXThreshold:           math.MaxFloat64,
			OpportunisticGraftThreshold: 1,
		}),
	}
}

// messageID names a message by its content, so that a copy is dropped before validation.
func messageID(m *pb.Message) string {
	sum := sha256.Sum256(m.Data)
	return string(sum[:20])
}

// peerScore punishes invalid messages and broken mesh behaviour. Missing
// deliveries are not punished: the topics are quiet, and silence is normal. Nor
// is a common address: limitsFor bounds how many peers come from one.
func peerScore() *pubsub.PeerScoreParams {
	return &pubsub.PeerScoreParams{
		Topics:                    map[string]*pubsub.TopicScoreParams{},
		TopicScoreCap:             100,
		AppSpecificScore:          func(peer.ID) float64 { return 0 },
		BehaviourPenaltyWeight:    -10,
		BehaviourPenaltyThreshold: 6,
		BehaviourPenaltyDecay:     0.99,
		DecayInterval:             time.Second,
		DecayToZero:               0.01,
		RetainScore:               10 * time.Minute,
	}
}

// topicScore: about three invalid messages in quick succession silence a peer.
func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		TopicWeight:                    1,
		TimeInMeshWeight:               0.01,
		TimeInMeshQuantum:              time.Second,
		TimeInMeshCap:                  100,
		FirstMessageDeliveriesWeight:   1,
		FirstMessageDeliveriesDecay:    0.99,
		FirstMessageDeliveriesCap:      50,
		MeshMessageDeliveriesDecay:     0.5, // weight 0: off
		MeshMessageDeliveriesCap:       1,
		MeshMessageDeliveriesThreshold: 1,
		MeshMessageDeliveriesWindow:    time.Millisecond,

		MeshMessageDeliveriesActivation: time.Minute,
		MeshFailurePenaltyDecay:         0.5, // weight 0: off
		InvalidMessageDeliveriesWeight:  -20,
		InvalidMessageDeliveriesDecay:   0.999,
	}
}
