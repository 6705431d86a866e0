// Package hugotembed runs any ONNX sentence encoder through hugot's pure Go backend, behind the router's Embedder
// interface and behind a guard against the inputs that hugot mistakes or dies of. It is 25 to 40 times slower than
// package embed: it is there for encoders of the user's choice and to check package embed against.
package hugotembed

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/knights-analytics/hugot"
	"github.com/knights-analytics/hugot/pipelines"
)

// MaxBatch bounds EmbedBatch: hugot allocates a [batch][tokens] graph for each call.
const MaxBatch = 64

// ErrClosed is returned by an Embedder after Close.
var ErrClosed = errors.New("hugot embedder is closed")

// Embedder is one loaded encoder. It is safe for concurrent use; calls run one after the other, because each needs
// tens of megabytes and the backend spreads over the cores by itself.
type Embedder struct {
	session  *hugot.Session
	pipeline *pipelines.FeatureExtractionPipeline
	guard    *guard
	id       string
	dim      int
	turn     chan struct{} // holds one token while nobody runs; closed is guarded by it
	closed   bool
}

// New loads the encoder in dir: model.onnx, tokenizer.json and, for other than uncased BERT tokenizers, config.json
// with max_position_embeddings. The graph's first output must be [batch, tokens, dim] (then it is averaged over the
// tokens) or [batch, dim] (taken as it is, for encoders with another pooling). Vectors are scaled to length 1.
// Longer texts are cut at max_seq_length of sentence_bert_config.json, else at max_position_embeddings, else at 256 tokens.
func New(dir string) (*Embedder, error) {
	folder, err := openFolder(dir)
	if err != nil {
		return nil, fmt.Errorf("open encoder %s: %w", dir, err)
	}
	session, err := hugot.NewGoSession()
	if err != nil {
		return nil, fmt.Errorf("open encoder %s: start hugot: %w", dir, err)
	}
	e := &Embedder{session: session, guard: folder.guard, id: folder.id, turn: make(chan struct{}, 1)}
	e.turn <- struct{}{}
	if err := e.load(folder); err != nil {
		return nil, errors.Join(fmt.Errorf("open encoder %s: %w", dir, err), session.Destroy())
	}
	return e, nil
}

// load makes the pipeline and runs it once: an encoder that hugot cannot run must be refused here, not at the first
// prompt, and the run tells the dimension.
func (e *Embedder) load(f *folder) (err error) {
	defer recoverTo(&err, "load graph")
	e.pipeline, err = hugot.NewPipeline(e.session, hugot.FeatureExtractionConfig{
		ModelPath: f.dir, Name: "flotilla", OnnxFilename: onnxFile,
		Options: []hugot.FeatureExtractionOption{pipelines.WithNormalization()},
	})
	if err != nil {
		return fmt.Errorf("load graph: %w", err)
	}
	// The guard cuts. The tokenizer file's own truncation must be off: hugot's tokenizer drops the wrong part of a text
	// (cosine 0.7 to the reference beyond MiniLM's 128), and the file's padding would only cost time.
	tokenizer := e.pipeline.Model.Tokenizer.GoTokenizer.Tokenizer
	tokenizer.WithTruncation(nil)
	tokenizer.WithPadding(nil)
	vectors, err := e.run([]string{e.guard.prepare("a first text")})
	if err != nil {
		return err
	}
	e.dim = len(vectors[0])
	return nil
}

// Embed returns the vector of text: Dim() values, length 1. Any string is allowed; the guard drops invalid UTF-8 and
// control characters and cuts text to the encoder's length. ctx is honoured until the run starts, which then takes
// up to a few seconds for the longest texts.
func (e *Embedder) Embed(ctx context.Context, text string) ([]float32, error) {
	vectors, err := e.EmbedBatch(ctx, []string{text})
	if err != nil {
		return nil, err
	}
	return vectors[0], nil
}

// EmbedBatch embeds up to MaxBatch texts in one run, padded to the longest of them. No texts give no vectors.
func (e *Embedder) EmbedBatch(ctx context.Context, texts []string) ([][]float32, error) {
	if len(texts) == 0 {
		return nil, nil // an empty batch panics in one of hugot's own goroutines, which ends the process
	}
	if len(texts) > MaxBatch {
		return nil, fmt.Errorf("embed batch: %d texts, at most %d are allowed; split the batch", len(texts), MaxBatch)
	}
	prepared := make([]string, len(texts))
	for i, text := range texts {
		prepared[i] = e.guard.prepare(text)
	}
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	select {
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	case <-e.turn:
	}
	defer func() { e.turn <- struct{}{} }()
	if e.closed {
		return nil, ErrClosed
	}
	vectors, err := e.run(prepared)
	if err != nil {
		return nil, fmt.Errorf("embed with hugot: %w", err)
	}
	return vectors, nil
}

// run is the only place that calls hugot with text. Panics of this goroutine become errors.
func (e *Embedder) run(texts []string) (vectors [][]float32, err error) {
	defer recoverTo(&err, "run graph")
	out, err := e.pipeline.RunPipeline(texts)
	if err != nil {
		return nil, fmt.Errorf("run graph: %w", err)
	}
	if len(out.Embeddings) != len(texts) {
		return nil, fmt.Errorf("run graph: %d vectors for %d texts", len(out.Embeddings), len(texts))
	}
	for _, v := range out.Embeddings {
		if len(v) == 0 || e.dim != 0 && len(v) != e.dim {
			return nil, fmt.Errorf("run graph: vector of %d values, want %d", len(v), e.dim)
		}
		for _, x := range v {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return nil, errors.New("run graph: the encoder gave a value that is no number")
			}
		}
	}
	return out.Embeddings, nil
}

// ID is the fingerprint of the vector space: sha256 over the folder's files, token limit and guard version.
func (e *Embedder) ID() string { return e.id }

// Dim is the length of the vectors.
func (e *Embedder) Dim() int { return e.dim }

// Close waits for the running call and frees the encoder. Later calls return ErrClosed; a second Close does nothing.
func (e *Embedder) Close() error {
	<-e.turn
	defer func() { e.turn <- struct{}{} }()
	if e.closed {
		return nil
	}
	e.closed = true
	if err := e.session.Destroy(); err != nil {
		return fmt.Errorf("close encoder: %w", err)
	}
	return nil
}

func recoverTo(err *error, action string) {
	if p := recover(); p != nil {
		*err = fmt.Errorf("%s: hugot panicked: %v", action, p)
	}
}
