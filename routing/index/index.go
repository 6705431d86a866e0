// Package index holds labelled prompts for the router: for each a vector, and how well and at what length models
// answered it. It finds the labelled prompts nearest to a query by exact scan, and fits what they say about models in
// general. An Index is immutable; edits make a new one (Builder), so readers never wait.
//
// # File format, version 1 (little-endian)
//
//	magic       4 bytes  "FIDX"
//	version     u16      1
//	dim         u16      values per vector
//	generation  u64      raised by every edit
//	outlier     i32      2nd percentile of the rows' own mean top-5 similarity, 1/2^20 (see Builder.Build)
//	rows        u32
//	embedder    string   fingerprint of the embedder that made the vectors; strings are u16 length + bytes
//	models      u16 n, then n strings, sorted and unique; cells refer to them by number
//	sources     u16 n, then n strings
//	vectors     rows × dim int8, largest component ±127
//	per row     u16 source, u16 cells, then per cell: u16 model (rising), u8 score ×255, u8 length (0 unknown, else 1+16·log2 tokens)
//	checksum    32 bytes sha256 of everything before; its hex is Index.ID
//
// A file holds no prompt text.
package index

import (
	"encoding/hex"
	"errors"
)

// Errors callers branch on.
var (
	// ErrEmbedderMismatch: vectors of two embedders cannot be compared. Rebuild the index with the embedder in use, or
	// start with the embedder named in the error.
	ErrEmbedderMismatch = errors.New("index was made with another embedder")
	// ErrCorrupt: the file is no index, is cut short, or was changed after it was written.
	ErrCorrupt = errors.New("index file is damaged")
	// ErrVersion: the file is an index of a format this program does not read.
	ErrVersion = errors.New("index format version not supported")
)

// Index is a searchable, immutable set of rows. Safe for concurrent use.
type Index struct {
	embedder   string
	dim        int
	generation uint64
	outlier    int32
	models     []string // sorted
	modelByID  map[string]int
	sources    []string
	id         [32]byte

	vectors   []int8
	codes     []byte  // the vectors in two bits a component, see codes.go
	lengths   lengths // of the int8 vectors
	rowSource []uint16
	rowStart  []uint32 // cells of row i: rowStart[i]..rowStart[i+1]
	cells     []Cell
	all       rowSet
	groupOf   []uint16 // per model, its number in groups
	groups    []rowSet // the rows of each model; models with the same rows share a group

	effects effects
}

// Cell is one stored outcome.
type Cell struct {
	Model  uint16 // number of the model, see Index.Model
	Score  uint8  // score × 255
	Length uint8  // 0 unknown, else 1 + 16·log2(output tokens)
}

// ScoreSteps and LengthSteps are the units of Cell.Score and Cell.Length.
const (
	ScoreSteps  = scoreSteps
	LengthSteps = lengthSteps
)

// ID is the hex sha256 of the encoded index: equal ids mean equal rows, labels and embedder.
func (x *Index) ID() string { return hex.EncodeToString(x.id[:]) }

// EmbedderID is the fingerprint of the embedder whose vectors these are.
func (x *Index) EmbedderID() string { return x.embedder }

// Dim is the number of values in a vector.
func (x *Index) Dim() int { return x.dim }

// Generation counts edits since the index was first built.
func (x *Index) Generation() uint64 { return x.generation }

// Len is the number of rows.
func (x *Index) Len() int { return len(x.rowSource) }

// Outlier is the similarity (unit 1/SimilarityOne) below which a query's mean top-5 similarity is out of distribution:
// only 2 % of the index's own rows lie that far from the others.
func (x *Index) Outlier() int32 { return x.outlier }

// Models lists the canonical ids that have outcomes, sorted. The caller must not change it.
func (x *Index) Models() []string { return x.models }

// Model is the number of a model id in cells.
func (x *Index) Model(id string) (number int, ok bool) {
	n, ok := x.modelByID[id]
	return n, ok
}

// RowsOf is the number of rows that have an outcome of model number m.
func (x *Index) RowsOf(m int) int { return len(x.groups[x.groupOf[m]].rows) }

// Group numbers the models that have outcomes of the same rows as model number m; it is below len(Models()).
func (x *Index) Group(m int) int { return int(x.groupOf[m]) }

// Sources name whose labels the rows have, each once. The caller must not change it.
func (x *Index) Sources() []string { return x.sources }

// Source names whose labels row i has.
func (x *Index) Source(i int) string { return x.sources[x.rowSource[i]] }

// Cells are row i's outcomes, by rising model number. The caller must not change them.
func (x *Index) Cells(i int) []Cell { return x.cells[x.rowStart[i]:x.rowStart[i+1]] }

// Cell is model m's outcome in row i.
func (x *Index) Cell(i, m int) (Cell, bool) {
	if !x.groups[x.groupOf[m]].has(i) { // most models are absent from most rows: no search is needed to see that
		return Cell{}, false
	}
	c, _ := x.CellAt(i, m, 0)
	return c, true
}

// CellAt is model m's outcome in a row that has one, and its place among the row's cells. It is looked for first at a place
// where it is likely to be: rows of one table have their models in the same places.
func (x *Index) CellAt(i, m, likely int) (Cell, int) {
	cells := x.Cells(i)
	if likely < len(cells) && int(cells[likely].Model) == m {
		return cells[likely], likely
	}
	low, high := 0, len(cells)-1
	for low < high {
		if middle := (low + high) / 2; int(cells[middle].Model) < m {
			low = middle + 1
		} else {
			high = middle
		}
	}
	return cells[low], low
}

// Vector is row i's stored vector at length 1, rounded as it was stored.
func (x *Index) Vector(i int) []float32 {
	out := make([]float32, x.dim)
	for j, v := range x.vectors[i*x.dim : (i+1)*x.dim] {
		out[j] = float32(float64(v) / x.lengths.exact[i])
	}
	return out
}

// VectorKey is the same for rows, also of other indexes, whose vectors are stored alike, as those of one prompt are.
func (x *Index) VectorKey(i int) string { return string(asBytes(x.stored(i))) }

// CheckEmbedder refuses an embedder whose vectors this index cannot be searched with.
func (x *Index) CheckEmbedder(id string) error {
	if id != x.embedder {
		return &EmbedderError{Index: x.embedder, Embedder: id}
	}
	return nil
}

// EmbedderError is an ErrEmbedderMismatch with both fingerprints.
type EmbedderError struct{ Index, Embedder string }

func (e *EmbedderError) Error() string {
	return ErrEmbedderMismatch.Error() + ": the index needs " + e.Index + ", this is " + e.Embedder +
		"; use that embedder, or make the index anew with this one (flotilla index add)"
}

func (e *EmbedderError) Unwrap() error { return ErrEmbedderMismatch }

// finish derives what is kept in memory only. The encoded fields must be set.
func (x *Index) finish() {
	x.modelByID = make(map[string]int, len(x.models))
	for i, m := range x.models {
		x.modelByID[m] = i
	}
	n := len(x.rowSource)
	squares := make([]int32, n)
	x.lengths = lengths{make([]float64, 0, n), make([]float32, 0, n)}
	for i := range squares {
		for _, v := range x.vectors[i*x.dim : (i+1)*x.dim] {
			squares[i] += int32(v) * int32(v)
		}
		x.lengths.add(squares[i])
	}
	x.codes = makeCodes(x.vectors, squares, x.dim)
	x.all = allRows(n)
	x.groupModels()
	x.effects = fitEffects(x)
}
