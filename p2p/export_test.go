package p2p

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multiaddr"
)

// Hooks for tests of unexported parts.

// NewTestDirectory returns a directory with no host around it.
func NewTestDirectory(cfg Config, self PeerID) *Directory {
	return newDirectory(cfg.withDefaults(), newCodec(), self)
}

// Admit is Directory.admit.
func (d *Directory) Admit(from PeerID, raw []byte, limited bool) (Verdict, error) {
	return d.admit(from, raw, limited)
}

// Live is Directory.snapshotNow.
func (d *Directory) Live() []Advert { return d.snapshotNow() }

// Recheck is Directory.recheck.
func (d *Directory) Recheck() { d.recheck() }

// SealAdvert signs any advert, a bad one too.
func SealAdvert(network string, key ed25519.PrivateKey, a Advert) ([]byte, error) {
	return newCodec().seal(advertDomain, network, key, a, 1<<20)
}

// OpenAdvert is the decoder of signed adverts.
func OpenAdvert(network string, raw []byte) (Advert, error) {
	return newCodec().openAdvert(network, raw)
}

// DecodeAdvert is the decoder of an advert's payload, and its encoder.
func DecodeAdvert(payload []byte) (a Advert, again []byte, err error) {
	c := newCodec()
	if err := c.decode(payload, &a); err != nil {
		return a, nil, err
	}
	again, err = c.enc.Marshal(a)
	return a, again, err
}

// EncodeAdvert is the canonical encoding of an advert.
func EncodeAdvert(a Advert) ([]byte, error) { return newCodec().enc.Marshal(a) }

// OpenHello runs the decoder of gateway hellos.
func OpenHello(network string, raw []byte) error {
	_, _, err := newCodec().openHello(network, raw)
	return err
}

// SealHello signs a hello.
func SealHello(network string, key ed25519.PrivateKey, id PeerID, addrs []string, seq uint64) ([]byte, error) {
	return newCodec().seal(helloDomain, network, key, hello{Peer: id, Addrs: addrs, Seq: seq}, maxHelloBytes)
}

// SampleFrames is one frame of each kind, encoded with its length prefix.
func SampleFrames() ([][]byte, error) {
	c := newFrameCodec()
	var raws [][]byte
	for _, f := range []frame{
		&openFrame{Order: []byte("order"), BodyLen: 7, Stream: true, TimeoutMS: 1000},
		&bodyFrame{Data: []byte("body")},
		&acceptFrame{},
		&rejectFrame{Code: CodeOverloaded, RetryAfterMS: 10, Message: "busy"},
		&pingFrame{Flush: true},
		&deltaFrame{N: 1, Tokens: 2, More: true, Data: []byte("data")},
		&ackFrame{N: 1, Tokens: 2, Bytes: 3},
		&cancelFrame{Reason: "client left"},
		&endFrame{FinishReason: "stop", OutputTokens: 2, Receipt: []byte("receipt")},
		&settleFrame{Countersignature: []byte("sig"), Dispute: "count"},
	} {
		raw, err := c.encode(f)
		if err != nil {
			return nil, err
		}
		raws = append(raws, raw)
	}
	return raws, nil
}

// ReencodeFrames decodes a stream of frames and encodes what it understood.
func ReencodeFrames(stream []byte) (out []byte, frames int, err error) {
	c := newFrameCodec()
	r := bufio.NewReader(bytes.NewReader(stream))
	for {
		f, err := c.read(r)
		if err != nil {
			return out, frames, err
		}
		raw, err := c.encode(f)
		if err != nil {
			return out, frames, err
		}
		out = append(out, raw...)
		frames++
	}
}

// DecodeSyncRequest runs the decoder of pulls.
func DecodeSyncRequest(raw []byte) error {
	var request syncRequest
	return newCodec().dec.Unmarshal(raw, &request)
}

// LoadPeersFile reads a peers file and says how many peers it holds.
func LoadPeersFile(path string, cfg Config) (int, error) {
	f, err := loadPeersFile(path, cfg.withDefaults().Now)
	if err != nil {
		return 0, err
	}
	return len(f.list()), nil
}

// Gateways are the addresses at which gateways say that they can be dialled.
func (h *Host) Gateways() (addrs []string) {
	infos, _ := h.gateways.live()
	for _, info := range infos {
		for _, a := range info.Addrs {
			addrs = append(addrs, a.String())
		}
	}
	return addrs
}

// Kept are the addresses at which the host would dial a peer that it remembers.
func (h *Host) Kept(id PeerID) (addrs []string) {
	for _, info := range h.kept.list() {
		for _, a := range info.Addrs {
			if info.ID == id {
				addrs = append(addrs, a.String())
			}
		}
	}
	return addrs
}

// Hold stores an own advert without telling anybody.
func (h *Host) Hold(a Advert, raw []byte) error {
	_, err := h.directory.put(a, raw)
	return err
}

// HoldHello stores a gateway's hello without telling anybody.
func (h *Host) HoldHello(raw []byte) error {
	_, err := h.gateways.admit(raw)
	return err
}

// MaxIdleStreams is maxIdleStreams.
const MaxIdleStreams = maxIdleStreams

// InferStreams counts the open inference streams between the host and a peer.
func (h *Host) InferStreams(id PeerID) (n int) {
	for _, c := range h.lib.Network().ConnsToPeer(id) {
		for _, s := range c.GetStreams() {
			if s.Protocol() == protoInfer {
				n++
			}
		}
	}
	return n
}

// Protocols that this package serves by itself.
const (
	ProtoInfer = string(protoInfer)
	ProtoSync  = string(protoSync)
)

// Pulse asks once where this node dialled.
func (h *Host) Pulse(ctx context.Context, wait time.Duration) { h.pulse(ctx, wait) }

// OpenSilent opens n streams to a peer, as far as that lets it, and sends begin on each and no more. It returns how many it opened.
func (h *Host) OpenSilent(ctx context.Context, to PeerID, proto string, n int, begin []byte) (opened int) {
	for range n {
		s, err := h.lib.NewStream(ctx, to, protocol.ID(proto))
		if err != nil {
			break
		}
		opened++
		_, _ = s.Write(begin)
	}
	return opened
}

// OpenUnnamed opens n streams to a peer, as far as that lets it, and does not say for which protocol.
func (h *Host) OpenUnnamed(ctx context.Context, to PeerID, n int) (opened int) {
	for range n {
		s, err := h.lib.Network().NewStream(ctx, to)
		if err != nil {
			break
		}
		opened++
		_, _ = s.Write([]byte{0x80}) // a stream of QUIC is there with its first byte
	}
	return opened
}

// Unnamed counts the streams of a peer that have not said what they are for.
func (h *Host) Unnamed(id PeerID) (n int) {
	for _, c := range h.lib.Network().ConnsToPeer(id) {
		for _, s := range c.GetStreams() {
			if s.Protocol() == "" {
				n++
			}
		}
	}
	return n
}

// OperatorsMemory is what so many operators, as those connected, take of the memory that libp2p may use, 0 to 1.
func (h *Host) OperatorsMemory(operators int) (share float64) {
	_ = h.lib.Network().ResourceManager().ViewSystem(func(s network.ResourceScope) error {
		share = float64(s.Stat().Memory) / float64(len(h.lib.Network().Conns())) * float64(operators) / libp2pMemory
		return nil
	})
	return share
}

// LongOpen is the start of the longest request, of whose body so many pieces come.
func LongOpen(pieces int) []byte {
	raw, _ := newFrameCodec().encode(&openFrame{BodyLen: MaxBodyBytes})
	for range pieces {
		piece, _ := newFrameCodec().encode(&bodyFrame{Data: make([]byte, maxChunkBytes)})
		raw = append(raw, piece...)
	}
	return raw
}

// AfterFirstPull has the host do something once it has answered its first pull.
func (h *Host) AfterFirstPull(do func()) {
	var first sync.Once
	h.lib.SetStreamHandler(protoSync, func(s network.Stream) {
		h.syncer.serve(s)
		first.Do(do)
	})
}

// KeepWaiting has the host take pulls and answer none; it counts them.
func (h *Host) KeepWaiting() (taken *atomic.Int32) {
	taken = new(atomic.Int32)
	h.lib.SetStreamHandler(protoSync, func(s network.Stream) {
		taken.Add(1)
		<-h.life.Done()
		_ = s.Reset()
	})
	return taken
}

// AnswerPull has a host answer somebody who holds all that it does.
func (h *Host) AnswerPull() error {
	request, err := h.codec.enc.Marshal(syncRequest{Network: h.cfg.Network, Have: h.syncer.have()})
	if err != nil {
		return err
	}
	return h.syncer.answer(&askStub{readStub{from: bytes.NewReader(append(binary.AppendUvarint(nil, uint64(len(request))), request...))}})
}

// askStub is a stream of which a request comes.
type askStub struct{ readStub }

func (a *askStub) SetDeadline(time.Time) error { return nil }

// HangUp resets every open stream, as a node does that closes.
func (h *Host) HangUp() {
	h.streams.mu.Lock()
	defer h.streams.mu.Unlock()
	for s := range h.streams.open {
		_ = s.Reset()
	}
}

// MaxParallelPulls is maxParallelPulls.
const MaxParallelPulls = maxParallelPulls

// Dialling counts the dials under way.
func (h *Host) Dialling() (n int) {
	h.dialer.mu.Lock()
	defer h.dialer.mu.Unlock()
	for _, t := range h.dialer.targets {
		if t.dialing {
			n++
		}
	}
	return n
}

// NewTestDoors returns doors.knock where a peer has proved itself at one address.
func NewTestDoors(now time.Time, proven string) func(now time.Time, addrs ...string) (open []string) {
	d := newDoors(now)
	d.prove(multiaddr.StringCast(proven), now)
	return func(now time.Time, addrs ...string) (open []string) {
		var all []multiaddr.Multiaddr
		for _, a := range addrs {
			all = append(all, multiaddr.StringCast(a))
		}
		for _, a := range d.knock(all, now) {
			open = append(open, a.String())
		}
		return open
	}
}

// MaxGateways is maxGateways.
const MaxGateways = maxGateways

// NewTestGateways returns a gateway set with no host around it.
func NewTestGateways(cfg Config) *gatewaySet { return newGatewaySet(cfg.withDefaults(), newCodec()) }

// Admit is gatewaySet.admit.
func (g *gatewaySet) Admit(raw []byte) (Verdict, error) { return g.admit(raw) }

// Live counts the gateways heard of lately.
func (g *gatewaySet) Live() int {
	infos, _ := g.live()
	return len(infos)
}

// KeepPeers writes a peers file that knows each peer at addrs.
func KeepPeers(path string, cfg Config, ids []PeerID, addrs []multiaddr.Multiaddr) error {
	f, err := loadPeersFile(path, cfg.withDefaults().Now)
	if err != nil {
		return err
	}
	for _, id := range ids {
		f.note(id, addrs, true)
	}
	return f.save()
}

// idleStub is a stream that does nothing, on a connection that is open.
type (
	idleStub struct{ network.Stream }
	idleConn struct{ network.Conn }
)

func (idleStub) Conn() network.Conn              { return idleConn{} }
func (idleStub) SetReadDeadline(time.Time) error { return nil }
func (idleStub) Close() error                    { return nil }
func (idleStub) Reset() error                    { return nil }
func (idleConn) IsClosed() bool                  { return false }

// IdleAtOnce has so many goroutines keep an idle stream and take one, each so many times. It returns how often none was idle.
func IdleAtOnce(goroutines, times int) int64 {
	s := newIdleStreams(newStreamSet())
	defer s.close()
	var none atomic.Int64
	var all sync.WaitGroup
	for range goroutines {
		all.Go(func() {
			for range times {
				s.put("peer", newFrameStream(&idleStub{}, newFrameCodec(), time.Second))
				if s.take("peer") == nil {
					none.Add(1)
				}
			}
		})
	}
	all.Wait()
	return none.Load()
}

// readStub is a stream of which bytes come.
type readStub struct {
	idleStub
	from *bytes.Reader
}

func (r *readStub) Read(p []byte) (int, error) { return r.from.Read(p) }

// ReadersBehind counts the calls, of so many, whose stream is the reader's still when the reader says that it is done.
func ReadersBehind(calls int) (behind int, err error) {
	h := &Host{streams: newStreamSet()}
	var answer []byte
	for _, f := range []frame{&acceptFrame{}, &endFrame{}} {
		raw, err := newFrameCodec().encode(f)
		if err != nil {
			return 0, err
		}
		answer = append(answer, raw...)
	}
	for range calls {
		stream := &readStub{from: bytes.NewReader(answer)}
		c := newCall(h, "peer", newFrameStream(stream, newFrameCodec(), time.Second), time.Minute)
		if !h.streams.add(stream) {
			return 0, ErrClosed
		}
		go c.read()
		<-c.readDone
		h.streams.mu.Lock()
		if _, there := h.streams.open[stream]; there {
			behind++
		}
		h.streams.mu.Unlock()
	}
	return behind, nil
}

// writeStub is a stream that counts what is written.
type writeStub struct {
	idleStub
	writes atomic.Int64
}

func (w *writeStub) SetWriteDeadline(time.Time) error { return nil }

func (w *writeStub) Write(p []byte) (int, error) {
	w.writes.Add(1)
	return len(p), nil
}

// PingsBehind says how many pings are written after pings are over, by a pinger that was about to write one.
func PingsBehind() int64 {
	stream := &writeStub{}
	in := newIncoming(context.Background(), func(error) {}, newFrameStream(stream, newFrameCodec(), time.Second), "peer",
		InferRequest{}, InferTimers{Ping: time.Millisecond})
	in.work.Go(in.ping)
	for stream.writes.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	in.outMu.Lock()
	time.Sleep(20 * time.Millisecond) // it waits for the lock by now
	in.endPings()
	before := stream.writes.Load()
	in.outMu.Unlock()
	in.work.Wait()
	return stream.writes.Load() - before
}

// Received is what Recv has returned so far: whole Deltas and their tokens.
// It does not change after Cancel, and it is what the operator may bill.
func (c *Call) Received() (n uint64, tokens uint32) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.ack.N, c.ack.Tokens
}
