// Package embed turns text into vectors for the router: all-MiniLM-L6-v2 in plain Go, with its weights (int8) inside
// the binary. Nothing is read or fetched at run time, and no cgo is needed.
package embed

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"sync"

	"flotilla/routing/embed/internal/kernel"
	"flotilla/routing/embed/wordpiece"
)

// arithmeticVersion is part of MiniLM.ID. Raise it when the arithmetic changes vectors by more than float32 rounding;
// another kernel or order of summation is no reason.
const arithmeticVersion = "int8w-f32-1"

// MiniLM embeds text with sentence-transformers/all-MiniLM-L6-v2: 384 dimensions, mean pooling, unit length. It is
// immutable and safe for concurrent use. On one machine the same text always gives bit-identical vectors; machines
// with and without AVX2 differ in the last bits (cosine above 0.999999).
type MiniLM struct {
	weights   *weights
	tokenizer *wordpiece.Tokenizer
	kernel    *kernel.Set
	id        string
	scratch   sync.Pool // of *scratch
}

// NewMiniLM opens the weights inside the binary, after checking their sha256.
func NewMiniLM() (*MiniLM, error) { return newMiniLM(kernel.Best()) }

func newMiniLM(set *kernel.Set) (*MiniLM, error) {
	w, err := openWeights(weightFile)
	if err != nil {
		return nil, err
	}
	tokenizer, err := wordpiece.New(w.vocab)
	if err != nil {
		return nil, fmt.Errorf("open weights: %w", err)
	}
	m := &MiniLM{weights: w, tokenizer: tokenizer, kernel: set}
	sum := weightFile[headerBytes-sha256.Size : headerBytes]
	m.id = fmt.Sprintf("all-minilm-l6-v2/%s/%s/%s", arithmeticVersion, wordpiece.RuleVersion, hex.EncodeToString([]byte(sum)))
	m.scratch.New = func() any { return newScratch(w) }
	return m, nil
}

// Embed returns the vector of text: Dim() values, length 1. Any string is allowed: what is no valid UTF-8 is dropped,
// and an empty text is embedded as such ("[CLS] [SEP]"). As in sentence-transformers only the first 256 tokens count,
// [CLS] and [SEP] included; what follows is not even read, so long prompts cost no more than 256 tokens. The only
// error is ctx's cause.
func (m *MiniLM) Embed(ctx context.Context, text string) ([]float32, error) {
	if err := context.Cause(ctx); err != nil {
		return nil, err
	}
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	return forward(ctx, m.weights, m.kernel, s, m.tokenizer.Encode(text, m.weights.positions))
}

// Encode returns the token ids that Embed reads of text: [CLS], at most 254 pieces, [SEP].
func (m *MiniLM) Encode(text string) []int32 { return m.tokenizer.Encode(text, m.weights.positions) }

// VocabSize is the number of tokens; ids are 0 to VocabSize()-1.
func (m *MiniLM) VocabSize() int { return m.weights.vocabSize }

// EmbedToken returns the vector of one token standing alone between [CLS] and [SEP]. Not every token is what some text
// is split into. The only errors are an unknown id and ctx's cause.
func (m *MiniLM) EmbedToken(ctx context.Context, id int) ([]float32, error) {
	if id < 0 || id >= m.weights.vocabSize {
		return nil, fmt.Errorf("embed token: id %d, want 0 to %d", id, m.weights.vocabSize-1)
	}
	ends := m.tokenizer.Encode("", 2)
	s := m.scratch.Get().(*scratch)
	defer m.scratch.Put(s)
	return forward(ctx, m.weights, m.kernel, s, []int32{ends[0], int32(id), ends[1]})
}

// ID is the fingerprint of the vector space: arithmetic version, tokenizer rule version, sha256 of the weights.
// Vectors may only be compared when their embedders' IDs are equal.
func (m *MiniLM) ID() string { return m.id }

// Dim is the length of the vectors, 384.
func (m *MiniLM) Dim() int { return m.weights.hidden }
