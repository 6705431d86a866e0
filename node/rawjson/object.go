// Package rawjson reads and edits the top-level members of a JSON object and leaves every other byte as it came.
//
// The gateway and the clients of local model servers both forward JSON that they understand only in part: unknown
// fields, number spellings and key order must survive. Decoding into a map and encoding it again would reorder keys
// and cost several times as much.
package rawjson

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// maxMembers bounds the members of one object. The widest OpenAI request has about 40.
const maxMembers = 1024

var (
	// ErrSyntax means that the bytes are not one valid JSON value in UTF-8.
	ErrSyntax = errors.New("not valid JSON")
	// ErrNotObject means that the JSON value is not an object.
	ErrNotObject = errors.New("JSON value is not an object")
	// ErrTooWide means that the object has more members than this package handles.
	ErrTooWide = errors.New("JSON object has too many members")
)

// Member is one key and its value. Value aliases the parsed bytes.
type Member struct {
	Key   string
	Value json.RawMessage

	start, end int // span of `"key": value` in the object, without commas
}

// Object is a parsed object. It aliases the bytes given to Parse, which must not change while it is in use.
type Object struct {
	raw     []byte
	members []Member
}

// Parse checks that data is one valid JSON object and finds its top-level members.
func Parse(data []byte) (Object, error) {
	if !utf8.Valid(data) || !json.Valid(data) { // encoding/json takes any bytes in a string, other readers do not
		return Object{}, ErrSyntax
	}
	i := skipSpace(data, 0)
	if data[i] != '{' {
		return Object{}, ErrNotObject
	}
	obj := Object{raw: data, members: make([]Member, 0, 12)}
	for i = skipSpace(data, i+1); data[i] != '}'; i = skipSpace(data, i) {
		if data[i] == ',' {
			i = skipSpace(data, i+1)
		}
		if len(obj.members) == maxMembers {
			return Object{}, ErrTooWide
		}
		m := Member{start: i}
		keyEnd := skipValue(data, i)
		key, err := unquote(data[i:keyEnd])
		if err != nil {
			return Object{}, fmt.Errorf("read object key: %w", err)
		}
		m.Key = key
		valueStart := skipSpace(data, skipSpace(data, keyEnd)+1) // +1 steps over the colon
		m.end = skipValue(data, valueStart)
		m.Value = data[valueStart:m.end:m.end]
		obj.members = append(obj.members, m)
		i = m.end
	}
	return obj, nil
}

// Members returns all members in their order. The slice must not be changed.
func (o Object) Members() []Member { return o.members }

// Get returns the value of key. Of repeated keys the last counts, as in encoding/json.
func (o Object) Get(key string) (json.RawMessage, bool) {
	for i := len(o.members) - 1; i >= 0; i-- {
		if o.members[i].Key == key {
			return o.members[i].Value, true
		}
	}
	return nil, false
}

// Has says whether key is there with a value other than null.
func (o Object) Has(key string) bool {
	v, ok := o.Get(key)
	return ok && !IsNull(v)
}

// IsNull says whether v is JSON null.
func IsNull(v json.RawMessage) bool { return string(v) == "null" }

// Edit is one change: the member Key gets Value, or is removed if Value is nil.
type Edit struct {
	Key   string
	Value json.RawMessage
}

// Apply returns a new object with the edits made. A member that is there keeps its place, a new one goes to the end,
// and all other bytes stay. Keys are matched without regard to case, and repeats of an edited key are removed:
// readers disagree on both (Go's encoding/json folds case, others do not; some take the first repeat, others the
// last), so that only this makes every reader see the edited value.
func (o Object) Apply(edits ...Edit) []byte {
	size := len(o.raw) + 1
	for _, e := range edits {
		size += len(e.Key) + len(e.Value) + 8
	}
	out := make([]byte, 0, size)
	out = append(out, '{')
	var done uint64 // bit i: edits[i] was written; more than 64 edits are not supported and not needed
	for _, m := range o.members {
		span := o.raw[m.start:m.end]
		if i := findEdit(edits, m.Key); i >= 0 {
			if edits[i].Value == nil || done&(1<<i) != 0 {
				continue
			}
			done |= 1 << i
			out = appendMember(out, edits[i])
			continue
		}
		out = appendComma(out)
		out = append(out, span...)
	}
	for i, e := range edits {
		if e.Value != nil && done&(1<<i) == 0 {
			out = appendMember(out, e)
		}
	}
	return append(out, '}')
}

func findEdit(edits []Edit, key string) int {
	for i, e := range edits {
		if strings.EqualFold(e.Key, key) {
			return i
		}
	}
	return -1
}

func appendMember(out []byte, e Edit) []byte {
	out = appendComma(out)
	out = append(out, Quote(e.Key)...)
	out = append(out, ':')
	return append(out, e.Value...)
}

func appendComma(out []byte) []byte {
	if len(out) == 1 { // only the opening brace so far
		return out
	}
	return append(out, ',')
}

// Quote returns s as a JSON string. HTML characters are not escaped.
func Quote(s string) json.RawMessage {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil { // a string always encodes
		return json.RawMessage(`""`)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

func unquote(raw []byte) (string, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return string(raw[1 : len(raw)-1]), nil
	}
	var s string
	err := json.Unmarshal(raw, &s)
	return s, err
}

func skipSpace(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\n' || data[i] == '\r' || data[i] == '\t') {
		i++
	}
	return i
}

// skipValue returns the index after the value that starts at i. The data is known to be valid.
func skipValue(data []byte, i int) int {
	switch data[i] {
	case '"':
		return skipString(data, i)
	case '{', '[':
		depth := 0
		for {
			switch data[i] {
			case '"':
				i = skipString(data, i)
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
				if depth == 0 {
					return i + 1
				}
			}
			i++
		}
	}
	for i < len(data) && !bytes.ContainsRune([]byte(",}] \n\r\t"), rune(data[i])) {
		i++
	}
	return i
}

func skipString(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}
