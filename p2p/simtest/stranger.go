package simtest

import (
	"context"
	"encoding/binary"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/marcopolo/simnet"
	"google.golang.org/protobuf/proto"
)

// AdvertTopic is the gossip topic of adverts in the simulated fleet.
const AdvertTopic = "/flotilla/" + Network + "/advert/2"

// Stranger is a libp2p host that joins the advert topic without any of
// flotilla's checks: it records what it hears and can publish anything.
type Stranger struct {
	host  host.Host
	topic *pubsub.Topic
	sub   *pubsub.Subscription
}

// Stranger adds a stranger that is connected to one node only. It ends with ctx
// and its own Close.
func (f *Fleet) Stranger(ctx context.Context, to *Node) *Stranger {
	f.t.Helper()
	n := len(f.nodes)
	f.nodes = append(f.nodes, &Node{down: true}) // keeps the address taken
	key, err := crypto.UnmarshalEd25519PrivateKey(Key(n))
	if err != nil {
		f.t.Fatalf("stranger's key: %v", err)
	}
	h, err := libp2p.New(append(f.hostOptions(), libp2p.Identity(key), libp2p.DisableRelay(),
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/8000/quic-v1", simnet.IntToPublicIPv4(n))))...)
	if err != nil {
		f.t.Fatalf("start stranger: %v", err)
	}
	ps, err := pubsub.NewGossipSub(ctx, h, pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(func(m *pb.Message) string { return string(m.Data) }))
	if err != nil {
		f.t.Fatalf("start stranger's gossip: %v", err)
	}
	s := &Stranger{host: h}
	if s.topic, err = ps.Join(AdvertTopic); err != nil {
		f.t.Fatalf("join as stranger: %v", err)
	}
	if s.sub, err = s.topic.Subscribe(); err != nil {
		f.t.Fatalf("subscribe as stranger: %v", err)
	}
	info, err := peer.AddrInfoFromString(to.Addr)
	if err != nil {
		f.t.Fatalf("address of node: %v", err)
	}
	if err := h.Connect(ctx, *info); err != nil {
		f.t.Fatalf("connect stranger: %v", err)
	}
	return s
}

// hearTimeout is virtual time; gossip takes a second.
const hearTimeout = time.Minute

// Hear returns the next message of the advert topic.
func (s *Stranger) Hear(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, hearTimeout)
	defer cancel()
	m, err := s.sub.Next(ctx)
	if err != nil {
		return nil, err
	}
	return m.Data, nil
}

// Publish sends any bytes to the advert topic.
func (s *Stranger) Publish(ctx context.Context, data []byte) error { return s.topic.Publish(ctx, data) }

// Hush resets the streams on which gossip comes to the stranger; its connections stay.
func (s *Stranger) Hush() {
	for _, conn := range s.host.Network().Conns() {
		for _, stream := range conn.GetStreams() {
			if stream.Stat().Direction == network.DirInbound && slices.Contains(pubsub.GossipSubDefaultProtocols, stream.Protocol()) {
				_ = stream.Reset()
			}
		}
	}
}

// Close takes the stranger down.
func (s *Stranger) Close() error {
	s.sub.Cancel()
	return s.host.Close()
}

// Introduce sends a node, in place of the stranger, another one: GossipSub's peer exchange.
func (s *Stranger) Introduce(ctx context.Context, to, other *Node) error {
	key, err := crypto.UnmarshalEd25519PrivateKey(other.Key)
	if err != nil {
		return err
	}
	info, err := peer.AddrInfoFromString(other.Addr)
	if err != nil {
		return err
	}
	record, err := record.Seal(peer.PeerRecordFromAddrInfo(*info), key)
	if err != nil {
		return err
	}
	raw, err := record.Marshal()
	if err != nil {
		return err
	}
	topic := AdvertTopic
	rpc := &pb.RPC{Control: &pb.ControlMessage{Prune: []*pb.ControlPrune{{
		TopicID: &topic, Peers: []*pb.PeerInfo{{PeerID: []byte(info.ID), SignedPeerRecord: raw}},
	}}}}
	message, err := proto.Marshal(rpc)
	if err != nil {
		return err
	}
	stream, err := s.host.NewStream(ctx, to.ID(), pubsub.GossipSubDefaultProtocols...)
	if err != nil {
		return err
	}
	_, err = stream.Write(append(binary.AppendUvarint(nil, uint64(len(message))), message...))
	return err
}
