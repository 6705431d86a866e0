package form

import (
	"unicode"
	"unicode/utf8"
)

// codeWords are what a text with a program in it is known by.
var codeWords = map[string]bool{"def": true, "return": true, "assert": true, "function": true, "import": true, "class": true}

const (
	longestCodeWord = len("function")
	blank           = '\n' // stands before the text and after it
	// farthest is how many bytes from either end are read. A count is cut off long before; a megabyte must cost no more.
	farthest = 8 << 10
)

// tally counts a text rune by rune.
type tally struct {
	chars, words, lines, digits, letters, capitals, marks, options, questions, maths, brackets int

	code        bool
	first, last rune    // that are no blanks
	before      [4]rune // latest first
	word        []byte  // the letters up to here, one more than the longest code word at most
}

func tallyOf(text string) *tally {
	t := &tally{lines: 1, before: [4]rune{blank, blank, blank, blank}, word: make([]byte, 0, longestCodeWord+1)}
	if len(text) > 2*farthest {
		t.read(text[:farthest])
		text = text[len(text)-farthest:]
	}
	t.read(text)
	t.endsBefore(blank)
	return t
}

func (t *tally) read(text string) {
	for _, r := range text {
		if r != utf8.RuneError {
			t.endsBefore(r)
			t.count(r)
			t.before = [4]rune{r, t.before[0], t.before[1], t.before[2]}
		}
	}
}

// endsBefore counts what is known to be whole now that r follows it: an option mark, a code word.
func (t *tally) endsBefore(r rune) {
	if letter := t.before[1]; 'A' <= letter && letter <= 'E' && unicode.IsSpace(r) {
		closes := t.before[0] == ')' || t.before[0] == '.' || t.before[0] == ':'
		opens := unicode.IsSpace(t.before[2]) || t.before[2] == '(' && unicode.IsSpace(t.before[3])
		if closes && opens {
			t.options++
		}
	}
	switch letter := unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_'; {
	case !letter:
		t.code = t.code || codeWords[string(t.word)]
		t.word = t.word[:0]
	case len(t.word) <= longestCodeWord:
		t.word = append(t.word, byte(min(r, utf8.RuneSelf)))
	}
}

func (t *tally) count(r rune) {
	t.chars++
	switch {
	case unicode.IsSpace(r):
		if r == '\n' {
			t.lines++
		}
		return
	case unicode.IsLetter(r):
		t.letters++
		if unicode.IsUpper(r) {
			t.capitals++
		}
	case unicode.IsDigit(r):
		t.digits++
	default:
		t.marks++
	}
	if unicode.IsSpace(t.before[0]) {
		t.words++
	}
	if t.first == 0 {
		t.first = r
	}
	t.last = r
	switch r {
	case '?':
		t.questions++
	case '$', '\\':
		t.maths++
	case '{', '}', '[', ']', '(', ')', ';', '=':
		t.brackets++
	}
}
