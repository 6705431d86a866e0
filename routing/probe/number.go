package probe

import (
	"math"
	"regexp"
	"strconv"
	"strings"
)

// Number grades answers whose result is one number: 1 when the answer's result is Want, else 0.
type Number struct {
	Want float64
}

const numeral = `-?\d[\d,]*(?:\.\d+)?`

var (
	anyNumber     = regexp.MustCompile(numeral)
	leadingNumber = regexp.MustCompile(`^[*\s$€£(]*(` + numeral + `)(?:[^\d+*/×÷=%^-]*(?:[.!;\n]|$)|[ \t]+[A-Za-z])`)
	statedResult  = regexp.MustCompile(`(?i)(?:=|\banswer(?: is|:)|\bequals?|\bequal to|\btotal(?: is| of|:)|\bresult(?: is| of|:))[\s:$€£*]*(` + numeral + `)`)
	numberWords   = regexp.MustCompile(`(?i)\b(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)\b`)
)

// Score implements [Grader]. The result is the number that the answer starts with, or else the last
// one it states as a result ("= 12", "the answer is 12"), or else the last number in it.
func (g Number) Score(answer string) float64 {
	got, ok := resultNumber(digitsForWords(answer))
	if ok && math.Abs(got-g.Want) < 1e-6 {
		return 1
	}
	return 0
}

// resultNumber picks the number that an answer gives as its result.
func resultNumber(answer string) (float64, bool) {
	if m := statedResult.FindAllStringSubmatch(answer, -1); m != nil {
		return parseNumeral(m[len(m)-1][1])
	}
	if m := leadingNumber.FindStringSubmatch(answer); m != nil {
		return parseNumeral(m[1])
	}
	if m := anyNumber.FindAllString(answer, -1); m != nil {
		return parseNumeral(m[len(m)-1])
	}
	return 0, false
}

// parseNumeral reads "1,234.50"; a trailing comma belongs to the sentence.
func parseNumeral(s string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	return v, err == nil
}

// digitsForWords writes the number words up to twenty as digits, as in "There are five left".
func digitsForWords(s string) string {
	words := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty")
	return numberWords.ReplaceAllStringFunc(s, func(w string) string {
		for i, word := range words {
			if strings.EqualFold(w, word) {
				return strconv.Itoa(i)
			}
		}
		return w
	})
}
