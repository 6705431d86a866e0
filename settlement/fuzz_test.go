package settlement_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// FuzzDecodeBundle: whatever decodes, encodes to something that decodes to the same.
func FuzzDecodeBundle(f *testing.F) {
	fix := newFixture(f, 2)
	fresh := fix.served(f, 0, fix.opening(f, 0), 1) // no ledger here: its goroutines would blur the coverage
	f.Add(mustJSON(f, fresh))
	settled := fresh
	settled.GatewaySig = fix.gateway.sign(f, fresh.Receipt.Digest(testDomain))
	settled.Inclusion = &settlement.Inclusion{Epoch: 1, Index: 1, Count: 3, Root: common.Hash{1}, Proof: digests(2), Tx: common.Hash{2}}
	f.Add(mustJSON(f, settled))
	f.Add([]byte(`{"decisionJson":"{}","inclusion":{"proof":[]}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		b, err := settlement.DecodeBundle(data)
		if err != nil {
			return
		}
		again, err := settlement.DecodeBundle(mustJSON(t, b))
		if err != nil {
			t.Fatalf("decode what was encoded: %v", err)
		}
		if diff := cmp.Diff(b, again); diff != "" {
			t.Fatalf("not stable:\n%s", diff)
		}
		// Verification of any bundle must end in a verdict, not in a panic.
		if settlement.Verify(t.Context(), b, nil, settlement.VerifyOptions{Domain: testDomain}).Err() == nil {
			t.Fatal("passed without a chain")
		}
	})
}

// FuzzDecodeRecord: a ledger row is either what was written for its key or corrupt.
func FuzzDecodeRecord(f *testing.F) {
	key := []byte("bat/\x00\x00\x00\x00\x00\x00\x00\x01")
	row, err := settlement.EncodeRecord(key, settlement.SealedBatch{Batch: settlement.Batch{Epoch: 1}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, row)
	f.Add([]byte("meta"), []byte{1, 0, 0, 0, 0, '{', '}'})
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, row []byte) {
		s := settlement.NewSealedBatch()
		if err := settlement.DecodeRecord(key, row, s); err != nil {
			wantErr(t, err, settlement.ErrCorrupt)
			return
		}
		again, err := settlement.EncodeRecord(key, s)
		if err != nil {
			t.Fatal(err)
		}
		back := settlement.NewSealedBatch()
		if err := settlement.DecodeRecord(key, again, back); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(s, back); diff != "" {
			t.Fatalf("not stable:\n%s", diff)
		}
	})
}

// FuzzVerifyProof: nobody finds a proof for a digest that is not in the tree, and no input panics.
func FuzzVerifyProof(f *testing.F) {
	tree := newTree(f, digests(11))
	proof, err := tree.Proof(4)
	if err != nil {
		f.Fatal(err)
	}
	var flat []byte
	for _, h := range proof {
		flat = append(flat, h[:]...)
	}
	f.Add(uint32(4), uint32(11), []byte("foreign"), flat)
	f.Add(uint32(0), uint32(0), []byte{}, []byte{})
	f.Add(^uint32(0)-1, ^uint32(0), []byte{}, bytes.Repeat([]byte{1}, 32*32))
	f.Fuzz(func(t *testing.T, index, count uint32, digest, flat []byte) {
		var proof []common.Hash
		for len(flat) >= 32 {
			proof, flat = append(proof, common.BytesToHash(flat[:32])), flat[32:]
		}
		if settlement.VerifyProof(tree.Root(), index, count, common.BytesToHash(digest), proof) {
			for _, d := range digests(11) {
				if d == common.BytesToHash(digest) {
					return
				}
			}
			t.Fatalf("proof of a foreign digest: leaf %d of %d, %x", index, count, digest)
		}
	})
}

// FuzzParse covers the small text decoders.
func FuzzParse(f *testing.F) {
	f.Add("0.000123 USD")
	f.Add(`"18446744073709551615"`)
	f.Add("0x" + string(bytes.Repeat([]byte("ab"), 65)))
	f.Fuzz(func(t *testing.T, s string) {
		if a, err := settlement.ParseAmount(s); err == nil {
			if back, err := settlement.ParseAmount(a.String()); err != nil || back != a {
				t.Fatalf("%q is %d, and its text is %d (%v)", s, uint64(a), uint64(back), err)
			}
		}
		if id, err := settlement.ParseReceiptID(s); err == nil {
			if back, err := settlement.ParseReceiptID(id.String()); err != nil || back != id {
				t.Fatalf("%q is %s, and its text is %s (%v)", s, id, back, err)
			}
		}
		var a settlement.Amount
		if json.Unmarshal([]byte(s), &a) == nil && s != "null" && !bytes.Contains([]byte(s), mustJSON(t, a)) {
			t.Fatalf("%q decodes to %s", s, mustJSON(t, a))
		}
		var sig settlement.Signature
		if sig.UnmarshalText([]byte(s)) == nil {
			if _, err := settlement.Recover(common.Hash{}, sig); len(sig) == 0 && err == nil {
				t.Fatal("an empty signature has a signer")
			}
		}
	})
}
