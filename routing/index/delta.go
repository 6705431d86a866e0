package index

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/maphash"
	"slices"
)

// Delta format, version 1 (little-endian): what makes one index of another, so that earlier generations take little room.
//
//	magic     4 bytes  "FDLT"
//	version   u16      1
//	base      32 bytes checksum of the index that it starts from
//	head      as in the file format, dim to sources, of the index that it gives
//	runs      until all rows are there: u32 rows, u32 first: as many rows of the base from that number on; or, where first is
//	          ownRows, as many vectors and then sources and outcomes, as in the file format
//	checksum  32 bytes of the index that it gives
const (
	deltaMagic   = "FDLT"
	deltaVersion = 1
	ownRows      = 1<<32 - 1
)

// Delta makes what Patch needs beside an encoded base to give x again. The rows that both have cost a few bytes together
// where they stand in the same order, as after an edit; it may be larger than x where the two have little in common.
func (x *Index) Delta(base []byte) ([]byte, error) {
	from, err := decodeStored(base)
	if err != nil {
		return nil, fmt.Errorf("make delta: %w", err)
	}
	b := binary.LittleEndian.AppendUint16([]byte(deltaMagic), deltaVersion)
	b = append(b, from.id[:]...)
	b = x.appendHead(b)
	m := newRowMatcher(x, from)
	for i := 0; i < x.Len(); {
		first, n := m.run(i)
		b = binary.LittleEndian.AppendUint32(b, uint32(n))
		b = binary.LittleEndian.AppendUint32(b, first)
		if first == ownRows {
			b = append(b, asBytes(x.vectors[i*x.dim:(i+n)*x.dim])...)
			for row := i; row < i+n; row++ {
				b = x.appendOutcomes(b, row)
			}
		}
		i += n
	}
	return append(b, x.id[:]...), nil
}

// rowMatcher finds the rows of one index in another.
type rowMatcher struct {
	x, base  *Index
	models   []int // per model of x its number in base, -1 for none
	sources  []int
	seed     maphash.Seed
	byVector map[uint64]int // a row of base, by hash of its vector
	next     int            // the row of base after the last that was found: most likely the next one looked for
}

func newRowMatcher(x, base *Index) *rowMatcher {
	m := &rowMatcher{x: x, base: base, seed: maphash.MakeSeed(), byVector: make(map[uint64]int, base.Len())}
	m.models, m.sources = numbersIn(x.models, base.models), numbersIn(x.sources, base.sources)
	for row := range base.Len() {
		h := maphash.Bytes(m.seed, asBytes(base.stored(row)))
		if _, taken := m.byVector[h]; !taken {
			m.byVector[h] = row
		}
	}
	return m
}

// numbersIn is the place of each name in list; -1 where it is not there.
func numbersIn(names, list []string) []int {
	place := make(map[string]int, len(list))
	for i, name := range list {
		place[name] = i
	}
	out := make([]int, len(names))
	for i, name := range names {
		n, ok := place[name]
		if !ok {
			n = -1
		}
		out[i] = n
	}
	return out
}

// stored is row i's vector as it is stored.
func (x *Index) stored(i int) []int8 { return x.vectors[i*x.dim : (i+1)*x.dim] }

// run is how many of the rows from i on stand in base from first on, or (ownRows) are not there.
func (m *rowMatcher) run(i int) (first uint32, n int) {
	at, ok := m.find(i)
	if !ok {
		for n = 1; i+n < m.x.Len(); n++ {
			if _, ok := m.find(i + n); ok {
				break
			}
		}
		return ownRows, n
	}
	for n = 1; i+n < m.x.Len() && m.same(i+n, at+n); n++ {
	}
	m.next = at + n
	return uint32(at), n
}

func (m *rowMatcher) find(i int) (at int, ok bool) {
	if m.same(i, m.next) {
		return m.next, true
	}
	at, ok = m.byVector[maphash.Bytes(m.seed, asBytes(m.x.stored(i)))]
	return at, ok && m.same(i, at)
}

// same: row i of x says what row at of base says.
func (m *rowMatcher) same(i, at int) bool {
	return at < m.base.Len() && m.sources[m.x.rowSource[i]] == int(m.base.rowSource[at]) && slices.Equal(m.x.stored(i), m.base.stored(at)) &&
		slices.EqualFunc(m.x.Cells(i), m.base.Cells(at), func(a, b Cell) bool {
			return m.models[a.Model] == int(b.Model) && a.Score == b.Score && a.Length == b.Length
		})
}

// Patch gives the index that a delta was made of, from the base that it was made with. Errors wrap ErrCorrupt or ErrVersion,
// of either, and ErrCorrupt also for another base.
func Patch(base, delta []byte) (*Index, error) {
	from, err := decodeStored(base)
	if err != nil {
		return nil, fmt.Errorf("patch index: %w", err)
	}
	const before = len(deltaMagic) + 2
	if len(delta) < before+2*sha256.Size || string(delta[:len(deltaMagic)]) != deltaMagic {
		return nil, fmt.Errorf("patch index: %w: no FDLT header", ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint16(delta[len(deltaMagic):]); v != deltaVersion {
		return nil, fmt.Errorf("patch index: %w: delta has %d, this program reads %d", ErrVersion, v, deltaVersion)
	}
	if string(delta[before:before+sha256.Size]) != string(from.id[:]) {
		return nil, fmt.Errorf("patch index: %w: the delta was made with another base than %s", ErrCorrupt, from.ID())
	}
	r := reader{b: delta[before+sha256.Size : len(delta)-sha256.Size]}
	x := &Index{rowStart: []uint32{0}}
	if err := x.readRuns(&r, from); err != nil {
		return nil, fmt.Errorf("patch index: %w: %w", ErrCorrupt, err)
	}
	if x.id = x.sum(); string(x.id[:]) != string(delta[len(delta)-sha256.Size:]) {
		return nil, fmt.Errorf("patch index: %w: checksum differs", ErrCorrupt)
	}
	x.finish()
	return x, nil
}

// readRuns reads head and runs.
func (x *Index) readRuns(r *reader, base *Index) error {
	rows, err := x.readHead(r)
	if err != nil {
		return err
	}
	models, sources := numbersIn(base.models, x.models), numbersIn(base.sources, x.sources)
	for x.Len() < rows {
		n, first := int(r.u32()), r.u32()
		switch {
		case r.err != nil:
			return r.err
		case n < 1 || n > rows-x.Len():
			return fmt.Errorf("%d rows after %d of %d", n, x.Len(), rows)
		case first == ownRows:
			err = x.readOwn(r, n)
		default:
			err = x.copyRows(base, int(first), n, models, sources)
		}
		if err != nil {
			return err
		}
	}
	if len(r.b) != 0 {
		return fmt.Errorf("%d bytes too many", len(r.b))
	}
	return nil
}

// readOwn appends n rows that are in r.
func (x *Index) readOwn(r *reader, n int) error {
	raw := r.bytes(n * x.dim)
	if r.err != nil {
		return r.err
	}
	before := x.Len()
	x.vectors = append(x.vectors, make([]int8, len(raw))...)
	copy(asBytes(x.vectors[before*x.dim:]), raw)
	x.rowSource = append(x.rowSource, make([]uint16, n)...)
	x.rowStart = append(x.rowStart, make([]uint32, n)...)
	for i := before; i < before+n; i++ {
		if err := x.readRow(r, i); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	return nil
}

// copyRows appends n rows of base, whose names have these numbers in x.
func (x *Index) copyRows(base *Index, first, n int, models, sources []int) error {
	if base.dim != x.dim || first > base.Len()-n {
		return fmt.Errorf("rows %d to %d of %d", first, first+n-1, base.Len())
	}
	x.vectors = append(x.vectors, base.vectors[first*base.dim:(first+n)*base.dim]...)
	for i := first; i < first+n; i++ {
		source := sources[base.rowSource[i]]
		for _, c := range base.Cells(i) {
			m := models[c.Model]
			if m < 0 || source < 0 {
				return fmt.Errorf("row %d of the base has a name that is not in the delta", i)
			}
			x.cells = append(x.cells, Cell{uint16(m), c.Score, c.Length})
		}
		x.rowSource = append(x.rowSource, uint16(source))
		x.rowStart = append(x.rowStart, uint32(len(x.cells)))
	}
	return nil
}
