package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"flotilla/routing/eval"
	"flotilla/routing/form"
	"flotilla/routing/index"
)

const (
	// maxPricesBytes bounds a price list: some thousand models.
	maxPricesBytes = 1 << 20
	// maxOutcomesBytes bounds a file of outcomes; the largest public one is some ten MB packed.
	maxOutcomesBytes = 1 << 30
)

// readPrices reads the member of the price file for the first name it has that is a list; a file without lists as members is
// one itself, but for remarks. No file gives no prices, nor does a file of lists that has none for these names.
func readPrices(file string, names ...string) (map[string]eval.Price, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := readBounded(file, maxPricesBytes)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("read prices: %s: want {\"MODEL\": [INPUT, OUTPUT]}: %w", file, err)
	}
	for _, name := range names {
		if member, ok := members[name]; ok && member[0] == '{' {
			own := map[string]json.RawMessage{}
			if err := json.Unmarshal(member, &own); err != nil {
				return nil, fmt.Errorf("read prices: %s: %s: %w", file, name, err)
			}
			list, err := tokenPrices(own)
			if err != nil {
				return nil, fmt.Errorf("read prices: %s: %s: %w", file, name, err)
			}
			return list, nil
		}
	}
	for name, member := range members {
		switch member[0] {
		case '{':
			return nil, nil // a file of lists that has none for this set, whose costs may be measured
		case '"':
			delete(members, name) // a remark
		}
	}
	list, err := tokenPrices(members)
	if err != nil {
		return nil, fmt.Errorf("read prices: %s: %w", file, err)
	}
	return list, nil
}

func tokenPrices(members map[string]json.RawMessage) (map[string]eval.Price, error) {
	list := make(map[string]eval.Price, len(members))
	for model, raw := range members {
		var p []float64
		if err := json.Unmarshal(raw, &p); err != nil || len(p) != 2 || !(p[0] >= 0 && p[1] >= 0) {
			return nil, fmt.Errorf("price of %s is %.60s: want [INPUT, OUTPUT], neither below zero", model, raw)
		}
		list[model] = eval.Price{Input: p[0], Output: p[1]}
	}
	return list, nil
}

// vectorFolder is where vectors are kept: the flag's folder, none, or the user's cache. "" keeps none.
func vectorFolder(flag string) string {
	if flag == "none" {
		return ""
	}
	if flag != "" {
		return flag
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return ""
	}
	return filepath.Join(dir, "flotilla", "vectors")
}

// outcomeReader reads outcomes and embeds their prompts. The encoder's vectors are what takes time: they are cached, and
// form is added anew each time.
type outcomeReader struct {
	embedder *form.Embedder
	cache    string // folder; "": none
	bar      *progressBar
}

func (r *outcomeReader) read(ctx context.Context, file string) (eval.Part, error) {
	raw, err := readBounded(file, maxOutcomesBytes)
	if err != nil {
		return eval.Part{}, fmt.Errorf("read outcomes: %w", err)
	}
	samples, err := index.ReadSamples(bytes.NewReader(raw))
	if err != nil {
		return eval.Part{}, fmt.Errorf("%s: %w", file, err)
	}
	p := eval.Part{Samples: samples}
	key := sha256.New()
	fmt.Fprintf(key, "%s\n", r.embedder.Encoder().ID())
	key.Write(raw)
	cached := filepath.Join(r.cache, hex.EncodeToString(key.Sum(nil))+".f32")
	if p.Meaning, err = r.load(cached, len(samples)); err != nil {
		return eval.Part{}, err
	}
	if p.Meaning == nil {
		if p.Meaning, err = eval.Vectors(ctx, r.embedder.Encoder(), samples, func(done, total int) {
			r.bar.show("embed "+filepath.Base(file), done, total)
		}); err != nil {
			return eval.Part{}, err
		}
		if err := r.store(cached, p.Meaning); err != nil {
			return eval.Part{}, err
		}
	}
	p.Vectors = make([][]float32, len(samples))
	for i, s := range samples {
		if p.Vectors[i], err = form.Add(s.Prompt, p.Meaning[i]); err != nil {
			return eval.Part{}, err
		}
	}
	return p, nil
}

// load gives nil where nothing is stored. A file of another length was cut short or is not ours: it is made again.
func (r *outcomeReader) load(file string, n int) ([][]float32, error) {
	if r.cache == "" {
		return nil, nil
	}
	raw, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read stored vectors: %w", err)
	}
	dim := r.embedder.Encoder().Dim()
	if len(raw) != 4*n*dim {
		return nil, nil
	}
	out := make([][]float32, n)
	for i := range out {
		out[i] = make([]float32, dim)
		for j := range out[i] {
			out[i][j] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*(i*dim+j):]))
		}
	}
	return out, nil
}

// store writes beside the final name first: a crash leaves a .tmp file that the next run overwrites.
func (r *outcomeReader) store(file string, vectors [][]float32) error {
	if r.cache == "" {
		return nil
	}
	var raw []byte
	for _, v := range vectors {
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
	}
	if err := os.MkdirAll(r.cache, 0o755); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	if err := os.WriteFile(file+".tmp", raw, 0o644); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	return nil
}
