// Package wordpiece splits text into the vocabulary pieces of an uncased BERT model, in plain Go.
package wordpiece

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxWordRunes is BERT's limit: a longer word becomes one [UNK], whatever it holds.
const maxWordRunes = 100

// A Tokenizer turns text into piece ids. It is immutable and safe for concurrent use.
type Tokenizer struct {
	first         map[string]int32 // pieces that start a word
	rest          map[string]int32 // pieces that continue one, without their "##"
	longest       int              // bytes of the longest piece
	cls, sep, unk int32
}

// New makes a tokenizer from a vocabulary, one piece a line; a piece's id is its line number from 0. The vocabulary
// must hold [CLS], [SEP] and [UNK].
func New(vocab string) (*Tokenizer, error) {
	lines := strings.Split(strings.TrimSuffix(strings.ReplaceAll(vocab, "\r\n", "\n"), "\n"), "\n")
	ids := make(map[string]int32, len(lines))
	for id, piece := range lines {
		ids[piece] = int32(id)
	}
	return FromIDs(ids)
}

// FromIDs makes a tokenizer from the id of every piece, as tokenizer.json lists them. [CLS], [SEP] and [UNK] must be
// among them.
func FromIDs(ids map[string]int32) (*Tokenizer, error) {
	t := &Tokenizer{first: make(map[string]int32, len(ids)), rest: make(map[string]int32, len(ids)/4)}
	for piece, id := range ids {
		into := t.first
		if cut, ok := strings.CutPrefix(piece, "##"); ok && cut != "" {
			piece, into = cut, t.rest
		}
		into[piece] = id
		t.longest = max(t.longest, len(piece))
	}
	var errs []error
	for piece, id := range map[string]*int32{"[CLS]": &t.cls, "[SEP]": &t.sep, "[UNK]": &t.unk} {
		var ok bool
		if *id, ok = t.first[piece]; !ok {
			errs = append(errs, fmt.Errorf("read vocabulary: %s is missing; use the model's own vocabulary", piece))
		}
	}
	return t, errors.Join(errs...)
}

// Encode returns [CLS], the pieces of text and [SEP]: at most limit ids. Longer text is cut behind the last piece
// that fits, [SEP] stays, and what lies behind the cut is not read. limit must be at least 2.
func (t *Tokenizer) Encode(text string, limit int) []int32 {
	ids := append(make([]int32, 0, min(limit, len(text)/3+2)), t.cls)
	for word := range Words(text) {
		ids = t.appendWord(ids, word)
		if len(ids) >= limit-1 {
			ids = ids[:limit-1]
			break
		}
	}
	return append(ids, t.sep)
}

// Cut returns the leading text, as Normalize writes it, that Encode with the same limit reads: encoding the result
// gives the same ids, and no limit is needed any more. The last word may be cut short behind one of its pieces.
func (t *Tokenizer) Cut(text string, limit int) string {
	var b strings.Builder
	var ids []int32
	for word := range Words(text) {
		room := limit - 2 - len(ids)
		if room <= 0 {
			break
		}
		before := len(ids)
		if ids = t.appendWord(ids, word); len(ids)-before > room {
			word = t.leading(word, room)
		}
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		b.Write(word)
	}
	return b.String()
}

// appendWord appends the pieces of one basic token: greedily the longest piece first, or [UNK] alone when the word
// is too long or some part of it has no piece.
func (t *Tokenizer) appendWord(ids []int32, word []byte) []int32 {
	if len(word) > maxWordRunes*utf8.UTFMax || utf8.RuneCount(word) > maxWordRunes {
		return append(ids, t.unk)
	}
	start, pieces := len(ids), t.first
	for len(word) > 0 {
		id, size := t.match(pieces, word)
		if size == 0 {
			return append(ids[:start], t.unk)
		}
		ids = append(ids, id)
		word, pieces = word[size:], t.rest
	}
	return ids
}

// leading returns the bytes of the first n pieces of a word that has more than n.
func (t *Tokenizer) leading(word []byte, n int) []byte {
	end, pieces := 0, t.first
	for range n {
		_, size := t.match(pieces, word[end:])
		end, pieces = end+size, t.rest
	}
	return word[:end]
}

// match returns the longest of pieces that word begins with; size 0 means that there is none.
func (t *Tokenizer) match(pieces map[string]int32, word []byte) (id int32, size int) {
	for size = min(len(word), t.longest); size > 0; size-- {
		if id, ok := pieces[string(word[:size])]; ok {
			return id, size
		}
	}
	return 0, 0
}
