package cache

import (
	"crypto/sha256"
	"hash/fnv"
	"slices"
	"strings"
	"unicode"
)

// wording is what two texts must have in common, whatever their vectors say: sentence encoders put "17 + 25" beside "17 + 26",
// a sentence beside its negation, "dog bites man" beside "man bites dog"; and ours folds case and accents and knows no emoji.
type wording struct {
	// marks are, in their order, the words that turn a sentence round, and as they are written those with a digit, an
	// operator, a capital within or what is not ASCII.
	marks [sha256.Size]byte
	words []uint32 // hashes of all words, in their order
}

// like: the marks are the same, and the words of both stand in the same order.
func (w wording) like(o wording) bool {
	return w.marks == o.marks && slices.Equal(w.shared(o), o.shared(w))
}

// shared are the words that o has as often.
func (w wording) shared(o wording) []uint32 {
	more := map[uint32]int{}
	for _, word := range w.words {
		more[word]++
	}
	for _, word := range o.words {
		more[word]--
	}
	return slices.DeleteFunc(slices.Clone(w.words), func(word uint32) bool { return more[word] != 0 })
}

// turning words of English; in other languages it is digits, signs and accents alone that are looked at.
var turning = []string{
	"no", "not", "never", "none", "neither", "nor", "without", "except", "unless", "cannot", "least", "less", "fewer", "most", "more", "before", "after",
	"above", "below", "over", "under", "all", "any", "only", "and", "or", "max", "maximum", "min", "minimum", "largest", "smallest", "highest", "lowest",
	"left", "right", "up", "down", "upper", "lower", "uppercase", "lowercase", "north", "south", "east", "west", "ascending", "descending", "even", "odd",
	"add", "remove", "open", "close", "start", "end", "stop", "encode", "decode", "encrypt", "decrypt", "buy", "sell", "import", "export",
	"first", "last", "increase", "decrease", "true", "false", "to", "from", "into", "shortest", "longest", "best", "worst",
	"who", "whose", "whom", "when", "where", "why", "how",
	"i", "me", "my", "mine", "you", "your", "yours", "he", "him", "his", "she", "her", "hers", "we", "our", "ours", "they", "them", "their", "theirs",
	"aint", "arent", "cant", "couldnt", "didnt", "doesnt", "dont", "hadnt", "hasnt", "havent", "isnt", "mustnt", "shouldnt", "wasnt", "werent", "wont", "wouldnt",
}

// negating beginnings of English words. Many words begin so that negate nothing; all they cost is a hit.
var negating = []string{"un", "in", "im", "il", "ir", "dis", "non"}

const operators = `+-*/=<>^%&|!~$#@_\()[]{}`

// foreign to ASCII, and neither a space nor what stands between words: letters with accents, emoji, signs.
func foreign(r rune) bool { return r > unicode.MaxASCII && !unicode.IsSpace(r) && !unicode.IsPunct(r) }

func wordingOf(text string) wording {
	var w wording
	h := sha256.New()
	for _, word := range strings.FieldsFunc(text, func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !foreign(r) && !strings.ContainsRune(operators, r) && r != '.' && r != ',' && r != '\'' && r != '’'
	}) {
		word = strings.TrimRight(strings.TrimLeft(word, ",'’"), ".,'’") // ".5" is not "5"
		if !strings.ContainsFunc(word, unicode.IsNumber) {
			word = strings.TrimRight(word, "!") // of a number it is the factorial
		}
		if word == "" {
			continue
		}
		lower := strings.ToLower(word)
		switch {
		case turns(lower):
			h.Write([]byte(lower + "\x00"))
		case asWritten(word):
			h.Write([]byte(word + "\x00"))
		}
		sum := fnv.New32a()
		sum.Write([]byte(lower))
		w.words = append(w.words, sum.Sum32())
	}
	w.marks = [sha256.Size]byte(h.Sum(nil))
	return w
}

// turns: the word, in lower case, may turn a sentence round, or one that hangs on it: "where's", "fever,not", "...no".
func turns(word string) bool {
	parts := strings.FieldsFunc(word, func(r rune) bool { return strings.ContainsRune(".,'’", r) })
	return strings.HasSuffix(word, "n't") || strings.HasSuffix(word, "n’t") || slices.ContainsFunc(parts, func(part string) bool {
		return slices.Contains(turning, part) ||
			slices.ContainsFunc(negating, func(begin string) bool { return len(part) > len(begin)+2 && strings.HasPrefix(part, begin) })
	})
}

// asWritten: each letter of the word counts.
func asWritten(word string) bool {
	return word[0] == '.' || strings.ContainsAny(word, operators) || strings.ContainsFunc(word, unicode.IsNumber) || strings.ContainsFunc(word, foreign) ||
		strings.ContainsFunc(word[1:], unicode.IsUpper)
}
