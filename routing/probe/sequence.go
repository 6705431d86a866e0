package probe

import (
	"math"
	"strconv"
	"strings"
)

// Sequence grades "what comes next" answers: 1 when the next number is Want, else 0. Repeating the
// given numbers before it, or going on with further ones after it, is fine.
type Sequence struct {
	Given []int
	Want  int
}

// Score implements [Grader].
func (g Sequence) Score(answer string) float64 {
	answer = digitsForWords(answer)
	if rest, ok := g.afterGiven(answer); ok {
		answer = rest
	} else if got, ok := statedNext(answer); ok {
		return boolScore(got == float64(g.Want))
	}
	first := anyNumber.FindString(answer)
	got, ok := parseNumeral(first)
	return boolScore(ok && math.Abs(got-float64(g.Want)) < 1e-6)
}

// afterGiven returns what follows the last repetition of the given numbers.
func (g Sequence) afterGiven(answer string) (string, bool) {
	parts := make([]string, len(g.Given))
	for i, n := range g.Given {
		parts[i] = strconv.Itoa(n)
	}
	i := strings.LastIndex(answer, strings.Join(parts, ", "))
	if i < 0 {
		return "", false
	}
	rest := answer[i+len(strings.Join(parts, ", ")):]
	return rest, anyNumber.MatchString(rest)
}

// statedNext finds "is 12" and the like: the first number after the word "is".
func statedNext(answer string) (float64, bool) {
	_, rest, found := strings.Cut(strings.ToLower(answer), " is ")
	if !found {
		return 0, false
	}
	return parseNumeral(anyNumber.FindString(rest))
}

// boolScore is 1 for true.
func boolScore(ok bool) float64 {
	if ok {
		return 1
	}
	return 0
}
