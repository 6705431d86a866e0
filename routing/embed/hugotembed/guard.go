package hugotembed

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"unicode"
	"unicode/utf8"

	"flotilla/routing/embed/wordpiece"
)

// guardVersion is part of Embedder.ID: raise it when prepare gives another text for any input.
const guardVersion = "guard-1/" + wordpiece.RuleVersion

// runesPerToken bounds what a tokenizer other than uncased WordPiece is given: no common vocabulary averages more
// runes a token over a long text, and hugot's tokenizer takes seconds for a megabyte.
const runesPerToken = 16

// guard prepares text for hugot's Go tokenizer, which panics on invalid UTF-8, splits accents, CJK and no-break
// spaces differently from the reference, takes literal special tokens for real ones, and tokenises all of a long
// text before cutting it.
type guard struct {
	maxTokens int
	uncased   *wordpiece.Tokenizer // set for uncased BERT models: then text is fully normalised and cut at a token
	special   *strings.Replacer    // else: literal special tokens are broken up
}

// tokenizerFile is the part of tokenizer.json that the guard needs.
type tokenizerFile struct {
	AddedTokens []struct {
		Content string `json:"content"`
	} `json:"added_tokens"`
	Normalizer struct {
		Type         string `json:"type"`
		Lowercase    bool   `json:"lowercase"`
		StripAccents *bool  `json:"strip_accents"`
	} `json:"normalizer"`
	Model struct {
		Type  string          `json:"type"`
		Vocab json.RawMessage `json:"vocab"`
	} `json:"model"`
}

// readGuard looks at the model's tokenizer.json and decides how text must be prepared for it.
func readGuard(dir string, maxTokens int) (*guard, error) {
	data, err := os.ReadFile(filepath.Join(dir, "tokenizer.json"))
	if err != nil {
		return nil, fmt.Errorf("read tokenizer: %w; the folder must hold the encoder's tokenizer.json", err)
	}
	var file tokenizerFile
	if err := json.Unmarshal(data, &file); err != nil {
		return nil, fmt.Errorf("read tokenizer: %w", err)
	}
	g := &guard{maxTokens: maxTokens}
	n := file.Normalizer
	if file.Model.Type == "WordPiece" && n.Type == "BertNormalizer" && n.Lowercase && (n.StripAccents == nil || *n.StripAccents) {
		var ids map[string]int32
		if err := json.Unmarshal(file.Model.Vocab, &ids); err != nil {
			return nil, fmt.Errorf("read tokenizer: vocabulary: %w", err)
		}
		g.uncased, err = wordpiece.FromIDs(ids)
		return g, err
	}
	var pairs []string
	for _, t := range file.AddedTokens {
		if _, size := utf8.DecodeRuneInString(t.Content); size < len(t.Content) {
			pairs = append(pairs, t.Content, t.Content[:size]+" "+t.Content[size:])
		}
	}
	g.special = strings.NewReplacer(pairs...)
	return g, nil
}

// prepare returns what is handed to hugot for text. It may be empty.
func (g *guard) prepare(text string) string {
	if g.uncased != nil {
		return g.uncased.Cut(text, g.maxTokens)
	}
	var b strings.Builder
	left := g.maxTokens * runesPerToken
	for _, r := range text {
		switch {
		case r == utf8.RuneError || r == 0 || unicode.IsControl(r) && !unicode.IsSpace(r):
			continue
		case unicode.IsSpace(r):
			r = ' '
		}
		if left--; left < 0 {
			break
		}
		b.WriteRune(r)
	}
	return g.special.Replace(b.String())
}
