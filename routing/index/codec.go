package index

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unsafe"
)

const (
	magic         = "FIDX"
	formatVersion = 1
)

// Encode returns the index in the format of the package comment. Equal indexes give equal bytes.
func (x *Index) Encode() []byte {
	var buf bytes.Buffer
	buf.Grow(64 + len(x.vectors) + 4*x.Len() + 4*len(x.cells) + 32*len(x.models))
	_, _ = x.WriteTo(&buf) // a buffer takes everything
	return buf.Bytes()
}

// WriteTo writes what Encode returns.
func (x *Index) WriteTo(w io.Writer) (int64, error) {
	n := int64(0)
	put := func(b []byte) error {
		m, err := w.Write(b)
		n += int64(m)
		return err
	}
	if err := x.body(put); err != nil {
		return n, fmt.Errorf("write index: %w", err)
	}
	if err := put(x.id[:]); err != nil {
		return n, fmt.Errorf("write index: %w", err)
	}
	return n, nil
}

// sum is the checksum of the encoded index.
func (x *Index) sum() [sha256.Size]byte {
	h := sha256.New()
	_ = x.body(func(b []byte) error { _, err := h.Write(b); return err }) // a hash takes everything
	return [sha256.Size]byte(h.Sum(nil))
}

// rowsAtOnce is how many rows' outcomes body gathers for one write.
const rowsAtOnce = 1024

// body puts everything before the checksum.
func (x *Index) body(put func([]byte) error) error {
	n := x.Len()
	b := x.appendHead(binary.LittleEndian.AppendUint16([]byte(magic), formatVersion))
	if err := errors.Join(put(b), put(asBytes(x.vectors))); err != nil {
		return err
	}
	b = b[:0]
	for i := range n {
		b = x.appendOutcomes(b, i)
		if i%rowsAtOnce == rowsAtOnce-1 || i == n-1 {
			if err := put(b); err != nil {
				return err
			}
			b = b[:0]
		}
	}
	return nil
}

// appendHead appends what stands between version and vectors.
func (x *Index) appendHead(b []byte) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(x.dim))
	b = binary.LittleEndian.AppendUint64(b, x.generation)
	b = binary.LittleEndian.AppendUint32(b, uint32(x.outlier))
	b = binary.LittleEndian.AppendUint32(b, uint32(x.Len()))
	b = appendString(b, x.embedder)
	b = appendStrings(b, x.models)
	return appendStrings(b, x.sources)
}

// appendOutcomes appends row i without its vector.
func (x *Index) appendOutcomes(b []byte, i int) []byte {
	cells := x.Cells(i)
	b = binary.LittleEndian.AppendUint16(b, x.rowSource[i])
	b = binary.LittleEndian.AppendUint16(b, uint16(len(cells)))
	for _, c := range cells {
		b = binary.LittleEndian.AppendUint16(b, c.Model)
		b = append(b, c.Score, c.Length)
	}
	return b
}

// asBytes is v's memory.
func asBytes(v []int8) []byte {
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(v))), len(v))
}

func appendString(b []byte, s string) []byte {
	return append(binary.LittleEndian.AppendUint16(b, uint16(len(s))), s...)
}

func appendStrings(b []byte, list []string) []byte {
	b = binary.LittleEndian.AppendUint16(b, uint16(len(list)))
	for _, s := range list {
		b = appendString(b, s)
	}
	return b
}

// Decode reads an encoded index. Errors wrap ErrCorrupt or ErrVersion. It allocates in proportion to len(data) only.
func Decode(data []byte) (*Index, error) {
	x, err := decodeStored(data)
	if err != nil {
		return nil, fmt.Errorf("decode index: %w", err)
	}
	x.finish()
	return x, nil
}

// decodeStored is Decode without finish: what is in the file, and no more.
func decodeStored(data []byte) (*Index, error) {
	if len(data) < len(magic)+2+sha256.Size || string(data[:4]) != magic {
		return nil, fmt.Errorf("%w: no FIDX header", ErrCorrupt)
	}
	if v := binary.LittleEndian.Uint16(data[4:]); v != formatVersion {
		return nil, fmt.Errorf("%w: file has %d, this program reads %d", ErrVersion, v, formatVersion)
	}
	body, trailer := data[:len(data)-sha256.Size], data[len(data)-sha256.Size:]
	sum := sha256.Sum256(body)
	if string(sum[:]) != string(trailer) {
		return nil, fmt.Errorf("%w: checksum differs", ErrCorrupt)
	}
	x := &Index{id: sum}
	r := reader{b: body[6:]}
	if err := x.read(&r); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	return x, nil
}

func (x *Index) read(r *reader) error {
	n, err := x.readHead(r)
	if err != nil {
		return err
	}
	raw := r.bytes(n * x.dim)
	if r.err != nil {
		return r.err
	}
	x.vectors = make([]int8, len(raw))
	copy(asBytes(x.vectors), raw)
	x.rowSource = make([]uint16, n)
	x.rowStart = make([]uint32, n+1)
	x.cells = make([]Cell, 0, max(0, (len(r.b)-4*n)/4)) // all that is left but for two numbers a row
	for i := range n {
		if err := x.readRow(r, i); err != nil {
			return fmt.Errorf("row %d: %w", i, err)
		}
	}
	if len(r.b) != 0 {
		return fmt.Errorf("%d bytes too many", len(r.b))
	}
	return nil
}

// readHead reads what appendHead appends; n is the number of rows.
func (x *Index) readHead(r *reader) (n int, err error) {
	x.dim = int(r.u16())
	x.generation = r.u64()
	x.outlier = int32(r.u32())
	n = int(r.u32())
	if x.dim < 1 || x.dim > MaxDim || n < 1 || n > MaxRows {
		return 0, fmt.Errorf("%d rows of %d values", n, x.dim)
	}
	x.embedder = r.str()
	x.models = r.strs(MaxModels)
	x.sources = r.strs(MaxSources)
	if !slices.IsSorted(x.models) || len(slices.Compact(slices.Clone(x.models))) != len(x.models) {
		return 0, fmt.Errorf("model names are not sorted and unique")
	}
	if len(slices.Compact(slices.Sorted(slices.Values(x.sources)))) != len(x.sources) { // a delta names them once
		return 0, fmt.Errorf("source names are not unique")
	}
	return n, r.err
}

func (x *Index) readRow(r *reader, i int) error {
	source, count := r.u16(), int(r.u16())
	if r.err != nil {
		return r.err
	}
	if int(source) >= len(x.sources) || count == 0 {
		return fmt.Errorf("source %d, %d outcomes", source, count)
	}
	if i8Zero(x.vectors[i*x.dim : (i+1)*x.dim]) {
		return fmt.Errorf("vector is zero")
	}
	x.rowSource[i] = source
	last := -1
	for range count {
		c := Cell{Model: r.u16(), Score: r.u8(), Length: r.u8()}
		if r.err != nil {
			return r.err
		}
		if int(c.Model) <= last || int(c.Model) >= len(x.models) {
			return fmt.Errorf("model number %d after %d", c.Model, last)
		}
		last = int(c.Model)
		x.cells = append(x.cells, c)
	}
	x.rowStart[i+1] = uint32(len(x.cells))
	return nil
}

func i8Zero(v []int8) bool {
	for _, b := range v {
		if b != 0 {
			return false
		}
	}
	return true
}

// reader takes fields off the front of b; after the first short read every further one is zero and err stays set.
type reader struct {
	b   []byte
	err error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n < 0 || n > len(r.b) {
		if r.err == nil {
			r.err = fmt.Errorf("file ends early")
		}
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) u8() uint8 {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) u16() uint16 {
	if b := r.bytes(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

func (r *reader) u32() uint32 {
	if b := r.bytes(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

func (r *reader) u64() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

func (r *reader) str() string {
	n := int(r.u16())
	if n > maxString && r.err == nil {
		r.err = fmt.Errorf("string of %d bytes", n)
	}
	return string(r.bytes(n))
}

func (r *reader) strs(limit int) []string {
	n := int(r.u16())
	if n > limit && r.err == nil {
		r.err = fmt.Errorf("%d names, at most %d", n, limit)
	}
	var out []string
	for i := 0; i < n && r.err == nil; i++ {
		out = append(out, r.str())
	}
	return out
}
