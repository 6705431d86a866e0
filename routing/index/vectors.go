package index

import (
	"errors"
	"fmt"
	"slices"
)

// Vectors are vectors without outcomes that come and go, rounded, compared and ordered as an Index does its rows. All are
// compared exactly, so a set should stay below some ten thousand. Not safe for concurrent use.
type Vectors struct {
	dim     int
	rows    []int8
	lengths lengths // exactly 0: the row is free
	free    []uint32
	nearby  ranking
	dots    []int32
}

// NewVectors is an empty set of vectors of dim values.
func NewVectors(dim int) (*Vectors, error) {
	if dim < 1 || dim > MaxDim {
		return nil, fmt.Errorf("new vectors: dimension %d, want 1 to %d", dim, MaxDim)
	}
	return &Vectors{dim: dim}, nil
}

// Add puts a vector of any positive length into the set and returns its row, which is a removed one's where there is one.
// Nothing is kept of the vector's memory.
func (v *Vectors) Add(vector []float32) (row uint32, err error) {
	if len(vector) != v.dim {
		return 0, fmt.Errorf("add vector: %d values, want %d", len(vector), v.dim)
	}
	rounded := make([]int8, v.dim)
	quantizeRow(rounded, vector)
	sum := int32(0)
	for _, x := range rounded {
		sum += int32(x) * int32(x)
	}
	if sum == 0 {
		return 0, errors.New("add vector: it has no direction")
	}
	if n := len(v.free); n > 0 {
		row, v.free = v.free[n-1], v.free[:n-1]
		copy(v.rows[int(row)*v.dim:], rounded)
		v.lengths.set(row, sum)
		return row, nil
	}
	v.rows = append(v.rows, rounded...)
	v.lengths.add(sum)
	return uint32(len(v.lengths.exact) - 1), nil
}

// Remove frees a row.
func (v *Vectors) Remove(row uint32) {
	if v.lengths.exact[row] != 0 {
		v.lengths.exact[row] = 0
		v.free = append(v.free, row)
	}
}

// Top appends to dst the k rows of among that are nearest to vector, nearest first. among must be rows of the set.
func (v *Vectors) Top(dst []Hit, vector []float32, among []uint32, k int) ([]Hit, error) {
	if len(vector) != v.dim {
		return dst, fmt.Errorf("search vectors: %d values, want %d", len(vector), v.dim)
	}
	q, err := quantizeQuery(vector)
	if err != nil {
		return dst, fmt.Errorf("search vectors: %w", err)
	}
	length, err := q.length(v.dim)
	if err != nil {
		return dst, fmt.Errorf("search vectors: %w", err)
	}
	v.dots = slices.Grow(v.dots[:0], len(among))[:len(among)]
	kernels.Dots(v.dots, v.rows, v.dim, among, q)
	return v.nearby.top(dst, k, compared{among, v.dots, &v.lengths, length}), nil
}
