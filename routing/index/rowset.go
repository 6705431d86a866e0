package index

import (
	"slices"

	"flotilla/routing/index/internal/simd"
)

// rowSet is some rows of an index: as a rising list, and as bits in the order of the kernels' masks.
type rowSet struct {
	rows []uint32
	bits []uint64
}

func newRowSet(rows []uint32, of int) rowSet {
	s := rowSet{rows: rows, bits: make([]uint64, blocks(of))}
	for _, r := range rows {
		s.bits[r/simd.BlockRows] |= 1 << (r % simd.BlockRows)
	}
	return s
}

// has tells whether row i is in the set.
func (s *rowSet) has(i int) bool { return s.bits[i/simd.BlockRows]>>(i%simd.BlockRows)&1 == 1 }

// allRows is the set of n rows.
func allRows(n int) rowSet {
	rows := make([]uint32, n)
	for i := range rows {
		rows[i] = uint32(i)
	}
	return newRowSet(rows, n)
}

// groupModels lists each model's rows, once for all models with the same ones: most of a table's columns are complete.
func (x *Index) groupModels() {
	counts := make([]int, len(x.models))
	for _, c := range x.cells {
		counts[c.Model]++
	}
	rows := make([][]uint32, len(x.models))
	for m, n := range counts {
		rows[m] = make([]uint32, 0, n)
	}
	for i := range x.Len() {
		for _, c := range x.Cells(i) {
			rows[c.Model] = append(rows[c.Model], uint32(i))
		}
	}
	x.groupOf, x.groups = make([]uint16, len(x.models)), nil
	seen := map[uint64][]uint16{} // groups by checksum of their rows
	for m, r := range rows {
		sum := checksum(r)
		same := slices.IndexFunc(seen[sum], func(g uint16) bool { return slices.Equal(x.groups[g].rows, r) })
		if same >= 0 {
			x.groupOf[m] = seen[sum][same]
			continue
		}
		x.groupOf[m] = uint16(len(x.groups))
		seen[sum] = append(seen[sum], x.groupOf[m])
		x.groups = append(x.groups, newRowSet(r, x.Len()))
	}
}

// checksum is FNV-1a over whole row numbers.
func checksum(rows []uint32) uint64 {
	h := uint64(14695981039346656037)
	for _, r := range rows {
		h = (h ^ uint64(r)) * 1099511628211
	}
	return h
}

// rowsOf are the rows that have an outcome of model number m, rising.
func (x *Index) rowsOf(m int) []uint32 { return x.groups[x.groupOf[m]].rows }
