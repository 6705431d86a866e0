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

// How many rows a search compares exactly, after the codes have chosen them. Measured with 638 prompts of
// MMLU-Pro, RouterBench and BFCL on the default index: none of their nearest 200 was missed.
const (
	exactRows    = 1024 // an index of no more rows is compared exactly as a whole
	exactTimes   = 8    // of a larger one, so many times the rows asked for
	exactShare   = 32   // but never fewer than this part of it
	sampleStride = 8    // every eighth row tells where the best scores begin
)

var kernels = simd.Best()

// Scan is one query against an index. Release it after use. Not safe for concurrent use.
type Scan struct {
	x      *Index
	q      Query
	length float64 // of q
	scores []uint16
	tables []byte
	mask   []uint64
	sample []uint16 // scores, see threshold
	chosen []uint32
	dots   []int32
	nearby ranking
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
	if x.Len() > exactRows {
		s.tables = sized(s.tables, codeWidth(x.dim)*simd.PairBytes)
		codeTables(s.tables, s.q)
		s.scores = sized(s.scores, blocks(x.Len())*simd.BlockRows)
		kernels.Scores(s.scores, x.codes, s.tables)
	}
	return s, nil
}

func sized[T any](s []T, n int) []T { return slices.Grow(s[:0], n)[:n] }

// Release returns the scan's memory. The scan must not be used afterwards.
func (s *Scan) Release() {
	s.x, s.q = nil, nil
	scanPool.Put(s)
}

// Top appends the k nearest rows to dst, nearest first; equal similarities are ordered by row number.
func (s *Scan) Top(dst []Hit, k int) []Hit {
	s.choose(&s.x.all, k, max(exactRows, exactTimes*k, s.x.Len()/exactShare))
	return s.best(dst, k)
}

// TopOf is Top among the rows that have an outcome of model number m; it is the same for all models of a Group.
func (s *Scan) TopOf(dst []Hit, m, k int) []Hit {
	among := &s.x.groups[s.x.groupOf[m]]
	s.choose(among, k, max(exactTimes*k, len(among.rows)/exactShare))
	return s.best(dst, k)
}

// choose fills s.chosen, rising, with the rows of among to compare exactly: all, where they are few, else about most
// with the best codes, and never fewer than k.
func (s *Scan) choose(among *rowSet, k, most int) {
	if s.x.Len() <= exactRows || len(among.rows) <= most {
		s.chosen = append(s.chosen[:0], among.rows...)
		return
	}
	s.mask = sized(s.mask, blocks(s.x.Len()))
	chosen, n := sized(s.chosen, len(among.rows)), 0
	for _, stride := range []int{sampleStride, 1} {
		kernels.Above(s.mask, s.scores, s.threshold(among.rows, most/stride, stride))
		n = 0
		for b, m := range s.mask {
			for m &= among.bits[b]; m != 0; m &= m - 1 {
				chosen[n] = uint32(b*simd.BlockRows + bits.TrailingZeros64(m))
				n++
			}
		}
		if n >= max(k, most/2) { // else the sample was unlike the rest: look at all
			break
		}
	}
	s.chosen = chosen[:n]
}

// threshold is the score that want of every stride-th of these rows reach, found bit by bit from the highest.
func (s *Scan) threshold(rows []uint32, want, stride int) uint16 {
	n := blocks((len(rows) + stride - 1) / stride)
	s.sample = sized(s.sample, n*simd.BlockRows)
	clear(s.sample[len(s.sample)-simd.BlockRows:]) // what is left over of the last block reaches nothing
	for i, at := 0, 0; at < len(rows); i, at = i+1, at+stride {
		s.sample[i] = s.scores[rows[at]]
	}
	return reachedBy(s.sample, want, s.mask[:n])
}

// compare computes the exact dot products of the chosen rows.
func (s *Scan) compare() {
	s.dots = sized(s.dots, len(s.chosen))
	kernels.Dots(s.dots, s.x.vectors, s.x.dim, s.chosen, s.q)
}

// best appends the k nearest of the chosen rows to dst.
func (s *Scan) best(dst []Hit, k int) []Hit {
	s.compare()
	return s.nearby.top(dst, k, compared{s.chosen, s.dots, &s.x.lengths, s.length})
}
