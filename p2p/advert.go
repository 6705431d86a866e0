package p2p

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/multiformats/go-multiaddr"
)

// Bounds of an advert. All are enforced on receipt and on [Host.Announce].
const (
	MaxAdvertBytes   = 16 << 10  // whole signed envelope: one gossip message
	MaxOffers        = 64        // models per node; routing is linear in it
	MaxAdvertSpan    = time.Hour // bounds how long a forgotten price binds
	MaxAdvertAddrs   = 8         // dial attempts that a stranger can cause
	maxOfferText     = 160       // bytes of each name in an offer
	maxFeatures      = 16        // per offer
	maxFeatureBytes  = 32
	maxOfferSigBytes = 128 // an EIP-712 signature has 65
	maxAddrBytes     = 256
	clockSkew        = 5 * time.Minute // an advert may start this far in our future
)

// Offer is one model at one price. Prices are token base units (µUSD) per
// 1,000,000 tokens, PerRequest is base units flat.
type Offer struct {
	Model         string   `cbor:"1,keyasint"`
	Quantization  string   `cbor:"2,keyasint"`
	Runtime       string   `cbor:"3,keyasint"`
	TokenCounting string   `cbor:"4,keyasint"` // how the operator counts tokens; the same chat differs between runtimes
	InputPerMTok  uint64   `cbor:"5,keyasint"`
	OutputPerMTok uint64   `cbor:"6,keyasint"`
	PerRequest    uint64   `cbor:"7,keyasint"`
	MaxContext    uint32   `cbor:"8,keyasint"`  // tokens
	Features      []string `cbor:"9,keyasint"`  // hints, never used for money
	Sig           []byte   `cbor:"10,keyasint"` // EIP-712 signature by the operator's key; opaque here
}

// Advert is what an operator's node offers, from ValidFrom to ValidTo (unix seconds).
type Advert struct {
	Peer      PeerID   `cbor:"1,keyasint"`
	Addrs     []string `cbor:"2,keyasint"` // multiaddrs without /p2p/; empty for a node that only dials out
	Operator  [20]byte `cbor:"3,keyasint"` // address whose stake stands behind the offers
	Seq       uint64   `cbor:"4,keyasint"` // strictly increases per peer
	ValidFrom uint64   `cbor:"5,keyasint"`
	ValidTo   uint64   `cbor:"6,keyasint"`
	Offers    []Offer  `cbor:"7,keyasint"`
}

// validate checks form and bounds: everything the signer is answerable for
// whatever the time and whoever looks.
func (a *Advert) validate() error {
	switch {
	case len(a.Offers) > MaxOffers:
		return fmt.Errorf("advert has %d offers, limit %d", len(a.Offers), MaxOffers)
	case len(a.Addrs) > MaxAdvertAddrs:
		return fmt.Errorf("advert has %d addresses, limit %d", len(a.Addrs), MaxAdvertAddrs)
	case a.Seq == 0:
		return errors.New("advert sequence number is zero; start at 1")
	case a.ValidTo <= a.ValidFrom:
		return fmt.Errorf("advert valid to %d is not after valid from %d", a.ValidTo, a.ValidFrom)
	case a.ValidTo-a.ValidFrom > uint64(MaxAdvertSpan/time.Second):
		return fmt.Errorf("advert is valid for %d s, limit %s", a.ValidTo-a.ValidFrom, MaxAdvertSpan)
	}
	for _, text := range a.Addrs {
		if len(text) > maxAddrBytes {
			return fmt.Errorf("advert address has %d bytes, limit %d", len(text), maxAddrBytes)
		}
		if _, err := multiaddr.NewMultiaddr(text); err != nil {
			return fmt.Errorf("advert address: %w", err)
		}
	}
	for i := range a.Offers {
		if err := a.Offers[i].validate(); err != nil {
			return fmt.Errorf("offer %d: %w", i, err)
		}
	}
	return nil
}

func unprintable(r rune) bool { return !unicode.IsPrint(r) }

// validate checks the bounds of one offer.
func (o *Offer) validate() error {
	if o.Model == "" {
		return errors.New("model is empty")
	}
	for _, text := range []string{o.Model, o.Quantization, o.Runtime, o.TokenCounting} {
		if len(text) > maxOfferText || !utf8.ValidString(text) {
			return fmt.Errorf("name of %d bytes is over %d or not UTF-8", len(text), maxOfferText)
		}
		if strings.ContainsFunc(text, unprintable) { // terminals obey them, and people cannot tell two names apart
			return fmt.Errorf("name %q has characters that cannot be printed", text)
		}
	}
	if len(o.Features) > maxFeatures {
		return fmt.Errorf("%d features, limit %d", len(o.Features), maxFeatures)
	}
	for _, f := range o.Features {
		if len(f) > maxFeatureBytes || !utf8.ValidString(f) {
			return fmt.Errorf("feature of %d bytes is over %d or not UTF-8", len(f), maxFeatureBytes)
		}
	}
	if len(o.Sig) > maxOfferSigBytes {
		return fmt.Errorf("signature of %d bytes, limit %d", len(o.Sig), maxOfferSigBytes)
	}
	return nil
}

// fresh judges the advert against the clock. Neither side is at fault for a
// skewed clock, hence Ignore.
func (a *Advert) fresh(now time.Time) error {
	unix := uint64(max(now.Unix(), 0))
	if a.ValidTo <= unix {
		return errors.New("advert has expired")
	}
	if a.ValidFrom > unix+uint64(clockSkew/time.Second) {
		return errors.New("advert is not valid yet")
	}
	return nil
}
