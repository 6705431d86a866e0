// Package guard keeps crafted text from buying a dearer model. It is pure and knows no model: it says which part of a
// text is unlike anything written for a reader (Inspect), and which shorter versions of a text must agree before it is
// believed (Crops). What it cuts is cut from the text that is routed by, never from the prompt that is sent.
package guard

import (
	"fmt"
	"strings"
	"unicode"
)

// Guard inspects texts. Immutable and safe for concurrent use.
type Guard struct{ table *Table }

// New makes the guard with the table inside the binary.
func New() (*Guard, error) {
	t, err := Default()
	if err != nil {
		return nil, fmt.Errorf("new guard: %w", err)
	}
	return &Guard{table: t}, nil
}

// ID names the rules and the table: equal ids find the same in the same text.
func (g *Guard) ID() string { return ruleVersion + "/" + g.table.ID()[:16] }

// ruleVersion changes with every rule below, in words.go or crops.go.
const ruleVersion = "guard-3"

const (
	// window is how many neighbouring words are judged together: gadgets are about ten words long, and fewer than
	// eight are too few to tell one from a name or a formula.
	window = 8
	// limit is the surprisal of a window, in bits, above which it is cut: the 98th percentile of prompts' worst windows
	// (docs/attacks.md). Ten random words lie above it 98 times of 100.
	limit = 140
	// inserted is the share of words, 1/inserted of the words and inserted more, from which single words that fit neither
	// neighbour, where the neighbours fit one another, are no coincidence. The 98th percentile of prompts too.
	inserted = 10
	// keep is the share of words, 1/keep, that must be left. A text that is unusual all over is in a language or of a
	// kind that the table does not know, which says nothing against it.
	keep = 4
	// code is the share, 1/code, of a text's characters that programs and formulas have and prose has not, from which its
	// words are not judged: names in programs are neighbours of all kinds.
	code = 20
)

// Span is a part of a text, in bytes.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Finding is what Inspect made of a text.
type Finding struct {
	Text       string // what is left to route by; the text itself when nothing was cut
	Cut        []Span // of the text, rising, not touching
	Unfamiliar bool   // all of it is unusual, so nothing was cut
}

// Inspect finds the parts of a text whose words no reader would expect together, and cuts them.
func (g *Guard) Inspect(text string) Finding {
	ws := words(text)
	if len(ws) < window {
		return Finding{Text: text}
	}
	if likeCode(text[:ws[len(ws)-1].end]) {
		return Finding{Text: text, Unfamiliar: true}
	}
	flagged := g.flag(ws)
	g.flagInserted(ws, flagged)
	left := 0
	for _, f := range flagged {
		if !f {
			left++
		}
	}
	switch {
	case left == len(ws):
		return Finding{Text: text}
	case left*keep < len(ws):
		return Finding{Text: text, Unfamiliar: true}
	}
	return cut(text, ws, flagged)
}

func likeCode(text string) bool {
	marks, all := 0, 0
	for _, r := range text {
		switch {
		case unicode.IsSpace(r):
			continue
		case strings.ContainsRune("(){}[]<>=_;/\\|+*&#@$%^~`", r):
			marks++
		}
		all++
	}
	return marks*code >= all
}

// flag marks the words of windows above the limit. A run gives back, at both ends, words that were counted together: a
// window that reaches a little over the edge of a gadget holds the innocent words beside it.
func (g *Guard) flag(ws []word) []bool {
	flagged := make([]bool, len(ws))
	bits, seen := make([]int, len(ws)), make([]bool, len(ws))
	sum := 0
	for i := 1; i < len(ws); i++ {
		bits[i], seen[i] = g.table.surprisal(ws[i-1].text, ws[i].text)
		sum += bits[i]
		if i >= window {
			sum -= bits[i-window+1]
		}
		if i >= window-1 && sum > limit {
			for j := i - window + 1; j <= i; j++ {
				flagged[j] = true
			}
		}
	}
	for start := 0; start < len(ws); start++ {
		if !flagged[start] {
			continue
		}
		end := start
		for end+1 < len(ws) && flagged[end+1] {
			end++
		}
		next := end
		for ; start < end && seen[start+1]; start++ {
			flagged[start] = false
		}
		for ; end > start && seen[end]; end-- {
			flagged[end] = false
		}
		start = next
	}
	return flagged
}

// flagInserted marks words that stand between two that were counted together, and were counted with neither: a gadget
// spread over a text, so that no window holds much of it.
func (g *Guard) flagInserted(ws []word, flagged []bool) {
	var found []int
	for i := 1; i+1 < len(ws); i++ {
		if _, before := g.table.surprisal(ws[i-1].text, ws[i].text); before {
			continue
		}
		if _, after := g.table.surprisal(ws[i].text, ws[i+1].text); after {
			continue
		}
		if _, without := g.table.surprisal(ws[i-1].text, ws[i+1].text); without {
			found = append(found, i)
		}
	}
	if len(found)*inserted < len(ws)+inserted {
		return
	}
	for _, i := range found {
		flagged[i] = true
	}
}

func cut(text string, ws []word, flagged []bool) Finding {
	f := Finding{}
	var b strings.Builder
	from := 0
	for i := 0; i < len(ws); i++ {
		if !flagged[i] {
			continue
		}
		s := Span{Start: ws[i].start}
		for i+1 < len(ws) && flagged[i+1] {
			i++
		}
		s.End = ws[i].end
		b.WriteString(text[from:s.Start])
		b.WriteByte(' ')
		from = s.End
		f.Cut = append(f.Cut, s)
	}
	b.WriteString(text[from:])
	f.Text = b.String()
	return f
}

// Count adds a text's words and pairs to counts and returns how many words it has.
func Count(counts map[uint32]int, text string) int {
	ws := words(text)
	for i, w := range ws {
		counts[CountKey(w.text, "")]++
		if i > 0 {
			counts[CountKey(ws[i-1].text, w.text)]++
		}
	}
	return len(ws)
}
