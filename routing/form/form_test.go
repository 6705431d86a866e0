package form_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"strings"
	"testing"

	"flotilla/routing/form"

	"pgregory.net/rapid"
)

var texts = []string{
	"", " \n\t", "?", "a", "What is the capital of France?", "Write a haiku about the sea.",
	"Which is right?\nA) one\nB) two\n(C). three\nD: four\n", "def f(x):\n    return {x: [1, 2];}\n", "Solve $x^2 = \\frac{1}{2}$ for x:",
	"\xff\xfe broken \xc3", "東京はどこですか？", strings.Repeat("word ", 100_000),
}

func TestMeasures(t *testing.T) {
	const (
		chars, words, lines, digits, capitals, marks = 0, 1, 2, 3, 4, 5
		options, questions, asking, code, maths      = 6, 7, 8, 9, 10
		brackets, colon, length, upper, stop         = 11, 12, 13, 14, 15
	)
	for _, c := range []struct {
		text string
		want map[int]float64
	}{
		{"", map[int]float64{chars: 0, words: 0, lines: 1, length: 0, upper: 0, stop: 0}},
		{"Who is it?", map[int]float64{chars: 3 + 3./8, words: 2, lines: 1, capitals: 1. / 7, marks: .1, questions: 1, asking: 1, length: 10. / 3, upper: 1}},
		{"a 12.\n", map[int]float64{chars: 2.75, words: 1.5, lines: 1.5, digits: 2. / 6, stop: 1, upper: 0}},
		{"A) x\n(B) y C. D: z\nE)", map[int]float64{options: 2.5}}, // E) counts at the end too
		{"AB) xA) (a) F) A)x", map[int]float64{options: 0}},
		{"def f", map[int]float64{code: 1}},
		{"please import", map[int]float64{code: 1}},
		{"undef classes_ return1 functional", map[int]float64{code: 0}},
		{"$\\frac$ {}[]();=", map[int]float64{maths: 2, brackets: 3 + 1./8}},
		{"Answer: ", map[int]float64{colon: 1, stop: 0}},
		{"\xffx\xfe", map[int]float64{chars: 1, words: 1}}, // what is no UTF-8 is passed over
	} {
		got := form.Measure(c.text)
		for i, want := range c.want {
			if math.Abs(got[i]-want) > 1e-12 {
				t.Errorf("measure %d of %q is %g, want %g", i, c.text, got[i], want)
			}
		}
	}
}

// TestSameBitsEverywhere holds for every machine that runs it: amd64, arm64, with and without fused multiply-add.
func TestSameBitsEverywhere(t *testing.T) {
	const want = "156e5a02bc37a406"
	h := sha256.New()
	for _, text := range texts {
		v, err := form.Add(text, flat(384))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(h, "%b\n%b\n", form.Of(text), v)
	}
	if got := hex.EncodeToString(h.Sum(nil)[:8]); got != want {
		t.Errorf("forms and vectors have digest %s, want %s: another vector space needs another version and new indexes", got, want)
	}
}

// TestSimilarityIsTheMeanOfBoth, whatever the encoder's length.
func TestSimilarityIsTheMeanOfBoth(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		dim := rapid.IntRange(form.Measures, 500).Draw(rt, "dim")
		text := rapid.OneOf(rapid.SampledFrom(texts[:len(texts)-1]), rapid.String())
		a, b := text.Draw(rt, "a"), text.Draw(rt, "b")
		x, y := unit(rt, dim, "x"), unit(rt, dim, "y")
		v, err := form.Add(a, x)
		if err != nil {
			rt.Fatal(err)
		}
		w, err := form.Add(b, y)
		if err != nil {
			rt.Fatal(err)
		}
		f, g := form.Of(a), form.Of(b)
		want := (dot(x, y) + dot(f[:], g[:])) / 2
		if got := dot(v, w); math.Abs(got-want) > 1e-5 {
			rt.Fatalf("similarity %g, want %g", got, want)
		}
		if len(v) != dim+form.Measures || math.Abs(dot(v, v)-1) > 1e-5 {
			rt.Fatalf("%d values of squared length %g", len(v), dot(v, v))
		}
	})
}

func TestEmbedderCarriesItsEncoder(t *testing.T) {
	e := form.Join(encoder(32))
	if e.ID() == encoder(32).ID() || !strings.HasSuffix(e.ID(), encoder(32).ID()) || e.Dim() != 32+form.Measures {
		t.Errorf("ID %q, dimensions %d", e.ID(), e.Dim())
	}
	if _, err := e.Embed(t.Context(), "text"); err != nil {
		t.Error(err)
	}
	if _, err := form.Join(encoder(form.Measures-1)).Embed(t.Context(), "text"); err == nil {
		t.Error("an encoder of too few values is taken")
	}
}

func FuzzOf(f *testing.F) {
	for _, text := range texts[:len(texts)-1] {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		v := form.Of(text)
		if square := dot(v[:], v[:]); !(math.Abs(square-1) < 1e-9) {
			t.Errorf("the form of %q has squared length %g", text, square)
		}
	})
}

func BenchmarkOf(b *testing.B) {
	text := strings.Repeat("How many words are there, and (A) which of them = 3? ", 20)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		form.Of(text)
	}
}

type encoder int

func (e encoder) Embed(context.Context, string) ([]float32, error) { return flat(int(e)), nil }
func (e encoder) ID() string                                       { return "flat" }
func (e encoder) Dim() int                                         { return int(e) }

func flat(dim int) []float32 {
	v := make([]float32, dim)
	for i := range v {
		v[i] = float32(1 / math.Sqrt(float64(dim)))
	}
	return v
}

func unit(rt *rapid.T, dim int, name string) []float32 {
	v := rapid.SliceOfN(rapid.Float32Range(-1, 1), dim, dim).Draw(rt, name)
	v[0] += 2
	length := math.Sqrt(dot(v, v))
	for i := range v {
		v[i] = float32(float64(v[i]) / length)
	}
	return v
}

func dot[T float32 | float64](a, b []T) float64 {
	sum := 0.0
	for i := range a {
		sum += float64(a[i]) * float64(b[i])
	}
	return sum
}
