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
	widest := int32(1)
	for at := 0; at < len(q); at += 2 {
		widest = max(widest, reach(q, at))
	}
	clear(dst)
	most := maxEntry(len(q))
	for at := 0; at < len(q); at += 2 {
		table, middle := dst[at*8:][:16], reach(q, at)
		for code := range table {
			sum := middle
			for j, v := range q[at:min(at+2, len(q))] {
				sum += int32(v) * stands(code>>(2*j))
			}
			table[code] = byte(sum * most / (2 * widest))
		}
	}
}

// stands is the value that the low two bits of code stand for.
func stands(code int) int32 {
	return [4]int32{small, -small, large, -large}[code&3]
}

// reach is the largest sum that the two components of q at this place can contribute.
func reach(q Query, at int) int32 {
	sum := int32(0)
	for _, v := range q[at:min(at+2, len(q))] {
		sum += large * max(int32(v), -int32(v))
	}
	return sum
}

// maxEntry is the largest table entry for which the sum over a row stays in uint16.
func maxEntry(dim int) int32 { return min(simd.MaxEntry, int32(0xffff/(2*codeWidth(dim)))) }
