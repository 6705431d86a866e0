package guard

import "strings"

// Crop is a text without a part of it.
type Crop struct {
	Name string
	Text string
	// Like is what the crop begins and ends like: at a cut between sentences itself, else the text that it was cut out of,
	// since a cut within a sentence changes how any text begins or ends.
	Like string
	// Fragment: every cut fell within a sentence. A fragment means less surely what the whole does.
	Fragment bool
}

const (
	minCropWords = 4  // fewer words have no parts worth comparing
	maxCropWords = 24 // cut at one end: twice a gadget, and a longer one costs its author more than it brings
)

// Crops are versions of a text without its beginning, without its end, and without both: half of it each, of both ends a
// quarter, at most 24 words at an end. Where sentences begin near there it is cut between them, so that a readable sentence
// that was put before a prompt, behind it, or both, is missing from one version to the last word. What is left of whole
// sentences may be the prompt itself, and is cut in half once more: its own parts must agree no less than if nothing
// had been put beside it. An honest prompt means much the same in all.
func Crops(text string) []Crop {
	t := cutter{text, words(text)}
	n := len(t.words)
	if n < minCropWords {
		return nil
	}
	front := func(depth int) int { return depth }
	back := func(depth int) int { return n - depth }
	half, quarter := min((n+1)/2, maxCropWords), min((n+3)/4, maxCropWords)
	begin, end := t.edge(half, n-max((n+4)/5, 2), front), t.edge(half, n-max((n+4)/5, 2), back)
	low, high := t.edge(quarter, 3*n/7, front).or(begin), t.edge(quarter, 3*n/7, back).or(end)
	apart := low.at < high.at // else one sentence is all that can be cut at either end
	crops := []Crop{t.crop("without its beginning", begin, whole(n)), t.crop("without its end", whole(0), end)}
	switch {
	case apart:
		crops = append(crops, t.crop("without both ends", low, high))
	case !begin.clean || !end.clean:
		crops = append(crops, t.crop("without both ends", edge{at: quarter}, edge{at: max(n-quarter, quarter+1)}))
	}
	if low.clean && high.clean && high.at-low.at > 1 {
		crops = append(crops, t.crop("without both ends and half of the rest", low, edge{at: high.at - halfOf(high.at-low.at)}))
	}
	if begin.clean {
		crops = append(crops, t.crop("without its beginning and half of the rest", begin, edge{at: n - halfOf(n-begin.at)}))
	}
	if end.clean {
		crops = append(crops, t.crop("without its end and half of the rest", edge{at: halfOf(end.at)}, end))
	}
	return crops
}

// halfOf is how many of so many words to cut at one end.
func halfOf(words int) int { return min((words+1)/2, maxCropWords) }

// cutter cuts a text between its words.
type cutter struct {
	text  string
	words []word
}

// edge is where a crop begins or ends: before word at.
type edge struct {
	at    int
	clean bool // between sentences, or no cut at all
}

func whole(at int) edge { return edge{at: at, clean: true} }

// edge is the last place where a sentence begins, from half of depth to most words, or 24, from an end of the text; where
// there is none, depth itself, within a sentence.
func (t cutter) edge(depth, most int, at func(depth int) int) edge {
	for d := min(most, maxCropWords); d >= max(depth/2, 1); d-- {
		if t.startsSentence(at(d)) {
			return edge{at(d), true}
		}
	}
	return edge{at: at(depth)}
}

// or is e, or a clean edge in the place of one within a sentence.
func (e edge) or(other edge) edge {
	if !e.clean && other.clean {
		return other
	}
	return e
}

// crop is what lies between two cuts; not both are the text's own ends.
func (t cutter) crop(name string, from, to edge) Crop {
	c := Crop{Name: name, Text: t.part(from.at, to.at)}
	likeFrom, likeTo := from.at, to.at
	if !from.clean {
		likeFrom = 0
	}
	if !to.clean {
		likeTo = len(t.words)
	}
	if c.Fragment = likeFrom == 0 && likeTo == len(t.words); c.Fragment {
		c.Like = t.text
	} else {
		c.Like = t.part(likeFrom, likeTo)
	}
	return c
}

// startsSentence says whether the end of a sentence, of a line, or a colon stands before word i; 0 < i < words.
func (t cutter) startsSentence(i int) bool {
	gap := t.text[t.words[i-1].end:t.words[i].start]
	for j, r := range gap {
		switch r {
		case '\n', '。', '！', '？', '；', '：':
			return true
		case '.', '!', '?', ';', ':':
			if after := gap[j+1:]; after != "" && strings.ContainsRune(" \t\r\n", rune(after[0])) {
				return true
			}
		}
	}
	return false
}

// part is words from to to, with the marks behind them where a sentence or the text ends there, and before them at its start.
func (t cutter) part(from, to int) string {
	start, end := 0, len(t.text)
	if from > 0 {
		start = t.words[from].start
	}
	switch {
	case to == len(t.words):
	case t.startsSentence(to):
		end = t.words[to].start
	default:
		end = t.words[to-1].end
	}
	return strings.TrimSpace(t.text[start:end])
}
