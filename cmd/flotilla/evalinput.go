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
	"slices"
	"strings"

	"flotilla/routing/eval"
	"flotilla/routing/form"
	"flotilla/routing/index"
)

const (
	// maxPricesBytes bounds a price list: some thousand models.
	maxPricesBytes = 1 << 20
	// maxPrice bounds USD per million tokens, so that no cost overflows.
	maxPrice = 1e6
	// maxOutcomesBytes bounds a file of outcomes; the largest public one is some ten MB packed.
	maxOutcomesBytes = 1 << 30
)

// noListError is a price file of lists, none of which is the one asked for.
type noListError struct {
	file         string
	lists, names []string
}

func (e *noListError) Error() string {
	if len(e.names) == 0 {
		return fmt.Sprintf("read prices: %s has the lists %q: want one list alone, {\"MODEL\": [INPUT, OUTPUT]}", e.file, e.lists)
	}
	return fmt.Sprintf("read prices: %s: none of the lists %q is called %s: name the outcomes after one", e.file, e.lists, strings.Join(e.names, " or "))
}

// readPrices reads the member of the price file for the first name it has that is a list, else the one that a name begins with;
// a file without lists as members is one itself, but for remarks. No file gives no prices, a file of other lists a *noListError.
func readPrices(file string, names ...string) (map[string]eval.Price, error) {
	if file == "" {
		return nil, nil
	}
	raw, err := readBounded(file, maxPricesBytes)
	if err != nil {
		return nil, fmt.Errorf("read prices: %w", err)
	}
	raw = bytes.TrimPrefix(raw, []byte("\ufeff")) // some editors' byte order mark
	var members map[string]json.RawMessage
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, fmt.Errorf("read prices: %s: want {\"MODEL\": [INPUT, OUTPUT]}: %w", file, err)
	}
	var lists []string
	for name, member := range members {
		switch member[0] {
		case '{':
			lists = append(lists, name)
		case '"':
			delete(members, name) // a remark
		}
	}
	if len(lists) > 0 {
		slices.Sort(lists)
		names = slices.Compact(names)
		name := listFor(lists, names)
		if name == "" {
			return nil, &noListError{file, lists, names}
		}
		file += ": " + name
		raw, members = members[name], nil
		if err := json.Unmarshal(raw, &members); err != nil {
			return nil, fmt.Errorf("read prices: %s: %w", file, err)
		}
	}
	list, err := tokenPrices(members)
	if err != nil {
		return nil, fmt.Errorf("read prices: %s: %w", file, err)
	}
	return list, nil
}

// listFor is the list that has one of the names, else the longest that one begins with, up to a sign that is no letter or digit:
// ulab14 for ulab14.test. "" where there is none.
func listFor(lists, names []string) string {
	for _, name := range names {
		if slices.Contains(lists, name) {
			return name
		}
	}
	for _, name := range names {
		for at := len(name) - 1; at > 0; at-- {
			if strings.IndexByte(".-_ ", name[at]) >= 0 && slices.Contains(lists, name[:at]) {
				return name[:at]
			}
		}
	}
	return ""
}

func tokenPrices(members map[string]json.RawMessage) (map[string]eval.Price, error) {
	list := make(map[string]eval.Price, len(members))
	for model, raw := range members {
		var p []float64
		if err := json.Unmarshal(raw, &p); err != nil || len(p) != 2 || min(p[0], p[1]) < 0 || max(p[0], p[1]) > maxPrice {
			return nil, fmt.Errorf("price of %s is %.60s: want [INPUT, OUTPUT], each from 0 to %d", model, raw, int(maxPrice))
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
	dir = filepath.Join(dir, "flotilla", "vectors")
	if checkKept(dir) != nil {
		return "" // nobody asked for it
	}
	return dir
}

// checkKept makes the folder, and fails where nothing could be kept there.
func checkKept(folder string) error {
	if folder == "" {
		return nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return fmt.Errorf("keep vectors: %w", err)
	}
	if err := checkWritable(filepath.Join(folder, "vectors.tmp")); err != nil {
		return fmt.Errorf("keep vectors: %w", err)
	}
	return nil
}

// outcomeReader reads outcomes and embeds their prompts. The encoder's vectors are what takes time: they are cached, and
// form is added anew each time.
type outcomeReader struct {
	embedder *form.Embedder
	cache    string // folder; "": none
	bar      *progressBar
}

// outcomes are a file's samples, not embedded yet.
type outcomes struct {
	file    string // "": none
	cached  string // where their vectors are, or will be
	samples []index.Sample
}

func (r *outcomeReader) parse(file string) (outcomes, error) {
	if file == "" {
		return outcomes{}, nil
	}
	raw, err := readBounded(file, maxOutcomesBytes)
	if err != nil {
		return outcomes{}, fmt.Errorf("read outcomes: %w", err)
	}
	samples, err := index.ReadSamples(bytes.NewReader(raw))
	if err != nil {
		return outcomes{}, fmt.Errorf("%s: %w", file, err)
	}
	key := sha256.New()
	fmt.Fprintf(key, "%s\n", r.embedder.Encoder().ID())
	key.Write(raw)
	return outcomes{file, filepath.Join(r.cache, hex.EncodeToString(key.Sum(nil))+".f32"), index.JoinSamples(samples)}, nil
}

func (r *outcomeReader) embed(ctx context.Context, o outcomes) (p eval.Part, err error) {
	if o.file == "" {
		return p, nil
	}
	p.Samples = o.samples
	if p.Meaning, err = r.load(o.cached, len(o.samples)); err != nil {
		return eval.Part{}, err
	}
	if p.Meaning == nil {
		if err := checkKept(r.cache); err != nil {
			return eval.Part{}, err
		}
		if p.Meaning, err = eval.Vectors(ctx, r.embedder.Encoder(), o.samples, func(done, total int) {
			r.bar.show("embed "+filepath.Base(o.file), done, total)
		}); err != nil {
			return eval.Part{}, err
		}
		if err := r.store(o.cached, p.Meaning); err != nil {
			return eval.Part{}, err
		}
	}
	p.Vectors = make([][]float32, len(o.samples))
	for i, s := range o.samples {
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
	if err := os.WriteFile(file+".tmp", raw, 0o644); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	if err := os.Rename(file+".tmp", file); err != nil {
		return fmt.Errorf("store vectors: %w", err)
	}
	return nil
}
