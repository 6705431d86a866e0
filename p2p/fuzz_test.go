package p2p_test

import (
	"bytes"
	"crypto/ed25519"
	"testing"

	"flotilla/p2p"
)

// fixedIdentity is one key for all processes of a fuzzing run: each worker makes
// its own copy of the sealed bytes.
func fixedIdentity() ed25519.PrivateKey { return ed25519.NewKeyFromSeed(make([]byte, 32)) }

// FuzzFrames: any bytes decode without panic, and what decodes is stable:
// encoding it again and decoding that gives the same bytes.
func FuzzFrames(f *testing.F) {
	raws, err := p2p.SampleFrames()
	if err != nil {
		f.Fatal(err)
	}
	for _, raw := range raws {
		f.Add(raw)
	}
	f.Add(bytes.Join(raws, nil))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x0f}) // a length without a body
	f.Fuzz(func(t *testing.T, stream []byte) {
		once, n, _ := p2p.ReencodeFrames(stream)
		twice, m, _ := p2p.ReencodeFrames(once)
		if n != m || !bytes.Equal(once, twice) {
			t.Fatalf("%d frames became %d:\n%x\n%x", n, m, once, twice)
		}
	})
}

// FuzzAdvertPayload: what decodes has exactly one encoding.
func FuzzAdvertPayload(f *testing.F) {
	for _, a := range []p2p.Advert{{}, newShelf(f).advert(1)} {
		payload, err := p2p.EncodeAdvert(a)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		_, again, err := p2p.DecodeAdvert(payload)
		if err == nil && !bytes.Equal(payload, again) {
			t.Fatalf("accepted %x, encodes as %x", payload, again)
		}
	})
}

// FuzzAdvertEnvelope: nothing but the sealed bytes passes.
func FuzzAdvertEnvelope(f *testing.F) {
	s := newShelf(f)
	s.key = fixedIdentity()
	s.id = mustPeerID(f, s.key)
	sealed := s.seal(f, s.advert(1))
	f.Add(sealed)
	f.Add(sealed[:len(sealed)-1])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if a, err := p2p.OpenAdvert(testNetwork, raw); err == nil && a.Peer == s.id && !bytes.Equal(raw, sealed) {
			t.Fatalf("forged an advert: %x", raw)
		}
	})
}

// FuzzHelloAndSync: the other two decoders of bytes from strangers.
func FuzzHelloAndSync(f *testing.F) {
	key := fixedIdentity()
	raw, err := p2p.SealHello(testNetwork, key, mustPeerID(f, key), []string{"/ip4/127.0.0.1/tcp/4001"}, 1)
	if err != nil {
		f.Fatal(err)
	}
	if err := p2p.OpenHello(testNetwork, raw); err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := p2p.OpenHello(testNetwork, data); err == nil && !bytes.Equal(data, raw) {
			t.Fatalf("forged a hello: %x", data)
		}
		_ = p2p.DecodeSyncRequest(data)
	})
}
