// Package form measures how a text is written (its length, option marks, code and maths signs, how it begins and ends)
// and gives these measures half a say in what counts as near. A sentence encoder sees what a prompt is about; which
// models answer it well depends as much on what kind of prompt it is: on ulab14 a third of the forty prompts nearest by
// MiniLM alone belong to another task (docs/decisions/0010-what-moves-a-router.md).
package form

import "math"

// Measures is how many values describe a text's form.
const Measures = 16

// The measures of a text, in this order.
const (
	chars        = iota // log₂ of characters + 1
	words               // log₂ of words + 1
	lines               // log₂ of lines + 1
	digitShare          // of the characters
	capitalShare        // of the letters
	markShare           // punctuation and symbols, of the characters
	options             // log₂ of marks such as "A)" or "(B)." + 1
	questions           // log₂ of "?" + 1
	endsAsking          // 0 or 1
	code                // 0 or 1: holds a word that programs are made of
	maths               // log₂ of "$" and "\" + 1
	brackets            // log₂ of "{}[]();=" + 1
	endsInColon         // 0 or 1
	wordLength          // characters a word
	startsUpper         // 0 or 1
	endsInStop          // 0 or 1
)

// cut bounds a standardised measure: what lies farther out is merely unusual.
const cut = 2.5

// usual holds the mean and the standard deviation of each measure over prompts of public evaluations, as routing/form/fit
// prints them. They only set the scales. A change makes another vector space: raise version.
var usual = [Measures]struct{ mean, deviation float64 }{
	{8.0167, 1.1386},
	{5.5520, 1.0405},
	{2.1973, 0.7640},
	{0.0382, 0.0467},
	{0.0520, 0.0457},
	{0.0713, 0.0678},
	{0.8369, 0.0991},
	{0.7449, 0.5041},
	{0.3701, 0.3388},
	{0.1727, 0.3442},
	{0.6856, 1.3302},
	{2.0747, 1.4295},
	{0.0006, 0.0141},
	{5.7592, 1.3675},
	{0.9249, 0.2126},
	{0.1524, 0.3467},
}

// Of returns the form of text: unit length, the same bits on every machine. Any string is allowed; what is no valid
// UTF-8 is passed over, and so is the middle of a text of more than 16 KiB.
func Of(text string) [Measures]float64 { return standard(Measure(text)) }

// ofPart is the form of a part of a text: its own, but for how it begins and ends, which a cut changes in any text and which
// is therefore taken from like. Its length stays its own: what makes a text longer must not count where it is cut away.
func ofPart(part, like string) [Measures]float64 {
	m, w := Measure(part), Measure(like)
	for _, i := range []int{endsAsking, endsInColon, startsUpper, endsInStop} {
		m[i] = w[i]
	}
	return standard(m)
}

func standard(m [Measures]float64) [Measures]float64 {
	square := 0.0
	for i, u := range usual {
		m[i] = min(max((m[i]-u.mean)/u.deviation, -cut), cut)
		square += float64(m[i] * m[i])
	}
	length := math.Sqrt(square) // above 0: no count is at its mean, which is no logarithm of an integer
	for i := range m {
		m[i] /= length
	}
	return m
}

// Measure returns the plain measures of text, by the names above.
func Measure(text string) (m [Measures]float64) {
	t := tallyOf(text)
	m[chars], m[words], m[lines] = log2(t.chars), log2(t.words), log2(t.lines)
	m[digitShare], m[capitalShare], m[markShare] = share(t.digits, t.chars), share(t.capitals, t.letters), share(t.marks, t.chars)
	m[options], m[questions], m[maths], m[brackets] = log2(t.options), log2(t.questions), log2(t.maths), log2(t.brackets)
	m[code], m[startsUpper] = truth(t.code), truth('A' <= t.first && t.first <= 'Z')
	m[endsAsking], m[endsInColon], m[endsInStop] = truth(t.last == '?'), truth(t.last == ':'), truth(t.last == '.')
	m[wordLength] = share(t.chars, t.words)
	return m
}

// log2 of n + 1, between powers of two along a straight line: exact, where machines round logarithms differently.
func log2(n int) float64 {
	power, k := 1, 0
	for 2*power <= n+1 {
		power, k = 2*power, k+1
	}
	return float64(k) + float64(n+1-power)/float64(power)
}

func share(n, of int) float64 { return float64(n) / float64(max(of, 1)) }

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
