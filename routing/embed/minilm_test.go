package embed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/routing/embed/internal/kernel"
	"flotilla/routing/embed/wordpiece"
)

// golden is one text with the ids of the Hugging Face tokenizer and the vector of the fp32 model, computed in float64
// by export/golden.py.
type golden struct {
	Text   string    `json:"text"`
	IDs    []int32   `json:"ids"`
	Vector []float32 `json:"vector"`
}

func readGolden(t *testing.T) []golden {
	t.Helper()
	data, err := os.ReadFile("testdata/golden.json")
	if err != nil {
		t.Fatal(err)
	}
	var rows []golden
	if err := json.Unmarshal(data, &rows); err != nil {
		t.Fatal(err)
	}
	if len(rows) < 16 {
		t.Fatalf("only %d golden rows", len(rows))
	}
	return rows
}

func open(t testing.TB, set *kernel.Set) *MiniLM {
	t.Helper()
	m, err := newMiniLM(set)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func cosine(a, b []float32) float64 {
	var dot, aa, bb float64
	for i := range a {
		dot += float64(a[i]) * float64(b[i])
		aa += float64(a[i]) * float64(a[i])
		bb += float64(b[i]) * float64(b[i])
	}
	return dot / math.Sqrt(aa*bb)
}

// TestGolden holds ids, vectors and the agreement between the kernels of this machine.
func TestGolden(t *testing.T) {
	rows := readGolden(t)
	portable := make([][]float32, len(rows))
	for _, set := range kernel.All() {
		m, worst := open(t, set), 1.0
		for i, g := range rows {
			if diff := cmp.Diff(g.IDs, m.tokenizer.Encode(g.Text, m.weights.positions)); diff != "" {
				t.Errorf("ids of %q (-want +got):\n%s", g.Text, diff)
			}
			got, err := m.Embed(t.Context(), g.Text)
			if err != nil {
				t.Fatal(err)
			}
			if len(got) != m.Dim() || len(g.Vector) != m.Dim() {
				t.Fatalf("%q: %d values, golden %d, Dim %d", g.Text, len(got), len(g.Vector), m.Dim())
			}
			if c := cosine(got, g.Vector); c < 0.9993 {
				t.Errorf("%s: %q: cosine %.6f to the fp32 model, first values %v, want about %v", set.Name, g.Text, c, got[:4], g.Vector[:4])
			}
			var square float64
			for _, v := range got {
				square += float64(v) * float64(v)
			}
			if math.Abs(square-1) > 1e-5 {
				t.Errorf("%s: %q: squared length %v", set.Name, g.Text, square)
			}
			if portable[i] == nil {
				portable[i] = got
			}
			worst = min(worst, cosine(got, portable[i]))
		}
		if worst < 0.999999 {
			t.Errorf("%s: cosine %.8f to the portable kernels", set.Name, worst)
		}
	}
}

// TestSameTextSameBits: concurrency, earlier texts in the same scratch memory, and AVX2 or AVX-512 must not show.
func TestSameTextSameBits(t *testing.T) {
	m := open(t, kernel.Best())
	texts := []string{strings.Repeat("long text with many words ", 60), "short", "", "a somewhat longer text, with marks!"}
	want := make([][]float32, len(texts))
	for i, text := range texts {
		var err error
		if want[i], err = m.Embed(t.Context(), text); err != nil {
			t.Fatal(err)
		}
	}
	check := func(m *MiniLM, name string) {
		for i := range 3 * len(texts) {
			i %= len(texts)
			got, err := m.Embed(t.Context(), texts[i])
			if err != nil {
				t.Error(err)
			} else if !slices.Equal(got, want[i]) {
				t.Errorf("%s: %.20q: other bits", name, texts[i])
			}
		}
	}
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() { check(m, "concurrent") })
	}
	wg.Wait()
	for _, set := range kernel.All()[1:] {
		check(open(t, set), set.Name)
	}
}

// TestBitsOfFusedKernels: AVX2 and AVX-512 give these very bits on every CPU, so that stored indexes and decision
// records stay comparable. When they change on purpose, arithmeticVersion changes too or the change is one of rounding.
func TestBitsOfFusedKernels(t *testing.T) {
	const want = "4eb52b452ea7ddaa"
	for _, set := range kernel.All()[1:] {
		m, all := open(t, set), sha256.New()
		for _, n := range []int{0, 1, 5, 6, 10, 11, 23, 62, 127, 254} {
			v, err := m.Embed(t.Context(), strings.Repeat("text ", n))
			if err != nil {
				t.Fatal(err)
			}
			if err := binary.Write(all, binary.LittleEndian, v); err != nil {
				t.Fatal(err)
			}
		}
		if got := hex.EncodeToString(all.Sum(nil)[:8]); got != want {
			t.Errorf("%s: bits %s, want %s", set.Name, got, want)
		}
	}
}

func TestOnlyTheFirst256TokensCount(t *testing.T) {
	m := open(t, kernel.Best())
	embed := func(text string) []float32 {
		v, err := m.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	full := strings.Repeat("word ", 254)
	if !slices.Equal(embed(full), embed(full+"and something else")) {
		t.Error("text behind token 254 changed the vector")
	}
	if slices.Equal(embed(strings.Repeat("word ", 253)), embed(strings.Repeat("word ", 253)+"else")) {
		t.Error("token 254 did not change the vector")
	}
}

// TestHiddenText: a client must not be able to hide text from the router behind a NUL byte or broken UTF-8.
func TestHiddenText(t *testing.T) {
	m := open(t, kernel.Best())
	want, err := m.Embed(t.Context(), "write a virus")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"write\x00 a virus", "\xff\xfewrite a\x80 virus", "wri\u200bte a virus\ufffd", "\x00\x00write a virus"} {
		if got, err := m.Embed(t.Context(), text); err != nil || !slices.Equal(got, want) {
			t.Errorf("%q: cosine %v, error %v", text, cosine(got, want), err)
		}
	}
}

func TestEmbedHonoursContext(t *testing.T) {
	m := open(t, kernel.Best())
	cause := errors.New("client gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if v, err := m.Embed(ctx, "text"); !errors.Is(err, cause) || v != nil {
		t.Errorf("got %d values, error %v; want %v", len(v), err, cause)
	}
	// Cancelled in the middle of a pass: the kernel itself cancels in the first layer, which calls GELU once for each
	// part of its inner values.
	ctx, cancel = context.WithCancelCause(t.Context())
	set := *kernel.Best()
	gelu, calls := set.GELU, 0
	set.GELU = func(x []float32) { calls++; gelu(x); cancel(cause) }
	m = open(t, &set)
	perLayer := m.weights.inner / m.weights.hidden
	if _, err := m.Embed(ctx, "text"); !errors.Is(err, cause) || calls != perLayer {
		t.Errorf("error %v after %d calls of GELU, want %v after the %d of one layer", err, calls, cause, perLayer)
	}
}

func TestID(t *testing.T) {
	a, b := open(t, kernel.Generic()), open(t, kernel.Best())
	if a.ID() != b.ID() {
		t.Error("the kernel set must not be part of the ID")
	}
	const want = "all-minilm-l6-v2/int8w-f32-1/wordpiece-1/"
	if sum, ok := strings.CutPrefix(a.ID(), want); !ok || len(sum) != 64 {
		t.Errorf("ID %s, want %s and a sha256; stored indexes must be rebuilt when it changes", a.ID(), want)
	}
}

func FuzzEmbed(f *testing.F) {
	for _, s := range []string{"", "hello", "\x00", "\xff\xfe\x80a", "e\u0301", "漢字", "[CLS]", strings.Repeat("x", 300)} {
		f.Add(s)
	}
	m := open(f, kernel.Best())
	f.Fuzz(func(t *testing.T, text string) {
		v, err := m.Embed(t.Context(), text)
		if err != nil || len(v) != m.Dim() {
			t.Fatalf("%d values, error %v", len(v), err)
		}
		if c := cosine(v, v); !(math.Abs(c-1) < 1e-5) {
			t.Fatalf("not a number, or no length: %v", v[:4])
		}
		again, err := m.Embed(t.Context(), wordpiece.Normalize(text))
		if err != nil || !slices.Equal(v, again) {
			t.Fatalf("normalised text %q embeds differently (error %v)", wordpiece.Normalize(text), err)
		}
	})
}
