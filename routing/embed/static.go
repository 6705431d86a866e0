package embed

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the table
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"flotilla/routing/embed/internal/kernel"
	"flotilla/routing/embed/wordpiece"
)

// staticFile is made by routing/embed/distil.
//
//go:embed static.bin
var staticFile string

const (
	staticMagic  = "FLOTSTA1"
	staticHeader = len(staticMagic) + 2*4 + sha256.Size
	// staticArithmetic is part of Static.ID. Raise it when the arithmetic changes any bit.
	staticArithmetic = "int-1"
	// maxStaticScale keeps the sum of maxStaticTokens rows inside 32 bits: 254 * 127 * 65,535 < 2^31.
	maxStaticScale  = math.MaxUint16
	maxStaticTokens = 254
	maxStaticDim    = 1024
)

// Static embeds text as the sum of its tokens' vectors, scaled to length 1: a table distilled from MiniLM, no network.
// It is some hundred times faster and knows nothing of the order of words. Sums are integers, so the same text has the
// same bits on every machine. It is immutable and safe for concurrent use.
type Static struct {
	tokenizer *wordpiece.Tokenizer
	dim       int
	scale     []uint16 // [vocabulary]
	rows      []byte   // int8 [vocabulary][dim], part of the binary
	id        string
	kernel    *kernel.Set
}

// NewStatic opens the table inside the binary, after checking its sha256.
func NewStatic() (*Static, error) {
	w, err := openWeights(weightFile) // for the vocabulary, which both share
	if err != nil {
		return nil, err
	}
	tokenizer, err := wordpiece.New(w.vocab)
	if err != nil {
		return nil, fmt.Errorf("open static table: %w", err)
	}
	s, err := openStatic(staticFile, w.vocabSize)
	if err != nil {
		return nil, fmt.Errorf("open static table: %w", err)
	}
	s.tokenizer = tokenizer
	return s, nil
}

// openStatic checks a table file: magic, uint32 vocabulary and dim, sha256 of the rest; uint16 scale[vocabulary]; int8
// [vocabulary][dim], all little endian. The result refers to file.
func openStatic(file string, vocabulary int) (*Static, error) {
	if len(file) < staticHeader || file[:len(staticMagic)] != staticMagic {
		return nil, fmt.Errorf("not a %s file (%d bytes); remake it with routing/embed/distil", staticMagic, len(file))
	}
	data := unsafe.Slice(unsafe.StringData(file), len(file)) // read only
	rows, dim := int(binary.LittleEndian.Uint32(data[len(staticMagic):])), int(binary.LittleEndian.Uint32(data[len(staticMagic)+4:]))
	if rows != vocabulary || dim < 1 || dim > maxStaticDim || dim%kernel.Lanes != 0 || len(file) != staticHeader+rows*(2+dim) {
		return nil, fmt.Errorf("%d bytes for %d rows of %d values, want %d rows; remake it with routing/embed/distil", len(file), rows, dim, vocabulary)
	}
	sum := sha256.Sum256(data[staticHeader:])
	if string(sum[:]) != file[staticHeader-sha256.Size:staticHeader] {
		return nil, errors.New("sha256 does not match; the file was changed or cut, check it out again")
	}
	s := &Static{dim: dim, scale: make([]uint16, rows), rows: data[staticHeader+2*rows:], kernel: kernel.Best()}
	for i := range s.scale {
		s.scale[i] = binary.LittleEndian.Uint16(data[staticHeader+2*i:])
	}
	s.id = fmt.Sprintf("static-minilm/%s/%s/%s", staticArithmetic, wordpiece.RuleVersion, hex.EncodeToString(sum[:]))
	return s, nil
}

// EncodeStatic makes the table file of token vectors [tokens][dim], dim a multiple of 8. Their common scale does not matter.
func EncodeStatic(table []float32, dim int) []byte {
	rows, largest := len(table)/dim, float32(0)
	for _, v := range table {
		largest = max(largest, v, -v)
	}
	body := make([]byte, rows*(2+dim))
	for r := range rows {
		row, top := table[r*dim:(r+1)*dim], float32(0)
		for _, v := range row {
			top = max(top, v, -v)
		}
		scale := math.Ceil(float64(top) / float64(largest) * maxStaticScale) // rounded up: no value exceeds 127
		binary.LittleEndian.PutUint16(body[2*r:], uint16(scale))
		if scale == 0 {
			continue // a row of zeros
		}
		step := scale / maxStaticScale * float64(largest) / 127
		for j, v := range row {
			body[2*rows+r*dim+j] = byte(int8(math.Round(float64(v) / step)))
		}
	}
	sum := sha256.Sum256(body)
	file := append([]byte(staticMagic), make([]byte, 8)...)
	binary.LittleEndian.PutUint32(file[len(staticMagic):], uint32(rows))
	binary.LittleEndian.PutUint32(file[len(staticMagic)+4:], uint32(dim))
	return append(append(file, sum[:]...), body...)
}

// Embed returns the vector of text: Dim() values, length 1. Any string is allowed; one without tokens points along the
// first axis, the commonest direction. As with MiniLM only the first 254 tokens count and what follows is not read. The
// only error is ctx's cause.
func (s *Static) Embed(ctx context.Context, text string) ([]float32, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	ids := s.tokenizer.Encode(text, maxStaticTokens+2)
	sums := make([]int32, s.dim)
	for _, id := range ids[1 : len(ids)-1] {
		s.kernel.AddScaled(sums, s.rows[int(id)*s.dim:(int(id)+1)*s.dim], s.scale[id])
	}
	return unit(sums), nil
}

// unit scales integers to length 1. The conversions keep compilers from fusing, which would differ between CPUs.
func unit(sums []int32) []float32 {
	square := 0.0
	for _, v := range sums {
		square += float64(float64(v) * float64(v))
	}
	out := make([]float32, len(sums))
	if square == 0 {
		out[0] = 1
		return out
	}
	length := math.Sqrt(square)
	for j, v := range sums {
		out[j] = float32(float64(v) / length)
	}
	return out
}

// ID is the fingerprint of the vector space: arithmetic version, tokenizer rule version, sha256 of the table.
func (s *Static) ID() string { return s.id }

// Dim is the length of the vectors.
func (s *Static) Dim() int { return s.dim }
