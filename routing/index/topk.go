package index

import (
	"math/bits"
	"slices"

	"flotilla/routing/index/internal/simd"
)

// compared are rows, their dot products with a query, the rows' lengths and the query's.
type compared struct {
	rows    []uint32
	dots    []int32
	lengths *lengths
	length  float64
}

// ranking finds the nearest of some rows.
type ranking struct {
	steps  []uint16 // rough similarities for the kernels: above zero, which fills up the last block
	mask   []uint64
	near   []int64 // keys: they order rows by falling similarity, then by rising number, and all differ
	sorted []int64
}

// stepBits is how many bits of a similarity the kernels do without: from -1 to 1 the others fit into 16.
const stepBits = 6

// top appends the k nearest to dst, nearest first. A division for each row would take most of the time. So similarities
// are first taken roughly, and exactly for the few rows that may be among the k: a rough one is off by less than two
// units, so by one step at most, and a row one step below the k-th may still be nearer.
func (r *ranking) top(dst []Hit, k int, c compared) []Hit {
	k = min(k, len(c.rows))
	if k <= 0 {
		return dst
	}
	r.roughly(c)
	kernels.Above(r.mask, r.steps, max(reachedBy(r.steps, k, r.mask)-1, 1))
	near := r.near[:0]
	for b, m := range r.mask {
		for ; m != 0; m &= m - 1 {
			i := b*simd.BlockRows + bits.TrailingZeros64(m)
			row := c.rows[i]
			near = append(near, int64(-similarity(c.dots[i], c.lengths.exact[row], c.length))<<32|int64(row))
		}
	}
	r.near = near
	for _, v := range r.sort(near)[:k] {
		dst = append(dst, Hit{Row: int(uint32(v)), Similarity: -int32(v >> 32)})
	}
	return dst
}

// roughly fills in steps. A dot product is below 2^24, so it is exact in 24 bits, and four values rounded to as many are off by
// a fourth of a unit together.
func (r *ranking) roughly(c compared) {
	r.mask = sized(r.mask, blocks(len(c.rows)))
	r.steps = sized(r.steps, len(r.mask)*simd.BlockRows)
	clear(r.steps[len(c.rows):])
	scale := float32(SimilarityOne / c.length)
	steps, dots := r.steps[:len(c.rows)], c.dots[:len(c.rows)]
	for i, row := range c.rows {
		sim := int32(float32(dots[i]) * (scale * c.lengths.inverse[row]))
		steps[i] = uint16((sim+SimilarityOne)>>stepBits + 1)
	}
}

// shelves is how many equal parts sort cuts the range of its keys into: so many that of a few hundred few share one.
const shelves = 256

// sort returns keys in rising order: they are laid out by shelf, and then what shares a shelf is sorted.
func (r *ranking) sort(keys []int64) []int64 {
	first, last := keys[0], keys[0]
	for _, v := range keys {
		first, last = min(first, v), max(last, v)
	}
	shift := max(bits.Len64(uint64(last-first))-bits.Len(shelves-1), 0)
	var ends [shelves]uint32 // each moves from the start to the end of its shelf
	for _, v := range keys {
		ends[(v-first)>>shift]++
	}
	total := uint32(0)
	for i, n := range ends {
		ends[i], total = total, total+n
	}
	r.sorted = sized(r.sorted, len(keys))
	for _, v := range keys {
		end := &ends[(v-first)>>shift]
		r.sorted[*end] = v
		*end++
	}
	start := uint32(0)
	for _, end := range ends {
		if end-start > 1 {
			slices.Sort(r.sorted[start:end])
		}
		start = end
	}
	return r.sorted
}

// reachedBy is the largest value that want of values (whole blocks) reach, found bit by bit. mask is for its own use.
func reachedBy(values []uint16, want int, mask []uint64) uint16 {
	least := uint16(0)
	for bit := uint16(1 << 15); bit != 0; bit >>= 1 {
		kernels.Above(mask, values, least|bit)
		count := 0
		for _, m := range mask {
			count += bits.OnesCount64(m)
		}
		if count >= want {
			least |= bit
		}
	}
	return least
}
