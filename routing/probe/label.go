package probe

import (
	"regexp"
	"slices"
	"strings"
)

// Label grades answers that must choose one of two labels, such as yes or no: 1 when the first
// label that the answer asserts is Want, else 0.
type Label struct {
	Want, Other []string // words that stand for the right label and for the wrong one
	Before      []string // if set, the only words that may directly follow a label on its line: "positive
	// review" is a verdict, "positive reinforcement" is not
}

// negation matches what turns a following label round; such a mention asserts nothing.
var negation = regexp.MustCompile(`(?i)(?:\bnot|n't|\bnever|\bneither|\bnor|\brather than|\binstead of)(?:\s+(?:a|an|the|very|at all|really))*\s+$`)

// maxNegation is more bytes than a negation has: what stands farther before a word is not looked at, or a long answer would
// be read anew for each of its words.
const maxNegation = 64

// negated reports whether a negation stands directly before the word at i.
func negated(answer string, i int) bool {
	return negation.MatchString(answer[max(0, i-maxNegation):i])
}

// nextWord matches a word that follows without any punctuation in between.
var nextWord = regexp.MustCompile(`^\s+(\pL+)`)

// Score implements [Grader]. "positive or negative" only repeats the question and is skipped.
func (g Label) Score(answer string) float64 {
	right, wrong := wordsPattern(g.Want), wordsPattern(g.Other)
	either := regexp.MustCompile(`(?i)\b(?:` + right + `)\b\W{0,3}\s*(?:or|and|vs\.?|/)\s*\W{0,3}\b(?:` + wrong + `)\b|\b(?:` + wrong + `)\b\W{0,3}\s*(?:or|and|vs\.?|/)\s*\W{0,3}\b(?:` + right + `)\b`)
	answer = either.ReplaceAllString(answer, " ")
	labels := regexp.MustCompile(`(?i)\b(?:(` + right + `)|(?:` + wrong + `))\b`)
	for _, at := range labels.FindAllStringSubmatchIndex(answer, -1) {
		if negated(answer, at[0]) || !g.mayPrecede(answer[at[1]:]) {
			continue
		}
		return boolScore(at[2] >= 0)
	}
	return 0
}

// mayPrecede reports whether what follows a label leaves it a verdict.
func (g Label) mayPrecede(rest string) bool {
	line, _, _ := strings.Cut(rest, "\n")
	next := nextWord.FindStringSubmatch(line)
	return len(g.Before) == 0 || next == nil || slices.Contains(g.Before, strings.ToLower(next[1]))
}

// wordsPattern is a regexp alternation of literal words.
func wordsPattern(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = regexp.QuoteMeta(w)
	}
	return strings.Join(quoted, "|")
}
