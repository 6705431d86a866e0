package index

import (
	"math/bits"
	"slices"
)

// ranking finds the nearest of some rows. Its keys order rows by falling similarity, then by rising number: all differ,
// so the result does not depend on the order of adding.
type ranking struct {
	keys   []int64
	sorted []int64
	starts []uint32 // per shelf
}

// shelves is how many equal parts the range of similarities is cut into: so many that few of the nearest share one.
const shelves = 1024

func (r *ranking) reset() { r.keys = r.keys[:0] }

func (r *ranking) add(row uint32, sim int32) {
	r.keys = append(r.keys, int64(-sim)<<32|int64(row))
}

// top appends the k nearest to dst, nearest first. All keys are counted by shelf; those on the shelves of the first k
// are laid out in the order of the shelves, and only what shares a shelf is sorted.
func (r *ranking) top(dst []Hit, k int) []Hit {
	k = min(k, len(r.keys))
	if k <= 0 {
		return dst
	}
	first, last := r.keys[0], r.keys[0]
	for _, v := range r.keys {
		first, last = min(first, v), max(last, v)
	}
	shift := max(bits.Len64(uint64(last-first))-bits.Len(shelves-1), 0)
	r.starts = sized(r.starts, shelves+1)
	clear(r.starts)
	for _, v := range r.keys {
		r.starts[(v-first)>>shift+1]++
	}
	used := 0
	for ; int(r.starts[used]) < k; used++ {
		r.starts[used+1] += r.starts[used]
	}
	r.sorted = sized(r.sorted, int(r.starts[used]))
	ends := r.starts[:used] // each moves from the start to the end of its shelf
	for _, v := range r.keys {
		if at := int((v - first) >> shift); at < used {
			r.sorted[ends[at]] = v
			ends[at]++
		}
	}
	start := uint32(0)
	for _, end := range ends {
		if end-start > 1 {
			slices.Sort(r.sorted[start:end])
		}
		start = end
	}
	for _, v := range r.sorted[:k] {
		dst = append(dst, Hit{Row: int(uint32(v)), Similarity: -int32(v >> 32)})
	}
	return dst
}
