package ethchain_test

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/common/hexutil"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"flotilla/settlement"
)

// vectors is contracts/vectors/messages.json, which forge tests read as well: Go, Solidity and
// go-ethereum's general encoder agree on every digest, signature and proof in it.
type vectors struct {
	Domain struct {
		ChainID  uint64         `json:"chainId"`
		Contract common.Address `json:"contract"`
	}
	Adverts, Orders, Receipts, Vouchers, Batches []json.RawMessage
	Trees                                        []struct {
		Leaves []common.Hash
		Root   common.Hash
		Proofs [][]common.Hash
	}
}

func readVectors(t *testing.T) (vectors, settlement.Domain) {
	t.Helper()
	raw, err := os.ReadFile("../../contracts/vectors/messages.json")
	must(t, err)
	var v vectors
	must(t, json.Unmarshal(raw, &v))
	return v, settlement.Domain{ChainID: v.Domain.ChainID, Contract: v.Domain.Contract}
}

// checkMessages decodes each vector as an M and compares digest and signer.
func checkMessages[M interface {
	Digest(settlement.Domain) common.Hash
}](t *testing.T, d settlement.Domain, raws []json.RawMessage) {
	t.Helper()
	if len(raws) < 20 {
		t.Fatalf("%d vectors, want at least 20", len(raws))
	}
	for i, raw := range raws {
		var m M
		must(t, json.Unmarshal(raw, &m))
		var want struct {
			Digest    common.Hash
			Signer    common.Address
			Signature hexutil.Bytes
		}
		must(t, json.Unmarshal(raw, &want))
		if got := m.Digest(d); got != want.Digest {
			t.Errorf("%T %d: digest %s, want %s", m, i, got, want.Digest)
		}
		signer, err := settlement.Recover(want.Digest, settlement.Signature(want.Signature))
		if err != nil || signer != want.Signer {
			t.Errorf("%T %d: signed by %s (%v), want %s", m, i, signer, err, want.Signer)
		}
	}
}

func TestMessagesAgreeWithGoldenVectors(t *testing.T) {
	v, d := readVectors(t)
	checkMessages[settlement.Advert](t, d, v.Adverts)
	checkMessages[settlement.Order](t, d, v.Orders)
	checkMessages[settlement.Receipt](t, d, v.Receipts)
	checkMessages[settlement.Voucher](t, d, v.Vouchers)
	checkMessages[settlement.Batch](t, d, v.Batches)
}

func TestTreesAgreeWithGoldenVectors(t *testing.T) {
	v, _ := readVectors(t)
	if len(v.Trees) < 20 {
		t.Fatalf("%d trees, want at least 20", len(v.Trees))
	}
	for _, want := range v.Trees {
		tree, err := settlement.NewMerkleTree(want.Leaves)
		must(t, err)
		if tree.Root() != want.Root {
			t.Errorf("tree of %d: root %s, want %s", len(want.Leaves), tree.Root(), want.Root)
		}
		for i := range want.Leaves {
			proof, err := tree.Proof(uint32(i))
			must(t, err)
			if diff := cmp.Diff(want.Proofs[i], proof, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("proof %d of %d (-want +got):\n%s", i, len(want.Leaves), diff)
			}
		}
	}
}
