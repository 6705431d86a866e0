package simd

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// The portable loops are the definition; each set must give the same integers, also for the largest values.

func TestDotsAreTheSameOnEachSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	for _, dim := range []int{1, 15, 16, 17, 24, 31, 32, 48, 384, 385, 4096} {
		rows, q := make([]int8, 9*dim), make([]int16, dim)
		for i := range rows {
			rows[i] = int8(rng.IntN(255) - 127)
		}
		for i := range q {
			q[i] = int16(rng.IntN(8193) - 4096)
		}
		for i := range dim { // a row and a query at their peaks
			rows[i] = -127
		}
		for _, index := range [][]uint32{{}, {0}, {8}, {3, 0, 8, 8, 1, 2}, {0, 1, 2, 3, 4, 5, 6, 7, 8}} {
			want := make([]int32, len(index))
			Generic().Dots(want, rows, dim, index, q)
			for _, set := range All() {
				got := make([]int32, len(index))
				set.Dots(got, rows, dim, index, q)
				if !slices.Equal(got, want) {
					t.Fatalf("%s, dim %d, rows %v: %v, want %v", set.Name, dim, index, got, want)
				}
			}
		}
	}
}

func TestScoresAndMasksAreTheSameOnEachSet(t *testing.T) {
	rng := rand.New(rand.NewPCG(2, 2))
	for _, width := range []int{2, 4, 48, 512} {
		for _, blocks := range []int{0, 1, 3} {
			codes, tables := make([]byte, blocks*width*BlockRows), make([]byte, width*PairBytes)
			for i := range codes {
				codes[i] = byte(rng.Uint32())
			}
			for i := range tables {
				tables[i] = byte(rng.IntN(MaxEntry + 1))
			}
			for j := range width { // row 0 of the first block gets the largest sum there can be
				if blocks > 0 {
					codes[j*BlockRows] = 0
				}
				tables[j*PairBytes], tables[j*PairBytes+16] = MaxEntry, MaxEntry
			}
			want := make([]uint16, blocks*BlockRows)
			Generic().Scores(want, codes, tables)
			if blocks > 0 && int(want[0]) != width*2*MaxEntry {
				t.Fatalf("width %d: largest sum is %d", width, want[0])
			}
			for _, set := range All() {
				got := make([]uint16, len(want))
				set.Scores(got, codes, tables)
				if !slices.Equal(got, want) {
					t.Fatalf("%s, width %d: %v, want %v", set.Name, width, got, want)
				}
				checkMasks(t, set, got)
			}
		}
	}
}

func checkMasks(t *testing.T, set *Set, scores []uint16) {
	t.Helper()
	for _, least := range append([]uint16{0, 1, 65535}, scores[:min(len(scores), 3)]...) {
		mask := make([]uint64, len(scores)/BlockRows)
		set.Above(mask, scores, least)
		for i, s := range scores {
			if got := mask[i/BlockRows]>>(i%BlockRows)&1 == 1; got != (s >= least) {
				t.Fatalf("%s: row %d with %d: above %d is %v", set.Name, i, s, least, got)
			}
		}
	}
}
