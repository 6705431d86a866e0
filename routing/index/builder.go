package index

import (
	"cmp"
	"fmt"
	"slices"
)

// Builder collects rows for one embedder and makes an Index. Not safe for concurrent use.
type Builder struct {
	x       Index  // its first fields; models in order of appearance
	base    string // id of the index being edited
	modelOf map[string]uint16
	source  map[string]uint16
}

// NewBuilder starts an index for the embedder with this fingerprint and dimension.
func NewBuilder(embedderID string, dim int) (*Builder, error) {
	if embedderID == "" || len(embedderID) > maxString {
		return nil, fmt.Errorf("new index: embedder id has %d bytes, want 1 to %d", len(embedderID), maxString)
	}
	if dim < 1 || dim > MaxDim {
		return nil, fmt.Errorf("new index: dimension %d, want 1 to %d", dim, MaxDim)
	}
	return newBuilder(embedderID, dim), nil
}

func newBuilder(embedderID string, dim int) *Builder {
	return &Builder{
		x:       Index{embedder: embedderID, dim: dim, rowStart: []uint32{0}},
		modelOf: map[string]uint16{}, source: map[string]uint16{},
	}
}

// Edit starts a builder with x's rows, numbered as in x; what it builds is x's next generation. x stays as it is.
func (x *Index) Edit() *Builder {
	b := newBuilder(x.embedder, x.dim)
	b.base, b.x.generation = x.ID(), x.generation
	b.x.vectors, b.x.rowSource = slices.Clone(x.vectors), slices.Clone(x.rowSource)
	b.x.rowStart, b.x.cells = slices.Clone(x.rowStart), slices.Clone(x.cells)
	b.x.models, b.x.sources = slices.Clone(x.models), slices.Clone(x.sources)
	number(b.modelOf, x.models)
	number(b.source, x.sources)
	return b
}

func number(into map[string]uint16, names []string) {
	for i, name := range names {
		into[name] = uint16(i)
	}
}

// Len is the number of rows so far.
func (b *Builder) Len() int { return b.x.Len() }

// Add appends a row. The vector must come from the builder's embedder. Nothing is kept of r's memory.
func (b *Builder) Add(r Row) error {
	if err := r.check(b.x.dim); err != nil {
		return fmt.Errorf("add row: %w", err)
	}
	cells := make([]Cell, 0, len(r.Outcomes))
	for _, o := range r.Outcomes {
		m, err := numbered(b.modelOf, &b.x.models, o.Model, MaxModels, "models")
		if err != nil {
			return fmt.Errorf("add row: %w", err)
		}
		cells = append(cells, Cell{m, quantizeScore(o.Score), quantizeLength(o.OutputTokens)})
	}
	vector := make([]int8, b.x.dim)
	quantizeRow(vector, r.Vector)
	return b.append(vector, cells, r.Source)
}

func (b *Builder) append(vector []int8, cells []Cell, source string) error {
	if b.Len() >= MaxRows {
		return fmt.Errorf("add row: the index is full (%d rows)", MaxRows)
	}
	n, err := numbered(b.source, &b.x.sources, source, MaxSources, "sources")
	if err != nil {
		return fmt.Errorf("add row: %w", err)
	}
	b.x.vectors = append(b.x.vectors, vector...)
	b.x.rowSource = append(b.x.rowSource, n)
	b.x.cells = append(b.x.cells, cells...)
	b.x.rowStart = append(b.x.rowStart, uint32(len(b.x.cells)))
	return nil
}

// numbered is name's place in names, at its end if it is new.
func numbered(place map[string]uint16, names *[]string, name string, most int, what string) (uint16, error) {
	n, ok := place[name]
	if !ok {
		if len(*names) >= most {
			return 0, fmt.Errorf("more than %d %s", most, what)
		}
		n = uint16(len(*names))
		*names = append(*names, name)
		place[name] = n
	}
	return n, nil
}

// Import appends every row of x, in order. An index of another embedder is refused (*EmbedderError).
func (b *Builder) Import(x *Index) error {
	if err := x.CheckEmbedder(b.x.embedder); err != nil {
		return fmt.Errorf("import index: %w", err)
	}
	if x.dim != b.x.dim {
		return fmt.Errorf("import index: it has %d dimensions, want %d", x.dim, b.x.dim)
	}
	models := make([]uint16, len(x.models))
	for i, name := range x.models {
		m, err := numbered(b.modelOf, &b.x.models, name, MaxModels, "models")
		if err != nil {
			return fmt.Errorf("import index: %w", err)
		}
		models[i] = m
	}
	var cells []Cell
	for i := range x.Len() {
		cells = cells[:0]
		for _, c := range x.Cells(i) {
			cells = append(cells, Cell{models[c.Model], c.Score, c.Length})
		}
		if err := b.append(x.vectors[i*x.dim:(i+1)*x.dim], cells, x.Source(i)); err != nil {
			return fmt.Errorf("import index: %w", err)
		}
	}
	return nil
}

// Remove drops the outcomes that drop names, and with them the rows that have none left; the rows after those move up.
// It returns how many went.
func (b *Builder) Remove(drop func(row int, source, model string) bool) (rows, outcomes int) {
	x := &b.x
	kept, cells := 0, x.cells[:0]
	start := uint32(0)
	for i := range x.Len() {
		end := x.rowStart[i+1]
		before := len(cells)
		for _, c := range x.cells[start:end] {
			if !drop(i, x.sources[x.rowSource[i]], x.models[c.Model]) {
				cells = append(cells, c)
			}
		}
		outcomes += int(end-start) - (len(cells) - before)
		start = end
		if len(cells) == before {
			rows++
			continue
		}
		copy(x.vectors[kept*x.dim:], x.vectors[i*x.dim:(i+1)*x.dim])
		x.rowSource[kept] = x.rowSource[i]
		kept++
		x.rowStart[kept] = uint32(len(cells))
	}
	x.vectors, x.rowSource, x.rowStart, x.cells = x.vectors[:kept*x.dim], x.rowSource[:kept], x.rowStart[:kept+1], cells
	return rows, outcomes
}

// Build makes the index, one generation above the one that is edited; what was imported does not count. It needs a row at
// least. It also measures how far apart the rows lie (Index.Outlier). The builder gives its rows away and must not be used
// afterwards.
func (b *Builder) Build() (*Index, error) {
	if b.Len() == 0 {
		return nil, fmt.Errorf("build index: no rows")
	}
	x := &b.x
	x.generation++
	x.orderSources()
	x.sortModels()
	x.finish()
	x.outlier = x.measureOutlier()
	x.id = x.sum()
	return x, nil
}

// orderSources numbers the sources in the order of their first rows, and drops those that no row has left.
func (x *Index) orderSources() {
	place := map[uint16]uint16{}
	var names []string
	for i, s := range x.rowSource {
		n, ok := place[s]
		if !ok {
			n = uint16(len(names))
			place[s] = n
			names = append(names, x.sources[s])
		}
		x.rowSource[i] = n
	}
	x.sources = names
}

// sortModels puts the models into order, without those that no outcome is left of, and renumbers the cells.
func (x *Index) sortModels() {
	used := make([]bool, len(x.models))
	for _, c := range x.cells {
		used[c.Model] = true
	}
	var names []string
	for i, name := range x.models {
		if used[i] {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	place := make([]uint16, len(x.models))
	for i, name := range x.models {
		if at, ok := slices.BinarySearch(names, name); ok {
			place[i] = uint16(at)
		}
	}
	for i := range x.cells {
		x.cells[i].Model = place[x.cells[i].Model]
	}
	for i := range x.Len() {
		slices.SortFunc(x.Cells(i), func(a, b Cell) int { return cmp.Compare(a.Model, b.Model) })
	}
	x.models = names
}

const (
	// outlierSample bounds the work of measureOutlier; a 2nd percentile of 500 values is off by half a percentile point.
	outlierSample = 500
	outlierRows   = 256 // compared exactly for each; five are looked for
)

// OutlierNeighbors is how many nearest rows the out-of-distribution test averages.
const OutlierNeighbors = 5

// measureOutlier is the 2nd percentile of rows' mean similarity to their nearest five other rows, from evenly spread
// rows.
func (x *Index) measureOutlier() int32 {
	n := x.Len()
	if n <= OutlierNeighbors {
		return 0 // too few rows to call anything far from them
	}
	stride := max(1, n/outlierSample)
	var means []int32
	hits := make([]Hit, 0, OutlierNeighbors+1)
	for i := 0; i < n; i += stride {
		hits = x.nearestOthers(hits[:0], i)
		means = append(means, MeanSimilarity(hits))
	}
	slices.Sort(means)
	return means[len(means)/50]
}

// nearestOthers appends the OutlierNeighbors rows nearest to row i to dst, without itself.
func (x *Index) nearestOthers(dst []Hit, i int) []Hit {
	s, err := x.Scan(x.Vector(i))
	if err != nil {
		return dst // unreachable: rows are never zero
	}
	defer s.Release()
	s.choose(&x.all, OutlierNeighbors+1, outlierRows)
	dst = slices.DeleteFunc(s.best(dst, OutlierNeighbors+1), func(h Hit) bool { return h.Row == i })
	return dst[:min(len(dst), OutlierNeighbors)]
}

// MeanSimilarity is the mean of up to the first OutlierNeighbors hits, rounded down; 0 for none.
func MeanSimilarity(hits []Hit) int32 {
	hits = hits[:min(len(hits), OutlierNeighbors)]
	if len(hits) == 0 {
		return 0
	}
	sum := int64(0)
	for _, h := range hits {
		sum += int64(h.Similarity)
	}
	return int32(sum / int64(len(hits)))
}
