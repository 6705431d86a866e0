// Distil makes the table of the static embedder: one vector a token, so that the mean of a text's token vectors points
// where MiniLM's vector of the text points.
//
//	go run ./routing/embed/distil -out routing/embed/static.bin -vectors build/vectors FILES.jsonl.gz
//
// The files hold {"prompt":"…"} lines; only the texts are used. It starts at MiniLM's vectors of the single tokens,
// weighted by how rare they are (smooth inverse frequency, Arora et al. 2017), and corrects them by ridge regression of
// the texts' vectors on their token counts. The columns are then turned to the texts' main directions, the last ones
// are left out, and each token's row becomes int8 with one scale. Every tenth text is kept out of the fit and tells how
// near it came. The same inputs give the same file on one kind of CPU.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"os/signal"
	"path/filepath"

	"flotilla/routing/embed"
	"flotilla/routing/index"
)

// heldOut is the share of texts, one in so many, that the fit does not see.
const heldOut = 10

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "distil:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, log io.Writer) error {
	flags := flag.NewFlagSet("distil", flag.ContinueOnError)
	out := flags.String("out", "static.bin", "file to write")
	vectors := flags.String("vectors", "build/vectors", "folder that keeps MiniLM's vectors for the next run")
	dim := flags.Int("dim", 256, "values of a vector")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 || *dim < 1 || *dim > teacherDim {
		return fmt.Errorf("give at least one file of prompts, and -dim 1..%d", teacherDim)
	}
	m, err := embed.NewMiniLM()
	if err != nil {
		return fmt.Errorf("open teacher: %w", err)
	}
	t := teacher{model: m, folder: *vectors, log: log}
	var texts corpus
	for _, name := range flags.Args() {
		if err := t.read(ctx, name, &texts); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	tokens, err := t.tokens(ctx)
	if err != nil {
		return err
	}
	table := fit(texts.train(), tokens, log)
	fmt.Fprintf(log, "%d texts; mean cosine to MiniLM: %.3f fitted, %.3f held out\n",
		len(texts.ids), texts.train().cosine(table), texts.test().cosine(table))
	file := embed.EncodeStatic(turn(table, texts, *dim), *dim)
	if err := os.WriteFile(*out, file, 0o644); err != nil {
		return fmt.Errorf("write table: %w", err)
	}
	return nil
}

// teacher embeds with MiniLM and keeps the vectors in a folder.
type teacher struct {
	model  *embed.MiniLM
	folder string
	log    io.Writer
}

// read adds the prompts of one file.
func (t *teacher) read(ctx context.Context, name string, c *corpus) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return fmt.Errorf("read prompts: %w", err)
	}
	samples, err := index.ReadSamples(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	key := sha256.Sum256(append([]byte(t.model.ID()+"\n"), raw...))
	vectors, err := t.kept(hex.EncodeToString(key[:]), len(samples), func(i int) ([]float32, error) {
		return t.model.Embed(ctx, samples[i].Prompt)
	})
	if err != nil {
		return err
	}
	for _, s := range samples {
		c.ids = append(c.ids, count(t.model.Encode(s.Prompt)))
	}
	c.vectors = append(c.vectors, vectors...)
	return nil
}

// tokens returns MiniLM's vector of every single piece of the vocabulary.
func (t *teacher) tokens(ctx context.Context) ([]float32, error) {
	key := sha256.Sum256([]byte(t.model.ID() + "\nevery token alone"))
	return t.kept(hex.EncodeToString(key[:]), t.model.VocabSize(), func(i int) ([]float32, error) {
		return t.model.EmbedToken(ctx, i)
	})
}

// kept returns n vectors: those of an earlier run, or new ones. A file of another length was cut short: it is made again.
func (t *teacher) kept(key string, n int, embed func(int) ([]float32, error)) ([]float32, error) {
	name := filepath.Join(t.folder, key+".f32")
	all := make([]float32, 0, n*teacherDim)
	if raw, err := os.ReadFile(name); err == nil && len(raw) == 4*n*teacherDim {
		for at := 0; at < len(raw); at += 4 {
			all = append(all, math.Float32frombits(binary.LittleEndian.Uint32(raw[at:])))
		}
		return all, nil
	} else if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read kept vectors: %w", err)
	}
	for i := range n {
		v, err := embed(i)
		if err != nil {
			return nil, fmt.Errorf("embed text %d: %w", i, err)
		}
		if all = append(all, v...); (i+1)%1000 == 0 {
			fmt.Fprintf(t.log, "embedded %d of %d\n", i+1, n)
		}
	}
	raw := make([]byte, 0, 4*len(all))
	for _, v := range all {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	// A crash before the rename leaves a .tmp file that the next run overwrites.
	err := errors.Join(os.MkdirAll(t.folder, 0o755), os.WriteFile(name+".tmp", raw, 0o644), os.Rename(name+".tmp", name))
	if err != nil {
		return nil, fmt.Errorf("keep vectors: %w", err)
	}
	return all, nil
}
