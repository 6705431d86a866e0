package index

import (
	"fmt"
	"math/bits"
	"slices"
	"sync"

	"flotilla/routing/index/internal/simd"
)

// Hit is a row and its similarity to the query.
type Hit struct {
	Row        int
	Similarity int32 // cosine × SimilarityOne
}

// How many rows a search compares exactly, after the codes have chosen them. Measured on the default index and on
// 100,000 rows (BenchmarkRecall prints it): the nearest 200 and a model's nearest 32 are all among them.
const (
	exactRows    = 1024 // an index of no more rows is compared exactly as a whole
	exactShare   = 64   // of a larger one, at least this part
	exactTimes   = 8    // and at least so many times the rows asked for
	sampleStride = 8    // above exactRows × sampleStride rows, every eighth block tells where the best scores begin
)

var kernels = simd.Best()

// Scan is one query against an index. Release it after use. Not safe for concurrent use.
type Scan struct {
	x      *Index
	q      Query
	length float64 // of q
	scores []uint16
	tables []byte
	mask   []uint32
	counts []uint32
	chosen []uint32
	dots   []int32
	keys   []int64
	own    []ownHits // per group of models, see TopOf
}

// ownHits are the nearest k rows of a group of models; k is 0 before they are looked up.
type ownHits struct {
	k    int
	hits []Hit
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
	s.x, s.q, s.length = x, q, length
	s.own = sized(s.own, len(x.groups))
	for i := range s.own {
		s.own[i].k = 0
	}
	if x.Len() > exactRows {
		s.tables = sized(s.tables, codeWidth(x.dim)*simd.PairBytes)
		codeTables(s.tables, s.q)
		s.scores = sized(s.scores, blocks(x.Len())*simd.BlockRows)
		kernels.Scores(s.scores, x.codes, s.tables)
		clear(s.scores[x.Len():]) // what fills up the last block is nobody's row
	}
	return s, nil
}

func sized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// Release returns the scan's memory. The scan must not be used afterwards.
func (s *Scan) Release() {
	s.x, s.q = nil, nil
	scanPool.Put(s)
}

// Similarity of row i.
func (s *Scan) Similarity(i int) int32 {
	s.chosen = append(s.chosen[:0], uint32(i))
	s.compare()
	return s.similarity(0)
}

// Top appends the k nearest rows to dst, nearest first; equal similarities are ordered by row number.
func (s *Scan) Top(dst []Hit, k int) []Hit {
	s.choose(k)
	return s.best(dst, k)
}

// TopOf is Top among the rows that have an outcome of model number m. Models with the same rows share one look-up.
func (s *Scan) TopOf(dst []Hit, m, k int) []Hit {
	g := s.x.groupOf[m]
	own := &s.own[g]
	if own.k != k {
		s.chooseOf(s.x.groups[g], k)
		own.k, own.hits = k, s.best(own.hits[:0], k)
	}
	return append(dst, own.hits...)
}

// choose fills s.chosen with the rows to compare exactly: all of a small index, else those with the best codes.
func (s *Scan) choose(k int) {
	n := s.x.Len()
	s.chosen = s.chosen[:0]
	if want := max(exactRows, n/exactShare, exactTimes*k); want < n {
		s.chooseBest(k, want)
		return
	}
	for i := range n {
		s.chosen = append(s.chosen, uint32(i))
	}
}

// chooseBest takes about want rows with the best scores, in rising order, and never fewer than k.
func (s *Scan) chooseBest(k, want int) {
	n := s.x.Len()
	s.mask = sized(s.mask, blocks(n))
	for _, stride := range []int{sampleStride, 1} {
		if stride > 1 && n < exactRows*stride {
			continue
		}
		kernels.Above(s.mask, s.scores, s.threshold(want/stride, stride))
		count := 0
		for _, m := range s.mask {
			count += bits.OnesCount32(m)
		}
		if count >= max(k, want/2) { // else the sample was unlike the rest: look at all
			break
		}
	}
	for b, m := range s.mask {
		for ; m != 0; m &= m - 1 {
			if i := b*simd.BlockRows + bits.TrailingZeros32(m); i < n {
				s.chosen = append(s.chosen, uint32(i))
			}
		}
	}
}

// threshold is the score that want rows of every stride-th block reach.
func (s *Scan) threshold(want, stride int) uint16 {
	s.counts = sized(s.counts, 1+2*codeWidth(s.x.dim)*int(maxEntry(s.x.dim)))
	clear(s.counts)
	for b := 0; b < len(s.scores); b += stride * simd.BlockRows {
		for _, v := range s.scores[b : b+simd.BlockRows] {
			s.counts[v]++
		}
	}
	for v := len(s.counts) - 1; v > 0; v-- {
		if want -= int(s.counts[v]); want <= 0 {
			return uint16(v)
		}
	}
	return 0
}

// chooseOf is choose among rows.
func (s *Scan) chooseOf(rows []uint32, k int) {
	want := max(exactTimes*k, len(rows)/exactShare)
	if s.x.Len() <= exactRows || len(rows) <= want {
		s.chosen = append(s.chosen[:0], rows...)
		return
	}
	t := topK{keys: s.keys[:0], k: want}
	for _, i := range rows {
		t.add(i, int32(s.scores[i]))
	}
	s.chosen = s.chosen[:0]
	for _, v := range t.keys {
		s.chosen = append(s.chosen, keyRow(v))
	}
	s.keys = t.keys
}

// compare computes the exact dot products of the chosen rows.
func (s *Scan) compare() {
	s.dots = sized(s.dots, len(s.chosen))
	kernels.Dots(s.dots, s.x.vectors, s.x.dim, s.chosen, s.q)
}

// similarity of the i-th chosen row.
func (s *Scan) similarity(i int) int32 {
	return similarity(s.dots[i], s.x.lengths[s.chosen[i]], s.length)
}

// best appends the k nearest of the chosen rows to dst.
func (s *Scan) best(dst []Hit, k int) []Hit {
	s.compare()
	t := topK{keys: s.keys[:0], k: k}
	for i, row := range s.chosen {
		t.add(row, s.similarity(i))
	}
	dst = t.drain(dst)
	s.keys = t.keys
	return dst
}
