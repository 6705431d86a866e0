package index

import (
	"math"
	"slices"
)

// topK keeps the k largest keys in a min-heap. A key is similarity, then nearness to row 0: all keys differ, so the
// result does not depend on the order of adding.
type topK struct {
	keys []int64
	k    int
}

func key(row uint32, sim int32) int64 { return int64(sim)<<32 | int64(math.MaxUint32-row) }

func keyRow(key int64) uint32 { return math.MaxUint32 - uint32(key) }

func (t *topK) add(row uint32, sim int32) {
	if t.k <= 0 {
		return
	}
	v := key(row, sim)
	if len(t.keys) < t.k {
		t.keys = append(t.keys, v)
		if len(t.keys) == t.k {
			for i := t.k/2 - 1; i >= 0; i-- {
				t.sift(i)
			}
		}
		return
	}
	if v > t.keys[0] {
		t.keys[0] = v
		t.sift(0)
	}
}

func (t *topK) sift(i int) {
	for {
		c := 2*i + 1
		if c >= len(t.keys) {
			return
		}
		if c+1 < len(t.keys) && t.keys[c+1] < t.keys[c] {
			c++
		}
		if t.keys[i] <= t.keys[c] {
			return
		}
		t.keys[i], t.keys[c] = t.keys[c], t.keys[i]
		i = c
	}
}

// drain appends what was kept to dst, largest first.
func (t *topK) drain(dst []Hit) []Hit {
	slices.Sort(t.keys)
	for _, v := range slices.Backward(t.keys) {
		dst = append(dst, Hit{Row: int(keyRow(v)), Similarity: int32(v >> 32)})
	}
	return dst
}
