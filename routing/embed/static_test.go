package embed

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"flotilla/routing/embed/wordpiece"

	"github.com/google/go-cmp/cmp"
)

func openStaticT(t testing.TB) *Static {
	t.Helper()
	s, err := NewStatic()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestStaticIsNearMiniLM: the table is for this vocabulary and its neighbours are MiniLM's.
func TestStaticIsNearMiniLM(t *testing.T) {
	s := openStaticT(t)
	embed := func(text string) []float32 {
		v, err := s.Embed(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, c := range []struct{ text, near, far string }{
		{"Solve the equation x + 3 = 7 for x.", "What is the value of y if 2y - 5 = 11?", "Which river flows through Paris?"},
		{"Write a Python function that sorts a list.", "Implement quicksort in Java.", "Who painted the Mona Lisa?"},
		{"Which drug treats high blood pressure?", "Name a medicine for a patient with heart disease.", "Translate this sentence into French."},
	} {
		v := embed(c.text)
		if near, far := cosine(v, embed(c.near)), cosine(v, embed(c.far)); !(near > far) {
			t.Errorf("%q: cosine %.3f to %q, %.3f to %q", c.text, near, c.near, far, c.far)
		}
	}
}

// TestStaticBits: integers, so every machine gives these very bits.
func TestStaticBits(t *testing.T) {
	const want = "40ac2883f5fbe1b7"
	s, all := openStaticT(t), sha256.New()
	for _, g := range readGolden(t) {
		v, err := s.Embed(t.Context(), g.Text)
		if err != nil {
			t.Fatal(err)
		}
		if err := binary.Write(all, binary.LittleEndian, v); err != nil {
			t.Fatal(err)
		}
	}
	if got := hex.EncodeToString(all.Sum(nil)[:8]); got != want {
		t.Errorf("bits %s, want %s", got, want)
	}
}

func TestStaticHonoursContext(t *testing.T) {
	cause := errors.New("client gone")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	if v, err := openStaticT(t).Embed(ctx, "text"); !errors.Is(err, cause) || v != nil {
		t.Errorf("got %d values, error %v; want %v", len(v), err, cause)
	}
}

func TestStaticID(t *testing.T) {
	s := openStaticT(t)
	if sum, ok := strings.CutPrefix(s.ID(), "static-minilm/int-1/wordpiece-1/"); !ok || len(sum) != 64 {
		t.Errorf("ID %s; stored indexes must be rebuilt when it changes", s.ID())
	}
}

// TestEncodeStatic: what comes out of a file is what went in, to half a step of its row.
func TestEncodeStatic(t *testing.T) {
	const dim = 8
	table := make([]float32, 4*dim)
	copy(table, []float32{1, -0.5, 0.25})
	copy(table[2*dim:], []float32{0.01, 0.02, -0.03})
	table[3*dim] = -1e-9
	s, err := openStatic(string(EncodeStatic(table, dim)), 4)
	if err != nil {
		t.Fatal(err)
	}
	for i, want := range table {
		row := i / dim
		got := float64(int8(s.rows[i])) * float64(s.scale[row]) / 127 / maxStaticScale
		if step := float64(s.scale[row]) / 127 / maxStaticScale; math.Abs(got-float64(want)) > step/2+1e-9 {
			t.Errorf("value %d is %v, want %v", i, got, want)
		}
	}
}

func TestOpenStaticRefusesDamage(t *testing.T) {
	good := string(EncodeStatic(make([]float32, 16), 8))
	for name, c := range map[string]struct{ file, want string }{
		"empty":       {"", "not a FLOTSTA1 file"},
		"other file":  {strings.Repeat("x", 200), "not a FLOTSTA1 file"},
		"cut":         {good[:len(good)-1], "remake it"},
		"too long":    {good + "x", "remake it"},
		"bit flipped": {good[:len(good)-1] + "x", "sha256 does not match"},
		"dimension":   {good[:len(staticMagic)+4] + "\xff\xff\xff\xff" + good[len(staticMagic)+8:], "remake it"},
	} {
		if _, err := openStatic(c.file, 2); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
	if _, err := openStatic(good, 3); err == nil || !strings.Contains(err.Error(), "want 3 rows") {
		t.Errorf("another vocabulary: error %v", err)
	}
}

func FuzzStatic(f *testing.F) {
	for _, s := range []string{"", "hello", "\x00", "\xff\xfe\x80a", "e\u0301", "漢字", "[CLS]", strings.Repeat("the ", 300)} {
		f.Add(s)
	}
	s := openStaticT(f)
	f.Fuzz(func(t *testing.T, text string) {
		v, err := s.Embed(t.Context(), text)
		if err != nil || len(v) != s.Dim() {
			t.Fatalf("%d values, error %v", len(v), err)
		}
		square := 0.0
		for _, x := range v {
			square += float64(x) * float64(x)
		}
		if !(math.Abs(square-1) < 1e-5) {
			t.Fatalf("squared length %v", square)
		}
		if again, err := s.Embed(t.Context(), wordpiece.Normalize(text)); err != nil || !slices.Equal(v, again) {
			t.Fatalf("normalised text %q embeds differently: %s", wordpiece.Normalize(text), cmp.Diff(v, again))
		}
	})
}

// BenchmarkStatic embeds texts of the given numbers of tokens, of many different English words, so that rows come from
// memory.
func BenchmarkStatic(b *testing.B) {
	s := openStaticT(b)
	phrases, err := os.ReadFile("hugotembed/testdata/phrases.txt")
	if err != nil {
		b.Fatal(err)
	}
	words := slices.DeleteFunc(strings.Fields(string(phrases)), func(w string) bool {
		return strings.IndexFunc(w, func(r rune) bool { return r > 'z' }) >= 0
	})
	for _, tokens := range []int{8, 64, 256} {
		text := ""
		for i := 0; len(s.tokenizer.Encode(text, 1000)) < tokens; i++ {
			text += words[i*7%len(words)] + " "
		}
		b.Run(strconv.Itoa(tokens), func(b *testing.B) {
			for b.Loop() {
				if _, err := s.Embed(b.Context(), text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
