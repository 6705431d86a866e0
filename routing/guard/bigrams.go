package guard

import (
	"crypto/sha256"
	_ "embed"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"math/bits"
	"slices"
)

// tableFile is made by routing/guard/build from public prompts; NOTICE names them. It holds hashes of words and word
// pairs with how often they were counted, and no text.
//
//go:embed bigrams.bin
var tableFile []byte

// Table format: "FBG1", u8 log2 of the words counted, then the entries in rising order, each as the uvarint difference to
// the one before. An entry is a 27-bit hash and, in its low countBits bits, log2 of the count, rounded.
const (
	tableMagic = "FBG1"
	countBits  = 5
	countMask  = 1<<countBits - 1
	maxEntries = 1 << 22 // bounds a table read; ours has a thirtieth
)

// Table is how often words and pairs of neighbouring words were counted, to a power of two. Two keys share a hash once
// in a thousand; it then only makes a rare pair look usual. Immutable, safe for concurrent use.
type Table struct {
	entries []uint32 // rising
	total   int      // log2 of all words counted
	id      string
}

// Default is the table inside the binary.
func Default() (*Table, error) {
	t, err := DecodeTable(tableFile)
	if err != nil {
		return nil, fmt.Errorf("open built-in word table: %w", err)
	}
	return t, nil
}

// ID is the hex sha256 of the encoded table.
func (t *Table) ID() string { return t.id }

// NewTable packs counts of words (one-word keys) and of pairs, made with CountKey. Counts below least are left out.
func NewTable(counts map[uint32]int, least, total int) *Table {
	t := &Table{total: log2(total)}
	for key, n := range counts {
		if n >= least {
			t.entries = append(t.entries, key<<countBits|uint32(min(log2(n), countMask)))
		}
	}
	slices.Sort(t.entries)
	t.id = digest(t.Encode())
	return t
}

// Encode is the table's file.
func (t *Table) Encode() []byte {
	out := append([]byte(tableMagic), byte(t.total))
	last := uint32(0)
	for _, e := range t.entries {
		out = binary.AppendUvarint(out, uint64(e-last))
		last = e
	}
	return out
}

// DecodeTable reads what Encode wrote.
func DecodeTable(data []byte) (*Table, error) {
	if len(data) <= len(tableMagic) || string(data[:len(tableMagic)]) != tableMagic {
		return nil, errors.New("decode word table: not a word table")
	}
	t := &Table{total: int(data[len(tableMagic)]), id: digest(data)}
	rest, last := data[len(tableMagic)+1:], uint64(0)
	for len(rest) > 0 {
		d, n := binary.Uvarint(rest)
		if n <= 0 || last+d > 1<<32-1 || len(t.entries) >= maxEntries {
			return nil, fmt.Errorf("decode word table: damaged after %d entries", len(t.entries))
		}
		last += d
		t.entries = append(t.entries, uint32(last))
		rest = rest[n:]
	}
	return t, nil
}

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// log2 of n ≥ 1, rounded to the nearest whole number (3 counts as 2, that is two doublings).
func log2(n int) int {
	k := bits.Len(uint(max(n, 1))) - 1
	if n*n >= 1<<(2*k+1) { // n ≥ 2^(k+½)
		k++
	}
	return k
}

// CountKey is the key of a word (second empty) or of a pair of neighbours.
func CountKey(first, second string) uint32 {
	h := fnv.New64a()
	h.Write([]byte(first))
	if second != "" {
		h.Write([]byte{0})
		h.Write([]byte(second))
	}
	s := h.Sum64()
	return uint32(s^s>>32) >> countBits
}

// count is log2 of how often a key was seen, or -1.
func (t *Table) count(key uint32) int {
	i, _ := slices.BinarySearch(t.entries, key<<countBits)
	if i < len(t.entries) && t.entries[i]>>countBits == key {
		return int(t.entries[i] & countMask)
	}
	return -1
}

// unseen is the discount, in bits, for a word after one it was never counted after: with a tenth of the probability
// left to such pairs, each costs log2(10) more than the word alone.
const unseen = 3

// surprisal is how unexpected b is after a, in whole bits: -log2 P(b|a), from the pair if it was counted, else from b
// alone. seen tells which.
func (t *Table) surprisal(a, b string) (bits int, seen bool) {
	if pair := t.count(CountKey(a, b)); pair >= 0 {
		return max(t.count(CountKey(a, ""))-pair, 0), true
	}
	return unseen + t.total - t.count(CountKey(b, "")), false
}
