// Package dialect is what the translations of other APIs into chat completions, and of the answers back, have in common. They keep
// nothing from one request to the next.
package dialect

import (
	"encoding/json"
	"fmt"
	"strings"

	"flotilla/node/rawjson"
)

// Request is a request of another API. It is used once.
type Request interface {
	// Chat makes a chat's body of the request's, and keeps what the answer has to know of it. Its error is a *Refusal.
	Chat(obj rawjson.Object) ([]byte, error)
	// Begin starts the answer with this id, which starts with a prefix and an underscore.
	Begin(id, model string, created int64) Answer
}

// Refusal is something that a request asks for and cannot have, in the words of OpenAI's errors.
type Refusal struct{ Code, Param, Message string }

func (r *Refusal) Error() string { return r.Message }

// Codes of refusals, which are OpenAI's.
const (
	codeInvalid     = "invalid_value"
	codeUnsupported = "unsupported_parameter"
	codeNoSuchValue = "unsupported_value"
)

// Invalid refuses what has the wrong form.
func Invalid(param, format string, args ...any) error {
	return &Refusal{codeInvalid, param, fmt.Sprintf(format, args...)}
}

// Unsupported refuses a member that asks for what is not done here.
func Unsupported(param, format string, args ...any) error {
	return &Refusal{codeUnsupported, param, fmt.Sprintf(format, args...)}
}

// NoSuchValue refuses a value that asks for what is not done here.
func NoSuchValue(param, format string, args ...any) error {
	return &Refusal{codeNoSuchValue, param, fmt.Sprintf(format, args...)}
}

// Translation is a request on its way into a chat's. What it does not touch goes through as it came.
type Translation struct {
	Obj   rawjson.Object
	edits []rawjson.Edit
}

// Set gives a member of the chat its value; nil removes it.
func (t *Translation) Set(key string, value json.RawMessage) {
	t.edits = append(t.edits, rawjson.Edit{Key: key, Value: value})
}

// Drop removes members.
func (t *Translation) Drop(keys ...string) {
	for _, key := range keys {
		t.Set(key, nil)
	}
}

// SetList gives a member of the chat this array.
func (t *Translation) SetList(key string, list []json.RawMessage) { t.Set(key, Array(list)) }

// Tools makes a chat's tool of each, or leaves one for which tool returns nil; shape says in an error what one must be. An empty list is
// as none.
func (t *Translation) Tools(shape string, tool func(where string, tool rawjson.Object) (json.RawMessage, error)) error {
	if !t.Obj.Has("tools") {
		return nil
	}
	var list []json.RawMessage
	if raw, _ := t.Obj.Get("tools"); json.Unmarshal(raw, &list) != nil {
		return Invalid("tools", "tools must be an array")
	}
	if len(list) == 0 {
		t.Drop("tools")
		return nil
	}
	for i, raw := range list {
		where := fmt.Sprintf("tools[%d]", i)
		obj, err := rawjson.Parse(raw)
		if err != nil {
			return Invalid(where, "%s must be %s", where, shape)
		}
		made, err := tool(where, obj)
		if err != nil {
			return err
		}
		if made != nil {
			list[i] = made
		}
	}
	t.SetList("tools", list)
	return nil
}

// Body is the chat's.
func (t *Translation) Body() []byte { return t.Obj.Apply(t.edits...) }

// Array is the JSON array of these values.
func Array(list []json.RawMessage) json.RawMessage {
	out := []byte{'['}
	for i, raw := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	return append(out, ']')
}

// Wrap makes {"type":kind,key:obj} of a flat obj.
func Wrap(kind, key string, obj rawjson.Object) json.RawMessage {
	out := append([]byte(`{"type":`), rawjson.Quote(kind)...)
	out = append(append(append(out, ','), rawjson.Quote(key)...), ':')
	return append(append(out, obj.Apply(rawjson.Edit{Key: "type"})...), '}')
}

// StringMember is a member's text; empty where it has none.
func StringMember(obj rawjson.Object, key string) (s string) {
	raw, _ := obj.Get(key)
	_ = json.Unmarshal(raw, &s) // else it stays empty
	return s
}

// IsString says whether v is a JSON string.
func IsString(v json.RawMessage) bool { return len(v) > 0 && v[0] == '"' }

// IsEmpty says whether v has nothing to say: absent, null, or an empty string or array.
func IsEmpty(v json.RawMessage) bool {
	return len(v) == 0 || string(v) == "null" || string(v) == `""` || string(v) == "[]"
}

// Clip bounds what is shown of a client's text.
func Clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
