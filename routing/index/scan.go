package index

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"github.com/viterin/vek/vek32"
)

// Hit is a row and its similarity to the query.
type Hit struct {
	Row        int
	Similarity int32 // cosine × SimilarityOne
}

// Scan is the similarity of one query to every row. Release it after use.
type Scan struct {
	x    *Index
	sims []int32
	keys []int64
	vec  []float32
}

var scanPool = sync.Pool{New: func() any { return new(Scan) }}

// Scan compares vector (Dim() values, any positive length) with every row.
func (x *Index) Scan(vector []float32) (*Scan, error) {
	q, err := x.Quantize(vector)
	if err != nil {
		return nil, fmt.Errorf("scan index: %w", err)
	}
	return x.ScanQuery(q)
}

// ScanQuery compares q with every row. What is recorded of one machine's scan gives the same similarities on another.
func (x *Index) ScanQuery(q Query) (*Scan, error) {
	length, err := q.length(x.dim)
	if err != nil {
		return nil, fmt.Errorf("scan index: %w", err)
	}
	s := scanPool.Get().(*Scan)
	s.x = x
	s.vec = slices.Grow(s.vec[:0], x.dim)[:x.dim]
	for i, v := range q {
		s.vec[i] = float32(v)
	}
	n := x.Len()
	s.sims = slices.Grow(s.sims[:0], n)[:n]
	for i := range s.sims {
		row := x.scan[i*x.dim : (i+1)*x.dim]
		s.sims[i] = similarity(vek32.Dot(row, s.vec), x.lengths[i], length)
	}
	return s, nil
}

// Release returns the scan's memory. The scan must not be used afterwards.
func (s *Scan) Release() {
	s.x = nil
	scanPool.Put(s)
}

// Similarity of row i.
func (s *Scan) Similarity(i int) int32 { return s.sims[i] }

// Top appends the k nearest rows to dst, nearest first; equal similarities are ordered by row number.
func (s *Scan) Top(dst []Hit, k int) []Hit {
	t := topK{keys: s.keys[:0], k: k}
	for i, sim := range s.sims {
		t.add(i, sim)
	}
	dst = t.drain(dst)
	s.keys = t.keys
	return dst
}

// TopOf is Top among the rows that have an outcome of model number m.
func (s *Scan) TopOf(dst []Hit, m, k int) []Hit {
	t := topK{keys: s.keys[:0], k: k}
	for _, i := range s.x.postings[m] {
		t.add(int(i), s.sims[i])
	}
	dst = t.drain(dst)
	s.keys = t.keys
	return dst
}

// topK keeps the k largest keys in a min-heap. A key is similarity, then nearness to row 0: all keys differ, so the
// result does not depend on the order of adding.
type topK struct {
	keys []int64
	k    int
}

func key(row int, sim int32) int64 { return int64(sim)<<32 | int64(math.MaxUint32-uint32(row)) }

func (t *topK) add(row int, sim int32) {
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

func (t *topK) drain(dst []Hit) []Hit {
	slices.Sort(t.keys)
	for i := len(t.keys) - 1; i >= 0; i-- {
		v := t.keys[i]
		dst = append(dst, Hit{Row: int(math.MaxUint32 - uint32(v)), Similarity: int32(v >> 32)})
	}
	return dst
}
