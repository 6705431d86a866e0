package dialect

import (
	"encoding/json"
	"fmt"

	"flotilla/node/rawjson"
)

// Message is one of a chat.
func Message(role string, content json.RawMessage) json.RawMessage {
	return fmt.Appendf(nil, `{"role":%q,"content":%s}`, role, content)
}

// Assistant is a message of the model's: what it said, nil for nothing, and the functions that it called.
func Assistant(said json.RawMessage, calls []json.RawMessage) json.RawMessage {
	if said == nil {
		said = json.RawMessage("null")
	}
	if calls == nil {
		return Message("assistant", said)
	}
	return fmt.Appendf(nil, `{"role":"assistant","content":%s,"tool_calls":%s}`, said, Array(calls))
}

// Call is a function's; arguments are a JSON string.
func Call(id, name string, arguments json.RawMessage) json.RawMessage {
	return fmt.Appendf(nil, `{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}`, rawjson.Quote(id), rawjson.Quote(name), arguments)
}

// Result is the message with what a call returned.
func Result(id string, content json.RawMessage) json.RawMessage {
	return fmt.Appendf(nil, `{"role":"tool","tool_call_id":%s,"content":%s}`, rawjson.Quote(id), content)
}

// Content gathers the parts of a message. Texts stay as they came: each may be one half of a character.
type Content struct {
	Between string // what joined texts have between them, as in a JSON string

	text  []byte
	texts int
	parts []json.RawMessage
}

// Text adds a text, a JSON string.
func (c *Content) Text(text json.RawMessage) {
	if c.texts > 0 {
		c.text = append(c.text, c.Between...)
	}
	c.text = append(c.text, text[1:len(text)-1]...)
	c.texts++
	c.parts = append(c.parts, fmt.Appendf(nil, `{"type":"text","text":%s}`, text))
}

// Add adds all that another has.
func (c *Content) Add(other *Content) {
	if len(c.text) > 0 && len(other.text) > 0 {
		c.text = append(c.text, c.Between...)
	}
	c.text = append(c.text, other.text...)
	c.texts += other.texts
	c.parts = append(c.parts, other.parts...)
}

// Part adds a part that is no text.
func (c *Content) Part(part json.RawMessage) { c.parts = append(c.parts, part) }

// Image adds an image; url and detail are JSON strings, detail may be absent.
func (c *Content) Image(url, detail json.RawMessage) {
	part := fmt.Appendf(nil, `{"type":"image_url","image_url":{"url":%s`, url)
	if IsString(detail) {
		part = fmt.Appendf(part, `,"detail":%s`, detail)
	}
	c.Part(append(part, "}}"...))
}

// File adds what is in a file, a data: URL, and its name, which may be absent.
func (c *Content) File(data, name json.RawMessage) {
	part := fmt.Appendf(nil, `{"type":"file","file":{"file_data":%s`, data)
	if IsString(name) {
		part = fmt.Appendf(part, `,"filename":%s`, name)
	}
	c.Part(append(part, "}}"...))
}

// Len is how many parts there are.
func (c *Content) Len() int { return len(c.parts) }

// Joined is the texts as one string.
func (c *Content) Joined() json.RawMessage { return append(append([]byte{'"'}, c.text...), '"') }

// Value is the message's content. Where joined, parts that are all text become one string, since chat templates take no parts from
// anyone but the user; one text alone always does.
func (c *Content) Value(joined bool) json.RawMessage {
	if c.texts == len(c.parts) && (joined || c.texts < 2) {
		return c.Joined()
	}
	return Array(c.parts)
}
