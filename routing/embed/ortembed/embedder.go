//go:build onnxruntime

// Package ortembed runs the fp32 MiniLM through onnxruntime, for those who have its library: build with
// -tags onnxruntime and cgo. It is there for CPUs on which package embed has no assembly, and to time package embed
// against.
package ortembed

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"sync"

	ort "github.com/yalue/onnxruntime_go"

	"flotilla/routing/embed/wordpiece"
)

const (
	dim       = 384
	maxTokens = 256 // MiniLM's max_seq_length
)

// ErrClosed is returned by an Embedder after Close.
var ErrClosed = errors.New("onnxruntime embedder is closed")

// Embedder is one loaded model, safe for concurrent use.
type Embedder struct {
	tokenizer *wordpiece.Tokenizer
	id        string
	open      sync.RWMutex // held for reading while a run uses session
	session   *ort.DynamicAdvancedSession
}

// New loads dir/model.onnx and dir/vocab.txt, the folder that export/fetch.sh makes. library is the path of
// libonnxruntime.so; the first call of a process decides which one is used. Runs stay on their caller's thread.
func New(dir, library string) (*Embedder, error) {
	model, err := os.ReadFile(filepath.Join(dir, "model.onnx"))
	if err != nil {
		return nil, fmt.Errorf("read model (routing/embed/export/fetch.sh makes the folder): %w", err)
	}
	vocab, err := os.ReadFile(filepath.Join(dir, "vocab.txt"))
	if err != nil {
		return nil, fmt.Errorf("read vocabulary: %w", err)
	}
	e := &Embedder{id: fmt.Sprintf("onnxruntime/%s/%x", wordpiece.RuleVersion, sha256.Sum256(model))}
	if e.tokenizer, err = wordpiece.New(string(vocab)); err != nil {
		return nil, err
	}
	if !ort.IsInitialized() {
		ort.SetSharedLibraryPath(library)
		if err := ort.InitializeEnvironment(); err != nil {
			return nil, fmt.Errorf("start onnxruntime (%s): %w", library, err)
		}
	}
	if e.session, err = openSession(model); err != nil {
		return nil, err
	}
	return e, nil
}

// openSession asks for one thread: requests run side by side anyway.
func openSession(model []byte) (*ort.DynamicAdvancedSession, error) {
	options, err := ort.NewSessionOptions()
	if err != nil {
		return nil, fmt.Errorf("set session options: %w", err)
	}
	err = errors.Join(options.SetIntraOpNumThreads(1), options.SetInterOpNumThreads(1))
	var s *ort.DynamicAdvancedSession
	if err == nil {
		s, err = ort.NewDynamicAdvancedSessionWithONNXData(model,
			[]string{"input_ids", "attention_mask", "token_type_ids"}, []string{"last_hidden_state"}, options)
	}
	if err := errors.Join(err, options.Destroy()); err != nil {
		return nil, fmt.Errorf("open model: %w", err)
	}
	return s, nil
}

// Embed returns the vector of text, 384 values of length 1, by the same tokenizer and pooling as package embed. ctx is
// honoured until the run starts.
func (e *Embedder) Embed(ctx context.Context, text string) ([]float32, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	e.open.RLock()
	defer e.open.RUnlock()
	if e.session == nil {
		return nil, ErrClosed
	}
	hidden, err := e.run(e.tokenizer.Encode(text, maxTokens))
	if err != nil {
		return nil, fmt.Errorf("embed with onnxruntime: %w", err)
	}
	return pool(hidden), nil
}

// run returns the last hidden states [len(ids)][dim].
func (e *Embedder) run(ids []int32) (hidden []float32, err error) {
	n := len(ids)
	wide, ones := make([]int64, n), make([]int64, n)
	for i, id := range ids {
		wide[i], ones[i] = int64(id), 1
	}
	var inputs []ort.Value
	defer func() {
		for _, v := range inputs {
			err = errors.Join(err, v.Destroy())
		}
	}()
	for _, values := range [][]int64{wide, ones, make([]int64, n)} {
		t, err := ort.NewTensor(ort.NewShape(1, int64(n)), values)
		if err != nil {
			return nil, fmt.Errorf("make input: %w", err)
		}
		inputs = append(inputs, t)
	}
	hidden = make([]float32, n*dim)
	out, err := ort.NewTensor(ort.NewShape(1, int64(n), dim), hidden)
	if err != nil {
		return nil, fmt.Errorf("make output: %w", err)
	}
	defer func() { err = errors.Join(err, out.Destroy()) }()
	if err := e.session.Run(inputs, []ort.Value{out}); err != nil {
		return nil, fmt.Errorf("run model: %w", err)
	}
	return hidden, nil
}

// pool averages the rows and scales the mean to length 1.
func pool(hidden []float32) []float32 {
	out := make([]float32, dim)
	for i, v := range hidden {
		out[i%dim] += v
	}
	var square float64
	for _, v := range out {
		square += float64(v) * float64(v)
	}
	inverse := float32(1 / math.Sqrt(square))
	for i := range out {
		out[i] *= inverse
	}
	return out
}

// ID is the fingerprint of the vector space: tokenizer rule version and sha256 of the model. Versions of onnxruntime
// differ in the last bits only.
func (e *Embedder) ID() string { return e.id }

// Dim is the length of the vectors, 384.
func (e *Embedder) Dim() int { return dim }

// Close waits for running calls and frees the model. Later calls return ErrClosed; a second Close does nothing.
func (e *Embedder) Close() error {
	e.open.Lock()
	defer e.open.Unlock()
	if e.session == nil {
		return nil
	}
	s := e.session
	e.session = nil
	if err := s.Destroy(); err != nil {
		return fmt.Errorf("close onnxruntime session: %w", err)
	}
	return nil
}
