package probe

import (
	"regexp"
	"strings"
)

// Choice grades answers to a question with options A, B, C, …: 1 when the answer settles on the
// option with index Want, by letter or by text, else 0. An answer that names several options and
// decides for none scores 0.
type Choice struct {
	Options []string // in the order shown: A, B, C, …
	Want    int
}

var (
	statedLetter  = regexp.MustCompile(`(?i)\b(?:answer|choice|option|letter)(?:\s+is)?\s*[:\-]?\s*[("'*\s]*([a-f])\b(?:[).:,"'*]|\s*$|\s*\n|\s)`)
	leadingLetter = regexp.MustCompile(`^[("'*\s]*([A-Fa-f])(?:[).:,"'*\s]*$|[).:,"'*\-]+\s|\s*\n)`)
	markedLetter  = regexp.MustCompile(`\b([A-F])[).:]|\(([A-F])\)|\b([B-F])\b`)
)

// Score implements [Grader].
func (g Choice) Score(answer string) float64 {
	letter, ok := g.settledLetter(answer)
	texts := g.namedOptions(answer)
	switch {
	case ok && letter != g.Want:
		return 0
	case ok:
		// "B) hammer" where hammer is C names two options.
		first, one := g.textAfterLetter(answer, letter)
		return boolScore(!one || first == g.Want)
	case len(texts) == 1:
		return boolScore(texts[0] == g.Want)
	}
	return 0
}

// settledLetter finds the option that the answer decides for by its letter.
func (g Choice) settledLetter(answer string) (int, bool) {
	if m := statedLetter.FindAllStringSubmatch(answer, -1); m != nil {
		return g.index(m[len(m)-1][1])
	}
	if m := leadingLetter.FindStringSubmatch(answer); m != nil && !g.listsAll(answer) {
		return g.index(m[1])
	}
	found, n := -1, 0
	for _, m := range markedLetter.FindAllStringSubmatch(answer, -1) {
		if i, ok := g.index(m[1] + m[2] + m[3]); ok && i != found {
			found = i
			n++
		}
	}
	return found, n == 1
}

// listsAll reports whether the answer only repeats the list of options.
func (g Choice) listsAll(answer string) bool {
	return len(g.namedOptions(answer)) == len(g.Options)
}

// textAfterLetter finds the option text that directly follows the deciding letter.
func (g Choice) textAfterLetter(answer string, letter int) (int, bool) {
	mark := regexp.MustCompile(`(?i)\b` + string(rune('a'+letter)) + `\b[).:\s*"'-]*`)
	for _, at := range mark.FindAllStringIndex(answer, -1) {
		rest := strings.ToLower(answer[at[1]:])
		for i, text := range g.Options {
			if strings.HasPrefix(rest, strings.ToLower(text)) {
				return i, true
			}
		}
	}
	return 0, false
}

// namedOptions lists the options whose text occurs in the answer.
func (g Choice) namedOptions(answer string) []int {
	var named []int
	for i, text := range g.Options {
		if containsWord(answer, text) {
			named = append(named, i)
		}
	}
	return named
}

// index turns a letter into an option's index.
func (g Choice) index(letter string) (int, bool) {
	if letter == "" {
		return 0, false
	}
	i := int(strings.ToLower(letter)[0] - 'a')
	return i, i < len(g.Options)
}
