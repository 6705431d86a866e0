package probe

import (
	"cmp"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Number grades answers whose result is one number: 1 when the answer's result is Want, else 0.
type Number struct {
	Want float64
}

const (
	units    = `one|two|three|four|five|six|seven|eight|nine`
	tens     = `twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety`
	below100 = `(?:` + tens + `)(?:[ -](?:` + units + `))?|` + units + `|zero|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|seventeen|eighteen|nineteen`
)

const numeral = `-?\d[\d,]*(?:\.\d+)?`

var (
	anyNumber     = regexp.MustCompile(numeral)
	leadingNumber = regexp.MustCompile(`^[*\s$€£(]*(` + numeral + `)(?:[^\d+*/×÷=%^-]*(?:[.!;\n]|$)|[ \t]+\(?[A-Za-z])`)
	// steps is an answer that begins as a list; its marks, listMark, are no numbers of the calculation.
	steps    = regexp.MustCompile(`(?s)^\s*1[.)]\s.*\n\s*2[.)]\s`)
	listMark = regexp.MustCompile(`(?m)^[ \t]*\d{1,2}[.)][ \t]+`)
	// statedResult finds "= 12", "the answer is 12", "Output: 12"; group 3 is the start of a further
	// calculation, which makes the number an operand.
	statedResult = regexp.MustCompile(`(?i)(=|\banswer(?: is|:)|\bequals?|\bequal to|\btotal(?: is| of|:)|\bresult(?: is| of|:)|\boutput(?: is|:))[\s:$€£*"'` + "`" + `]*(` + numeral + `)(\s*[*+/×÷^]|\s+-\s*\d)?`)
	numberWords  = regexp.MustCompile(`(?i)\b(?:(` + units + `)\s+hundred(?:(?:\s+and)?\s+(` + below100 + `))?|(` + below100 + `))\b`)
	fullHour     = regexp.MustCompile(`\b(\d{1,2}):00\b`)
)

// Score implements [Grader]. The result is the number after "the answer is", or else the last one
// stated as a result ("= 12", "total of 12"), or else the number that the answer starts with, or else
// the last number in it that is not denied ("not 12"). An answer that says "the answer is" with different numbers has no
// result.
func (g Number) Score(answer string) float64 {
	answer = fullHour.ReplaceAllString(digitsForWords(answer), "$1")
	got, ok := resultNumber(strings.ReplaceAll(answer, "−", "-"))
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
	if steps.MatchString(answer) {
		answer = listMark.ReplaceAllString(answer, "")
	}
	if m := leadingNumber.FindStringSubmatch(answer); m != nil {
		return parseNumeral(m[1])
	}
	for _, at := range slices.Backward(anyNumber.FindAllStringIndex(answer, -1)) {
		if !negated(answer, at[0]) {
			return parseNumeral(answer[at[0]:at[1]])
		}
	}
	return 0, false
}

// parseNumeral reads "1,234.50"; a trailing comma belongs to the sentence.
func parseNumeral(s string) (float64, bool) {
	v, err := strconv.ParseFloat(strings.ReplaceAll(s, ",", ""), 64)
	return v, err == nil
}

// digitsForWords writes number words below a thousand as digits, as in "There are twenty-five left".
func digitsForWords(s string) string {
	return numberWords.ReplaceAllStringFunc(s, func(w string) string {
		m := numberWords.FindStringSubmatch(w)
		return strconv.Itoa(100*wordsBelow100(m[1]) + wordsBelow100(m[2]) + wordsBelow100(m[3]))
	})
}

// wordsBelow100 reads one of below100, or nothing as 0.
func wordsBelow100(s string) int {
	small := strings.Fields("zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen")
	sum := 0
	for _, word := range strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ' ' || r == '-' }) {
		if i := slices.Index(strings.Split(tens, "|"), word); i >= 0 {
			sum += 10 * (i + 2)
		} else {
			sum += slices.Index(small, word)
		}
	}
	return sum
}
