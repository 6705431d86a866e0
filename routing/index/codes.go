package index

import "flotilla/routing/index/internal/simd"

// Codes are rows with two bits a component: its sign, and whether it is larger than the row's root mean square. A query
// is compared with all codes first, and exactly only with the rows that come out best: 96 bytes a row are read instead
// of 384. A code stands for components of ±1 and ±3, near the best two-bit quantizer of a normal distribution
// (threshold 0.98, levels 0.45 and 1.51: Max 1960, "Quantizing for minimum distortion"). Everything is integer and ties
// fall to the lower row, so the rows chosen are the same on every machine.
const (
	codeDims = 4 // components in a byte; half of them have a look-up table together
	small    = 1 // what components up to the root mean square count as
	large    = 3 // and those above
)

// codeWidth is the size of one row's code in bytes, for vectors of dim values: even, as the kernels want it.
func codeWidth(dim int) int { return (dim + 2*codeDims - 1) / (2 * codeDims) * 2 }

// blocks is how many blocks hold n rows.
func blocks(n int) int { return (n + simd.BlockRows - 1) / simd.BlockRows }

// makeCodes lays out the codes of vectors (rows × dim, their squared lengths in squares) as simd.Set.Scores wants them;
// the last block is filled up with zeros.
func makeCodes(vectors []int8, squares []int32, dim int) []byte {
	width := codeWidth(dim)
	codes := make([]byte, blocks(len(squares))*width*simd.BlockRows)
	for i, square := range squares {
		at := i/simd.BlockRows*width*simd.BlockRows + i%simd.BlockRows
		meanSquare := square / int32(dim)
		for row := vectors[i*dim : (i+1)*dim]; len(row) > 0; at += simd.BlockRows {
			part := row[:min(codeDims, len(row))]
			code := byte(0)
			for j, v := range part {
				// Both bits are signs of a number: a branch here would be guessed wrong a third of the time.
				above := byte(uint32(meanSquare-int32(v)*int32(v)) >> 31)
				code |= (byte(v)>>7 | above<<1) << (2 * j)
			}
			codes[at] = code
			row = row[len(part):]
		}
	}
	return codes
}

// codeTables fills dst with what each half byte of a code contributes to a row's score: the query's two components
// there, each times what the code stands for, moved above zero and scaled to at most maxEntry.
func codeTables(dst []byte, q Query) {
	widest := int64(1)
	for at := 0; at < len(q); at += 2 {
		widest = max(widest, reach(q.at(at))+reach(q.at(at+1)))
	}
	// An entry is sum·maxEntry/(2·widest), rounded down: here a product with the divisor's reciprocal. That is rounded up,
	// so the product is too large, but by less than 1/divisor, which reaches no other whole number: sum is at most the
	// divisor, the divisor below 2^19, and maxEntry below 2^6.
	step := (1<<entryBits/(2*widest) + 1) * int64(maxEntry(len(q)))
	clear(dst)
	for at := 0; at < len(q); at += 2 {
		first, second := contributions(q.at(at)*step), contributions(q.at(at+1)*step)
		for i, v := range second {
			row := (*[4]byte)(dst[at*8+4*i:])
			row[0] = byte((first[0] + v) >> entryBits)
			row[1] = byte((first[1] + v) >> entryBits)
			row[2] = byte((first[2] + v) >> entryBits)
			row[3] = byte((first[3] + v) >> entryBits)
		}
	}
}

// entryBits is how many bits behind the point codeTables adds with.
const entryBits = 44

// contributions are a component times what each value of two code bits stands for, moved above zero.
func contributions(v int64) [4]int64 {
	middle := reach(v)
	return [4]int64{middle + small*v, middle - small*v, middle + large*v, middle - large*v}
}

// reach is the most that a component can contribute.
func reach(v int64) int64 { return large * max(v, -v) }

// at is component i; behind the last there are zeros.
func (q Query) at(i int) int64 {
	if i >= len(q) {
		return 0
	}
	return int64(q[i])
}

// maxEntry is the largest table entry for which the sum over a row stays in uint16.
func maxEntry(dim int) int32 { return min(simd.MaxEntry, int32(0xffff/(2*codeWidth(dim)))) }
