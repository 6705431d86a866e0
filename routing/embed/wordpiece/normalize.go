package wordpiece

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// RuleVersion names the normalisation and splitting rules below. It is part of every embedder fingerprint: raise it
// whenever a change makes any text split differently, because stored vectors stop matching then.
const RuleVersion = "wordpiece-1"

// Words yields the basic tokens of text in order, by the rules of BERT's uncased tokenizer: U+0000, U+FFFD, invalid
// UTF-8, control, format and private-use code points are dropped; white space separates; every CJK
// ideograph and every punctuation mark stands alone; the rest is decomposed (NFD), stripped of non-spacing marks and
// lower-cased. A word too long for any vocabulary is cut short. Literal special tokens such as "[CLS]" are ordinary text and come out as "[", "cls", "]".
//
// The yielded bytes are valid until the next iteration. Stopping early leaves the rest of text unread.
func Words(text string) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		s := splitter{yield: yield}
		for i := 0; i < len(text); {
			r, size := rune(text[i]), 1
			if r >= utf8.RuneSelf {
				r, size = utf8.DecodeRuneInString(text[i:])
			}
			i += size
			if !s.add(r) {
				return
			}
		}
		s.flush()
	}
}

// Normalize returns the basic tokens of text joined by single spaces: a plain, lower-case, valid UTF-8 string without
// control characters or special tokens. Encoding it gives the same pieces as encoding text, and Normalize of it is
// itself, so it may stand in front of tokenizers with weaker rules.
func Normalize(text string) string {
	var b strings.Builder
	for w := range Words(text) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.Write(w)
	}
	return b.String()
}

// maxChunk bounds the bytes of one word that are kept. Every code point in a chunk leaves at least one behind after
// decomposition, so a chunk this long is beyond maxWordRunes and its word is [UNK] however it goes on.
const maxChunk = 1024

// greekVaria is the only code point outside the categories P* that decomposes to punctuation (to a grave accent).
const greekVaria = 0x1FEF

// splitter gathers a chunk of text between separators, then splits it into words.
type splitter struct {
	yield      func([]byte) bool
	chunk      []byte // cleaned, not yet decomposed
	nonASCII   bool
	decomposed []byte
	word       []byte
}

// add takes the next code point of the text; false means that the consumer has had enough.
func (s *splitter) add(r rune) bool {
	switch {
	case isSpace(r):
		return s.flush()
	case isDropped(r):
		return true
	case isPunct(r) || isIdeograph(r) || r == greekVaria:
		// Starters that no decomposition reaches across: splitting here first changes nothing, and keeps megabytes
		// of them from being gathered before the first word is yielded.
		if !s.flush() {
			return false
		}
		s.push(r)
		return s.flush()
	case len(s.chunk) < maxChunk && !isMark(r):
		s.push(r)
	}
	return true
}

func (s *splitter) push(r rune) {
	s.chunk = utf8.AppendRune(s.chunk, r)
	s.nonASCII = s.nonASCII || r >= utf8.RuneSelf
}

// flush yields the words of the gathered chunk and empties it.
func (s *splitter) flush() bool {
	if len(s.chunk) == 0 {
		return true
	}
	chunk := s.chunk
	if s.nonASCII {
		s.decomposed = norm.NFD.Append(s.decomposed[:0], chunk...)
		chunk = s.decomposed
	}
	s.chunk, s.nonASCII = s.chunk[:0], false
	return s.split(chunk)
}

// split strips the marks of a decomposed chunk, lower-cases it and yields its words; decomposition may have brought
// white space and punctuation that add did not see.
func (s *splitter) split(chunk []byte) bool {
	for i := 0; i < len(chunk); {
		r, size := rune(chunk[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(chunk[i:])
		}
		i += size
		switch {
		case isMark(r):
		case isSpace(r):
			if !s.emit() {
				return false
			}
		case isPunct(r):
			if !s.emit() {
				return false
			}
			s.word = utf8.AppendRune(s.word, r)
			if !s.emit() {
				return false
			}
		default:
			s.word = utf8.AppendRune(s.word, lower(r))
		}
	}
	return s.emit()
}

// emit yields the current word, if there is one, and starts the next.
func (s *splitter) emit() bool {
	if len(s.word) == 0 {
		return true
	}
	ok := s.yield(s.word)
	s.word = s.word[:0]
	return ok
}

func isMark(r rune) bool { return r >= 0x300 && unicode.Is(unicode.Mn, r) }

func lower(r rune) rune {
	if r < utf8.RuneSelf {
		if 'A' <= r && r <= 'Z' {
			r += 'a' - 'A'
		}
		return r
	}
	return unicode.ToLower(r)
}

// isSpace: of the control characters only tab, line feed and carriage return separate words; the others are dropped.
func isSpace(r rune) bool {
	if r < utf8.RuneSelf {
		return r == ' ' || r == '\t' || r == '\n' || r == '\r'
	}
	return r != 0x85 && unicode.IsSpace(r)
}

// isDropped says whether r leaves no trace: U+FFFD (also what invalid UTF-8 decodes to) and the categories Cc, Cf
// and Co. Unassigned code points stay and usually make their word [UNK].
func isDropped(r rune) bool {
	if r < utf8.RuneSelf {
		return r < ' ' || r == 0x7F
	}
	return r == utf8.RuneError || !unicode.IsGraphic(r) && unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co)
}

// isPunct: all ASCII symbols count as punctuation, beyond ASCII only the Unicode categories P*.
func isPunct(r rune) bool {
	if r < utf8.RuneSelf {
		return '!' <= r && r <= '/' || ':' <= r && r <= '@' || '[' <= r && r <= '`' || '{' <= r && r <= '~'
	}
	return unicode.IsPunct(r)
}

// isIdeograph lists the blocks that BERT's reference tokenizer calls Chinese characters; Hangul, Hiragana and
// Katakana are not among them.
func isIdeograph(r rune) bool {
	return 0x4E00 <= r && r <= 0x9FFF || 0x3400 <= r && r <= 0x4DBF || 0x20000 <= r && r <= 0x2A6DF ||
		0x2A700 <= r && r <= 0x2B73F || 0x2B740 <= r && r <= 0x2B81F || 0x2B920 <= r && r <= 0x2CEAF ||
		0xF900 <= r && r <= 0xFAFF || 0x2F800 <= r && r <= 0x2FA1F
}
