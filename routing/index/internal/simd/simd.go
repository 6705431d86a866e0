// Package simd holds the inner loops of an index scan. Everything is integer arithmetic without rounding, so each set
// of kernels gives the same results, whatever the CPU.
package simd

const (
	// BlockRows is how many rows one step of Scores and Above handles: as many as a word has bits.
	BlockRows = 64
	// PairBytes is the size of the look-up tables that belong to one byte of codes: 16 entries for its low four bits,
	// then 16 for its high four.
	PairBytes = 32
	// MaxEntry is the largest allowed table entry: four of them are added in a byte.
	MaxEntry = 63
)

// Set is one implementation of the kernels.
type Set struct {
	// Name of the instruction set.
	Name string

	// Dots writes to dst[i] the dot product of q with row rows[index[i]*dim:][:dim]. No partial sum may leave int32.
	Dots func(dst []int32, rows []int8, dim int, index []uint32, q []int16)

	// Scores writes for each row the sum of the table entries that its code selects. Codes lie in blocks of BlockRows
	// rows: the first byte of each row, then the second of each, and so on; tables has PairBytes for each of a row's
	// bytes, entries at most MaxEntry. A row has an even number of bytes, and no sum may leave
	// uint16. dst has room for whole blocks.
	Scores func(dst []uint16, codes, tables []byte)

	// Above sets bit r of mask[b] where scores[b*BlockRows+r] is at least least. scores are whole blocks.
	Above func(mask []uint64, scores []uint16, least uint16)
}

// Best is the fastest set that this machine runs.
func Best() *Set {
	sets := All()
	return sets[len(sets)-1]
}

// Generic is the portable set.
func Generic() *Set { return &Set{Name: "generic", Dots: dots, Scores: scores, Above: above} }

func dots(dst []int32, rows []int8, dim int, index []uint32, q []int16) {
	q = q[:dim]
	for i, r := range index {
		row := rows[int(r)*dim:][:len(q)]
		sum := int32(0)
		for j, v := range q {
			sum += int32(v) * int32(row[j])
		}
		dst[i] = sum
	}
}

func scores(dst []uint16, codes, tables []byte) {
	width := len(tables) / PairBytes
	for ; len(codes) > 0; codes, dst = codes[width*BlockRows:], dst[BlockRows:] {
		var sums [BlockRows]uint16
		for j := range width {
			t := (*[PairBytes]byte)(tables[j*PairBytes:])
			for r, c := range codes[j*BlockRows:][:BlockRows] {
				sums[r] += uint16(t[c&15]) + uint16(t[16+c>>4])
			}
		}
		copy(dst, sums[:])
	}
}

func above(mask []uint64, scores []uint16, least uint16) {
	for b := range mask {
		m := uint64(0)
		for r, s := range scores[b*BlockRows:][:BlockRows] {
			if s >= least {
				m |= 1 << r
			}
		}
		mask[b] = m
	}
}
