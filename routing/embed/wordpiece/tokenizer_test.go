package wordpiece_test

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"flotilla/routing/embed/wordpiece"
)

func TestNormalize(t *testing.T) {
	for _, c := range [][2]string{
		{"", ""},
		{" \t\r\n ", ""},
		{"Hello, World!", "hello , world !"},
		{"naïve CAFÉ — résumé", "naive cafe — resume"},
		{"a\u00a0b\u2003c\u3000d\u2028e", "a b c d e"},
		{"a\x00b\ufffdc\x07d\u200be\u00adf\x7fg\ue000h\u0085i", "abcdefghi"},
		{"\xff\xfe\x80a\xc3(", "a ("},
		{"日本語テキスト", "日 本 語 テキスト"},
		{"ガ", "カ"}, // the voiced mark is a non-spacing mark once decomposed
		{"İstanbul Iğdır", "istanbul igdır"},
		{"ΑΣ Straße ǅ", "ας straße ǆ"},
		{"[CLS] [unused1] ##ing", "[ cls ] [ unused1 ] # # ing"},
		{"x+y=3 a_b $5 ¥5 a™", "x + y = 3 a _ b $ 5 ¥5 a™"},
		{"a\u037eb c\u1fefd", "a ; b c ` d"}, // both decompose to ASCII punctuation
		{"e\u0323\u0301x\u0301", "ex"},
		{"\u0301\u0301", ""},
	} {
		want := strings.ReplaceAll(c[1], "ας", "ασ") // lower-casing knows no final sigma
		if got := wordpiece.Normalize(c[0]); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", c[0], got, want)
		}
	}
}

const vocab = "[PAD]\n[UNK]\n[CLS]\n[SEP]\nun\n##aff\n##able\nwant\n##want\n##ed\n,\nrunn\n##ing\na\n##a\n日\n##é\n"

func newTokenizer(t testing.TB) *wordpiece.Tokenizer {
	t.Helper()
	tok, err := wordpiece.New(vocab)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestEncode(t *testing.T) {
	tok := newTokenizer(t)
	for _, c := range []struct {
		text  string
		limit int
		want  []int32
	}{
		{"", 256, []int32{2, 3}},
		{"UNwantéd, running", 256, []int32{2, 4, 8, 9, 10, 11, 12, 3}},
		{"unaffable", 256, []int32{2, 4, 5, 6, 3}},
		{"unaffableX want", 256, []int32{2, 1, 7, 3}}, // one bad part makes the whole word unknown
		{"日日", 256, []int32{2, 15, 15, 3}},
		{"[CLS]", 256, []int32{2, 1, 1, 1, 3}},
		{strings.Repeat("a", 100), 256, append(append([]int32{2, 13}, slices.Repeat([]int32{14}, 99)...), 3)},
		{strings.Repeat("a", 101), 256, []int32{2, 1, 3}},
		{strings.Repeat("a\u0301", 101), 256, []int32{2, 1, 3}},
		{strings.Repeat("a", 1<<20) + " a", 256, []int32{2, 1, 13, 3}},
		{"unaffable want", 4, []int32{2, 4, 5, 3}},
		{"unaffable want", 2, []int32{2, 3}},
	} {
		if diff := cmp.Diff(c.want, tok.Encode(c.text, c.limit)); diff != "" {
			t.Errorf("Encode(%.20q, %d) (-want +got):\n%s", c.text, c.limit, diff)
		}
	}
}

func TestCut(t *testing.T) {
	tok := newTokenizer(t)
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"Want, unaffable want", 7, "want , unaffable"},
		{"Want, unaffable want", 6, "want , unaff"},
		{"Want, unaffable want", 5, "want , un"},
		{"Want, unaffable want", 99, "want , unaffable want"},
		{"", 5, ""},
	} {
		if got := tok.Cut(c.text, c.limit); got != c.want {
			t.Errorf("Cut(%q, %d) = %q, want %q", c.text, c.limit, got, c.want)
		}
	}
}

func TestNewNeedsSpecialPieces(t *testing.T) {
	if _, err := wordpiece.New("a\nb\n[CLS]\n"); err == nil || !strings.Contains(err.Error(), "[SEP] is missing") || !strings.Contains(err.Error(), "[UNK] is missing") {
		t.Errorf("error %v", err)
	}
}

func checkText(t interface{ Errorf(string, ...any) }, tok *wordpiece.Tokenizer, text string) {
	norm := wordpiece.Normalize(text)
	if !utf8.ValidString(norm) || strings.ContainsAny(norm, "\x00\ufffd\n\t") || strings.Contains(norm, "  ") {
		t.Errorf("Normalize(%q) = %q", text, norm)
	}
	if again := wordpiece.Normalize(norm); again != norm {
		t.Errorf("Normalize(%q) = %q, and again %q", text, norm, again)
	}
	for _, limit := range []int{2, 3, 8, 256} {
		ids := tok.Encode(text, limit)
		if len(ids) > limit || ids[0] != 2 || ids[len(ids)-1] != 3 {
			t.Errorf("Encode(%q, %d) = %v", text, limit, ids)
		}
		if other := tok.Encode(norm, limit); !slices.Equal(ids, other) {
			t.Errorf("Encode(%q) = %v, normalised first %v", text, ids, other)
		}
		if cut := tok.Cut(text, limit); !slices.Equal(tok.Encode(cut, 1<<20), ids) || !strings.HasPrefix(norm, cut) {
			t.Errorf("Cut(%q, %d) = %q encodes to other ids, or is no prefix of %q", text, limit, cut, norm)
		}
	}
}

func TestProperties(t *testing.T) {
	tok := newTokenizer(t)
	words := rapid.SliceOf(rapid.OneOf(
		rapid.String(), rapid.SampledFrom(strings.Split(strings.ReplaceAll(vocab, "##", ""), "\n")),
		rapid.SampledFrom([]string{" ", "\u0301", "É", "漢", "\xff", "\u037e", "\u1fef", "\u0f73", "\u0344", "한", strings.Repeat("a", 400)})))
	rapid.Check(t, func(t *rapid.T) { checkText(t, tok, strings.Join(words.Draw(t, "words"), "")) })
}

func FuzzTokenizer(f *testing.F) {
	for _, s := range []string{"", "hello", "\xff\xfe\x80a", "e\u0301", "漢字", "[CLS]", "a\u037eb", strings.Repeat("é", 600)} {
		f.Add(s)
	}
	tok := newTokenizer(f)
	f.Fuzz(func(t *testing.T, text string) { checkText(t, tok, text) })
}
