package guard

import (
	"strings"
	"unicode"
)

// word is one run of letters or digits of a text, lower case, with the bytes it came from.
type word struct {
	text       string
	start, end int
}

const (
	// maxWords bounds the work on one text. The sentence encoder reads 256 tokens, so text beyond four times as many
	// words counts only after three quarters of what stands before it were cut.
	maxWords = 1024
	// maxWordBytes bounds one word; what is longer is no word of any table.
	maxWordBytes = 64
	// number stands for every run of digits: which number it is says nothing about how usual the text is.
	number = "0"
)

// words reads up to maxWords words. Letters of scripts without spaces between words stand alone, and what is invisible
// (zero-width and other format characters, combining marks) is skipped, so that it cannot hide a word.
func words(text string) []word {
	var out []word
	var b strings.Builder
	start, last := -1, 0
	digits := false
	flush := func() {
		if start >= 0 {
			w := word{b.String(), start, last}
			if digits {
				w.text = number
			}
			out = append(out, w)
		}
		b.Reset()
		start, digits = -1, false
	}
	for i, r := range text {
		letter, digit := unicode.IsLetter(r), unicode.IsDigit(r)
		switch {
		case unicode.In(r, unicode.Cf, unicode.Mn):
			continue
		case !letter && !digit:
			flush()
		case start >= 0 && (digit != digits || alone(r)):
			flush()
		}
		if len(out) >= maxWords {
			return out
		}
		if !letter && !digit {
			continue
		}
		if start < 0 {
			start, digits = i, digit
		}
		if last = i + len(string(r)); b.Len() < maxWordBytes {
			b.WriteRune(unicode.ToLower(r))
		}
		if alone(r) {
			flush()
		}
	}
	flush()
	return out[:min(len(out), maxWords)]
}

// alone says whether a letter is of a script that writes words without spaces between them.
func alone(r rune) bool {
	return r > unicode.MaxLatin1 && unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan)
}
