package catalogue

import (
	"strings"
	"testing"
)

// TestNamesAreRememberedInBounds: what is remembered is what parsing gives, and strangers cannot make it grow.
func TestNamesAreRememberedInBounds(t *testing.T) {
	long := strings.Repeat("x", MaxName+1)
	for _, name := range []string{"llama3.1:8b-instruct-q4_K_M", "meta-llama/Llama-3.1-8B-Instruct", "", "nobody's model", long} {
		first, again := Parse(name), Parse(name)
		if want := parse(name); first != want || again != want {
			t.Errorf("Parse(%q) = %+v, then %+v; want %+v", name, first, again, want)
		}
	}
	if parsed.Contains(long) {
		t.Error("a name longer than any is remembered")
	}
	for i := range 2 * maxParsed {
		Parse("made-up-" + strings.Repeat("i", i%MaxName) + string(rune('a'+i/MaxName)))
	}
	if n := parsed.Len(); n > maxParsed {
		t.Errorf("%d names are remembered, at most %d should be", n, maxParsed)
	}
}
