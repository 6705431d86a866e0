package index

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Removal names outcomes to take out of an index: those that meet all of what is given.
type Removal struct {
	Source string `json:"source,omitempty"`
	Model  string `json:"model,omitempty"`
	Rows   []int  `json:"rows,omitempty"` // row numbers within the generation IndexID
	// IndexID is the id of the index that Rows were read from, or its first digits (at least minPrefix): edits move rows.
	IndexID string `json:"index_id,omitempty"`
}

// minPrefix is the least part of an id that names a generation.
const minPrefix = 8

// ErrNothingRemoved: no outcome meets a removal.
var ErrNothingRemoved = errors.New("nothing in the index meets that")

// Removed counts what a removal took.
type Removed struct {
	Rows     int `json:"rows_removed"` // rows that had no outcome left
	Outcomes int `json:"outcomes_removed"`
}

// Apply takes r's outcomes out of what b edits. After an error b is of no use.
func (r Removal) Apply(b *Builder) (Removed, error) {
	meets, err := r.matcher(b)
	if err != nil {
		return Removed{}, fmt.Errorf("remove rows: %w", err)
	}
	rows, outcomes := b.Remove(meets)
	if outcomes == 0 {
		return Removed{}, fmt.Errorf("remove rows: %w: sources are %s", ErrNothingRemoved, strings.Join(b.x.sources, ", "))
	}
	if b.Len() == 0 {
		return Removed{}, fmt.Errorf("remove rows: all %d would go, and an index has one at least: add others first", rows)
	}
	return Removed{rows, outcomes}, nil
}

// Replace imports x in place of all rows of the source, which may be all there are; "" names none. Doubles are the rows of x
// that stood there already and count once more now.
func (b *Builder) Replace(source string, x *Index) (r Removed, doubles int, err error) {
	if source != "" {
		r.Rows, r.Outcomes = b.Remove(func(_ int, of, _ string) bool { return of == source })
	}
	doubles = b.held(x)
	return r, doubles, b.Import(x)
}

// held counts the rows of x that b has: source, vector and outcomes are the same.
func (b *Builder) held(x *Index) (n int) {
	vectors, rows := map[string]bool{}, map[string]bool{}
	for i := range x.Len() {
		vectors[string(x.vectorBytes(i))] = true
	}
	for i := range b.Len() { // most differ in their vectors, which is soon seen
		if vectors[string(b.x.vectorBytes(i))] {
			rows[b.x.rowKey(i)] = true
		}
	}
	for i := range x.Len() {
		if rows[x.rowKey(i)] {
			n++
		}
	}
	return n
}

// rowKey is the same for two rows that say the same.
func (x *Index) rowKey(i int) string {
	key := fmt.Appendln(x.vectorBytes(i), x.Source(i))
	for _, c := range x.Cells(i) {
		key = fmt.Appendln(key, x.models[c.Model], c.Score, c.Length)
	}
	return string(key)
}

func (x *Index) vectorBytes(i int) []byte {
	out := make([]byte, x.dim)
	for j, v := range x.vectors[i*x.dim : (i+1)*x.dim] {
		out[j] = byte(v)
	}
	return out
}

// Keep is the opposite of Apply: it takes out everything else.
func (r Removal) Keep(b *Builder) error {
	meets, err := r.matcher(b)
	if err != nil {
		return fmt.Errorf("select rows: %w", err)
	}
	b.Remove(func(row int, source, model string) bool { return !meets(row, source, model) })
	if b.Len() == 0 {
		return fmt.Errorf("select rows: %w: sources were %s", ErrNothingRemoved, strings.Join(b.x.sources, ", "))
	}
	return nil
}

func (r Removal) matcher(b *Builder) (func(row int, source, model string) bool, error) {
	if r.Source == "" && r.Model == "" && len(r.Rows) == 0 {
		return nil, errors.New("name a source, a model or rows")
	}
	rows := make(map[int]bool, len(r.Rows))
	if len(r.Rows) > 0 {
		if len(r.IndexID) < minPrefix || !strings.HasPrefix(b.base, r.IndexID) {
			return nil, fmt.Errorf("row numbers are those of one generation: name its id (this is %s, not %q) and read the numbers there", b.base, r.IndexID)
		}
		if last := slices.Max(r.Rows); slices.Min(r.Rows) < 0 || last >= b.Len() {
			return nil, fmt.Errorf("row %d: there are rows 0 to %d", last, b.Len()-1)
		}
		for _, row := range r.Rows {
			rows[row] = true
		}
	}
	return func(row int, source, model string) bool {
		return (r.Source == "" || source == r.Source) && (r.Model == "" || model == r.Model) && (len(rows) == 0 || rows[row])
	}, nil
}
