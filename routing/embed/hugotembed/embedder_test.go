package hugotembed_test

import (
	"context"
	"errors"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"flotilla/routing/embed/hugotembed"
)

// TestHostileInput feeds what crashed or misled hugot without the guard.
func TestHostileInput(t *testing.T) {
	e, native := openReference(t), openNative(t)
	for name, text := range map[string]string{
		"empty":            "",
		"only dropped":     "\x00\x01\ufffd\u200b",
		"invalid utf-8":    "\xff\xfe\x80a",
		"nul hides text":   "hello\x00 world",
		"special tokens":   "[CLS] a [SEP] b [MASK] [PAD]",
		"accents":          "naïve café — résumé ÀÉÎÕÜ ñ",
		"cjk":              "日本語のテキスト 漢字",
		"no-break space":   "a\u00a0b",
		"one word of 1MiB": strings.Repeat("x", 1<<20),
		"80 kB of words":   strings.Repeat("abc ", 20000),
	} {
		got, err := e.Embed(t.Context(), text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want, err := native.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if c := dot(got, want); !(c >= wantCosine) {
			t.Errorf("%s: cosine %.5f to the native embedder", name, c)
		}
	}
}

func TestLifecycle(t *testing.T) {
	e := openReference(t)
	if e.Dim() != 384 || !strings.HasPrefix(e.ID(), "hugot/model.onnx/guard-1/wordpiece-1/256/") {
		t.Errorf("Dim %d, ID %s", e.Dim(), e.ID())
	}
	if v, err := e.EmbedBatch(t.Context(), nil); v != nil || err != nil {
		t.Errorf("empty batch: %v, %v", v, err)
	}
	if _, err := e.EmbedBatch(t.Context(), make([]string, hugotembed.MaxBatch+1)); err == nil {
		t.Error("too large a batch was accepted")
	}
	one, err := e.Embed(t.Context(), "the same text")
	if err != nil {
		t.Fatal(err)
	}
	batch, err := e.EmbedBatch(t.Context(), []string{"a much longer text that pads the other one", "the same text"})
	if err != nil {
		t.Fatal(err)
	}
	if c := dot(one, batch[1]); math.Abs(c-1) > 1e-5 {
		t.Errorf("cosine %.7f between a text alone and in a batch", c)
	}
	cause := errors.New("client gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if _, err := e.Embed(ctx, "text"); !errors.Is(err, cause) {
		t.Errorf("cancelled: %v", err)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
	if _, err := e.Embed(t.Context(), "text"); !errors.Is(err, hugotembed.ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// TestNewRefuses: folders that hugot would die of, or mistake, must give an error that says what to do.
func TestNewRefuses(t *testing.T) {
	const uncased = `{"normalizer":{"type":"BertNormalizer","lowercase":true},"model":{"type":"WordPiece","vocab":{"[CLS]":0,"[SEP]":1,"[UNK]":2}}}`
	const other = `{"added_tokens":[{"content":"<s>"}],"model":{"type":"Unigram"}}`
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"empty folder":      {nil, "want model.onnx"},
		"two graphs":        {map[string]string{"model.onnx": "", "sub/model.onnx": ""}, "no .onnx file in sub-folders"},
		"dynamic int8":      {map[string]string{"model.onnx": "..DynamicQuantizeLinear.."}, "export the encoder as fp32"},
		"no tokenizer":      {map[string]string{"model.onnx": ""}, "tokenizer.json"},
		"broken tokenizer":  {map[string]string{"model.onnx": "", "tokenizer.json": "{"}, "read tokenizer"},
		"no special pieces": {map[string]string{"model.onnx": "", "tokenizer.json": strings.Replace(uncased, "[SEP]", "x", 1)}, "[SEP] is missing"},
		"unknown length":    {map[string]string{"model.onnx": "", "tokenizer.json": other}, "max_position_embeddings"},
		"absurd length":     {map[string]string{"model.onnx": "", "sentence_bert_config.json": `{"max_seq_length":9999999}`}, "set max_seq_length"},
		"broken graph":      {map[string]string{"model.onnx": "no graph", "tokenizer.json": uncased}, "load graph"},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range c.files {
				path := filepath.Join(dir, file)
				if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			e, err := hugotembed.New(dir)
			if err == nil {
				t.Fatal("accepted", e.ID())
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q, want one with %q", err, c.want)
			}
		})
	}
}

func benchmarkEmbed(b *testing.B, tokens int) {
	e := openReference(b)
	text := strings.TrimSpace(strings.Repeat("hello ", tokens-2))
	if _, err := e.Embed(b.Context(), text); err != nil { // compiles the graph of this length
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := e.Embed(b.Context(), text); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkEmbed8(b *testing.B)   { benchmarkEmbed(b, 8) }
func BenchmarkEmbed64(b *testing.B)  { benchmarkEmbed(b, 64) }
func BenchmarkEmbed256(b *testing.B) { benchmarkEmbed(b, 256) }
