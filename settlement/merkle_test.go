package settlement_test

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
	"pgregory.net/rapid"

	"flotilla/settlement"
)

func digests(n int) []common.Hash {
	out := make([]common.Hash, n)
	for i := range out {
		out[i] = crypto.Keccak256Hash(binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	return out
}

// naiveRoot is the definition, word by word and recursive, to compare the tree with.
func naiveRoot(level []common.Hash) common.Hash {
	if len(level) == 1 {
		return level[0]
	}
	var up []common.Hash
	for len(level) >= 2 {
		a, b := level[0], level[1]
		if a.Cmp(b) > 0 {
			a, b = b, a
		}
		up, level = append(up, crypto.Keccak256Hash(a[:], b[:])), level[2:]
	}
	return naiveRoot(append(up, level...))
}

func naiveLeaves(digests []common.Hash) []common.Hash {
	var leaves []common.Hash
	for i, d := range digests {
		index, count := common.BigToHash(common.Big0), common.BigToHash(common.Big0)
		binary.BigEndian.PutUint64(index[24:], uint64(i))
		binary.BigEndian.PutUint64(count[24:], uint64(len(digests)))
		leaves = append(leaves, crypto.Keccak256Hash(crypto.Keccak256(index[:], count[:], d[:])))
	}
	return leaves
}

func newTree(tb testing.TB, digests []common.Hash) *settlement.MerkleTree {
	tb.Helper()
	tree, err := settlement.NewMerkleTree(digests)
	if err != nil {
		tb.Fatal(err)
	}
	return tree
}

// TestMerkleProofs proves every leaf of every tree up to 70 leaves, and nothing else.
func TestMerkleProofs(t *testing.T) {
	for n := 1; n <= 70; n++ {
		all := digests(n)
		tree := newTree(t, all)
		if want := naiveRoot(naiveLeaves(all)); tree.Root() != want {
			t.Fatalf("root of %d leaves is %s, want %s", n, tree.Root(), want)
		}
		for i := range uint32(n) {
			proof, err := tree.Proof(i)
			if err != nil {
				t.Fatal(err)
			}
			if !settlement.VerifyProof(tree.Root(), i, uint32(n), all[i], proof) {
				t.Fatalf("leaf %d of %d does not verify", i, n)
			}
			for what, ok := range map[string]bool{
				"other index":  settlement.VerifyProof(tree.Root(), (i+1)%uint32(n), uint32(n), all[i], proof) && n > 1,
				"other count":  settlement.VerifyProof(tree.Root(), i, uint32(n)+1, all[i], proof),
				"other digest": settlement.VerifyProof(tree.Root(), i, uint32(n), common.Hash{1}, proof),
				"longer proof": settlement.VerifyProof(tree.Root(), i, uint32(n), all[i], append(proof[:len(proof):len(proof)], common.Hash{})),
				"past the end": settlement.VerifyProof(tree.Root(), uint32(n), uint32(n), all[i], proof),
				"shorter":      len(proof) > 0 && settlement.VerifyProof(tree.Root(), i, uint32(n), all[i], proof[:len(proof)-1]),
			} {
				if ok {
					t.Fatalf("leaf %d of %d verifies with %s", i, n, what)
				}
			}
		}
	}
}

func TestMerkleTamperedProof(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 300).Draw(t, "n")
		all := digests(n)
		tree, err := settlement.NewMerkleTree(all)
		if err != nil {
			t.Fatal(err)
		}
		i := uint32(rapid.IntRange(0, n-1).Draw(t, "leaf"))
		proof, err := tree.Proof(i)
		if err != nil {
			t.Fatal(err)
		}
		if len(proof) == 0 {
			t.Fatal("a leaf of many has an empty proof")
		}
		proof[rapid.IntRange(0, len(proof)-1).Draw(t, "step")][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		if settlement.VerifyProof(tree.Root(), i, uint32(n), all[i], proof) {
			t.Fatal("a tampered proof verifies")
		}
	})
}

func TestMerkleBounds(t *testing.T) {
	if _, err := settlement.NewMerkleTree(nil); err == nil {
		t.Error("a tree of nothing has a root")
	}
	if _, err := newTree(t, digests(3)).Proof(3); err == nil {
		t.Error("a leaf past the end has a proof")
	}
	one := common.BigToHash(common.Big1) // who makes a tree by hand can put a second leaf where there is one
	beyond := crypto.Keccak256Hash(crypto.Keccak256(one[:], one[:], one[:]))
	if settlement.VerifyProof(beyond, 1, 1, one, nil) {
		t.Error("a leaf past the end verifies")
	}
	if settlement.VerifyProof(common.Hash{}, 0, 0, common.Hash{}, nil) {
		t.Error("the empty tree holds something")
	}
}

// TestMerklePlain: the tree is the same on processors that hash one message at a time.
func TestMerklePlain(t *testing.T) {
	for n := 1; n <= 300; n++ {
		fast := newTree(t, digests(n))
		restore := settlement.HashOneByOne()
		plain := newTree(t, digests(n))
		restore()
		if fast.Root() != plain.Root() || fast.Root() != naiveRoot(naiveLeaves(digests(n))) {
			t.Fatalf("%d leaves: root %s, hashed one by one %s", n, fast.Root(), plain.Root())
		}
	}
}

// BenchmarkMerkleTree builds trees on one core; "plain" is what processors without AVX2 do.
func BenchmarkMerkleTree(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		all := digests(n)
		b.Run(fmt.Sprintf("leaves_%d", n), func(b *testing.B) {
			for b.Loop() {
				newTree(b, all)
			}
		})
		b.Run(fmt.Sprintf("leaves_%d_plain", n), func(b *testing.B) {
			defer settlement.HashOneByOne()()
			for b.Loop() {
				newTree(b, all)
			}
		})
	}
}

func BenchmarkVerifyProof4096(b *testing.B) {
	all := digests(4096)
	tree := newTree(b, all)
	proof, err := tree.Proof(2500)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if !settlement.VerifyProof(tree.Root(), 2500, tree.Count(), all[2500], proof) {
			b.Fatal("honest proof refused")
		}
	}
}
