package guard

// Crop is a text without a part of it.
type Crop struct {
	Name string
	Text string
}

const (
	minCropWords = 4  // fewer words have no parts worth comparing
	maxCropWords = 24 // cut at one end: twice a gadget, and a longer one costs its author more than it brings
)

// Crops are versions of a text without its first half, without its last half, and without both its first and last
// quarter, none of these parts being longer than 24 words. A gadget put before or behind a prompt, or split between
// both ends, is missing from one of them; an honest prompt means much the same in all.
func Crops(text string) []Crop {
	ws := words(text)
	n := len(ws)
	if n < minCropWords {
		return nil
	}
	half, quarter := min((n+1)/2, maxCropWords), min((n+3)/4, maxCropWords)
	middle := text[ws[quarter].start:ws[max(n-quarter, quarter+1)-1].end]
	return []Crop{
		{Name: "without its beginning", Text: text[ws[half].start:]},
		{Name: "without its end", Text: text[:ws[n-half-1].end]},
		{Name: "without both ends", Text: middle},
	}
}
