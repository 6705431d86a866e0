package probe

import (
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Keywords grades free answers by what they must mention: the score is the share of Groups of which
// at least one word occurs. A word matches as a whole word, whatever its case; one that ends in "*"
// matches every word with that start.
type Keywords struct {
	Groups   [][]string
	MaxWords int  // longer answers score 0; 0 means any length
	NoList   bool // an answer that offers options A, B, … instead of deciding scores 0
}

// optionLine matches the start of one option in a list of them.
var optionLine = regexp.MustCompile(`(?m)^\s*\(?[A-F][.)](?:\s|$)`)

// Score implements [Grader].
func (g Keywords) Score(answer string) float64 {
	if g.MaxWords > 0 && len(strings.Fields(answer)) > g.MaxWords {
		return 0
	}
	if g.NoList && len(optionLine.FindAllString(answer, 2)) > 1 {
		return 0
	}
	hit := 0
	for _, group := range g.Groups {
		for _, w := range group {
			if containsWord(answer, w) {
				hit++
				break
			}
		}
	}
	return float64(hit) / float64(len(g.Groups))
}

// mention grades by one group of accepted words.
func mention(words ...string) Keywords {
	return Keywords{Groups: [][]string{words}, NoList: true}
}

// containsWord reports whether text has word as a whole word, ignoring case.
func containsWord(text, word string) bool {
	stem, prefix := strings.CutSuffix(strings.ToLower(word), "*")
	text = strings.ToLower(text)
	for from := 0; ; {
		i := strings.Index(text[from:], stem)
		if i < 0 {
			return false
		}
		start, end := from+i, from+i+len(stem)
		if !letterBefore(text, start) && (prefix || !letterAfter(text, end)) {
			return true
		}
		from = start + 1
	}
}

// letterBefore reports whether a letter or digit ends at s[i].
func letterBefore(s string, i int) bool {
	r, n := utf8.DecodeLastRuneInString(s[:i])
	return n > 0 && isWordRune(r)
}

// letterAfter reports whether a letter or digit starts at s[i].
func letterAfter(s string, i int) bool {
	r, n := utf8.DecodeRuneInString(s[i:])
	return n > 0 && isWordRune(r)
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) } // "sp²" is one word

// Patterns grades by regular expressions: the score is the share of them that match.
type Patterns []*regexp.Regexp

// Score implements [Grader].
func (g Patterns) Score(answer string) float64 {
	hit := 0
	for _, re := range g {
		if re.MatchString(answer) {
			hit++
		}
	}
	return float64(hit) / float64(len(g))
}
