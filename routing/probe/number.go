package probe

import (
	"cmp"
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
	// statedResult finds "= 12", "the answer is 12", "Output: 12"; group 3 is the start of a further
	// calculation, which makes the number an operand.
	statedResult = regexp.MustCompile(`(?i)(=|\banswer(?: is|:)|\bequals?|\bequal to|\btotal(?: is| of|:)|\bresult(?: is| of|:)|\boutput(?: is|:))[\s:$€£*"'` + "`" + `]*(` + numeral + `)(\s*[*+/×÷^]|\s+-\s*\d)?`)
	numberWords  = regexp.MustCompile(`(?i)\b(zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen|twenty)\b`)
)

// Score implements [Grader]. The result is the number after "the answer is", or else the last one
// stated as a result ("= 12", "total of 12"), or else the number that the answer starts with, or else
// the last number in it. An answer that says "the answer is" with different numbers has no result.
func (g Number) Score(answer string) float64 {
	got, ok := resultNumber(digitsForWords(answer))
	return boolScore(ok && math.Abs(got-g.Want) < 1e-6)
}

// resultNumber picks the number that an answer gives as its result.
func resultNumber(answer string) (float64, bool) {
	last, declared := "", ""
	for _, m := range statedResult.FindAllStringSubmatch(answer, -1) {
		if m[3] != "" {
			continue
		}
		last = m[2]
		if strings.HasPrefix(strings.ToLower(m[1]), "answer") {
			if declared != "" && declared != last {
				return 0, false
			}
			declared = last
		}
	}
	if result := cmp.Or(declared, last); result != "" {
		return parseNumeral(result)
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
