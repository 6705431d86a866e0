package simd

import "golang.org/x/sys/cpu"

// All returns the sets that this machine runs, the slowest first.
func All() []*Set {
	sets := []*Set{Generic()}
	if cpu.X86.HasAVX2 {
		sets = append(sets, &Set{Name: "avx2", Dots: dotsFast, Scores: scoresFast, Above: aboveFast})
	}
	return sets
}

// lanes is how many values of a row dotsAVX2 takes at once; what is left over is added here.
const lanes = 16

func dotsFast(dst []int32, rows []int8, dim int, index []uint32, q []int16) {
	if len(index) == 0 {
		return
	}
	_ = dst[len(index)-1]
	top := uint32(0)
	for _, r := range index {
		top = max(top, r)
	}
	_, _ = rows[(int(top)+1)*dim-1], q[dim-1] // panic here instead of reading foreign memory there
	whole := dim / lanes * lanes
	dotsAVX2(&dst[0], &rows[0], dim, whole, &index[0], len(index), &q[0])
	if whole == dim {
		return
	}
	for i, r := range index {
		for j, v := range rows[int(r)*dim+whole : (int(r)+1)*dim] {
			dst[i] += int32(v) * int32(q[whole+j])
		}
	}
}

func scoresFast(dst []uint16, codes, tables []byte) {
	width := len(tables) / PairBytes
	blocks := len(codes) / (width * BlockRows)
	if blocks == 0 {
		return
	}
	_ = dst[blocks*BlockRows-1]
	scoresAVX2(&dst[0], &codes[0], blocks, &tables[0], width)
}

func aboveFast(mask []uint64, scores []uint16, least uint16) {
	if len(mask) == 0 {
		return
	}
	_ = scores[len(mask)*BlockRows-1]
	aboveAVX2(&mask[0], len(mask), &scores[0], least)
}

//go:noescape
func dotsAVX2(dst *int32, rows *int8, dim, whole int, index *uint32, n int, q *int16)

//go:noescape
func scoresAVX2(dst *uint16, codes *byte, blocks int, tables *byte, width int)

//go:noescape
func aboveAVX2(mask *uint64, blocks int, scores *uint16, least uint16)
