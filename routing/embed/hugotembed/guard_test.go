package hugotembed

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"
)

// newCasedGuard reads a guard for a tokenizer that must not be lower-cased.
func newCasedGuard(t testing.TB) *guard {
	t.Helper()
	dir := t.TempDir()
	file := `{"added_tokens":[{"content":"<s>"},{"content":"</s>"},{"content":"[MASK]"},{"content":"é"}],"model":{"type":"BPE"}}`
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.json"), []byte(file), 0o644); err != nil {
		t.Fatal(err)
	}
	g, err := readGuard(dir, 4)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestGuardKeepsCaseForOtherTokenizers(t *testing.T) {
	g := newCasedGuard(t)
	for _, c := range [][2]string{
		{"Café\u00a0au\tlait", "Café au lait"},
		{"a\x00b\xffc\ufffdd\x07e", "abcde"},
		{"<s>Hi</s> [MASK]", "< s>Hi< /s> [ MASK]"},
		{strings.Repeat("x", 1000), strings.Repeat("x", 4*runesPerToken)},
		{"", ""},
	} {
		if got := g.prepare(c[0]); got != c[1] {
			t.Errorf("prepare(%.30q) = %q, want %q", c[0], got, c[1])
		}
	}
}

func FuzzGuard(f *testing.F) {
	f.Add("<s<s>>")
	f.Add("\xff[MASK\x00]")
	g := newCasedGuard(f)
	f.Fuzz(func(t *testing.T, text string) {
		got := g.prepare(text)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x00\n\ufffd") || utf8.RuneCountInString(got) > 2*4*runesPerToken {
			t.Errorf("prepare(%q) = %q", text, got)
		}
		for _, special := range []string{"<s>", "</s>", "[MASK]"} {
			if strings.Contains(got, special) {
				t.Errorf("prepare(%q) = %q still holds %s", text, got, special)
			}
		}
	})
}
