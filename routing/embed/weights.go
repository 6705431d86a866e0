package embed

import (
	"crypto/sha256"
	_ "embed" // for the weight file
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"unsafe"

	"flotilla/routing/embed/internal/kernel"
)

// weightFile is made by export/quantize.py, whose head describes the layout. A string keeps it in the read-only part
// of the binary, so pages never touched cost no memory and processes share the others.
//
//go:embed minilm.bin
var weightFile string

const (
	weightMagic = "FLOTMLM1"
	headerBytes = len(weightMagic) + 8*4 + sha256.Size
	// maxDimension bounds every header field, so that a damaged file cannot ask for an absurd allocation.
	maxDimension = 1 << 20
)

var errTruncated = errors.New("file is truncated")

// weights is one opened weight file. Small tensors are decoded; the int8 tensors stay where they are in the file.
type weights struct {
	layers, hidden, heads, inner, vocabSize, positions, group int

	vocab     string
	wordScale []float32 // [vocabSize]
	word      []byte    // int8 [vocabSize][hidden]
	position  []float32 // [positions][hidden], token type 0 included
	norm      layerNorm
	blocks    []block
}

// block is one transformer layer.
type block struct {
	qkv, output      linear
	afterAttention   layerNorm
	up, down         linear
	afterFeedForward layerNorm
}

type layerNorm struct{ gamma, beta []float32 }

// linear maps k inputs to n outputs: [n/Panel] panels of int8 [k][Panel] with scales [k/group][Panel].
type linear struct {
	n, k        int
	bias, scale []float32
	q           []byte
}

// outputs returns the part of l that makes outputs from..to, multiples of Panel.
func (l *linear) outputs(from, to, group int) linear {
	return linear{
		n: to - from, k: l.k, bias: l.bias[from:to],
		scale: l.scale[from*l.k/group : to*l.k/group], q: l.q[from*l.k : to*l.k],
	}
}

// openWeights checks and opens a weight file. The result refers to file.
func openWeights(file string) (*weights, error) {
	if len(file) < headerBytes || file[:len(weightMagic)] != weightMagic {
		return nil, fmt.Errorf("open weights: not a %s file (%d bytes); remake it with export/quantize.py", weightMagic, len(file))
	}
	data := unsafe.Slice(unsafe.StringData(file), len(file)) // read only
	body := data[headerBytes:]
	if sum := sha256.Sum256(body); string(sum[:]) != file[headerBytes-sha256.Size:headerBytes] {
		return nil, errors.New("open weights: sha256 does not match; the file was changed or cut, check it out again")
	}
	w := &weights{}
	panel := 0
	for i, field := range []*int{&w.layers, &w.hidden, &w.heads, &w.inner, &w.vocabSize, &w.positions, &panel, &w.group} {
		*field = int(binary.LittleEndian.Uint32(data[len(weightMagic)+4*i:]))
		if *field < 1 || *field > maxDimension {
			return nil, fmt.Errorf("open weights: header field %d is %d, want 1..%d", i, *field, maxDimension)
		}
	}
	if panel != kernel.Panel || w.hidden != w.heads*kernel.Panel || w.hidden%w.group != 0 || w.inner%w.group != 0 || w.inner%kernel.Panel != 0 {
		return nil, fmt.Errorf("open weights: shape hidden %d, heads %d, inner %d, panel %d, group %d is not supported",
			w.hidden, w.heads, w.inner, panel, w.group)
	}
	r := reader{data: body}
	w.read(&r)
	if r.err == nil && len(r.data) != 0 {
		r.err = fmt.Errorf("%d bytes left over", len(r.data))
	}
	if r.err != nil {
		return nil, fmt.Errorf("open weights: %w", r.err)
	}
	return w, nil
}

// read takes the sections in the order of the file.
func (w *weights) read(r *reader) {
	n := 0
	if head := r.bytes(4); head != nil {
		n = int(binary.LittleEndian.Uint32(head))
	}
	w.vocab = string(r.bytes(n))
	r.bytes((4 - n%4) % 4)
	w.wordScale = r.floats(w.vocabSize)
	w.word = r.bytes(w.vocabSize * w.hidden)
	w.position = r.floats(w.positions * w.hidden)
	w.norm = r.norm(w.hidden)
	for range w.layers {
		if r.err != nil {
			return
		}
		w.blocks = append(w.blocks, block{
			qkv:              r.linear(3*w.hidden, w.hidden, w.group),
			output:           r.linear(w.hidden, w.hidden, w.group),
			afterAttention:   r.norm(w.hidden),
			up:               r.linear(w.inner, w.hidden, w.group),
			down:             r.linear(w.hidden, w.inner, w.group),
			afterFeedForward: r.norm(w.hidden),
		})
	}
}

// reader takes sections off the front of data; after the first error it returns nothing more.
type reader struct {
	data []byte
	err  error
}

func (r *reader) bytes(n int) []byte {
	if r.err != nil || n > len(r.data) {
		r.data, r.err = nil, errTruncated
		return nil
	}
	b := r.data[:n:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) floats(n int) []float32 {
	b := r.bytes(4 * n)
	out := make([]float32, len(b)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return out
}

func (r *reader) norm(n int) layerNorm {
	return layerNorm{gamma: r.floats(n), beta: r.floats(n)}
}

func (r *reader) linear(n, k, group int) linear {
	return linear{n: n, k: k, bias: r.floats(n), scale: r.floats(n * (k / group)), q: r.bytes(n * k)}
}
