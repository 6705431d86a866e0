package cache

import (
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"
)

// marks stand for what two texts must have in common, whatever their vectors say: sentence encoders put "17 + 25" beside
// "17 + 26", and a sentence beside its negation. They are the words with a digit, the operators between them, and the words
// that turn a sentence round, in their order.
type marks [sha256.Size]byte

// turning words of English; in other languages numbers alone are looked at.
var turning = []string{
	"no", "not", "never", "none", "neither", "nor", "without", "except", "unless", "cannot", "least", "less", "fewer", "most", "more", "before", "after",
	"above", "below", "over", "under", "all", "any", "only", "and", "or", "max", "maximum", "min", "minimum", "largest", "smallest", "highest", "lowest",
	"left", "right", "up", "down", "upper", "lower", "uppercase", "lowercase", "north", "south", "east", "west", "ascending", "descending", "even", "odd",
	"add", "remove", "open", "close", "start", "end", "stop", "encode", "decode", "encrypt", "decrypt", "buy", "sell", "import", "export",
	"first", "last", "increase", "decrease", "true", "false", "to", "from", "into", "shortest", "longest", "best", "worst",
}

const operators = "+-*/=<>^%&|!~×÷−≤≥≠$€£#"

func marksOf(text string) marks {
	h := sha256.New()
	for _, word := range strings.FieldsFunc(strings.ToLower(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !strings.ContainsRune(operators, r) && r != '.' && r != ',' && r != '\'' && r != '’'
	}) {
		word = strings.Trim(word, ".,'’")
		numbered := strings.ContainsFunc(word, unicode.IsNumber)
		if !numbered {
			word = strings.TrimRight(word, "!") // of a number it is the factorial
		}
		negated := strings.HasSuffix(word, "n't") || strings.HasSuffix(word, "n’t")
		if negated || numbered || strings.ContainsAny(word, operators) || slices.Contains(turning, word) {
			h.Write([]byte(word))
			h.Write([]byte{0})
		}
	}
	return marks(h.Sum(nil))
}
