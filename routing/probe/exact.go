package probe

import "strings"

// Exact grades answers that must be a given text: 1 when the answer is Want, give or take quotes,
// surrounding punctuation and case; also when it introduces Want ("The reversed word is …").
// An answer with any of Not in it only repeats the task and scores 0.
type Exact struct {
	Want string
	Not  []string
}

// Score implements [Grader].
func (g Exact) Score(answer string) float64 {
	for _, w := range g.Not {
		if containsWord(answer, w) {
			return 0
		}
	}
	return boolScore(containsWord(squeeze(answer), squeeze(g.Want)))
}

// squeeze makes runs of white space one space.
// and drops the "and" before the last item of a list.
func squeeze(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), ", and ", ", ")
}
