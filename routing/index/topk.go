package index

import (
	"math/bits"
	"slices"

	"flotilla/routing/index/internal/simd"
)

// ranking finds the nearest of some rows. Its keys order rows by falling similarity, then by rising number: all differ,
// so the result does not depend on the order of adding.
type ranking struct {
	keys   []int64
	steps  []uint16 // similarities, less fine, for the kernels: above zero, which fills up the last block
	mask   []uint64
	near   []int64 // the keys that are sorted
	sorted []int64
}

// start makes room for n rows, each of which is then set.
func (r *ranking) start(n int) {
	r.keys = sized(r.keys, n)
	r.steps = sized(r.steps, blocks(n)*simd.BlockRows)
	r.mask = sized(r.mask, blocks(n))
	clear(r.steps[n:])
}

// stepBits is how many bits of a similarity the kernels do without: from -1 to 1 the others fit into 16.
const stepBits = 6

// set makes row the i-th.
func (r *ranking) set(i int, row uint32, sim int32) {
	r.keys[i] = int64(-sim)<<32 | int64(row)
	r.steps[i] = uint16((sim+SimilarityOne)>>stepBits + 1)
}

// top appends the k nearest to dst, nearest first. The kernels find those that the k-th's step lets through, which is few
// more than k.
func (r *ranking) top(dst []Hit, k int) []Hit {
	k = min(k, len(r.keys))
	if k <= 0 {
		return dst
	}
	kernels.Above(r.mask, r.steps, reachedBy(r.steps, k, r.mask))
	near := r.near[:0]
	for b, m := range r.mask {
		for ; m != 0; m &= m - 1 {
			near = append(near, r.keys[b*simd.BlockRows+bits.TrailingZeros64(m)])
		}
	}
	r.near = near
	for _, v := range r.sort(near)[:k] {
		dst = append(dst, Hit{Row: int(uint32(v)), Similarity: -int32(v >> 32)})
	}
	return dst
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
