package settlement

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/ethereum/go-ethereum/common"
	"github.com/ethereum/go-ethereum/crypto"
)

// maxProofLen is the depth of a tree over 2^32-1 leaves, the most that a Batch can count.
const maxProofLen = 32

// MerkleTree is the tree over one batch's receipt digests:
//
//	leaf i = keccak256(keccak256(abi.encode(uint256 i, uint256 count, bytes32 digest)))
//	node   = keccak256(smaller child ‖ larger child); an odd last node is promoted unchanged
//
// Leaves are hashed twice, so no inner node can pass for a leaf, and hold index and count, so that a
// proof fixes the receipt's place. A tree is immutable and safe for concurrent use.
type MerkleTree struct {
	levels [][]common.Hash // levels[0] are the leaves, the last level is the root alone
}

// NewMerkleTree builds the tree over digests in the given order. There must be at least one.
func NewMerkleTree(digests []common.Hash) (*MerkleTree, error) {
	if len(digests) == 0 {
		return nil, errEmptyBatch
	}
	if uint64(len(digests)) > math.MaxUint32 {
		return nil, fmt.Errorf("build tree: %d receipts, at most 2^32-1", len(digests))
	}
	var four *keccak4
	if keccak4Enabled {
		four = newKeccak4()
	}
	level := merkleLeaves(digests, four)
	levels := [][]common.Hash{level}
	for len(level) > 1 {
		level = merkleParents(level, four)
		levels = append(levels, level)
	}
	return &MerkleTree{levels: levels}, nil
}

// merkleLeaves returns the leaves of digests. With four, all but the last few are hashed four at a time.
func merkleLeaves(digests []common.Hash, four *keccak4) []common.Hash {
	count := uint32(len(digests))
	leaves := make([]common.Hash, count)
	done := 0
	if four != nil {
		done = four.leaves4(leaves, digests, count)
	}
	for i := done; i < len(digests); i++ {
		leaves[i] = merkleLeaf(uint32(i), count, digests[i])
	}
	return leaves
}

// merkleParents returns the level above level, see merkleLeaves.
func merkleParents(level []common.Hash, four *keccak4) []common.Hash {
	up := make([]common.Hash, (len(level)+1)/2)
	done := 0
	if four != nil {
		done = four.nodes4(up, level)
	}
	for i := done; i < len(level)/2; i++ {
		up[i] = merkleNode(level[2*i], level[2*i+1])
	}
	if len(level)%2 == 1 {
		up[len(up)-1] = level[len(level)-1]
	}
	return up
}

// Root returns the tree's root.
func (t *MerkleTree) Root() common.Hash { return t.levels[len(t.levels)-1][0] }

// Count returns the number of leaves.
func (t *MerkleTree) Count() uint32 { return uint32(len(t.levels[0])) }

// Proof returns the siblings from leaf index up to the root, at most 32. index must be below Count.
func (t *MerkleTree) Proof(index uint32) ([]common.Hash, error) {
	if index >= t.Count() {
		return nil, fmt.Errorf("prove leaf %d: the tree has %d", index, t.Count())
	}
	proof := []common.Hash{}
	i := int(index)
	for _, level := range t.levels[:len(t.levels)-1] {
		if sibling := i ^ 1; sibling < len(level) {
			proof = append(proof, level[sibling])
		}
		i /= 2
	}
	return proof, nil
}

// VerifyProof says whether digest is leaf index of count under root. A proof longer or shorter than
// index and count demand is refused.
func VerifyProof(root common.Hash, index, count uint32, digest common.Hash, proof []common.Hash) bool {
	if index >= count {
		return false
	}
	node := merkleLeaf(index, count, digest)
	used := 0
	for i, width := uint64(index), uint64(count); width > 1; i, width = i/2, (width+1)/2 {
		if i^1 >= width {
			continue // the odd last node was promoted: no sibling here
		}
		if used == len(proof) {
			return false
		}
		node = merkleNode(node, proof[used])
		used++
	}
	return used == len(proof) && node == root
}

func merkleLeaf(index, count uint32, digest common.Hash) common.Hash {
	var buf [96]byte
	binary.BigEndian.PutUint32(buf[28:], index)
	binary.BigEndian.PutUint32(buf[60:], count)
	copy(buf[64:], digest[:])
	inner := crypto.Keccak256Hash(buf[:])
	return crypto.Keccak256Hash(inner[:])
}

func merkleNode(a, b common.Hash) common.Hash {
	if bytes.Compare(a[:], b[:]) > 0 {
		a, b = b, a
	}
	var buf [64]byte
	copy(buf[:32], a[:])
	copy(buf[32:], b[:])
	return crypto.Keccak256Hash(buf[:])
}
