package probe

import (
	"cmp"
	"regexp"
	"slices"
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
	markedLetter  = regexp.MustCompile(`\b([A-F])[).:]|\(([A-F])\)|\b([B-F])\b|\b(A)\s+is\s+(?:the\s+)?(?:correct|right|best)\b|\b(?:[Ii]t\s+is|[Ii]t's|Ans:)\s+(A)\s*$`)
	// dressed is a letter or text that stands in something typeset, as \boxed{A} or `A`.
	dressed = regexp.MustCompile("\\$?\\\\(?:boxed|text|textbf|mathrm)\\{([^{}]*)\\}\\$?|`([A-F])`|\\[([A-F])\\]|<([A-F])>")
)

// Score implements [Grader].
func (g Choice) Score(answer string) float64 {
	for range 2 { // \boxed{\text{A}}
		answer = dressed.ReplaceAllString(answer, "$1$2$3$4")
	}
	texts, rest := g.namedOptions(answer)
	letter, ok := g.settledLetter(rest, len(texts) == len(g.Options))
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

// settledLetter finds the option that the answer, less the options' texts, decides for by its letter. One that names all
// options and begins with a letter only repeats the list.
func (g Choice) settledLetter(answer string, listsAll bool) (int, bool) {
	for _, at := range slices.Backward(statedLetter.FindAllStringSubmatchIndex(answer, -1)) {
		if letter := answer[at[2]:at[3]]; letter != "a" || !nextWord.MatchString(answer[at[3]:]) { // "the answer is a hammer"
			return g.index(letter)
		}
	}
	if m := leadingLetter.FindStringSubmatch(answer); m != nil && !listsAll {
		return g.index(m[1])
	}
	found, n := -1, 0
	for _, m := range markedLetter.FindAllStringSubmatch(answer, -1) {
		if i, ok := g.index(strings.Join(m[1:], "")); ok && i != found {
			found = i
			n++
		}
	}
	return found, n == 1
}

// textAfterLetter finds the option text that directly follows the deciding letter: the longest, as one may begin like
// another.
func (g Choice) textAfterLetter(answer string, letter int) (int, bool) {
	mark := regexp.MustCompile(`(?i)\b` + string(rune('a'+letter)) + `\b[).:\s*"'-]*`)
	for _, at := range mark.FindAllStringIndex(answer, -1) {
		rest := strings.ToLower(answer[at[1]:])
		for _, i := range g.longestFirst() {
			if strings.HasPrefix(rest, strings.ToLower(g.Options[i])) {
				return i, true
			}
		}
	}
	return 0, false
}

// namedOptions lists the options whose text occurs in the answer, and returns the answer with each of these texts made
// the word standIn: a letter in "vitamin C" names no option. A text inside a longer option's is not that option.
func (g Choice) namedOptions(answer string) (named []int, rest string) {
	for _, i := range g.longestFirst() {
		found := false
		if answer, found = replaceWord(answer, g.Options[i]); found {
			named = append(named, i)
		}
	}
	return named, answer
}

// standIn stands for an option's text. It must not be one of the words of statedLetter.
const standIn = "text"

// replaceWord puts standIn in the place of a text that stands in the answer as whole words, whatever its case.
func replaceWord(answer, text string) (replaced string, found bool) {
	var b strings.Builder
	from := 0
	for _, at := range regexp.MustCompile(`(?i)`+regexp.QuoteMeta(text)).FindAllStringIndex(answer, -1) {
		if letterBefore(answer, at[0]) || letterAfter(answer, at[1]) {
			continue
		}
		b.WriteString(answer[from:at[0]])
		b.WriteString(standIn)
		from, found = at[1], true
	}
	b.WriteString(answer[from:])
	return b.String(), found
}

// longestFirst is the options' numbers by falling length of their texts.
func (g Choice) longestFirst() []int {
	order := make([]int, len(g.Options))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(len(g.Options[b]), len(g.Options[a])) })
	return order
}

// index turns a letter into an option's index.
func (g Choice) index(letter string) (int, bool) {
	if letter == "" {
		return 0, false
	}
	i := int(strings.ToLower(letter)[0] - 'a')
	return i, i < len(g.Options)
}
