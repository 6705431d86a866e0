package settlement_test

import (
	"encoding/json"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"flotilla/settlement"
)

func TestSignAndRecover(t *testing.T) {
	p := newParty(t, 7)
	rapid.Check(t, func(rt *rapid.T) {
		digest := genHash.Draw(rt, "digest")
		sig := p.sign(t, digest)
		if len(sig) != settlement.SignatureLen || (sig[64] != 27 && sig[64] != 28) {
			rt.Fatalf("signature of %d bytes with v %d", len(sig), sig[64])
		}
		if !slices.Equal(sig, p.sign(t, digest)) {
			rt.Fatal("signing twice gives two signatures")
		}
		signer, err := settlement.Recover(digest, sig)
		if err != nil || signer != p.addr {
			rt.Fatalf("recovered %s (%v), want %s", signer, err, p.addr)
		}
		i := rapid.IntRange(0, 63).Draw(rt, "byte")
		sig[i] ^= 1 << rapid.IntRange(0, 7).Draw(rt, "bit")
		if signer, err := settlement.Recover(digest, sig); err == nil && signer == p.addr {
			rt.Fatal("a tampered signature recovers to its signer")
		}
	})
}

func TestRecoverRefusesMalleability(t *testing.T) {
	p := newParty(t, 7)
	digest := crypto.Keccak256Hash([]byte("message"))
	sig := p.sign(t, digest)
	highS := slices.Clone(sig) // the same signature, mirrored: valid mathematics, refused here
	s := new(big.Int).Sub(crypto.S256().Params().N, new(big.Int).SetBytes(sig[32:64]))
	s.FillBytes(highS[32:64])
	highS[64] = 55 - sig[64]
	for name, bad := range map[string]settlement.Signature{
		"high s":  highS,
		"v 0":     with(sig, 64, sig[64]-27),
		"v 29":    with(sig, 64, 29),
		"short":   sig[:64],
		"long":    append(slices.Clone(sig), 0),
		"empty":   nil,
		"zero r":  append(make(settlement.Signature, 32), sig[32:]...),
		"zero s":  append(append(slices.Clone(sig[:32]), make([]byte, 32)...), sig[64]),
		"all FFs": settlement.Signature(strings.Repeat("\xff", 64) + "\x1b"),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := settlement.Recover(digest, bad)
			wantErr(t, err, settlement.ErrBadSignature)
		})
	}
}

func with(sig settlement.Signature, i int, b byte) settlement.Signature {
	out := slices.Clone(sig)
	out[i] = b
	return out
}

func TestSignatureText(t *testing.T) {
	sig := newParty(t, 7).sign(t, common.Hash{1})
	for _, want := range []settlement.Signature{sig, nil} {
		var got settlement.Signature
		if err := json.Unmarshal(mustJSON(t, want), &got); err != nil || !slices.Equal(got, want) || (got == nil) != (want == nil) {
			t.Errorf("%d bytes came back as %d (%v)", len(want), len(got), err)
		}
	}
	for _, bad := range []string{`"0x01"`, `"01"`, `"0x0"`, `"0xzz"`} {
		var got settlement.Signature
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s decodes", bad)
		}
	}
	if text := fmt.Sprintf("%v", sig); strings.Contains(text, "0x") || len(text) > 40 {
		t.Errorf("a printed signature shows its bytes: %s", text)
	}
}

func TestReceiptIDText(t *testing.T) {
	id := settlement.ReceiptID(crypto.Keccak256Hash([]byte("id")))
	if got, err := settlement.ParseReceiptID(id.String()); got != id || err != nil {
		t.Errorf("%s came back as %s (%v)", id, got, err)
	}
	for _, bad := range []string{"", "0x", "0x12", id.String()[2:], id.String() + "00"} {
		if _, err := settlement.ParseReceiptID(bad); err == nil {
			t.Errorf("%q parses", bad)
		}
	}
}
