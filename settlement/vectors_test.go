package settlement_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/google/go-cmp/cmp"

	"flotilla/settlement"
)

// vectorsFile is checked by the Solidity tests too: both sides must agree on every digest and root.
const vectorsFile = "../contracts/vectors/messages.json"

// vectors is the file's shape. Messages are objects with the signed fields beside what they lead to.
type vectors struct {
	Domain struct {
		ChainID  uint64         `json:"chainId"`
		Contract common.Address `json:"contract"`
	} `json:"domain"`
	Adverts              []json.RawMessage `json:"adverts"`
	Orders               []json.RawMessage `json:"orders"`
	Receipts             []json.RawMessage `json:"receipts"`
	Vouchers             []json.RawMessage `json:"vouchers"`
	Batches              []json.RawMessage `json:"batches"`
	SignerAuthorizations []json.RawMessage `json:"signerAuthorizations"`
	Trees                []struct {
		Leaves []common.Hash   `json:"leaves"` // receipt digests
		Root   common.Hash     `json:"root"`
		Proofs [][]common.Hash `json:"proofs"`
	} `json:"trees"`
}

func readVectors(t *testing.T) vectors {
	t.Helper()
	data, err := os.ReadFile(vectorsFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(data, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestVectorsMessages(t *testing.T) {
	v := readVectors(t)
	d := settlement.Domain{ChainID: v.Domain.ChainID, Contract: v.Domain.Contract}
	for _, group := range []struct {
		name  string
		rows  []json.RawMessage
		fresh func() digester
	}{
		{"adverts", v.Adverts, func() digester { return new(settlement.Advert) }},
		{"orders", v.Orders, func() digester { return new(settlement.Order) }},
		{"receipts", v.Receipts, func() digester { return new(settlement.Receipt) }},
		{"vouchers", v.Vouchers, func() digester { return new(settlement.Voucher) }},
		{"batches", v.Batches, func() digester { return new(settlement.Batch) }},
		{"signerAuthorizations", v.SignerAuthorizations, func() digester { return new(settlement.SignerAuthorization) }},
	} {
		if len(group.rows) < 10 {
			t.Errorf("%s: only %d vectors", group.name, len(group.rows))
		}
		for i, row := range group.rows {
			var want struct {
				Digest    common.Hash          `json:"digest"`
				Signature settlement.Signature `json:"signature"`
				Signer    common.Address       `json:"signer"`
			}
			msg := group.fresh()
			if err := json.Unmarshal(row, msg); err != nil {
				t.Fatalf("%s %d: %v", group.name, i, err)
			}
			if err := json.Unmarshal(row, &want); err != nil {
				t.Fatalf("%s %d: %v", group.name, i, err)
			}
			if got := msg.Digest(d); got != want.Digest {
				t.Errorf("%s %d: digest %s, the vector has %s", group.name, i, got, want.Digest)
			}
			if signer, err := settlement.Recover(want.Digest, want.Signature); err != nil || signer != want.Signer {
				t.Errorf("%s %d: signed by %s (%v), the vector has %s", group.name, i, signer, err, want.Signer)
			}
		}
	}
}

func TestVectorsTrees(t *testing.T) {
	trees := readVectors(t).Trees
	if len(trees) < 10 {
		t.Errorf("only %d trees", len(trees))
	}
	for i, want := range trees {
		tree := newTree(t, want.Leaves)
		if tree.Root() != want.Root {
			t.Errorf("tree %d: root %s, the vector has %s", i, tree.Root(), want.Root)
		}
		if len(want.Proofs) != len(want.Leaves) {
			t.Fatalf("tree %d: %d proofs for %d leaves", i, len(want.Proofs), len(want.Leaves))
		}
		for leaf, proof := range want.Proofs {
			got, err := tree.Proof(uint32(leaf))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(append([]common.Hash{}, proof...), got); diff != "" {
				t.Errorf("tree %d: proof of leaf %d (-vector +got):\n%s", i, leaf, diff)
			}
			if !settlement.VerifyProof(want.Root, uint32(leaf), uint32(len(want.Leaves)), want.Leaves[leaf], proof) {
				t.Errorf("tree %d: the vector's proof of leaf %d is refused", i, leaf)
			}
		}
	}
}
