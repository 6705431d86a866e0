package dialect

import (
	"encoding/json"
	"errors"
	"strings"

	"flotilla/node/rawjson"
)

// Answer is one answer on its way from a chat's. One goroutine at a time uses it. Each usage is a chat's, each time unix.
type Answer interface {
	// Whole is the body of an answer that is not streamed and ended at that time. Members of the chat that the other API does not have
	// come along.
	Whole(chat rawjson.Object, choices []json.RawMessage, usage json.RawMessage, ended int64) ([]byte, error)
	// Chunk are the events of one chunk's choices, valid until the next call.
	Chunk(choices []json.RawMessage) ([]Event, error)
	// End are the events at the end of a whole answer.
	End(usage json.RawMessage, ended int64) []Event
	// Fail are the events at the end of one that broke. body is the error as it is where nothing was sent before, usage what was charged
	// or null.
	Fail(code, message string, body []byte, usage json.RawMessage) []Event
	// Quiet is the event, as it is sent, that says that the answer goes on; empty: a comment does.
	Quiet() string
}

// Others are the members of a chat's answer that are not of chats, nor has the other API one of that name; each with a comma before it.
func Others(chat rawjson.Object, own func(key string) bool) (out []byte) {
	for _, m := range chat.Members() {
		switch m.Key {
		case "id", "object", "created", "model", "choices", "usage":
			continue
		}
		if !own(m.Key) {
			out = append(append(append(append(out, ','), rawjson.Quote(m.Key)...), ':'), m.Value...)
		}
	}
	return out
}

// Count is a number of a chat's usage; 0 where it has none of that name.
func Count(usage rawjson.Object, key string) json.RawMessage {
	if raw, _ := usage.Get(key); usage.Has(key) {
		return raw
	}
	return json.RawMessage("0")
}

// Renamed is a usage of these members and of all that the chat's has beside those named: under the other API's names, too, since some
// servers have both, and what is billed counts.
func Renamed(members []byte, usage rawjson.Object, named ...string) json.RawMessage {
	var gone []rawjson.Edit
	for _, key := range named {
		gone = append(gone, rawjson.Edit{Key: key})
	}
	out := append([]byte{'{'}, members...)
	if rest := usage.Apply(gone...); len(rest) > len("{}") {
		out = append(append(out, ','), rest[1:len(rest)-1]...)
	}
	return append(out, '}')
}

// Event is one server-sent event.
type Event struct {
	Name string
	Data []byte
}

// ErrAnswer means that the chat's answer has not the shape of one.
var ErrAnswer = errors.New("not the answer of a chat completion")

// Choice is a chat's, whole or of a chunk.
type Choice struct {
	Index        int             `json:"index"`
	Message      Said            `json:"message"`
	Delta        Said            `json:"delta"`
	FinishReason string          `json:"finish_reason"`
	StopReason   json.RawMessage `json:"stop_reason"` // of vLLM: the stop sequence that ended it, else null or a token's number
	Logprobs     json.RawMessage `json:"logprobs"`
}

// Said is a message or what a chunk adds to it.
type Said struct {
	Content          json.RawMessage `json:"content"` // a string, parts of text, or null
	Refusal          json.RawMessage `json:"refusal"`
	ReasoningContent json.RawMessage `json:"reasoning_content"`
	Reasoning        json.RawMessage `json:"reasoning"` // other servers' name for thoughts
	ToolCalls        []ToolCall      `json:"tool_calls"`
}

// ToolCall is a call of a function or a piece of one.
type ToolCall struct {
	Index    *int   `json:"index"`
	ID       string `json:"id"`
	Function struct {
		Name      string          `json:"name"`
		Arguments json.RawMessage `json:"arguments"`
	} `json:"function"`
}

// First are the choices of the answer that other APIs have: they are not asked for more than one, and what comes of others is left out.
func First(choices []json.RawMessage) (first []Choice, err error) {
	for _, raw := range choices {
		var c Choice
		if json.Unmarshal(raw, &c) != nil {
			return nil, ErrAnswer
		}
		if c.Index == 0 {
			first = append(first, c)
		}
	}
	return first, nil
}

// Thoughts are a model's, under either name.
func (s Said) Thoughts() json.RawMessage {
	if IsEmpty(s.ReasoningContent) {
		return s.Reasoning
	}
	return s.ReasoningContent
}

// Number is the call's: its own, or its place among those that came with it.
func (c ToolCall) Number(place int) int {
	if c.Index != nil {
		return *c.Index
	}
	return place
}

// GoesOn says that it is a piece of the known call with its number. A new one is known by its id and name: some servers number all of them 0,
// others give each piece of one an id of its own.
func (c ToolCall) GoesOn(knownID string) bool {
	return c.ID == "" || c.ID == knownID || c.Function.Name == ""
}

// ArgumentText is what is between the quotes of the arguments as a JSON string; nil for none.
func (c ToolCall) ArgumentText() []byte {
	arguments := c.Function.Arguments
	switch {
	case IsEmpty(arguments):
		return nil
	case arguments[0] != '"': // an object, as some servers have it
		arguments = rawjson.Quote(string(arguments))
	}
	return arguments[1 : len(arguments)-1]
}

// PlainText is what is between the quotes of a JSON string, as it came: it may be one half of a character. Parts are joined.
func PlainText(raw json.RawMessage) ([]byte, error) {
	if raw[0] == '"' {
		return raw[1 : len(raw)-1], nil
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return nil, ErrAnswer
	}
	var all strings.Builder
	for _, p := range parts {
		all.WriteString(p.Text)
	}
	text := rawjson.Quote(all.String())
	return text[1 : len(text)-1], nil
}

var breaks = strings.NewReplacer(`\n`, "", `\r`, "", `\t`, "", " ", "")

// IsBlank says whether a text, which stands between the quotes of a JSON string, is white space alone.
func IsBlank(text []byte) bool { return breaks.Replace(string(text)) == "" }
