package index

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"
)

// Builder collects rows for one embedder and makes an Index. Not safe for concurrent use.
type Builder struct {
	embedder   string
	dim        int
	generation uint64
	models     map[string]bool
	sources    []string
	sourceOf   map[string]uint16
	rows       []storedRow
}

type storedRow struct {
	vector []int8
	source uint16
	cells  []storedCell
}

type storedCell struct {
	model         string
	score, length uint8
}

// NewBuilder starts an index for the embedder with this fingerprint and dimension.
func NewBuilder(embedderID string, dim int) (*Builder, error) {
	if embedderID == "" || len(embedderID) > maxString {
		return nil, fmt.Errorf("new index: embedder id has %d bytes, want 1 to %d", len(embedderID), maxString)
	}
	if dim < 1 || dim > MaxDim {
		return nil, fmt.Errorf("new index: dimension %d, want 1 to %d", dim, MaxDim)
	}
	return &Builder{embedder: embedderID, dim: dim, models: map[string]bool{}, sourceOf: map[string]uint16{}}, nil
}

// Add appends a row. The vector must come from the builder's embedder. Nothing is kept of r's memory.
func (b *Builder) Add(r Row) error {
	if err := r.check(b.dim); err != nil {
		return fmt.Errorf("add row: %w", err)
	}
	row := storedRow{vector: make([]int8, b.dim)}
	quantizeRow(row.vector, r.Vector)
	for _, o := range r.Outcomes {
		row.cells = append(row.cells, storedCell{o.Model, quantizeScore(o.Score), quantizeLength(o.OutputTokens)})
	}
	return b.append(row, r.Source)
}

func (b *Builder) append(row storedRow, source string) error {
	if len(b.rows) >= MaxRows {
		return fmt.Errorf("add row: the index is full (%d rows)", MaxRows)
	}
	number, ok := b.sourceOf[source]
	if !ok {
		if len(b.sources) >= MaxSources {
			return fmt.Errorf("add row: more than %d sources", MaxSources)
		}
		number = uint16(len(b.sources))
		b.sources = append(b.sources, source)
		b.sourceOf[source] = number
	}
	row.source = number
	for _, c := range row.cells {
		if !b.models[c.model] && len(b.models) >= MaxModels {
			return fmt.Errorf("add row: more than %d models", MaxModels)
		}
		b.models[c.model] = true
	}
	sort.Slice(row.cells, func(i, j int) bool { return row.cells[i].model < row.cells[j].model })
	b.rows = append(b.rows, row)
	return nil
}

// Import appends every row of x, in order. An index of another embedder is refused (*EmbedderError).
func (b *Builder) Import(x *Index) error {
	if err := x.CheckEmbedder(b.embedder); err != nil {
		return fmt.Errorf("import index: %w", err)
	}
	if x.dim != b.dim {
		return fmt.Errorf("import index: it has %d dimensions, want %d", x.dim, b.dim)
	}
	for i := range x.Len() {
		row := storedRow{vector: x.vectors[i*x.dim : (i+1)*x.dim]}
		for _, c := range x.Cells(i) {
			row.cells = append(row.cells, storedCell{x.models[c.Model], c.Score, c.Length})
		}
		if err := b.append(row, x.Source(i)); err != nil {
			return fmt.Errorf("import index: %w", err)
		}
	}
	b.generation = max(b.generation, x.generation)
	return nil
}

// Build makes the index, one generation above the newest imported. It needs a row at least. It also measures how far
// apart the rows lie (Index.Outlier), comparing up to outlierSample rows with all others.
func (b *Builder) Build() (*Index, error) {
	if len(b.rows) == 0 {
		return nil, fmt.Errorf("build index: no rows")
	}
	x := &Index{embedder: b.embedder, dim: b.dim, generation: b.generation + 1, sources: slices.Clone(b.sources)}
	for m := range b.models {
		x.models = append(x.models, m)
	}
	slices.Sort(x.models)
	number := make(map[string]uint16, len(x.models))
	for i, m := range x.models {
		number[m] = uint16(i)
	}
	x.rowStart = append(x.rowStart, 0)
	for _, r := range b.rows {
		x.vectors = append(x.vectors, r.vector...)
		x.rowSource = append(x.rowSource, r.source)
		for _, c := range r.cells {
			x.cells = append(x.cells, Cell{number[c.model], c.score, c.length})
		}
		x.rowStart = append(x.rowStart, uint32(len(x.cells)))
	}
	x.finish()
	x.outlier = x.measureOutlier()
	encoded := x.Encode()
	copy(x.id[:], encoded[len(encoded)-sha256.Size:])
	return x, nil
}

// outlierSample bounds the work of measureOutlier; a 5th percentile of 2,000 values is off by half a percentile point.
const outlierSample = 2000

// OutlierNeighbors is how many nearest rows the out-of-distribution test averages.
const OutlierNeighbors = 5

// measureOutlier is the 5th percentile of rows' mean similarity to their nearest five other rows.
func (x *Index) measureOutlier() int32 {
	n := x.Len()
	if n <= OutlierNeighbors {
		return 0 // too few rows to call anything far from them
	}
	stride := max(1, n/outlierSample)
	var means []int32
	hits := make([]Hit, 0, OutlierNeighbors+1)
	for i := 0; i < n; i += stride {
		s, err := x.Scan(x.Vector(i))
		if err != nil {
			continue // unreachable: rows are never zero
		}
		hits = slices.DeleteFunc(s.Top(hits[:0], OutlierNeighbors+1), func(h Hit) bool { return h.Row == i })
		s.Release()
		means = append(means, MeanSimilarity(hits))
	}
	slices.Sort(means)
	return means[len(means)/20]
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
