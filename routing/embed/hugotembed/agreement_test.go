package hugotembed_test

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flotilla/routing/embed"
	"flotilla/routing/embed/hugotembed"
)

//go:embed testdata/phrases.txt
var phrases string

const (
	wantTexts  = 1000
	wantCosine = 0.998
)

// openReference loads the fp32 MiniLM folder that export/fetch.sh makes.
func openReference(t testing.TB) *hugotembed.Embedder {
	t.Helper()
	dir := os.Getenv("FLOTILLA_MINILM_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "..", "build", "minilm")
	}
	e, err := hugotembed.New(dir)
	if err != nil {
		t.Fatalf("%v\nThe fp32 model is not in the repository: run routing/embed/export/fetch.sh once (it takes 15 s),"+
			" or set FLOTILLA_MINILM_DIR to the folder it made.", err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

func openNative(t testing.TB) *embed.MiniLM {
	t.Helper()
	m, err := embed.NewMiniLM()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// corpus returns at least wantTexts different texts: every phrase, phrases in other spellings and settings, a few
// long ones and texts made to break tokenizers. It is the same in every run.
func corpus() []string {
	lines := strings.Split(strings.TrimSpace(phrases), "\n")
	rnd := rand.New(rand.NewPCG(1, 2))
	pick := func() string { return lines[rnd.IntN(len(lines))] }
	texts := slices.Clone(lines)
	for i, line := range lines {
		words := strings.Fields(line)
		rnd.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		texts = append(texts,
			strings.ToUpper(line),
			strings.Join(words, " "),
			fmt.Sprintf("Q%d: %s\nA:", i, words[0]),
			words[rnd.IntN(len(words))]+[]string{"\u00a0", "/", ", ", "\t", "\x00", "\u200b", " "}[i%7]+words[0],
			string([]rune(line)[:min(len([]rune(line)), 1+rnd.IntN(12))])+strings.Repeat("!", i%3),
		)
	}
	for n := range 16 { // 20 to 200 words and more than the encoder reads
		var long []string
		for range 3 + 2*n {
			long = append(long, pick())
		}
		texts = append(texts, strings.Join(long, [2]string{"\n", " "}[n%2]))
	}
	texts = append(texts,
		"", " ", "\n\t ", "\x00", "x\x00y", "\xff\xfe\x80a", "valid \xc3\x28 half", "\ufffd\ufffd", "\u200b\u200d",
		strings.Repeat("a", 100), strings.Repeat("a", 101), strings.Repeat("é", 100), strings.Repeat("漢", 40),
		strings.Repeat("x", 1<<20), "\u0301\u0301", "a.b", "A B C", "e\u0301\u0323", "a\u0323\u0301b", "##ing ##", "[CLS]", "[unused1]",
	)
	for i, line := range lines {
		if i%4 == 0 {
			texts = append(texts, strings.ToLower(line)+" ("+strings.Fields(pick())[0]+")")
		}
	}
	slices.Sort(texts)
	return slices.Compact(texts)
}

// TestAgreesWithFullPrecision holds the int8 model in the binary against the fp32 model run by another engine with
// another tokenizer.
func TestAgreesWithFullPrecision(t *testing.T) {
	if testing.Short() {
		t.Skip("1,035 texts through hugot take minutes, and many more under the race detector: run without -short")
	}
	texts := corpus()
	if len(texts) < wantTexts {
		t.Fatalf("corpus has %d texts, want %d", len(texts), wantTexts)
	}
	native, reference := openNative(t), openReference(t)
	slices.SortStableFunc(texts, func(a, b string) int { return cmp.Compare(len(a), len(b)) }) // little padding in a batch
	ctx := context.Background()
	var cosines []float64
	for batch := range slices.Chunk(texts, 16) {
		want, err := reference.EmbedBatch(ctx, batch)
		if err != nil {
			t.Fatal(err)
		}
		for i, text := range batch {
			got, err := native.Embed(ctx, text)
			if err != nil {
				t.Fatal(err)
			}
			c := dot(got, want[i])
			if cosines = append(cosines, c); c < wantCosine {
				t.Errorf("cosine %.6f for %.80q (%d bytes)", c, text, len(text))
			}
		}
	}
	slices.Sort(cosines)
	t.Logf("%d texts: cosine min %.6f, 1%% %.6f, median %.6f", len(cosines), cosines[0], cosines[len(cosines)/100], cosines[len(cosines)/2])
}

func dot(a, b []float32) float64 {
	if len(a) != len(b) {
		return math.NaN()
	}
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
