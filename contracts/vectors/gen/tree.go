package main

import (
	"bytes"
	"math/big"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// newTree builds the tree by recursion: a tree of n > 1 leaves has the largest power of two below n on
// its left and the rest on its right. That is the same tree as pairing level by level and promoting an
// odd last node, which is how the two implementations under test put it.
func newTree(digests []common.Hash) tree {
	leaves := make([]common.Hash, len(digests))
	for i, digest := range digests {
		leaves[i] = leaf(i, len(digests), digest)
	}
	t := tree{Leaves: digests, Root: root(leaves)}
	for i := range leaves {
		t.Proofs = append(t.Proofs, append([]common.Hash{}, proof(leaves, i)...))
	}
	return t
}

func leaf(index, count int, digest common.Hash) common.Hash {
	word := func(n int) []byte { return common.BigToHash(big.NewInt(int64(n))).Bytes() }
	return crypto.Keccak256Hash(crypto.Keccak256(word(index), word(count), digest.Bytes()))
}

func root(leaves []common.Hash) common.Hash {
	if len(leaves) == 1 {
		return leaves[0]
	}
	k := split(len(leaves))
	a, b := root(leaves[:k]), root(leaves[k:])
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	return crypto.Keccak256Hash(a[:], b[:])
}

func proof(leaves []common.Hash, i int) []common.Hash {
	if len(leaves) == 1 {
		return nil
	}
	k := split(len(leaves))
	if i < k {
		return append(proof(leaves[:k], i), root(leaves[k:]))
	}
	return append(proof(leaves[k:], i-k), root(leaves[:k]))
}

// split is the largest power of two below n.
func split(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}
