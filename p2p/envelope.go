package p2p

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"

	"github.com/fxamacker/cbor/v2"
	"github.com/libp2p/go-libp2p/core/crypto"
)

// Domains keep a signature made for one message from being valid for another.
const (
	advertDomain = "flotilla-advert-v1"
	helloDomain  = "flotilla-hello-v1"
)

// errForm marks bytes that no honest node emits: wrong size, not canonical,
// out of bounds, or a bad signature.
var errForm = errors.New("malformed message")

// envelope is the signed form of a gossip message: CBOR array [payload, sig].
// Sig is by the key inside the peer ID that the payload names, over
// domain ‖ 0 ‖ network ‖ 0 ‖ payload.
type envelope struct {
	_       struct{} `cbor:",toarray"`
	Payload []byte
	Sig     []byte
}

// codec reads and writes gossip: it refuses what it would not have written itself.
type codec struct{ cborModes }

func newCodec() codec {
	return codec{newCBORModes(cbor.DecOptions{
		ExtraReturnErrors: cbor.ExtraDecErrorUnknownField,
		MaxNestedLevels:   6,
		MaxArrayElements:  128,
		MaxMapPairs:       32,
	})}
}

// cborModes is how messages are written, in RFC 8949's core deterministic encoding, and read, within bounds.
type cborModes struct {
	enc cbor.EncMode
	dec cbor.DecMode
}

// newCBORModes adds what all messages have in common. Its options are constants, so an error is a bug.
func newCBORModes(bounds cbor.DecOptions) cborModes {
	bounds.DupMapKey, bounds.IndefLength, bounds.TagsMd = cbor.DupMapKeyEnforcedAPF, cbor.IndefLengthForbidden, cbor.TagsForbidden
	options := cbor.CoreDetEncOptions()
	options.NilContainers = cbor.NilContainerAsEmpty // one encoding for nil and empty
	enc, err := options.EncMode()
	dec, err2 := bounds.DecMode()
	if err := errors.Join(err, err2); err != nil {
		panic(fmt.Sprintf("cbor options: %v", err))
	}
	return cborModes{enc, dec}
}

// signedBytes is what the signature covers.
func signedBytes(domain, network string, payload []byte) []byte {
	b := make([]byte, 0, len(domain)+len(network)+len(payload)+2)
	b = append(b, domain...)
	b = append(b, 0)
	b = append(b, network...)
	b = append(b, 0)
	return append(b, payload...)
}

// seal encodes and signs a message; the result is at most limit bytes.
func (c codec) seal(domain, network string, key ed25519.PrivateKey, message any, limit int) ([]byte, error) {
	payload, err := c.enc.Marshal(message)
	if err != nil {
		return nil, fmt.Errorf("encode message: %w", err)
	}
	sealed, err := c.enc.Marshal(envelope{Payload: payload, Sig: ed25519.Sign(key, signedBytes(domain, network, payload))})
	if err != nil {
		return nil, fmt.Errorf("encode envelope: %w", err)
	}
	if len(sealed) > limit {
		return nil, fmt.Errorf("message has %d bytes encoded, limit %d; offer fewer models or shorter names", len(sealed), limit)
	}
	return sealed, nil
}

// decode reads raw into message and requires that raw is the one encoding of it.
func (c codec) decode(raw []byte, message any) error {
	if err := c.dec.Unmarshal(raw, message); err != nil {
		return fmt.Errorf("%w: %w", errForm, err)
	}
	again, err := c.enc.Marshal(message)
	if err != nil || !bytes.Equal(raw, again) {
		return fmt.Errorf("%w: not canonical", errForm)
	}
	return nil
}

// open decodes an envelope and its payload into message. The caller must verify
// the signature, with the peer ID that the payload names, before it trusts anything.
func (c codec) open(raw []byte, limit int, message any) (envelope, error) {
	var env envelope
	if len(raw) > limit {
		return env, fmt.Errorf("%w: %d bytes, limit %d", errForm, len(raw), limit)
	}
	if err := c.decode(raw, &env); err != nil {
		return env, err
	}
	return env, c.decode(env.Payload, message)
}

// verify checks that the key inside id signed the envelope.
func (e envelope) verify(domain, network string, id PeerID) error {
	pub, err := id.ExtractPublicKey()
	if err != nil {
		return fmt.Errorf("%w: peer id carries no key: %w", errForm, err)
	}
	if pub.Type() != crypto.Ed25519 {
		return fmt.Errorf("%w: peer key is not ed25519", errForm)
	}
	raw, err := pub.Raw()
	if err != nil {
		return fmt.Errorf("%w: peer key: %w", errForm, err)
	}
	if !ed25519.Verify(raw, signedBytes(domain, network, e.Payload), e.Sig) {
		return fmt.Errorf("%w: signature does not belong to peer %s", errForm, id)
	}
	return nil
}

// openAdvert reads a signed advert and checks everything that does not depend
// on time or on what this node knows.
func (c codec) openAdvert(network string, raw []byte) (Advert, error) {
	var a Advert
	env, err := c.open(raw, MaxAdvertBytes, &a)
	if err != nil {
		return Advert{}, err
	}
	if err := env.verify(advertDomain, network, a.Peer); err != nil {
		return Advert{}, err
	}
	if err := a.validate(); err != nil {
		return Advert{}, fmt.Errorf("%w: %w", errForm, err)
	}
	return a, nil
}
