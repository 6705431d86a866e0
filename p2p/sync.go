package p2p

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
)

// Bounds of a pull.
const (
	maxSyncBytes     = 4 << 20 // 1,000 adverts of 0.7 KB, six times
	maxSyncMessages  = MaxAdverts + maxGateways
	maxSyncRequest   = 64 << 10
	waitingSync      = 128 << 10 // bytes: what an answer under way is taken to cost
	waitingSyncs     = 16 << 20  // and what all may
	syncDeadline     = 10 * time.Second
	syncKeyBytes     = 8 // 2^-45 chance to miss one of 4,096 adverts, once
	syncKindAdvert   = 1
	syncKindHello    = 2
	maxParallelPulls = 4 // of Run; whoever calls Sync does not wait for peers that keep it waiting
)

// syncRequest names what the asker holds, so that a repeated pull is cheap.
type syncRequest struct {
	Network string `cbor:"1,keyasint"`
	Have    []byte `cbor:"2,keyasint"` // first syncKeyBytes of the SHA-256 of each envelope
}

// syncer pulls and serves current envelopes on /flotilla/sync/2.
type syncer struct {
	lib       host.Host
	codec     codec
	network   string
	directory *Directory
	gateways  *gatewaySet
	waits     *waits
}

// newSyncer returns a syncer; its serve is the protocol's handler.
func newSyncer(cfg Config, lib host.Host, c codec, d *Directory, g *gatewaySet) *syncer {
	return &syncer{
		lib: lib, codec: c, network: cfg.Network, directory: d, gateways: g,
		waits: newWaits(waitingSync, waitingSyncs),
	}
}

// sealed is a signed envelope and its short name, which every pull looks up: a directory of full adverts takes 40 ms to hash.
type sealed struct {
	raw []byte
	key [syncKeyBytes]byte
}

// newSealed copies an envelope.
func newSealed(raw []byte) sealed {
	sum := sha256.Sum256(raw)
	return sealed{raw: bytes.Clone(raw), key: [syncKeyBytes]byte(sum[:syncKeyBytes])}
}

// pull asks one peer for the envelopes that this node lacks and admits them. It
// returns how many were new.
func (s *syncer) pull(ctx context.Context, from PeerID) (fresh int, err error) {
	ctx, cancel := context.WithTimeout(network.WithNoDial(ctx, "sync"), syncDeadline)
	defer cancel()
	stream, err := s.lib.NewStream(ctx, from, protoSync)
	if err != nil {
		return 0, fmt.Errorf("open sync stream: %w", err)
	}
	defer stream.Reset() // a no-op after the orderly close below
	stop := context.AfterFunc(ctx, func() { stream.Reset() })
	defer stop()

	request, err := s.codec.enc.Marshal(syncRequest{Network: s.network, Have: s.have()})
	if err != nil {
		return 0, fmt.Errorf("encode sync request: %w", err)
	}
	if err := writeMessage(stream, request); err != nil {
		return 0, fmt.Errorf("send sync request: %w", err)
	}
	if err := stream.CloseWrite(); err != nil {
		return 0, fmt.Errorf("send sync request: %w", err)
	}
	r := bufio.NewReader(stream)
	for total, n := 0, 0; n < maxSyncMessages && total < maxSyncBytes; n++ {
		message, err := readMessage(r, MaxAdvertBytes+1)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fresh, fmt.Errorf("read sync answer: %w", err)
		}
		total += len(message)
		verdict, err := s.admit(from, message)
		if verdict == Reject {
			return fresh, fmt.Errorf("sync answer: %w", err)
		}
		if verdict == Accept {
			fresh++
		}
	}
	return fresh, stream.Close()
}

// have lists the keys of all envelopes held.
func (s *syncer) have() []byte {
	var keys []byte
	_, hellos := s.gateways.live()
	for _, e := range append(hellos, s.directory.envelopes()...) {
		keys = append(keys, e.key[:]...)
	}
	return keys
}

// admit judges one message of an answer: a kind byte and an envelope.
func (s *syncer) admit(from PeerID, message []byte) (Verdict, error) {
	if len(message) == 0 {
		return Reject, errForm
	}
	switch message[0] {
	case syncKindAdvert:
		return s.directory.admit(from, message[1:], false)
	case syncKindHello:
		return s.gateways.admit(message[1:])
	default:
		return Ignore, errForm // a later minor version may send more
	}
}

// serve answers one pull.
func (s *syncer) serve(stream network.Stream) {
	defer s.waits.begin(stream, network.StreamResourceLimitExceeded).end()
	if s.answer(stream) != nil {
		_ = stream.Reset() // the asker pulls again from someone else
		return
	}
	_ = stream.Close()
}

// answer writes the envelopes that the asker lacks, hellos first: they are few
// and an operator cannot serve without them.
func (s *syncer) answer(stream network.Stream) error {
	// Streams of some transports have no deadlines; then rcmgr bounds them.
	_ = stream.SetDeadline(time.Now().Add(syncDeadline))
	message, err := readMessage(bufio.NewReader(stream), maxSyncRequest)
	if err != nil {
		return err
	}
	var request syncRequest
	if err := s.codec.dec.Unmarshal(message, &request); err != nil {
		return err
	}
	if request.Network != s.network {
		return nil // another fleet: nothing to tell
	}
	have := make(map[[syncKeyBytes]byte]bool, len(request.Have)/syncKeyBytes)
	for keys := request.Have; len(keys) >= syncKeyBytes; keys = keys[syncKeyBytes:] {
		have[[syncKeyBytes]byte(keys[:syncKeyBytes])] = true
	}
	w := bufio.NewWriterSize(stream, 32<<10)
	total := 0
	send := func(kind byte, envelopes []sealed) error {
		for _, e := range envelopes {
			if have[e.key] || total+len(e.raw) > maxSyncBytes {
				continue
			}
			total += len(e.raw) + 1
			if err := writeMessage(w, append([]byte{kind}, e.raw...)); err != nil {
				return err
			}
		}
		return nil
	}
	_, hellos := s.gateways.live()
	if err := send(syncKindHello, hellos); err != nil {
		return err
	}
	if err := send(syncKindAdvert, s.directory.envelopes()); err != nil {
		return err
	}
	return w.Flush()
}
