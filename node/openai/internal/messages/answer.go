package messages

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// Answer is one answer on its way from a chat's into a message.
type Answer struct {
	req    *Request
	head   []byte // of the message: id, type, role, model
	id     string // that of the message without its prefix, for calls without one
	finish string // the chat's finish_reason
	stop   string // the stop sequence that ended it, as far as the model server says so

	open   *kind   // of the block that goes on; nil: none
	index  int     // of the next block
	held   []byte  // line breaks that no text has followed yet
	calls  []*call // all of them
	live   *call   // of calls, the open block; nil: none
	size   int     // bytes that are kept, against maxAnswerBytes
	events []dialect.Event
	begun  bool
}

// maxAnswerBytes bounds what is kept of a stream: line breaks, the arguments of calls that wait for one before them, and callBytes for each call.
const (
	maxAnswerBytes = 32 << 20
	callBytes      = 32 << 10
)

// call is one of a function. The arguments are what stands between the quotes of a JSON string.
type call struct {
	number    int // the chat's
	id, name  string
	arguments []byte // not yet sent
	ended     bool
}

// kind is one kind of text in an answer, and of the block that holds it.
type kind struct{ typ, rest string }

var (
	textKind = kind{typ: "text"}
	// thoughtKind has a signature by which Anthropic knows its own thoughts again. There is none here, and none is asked for.
	thoughtKind = kind{typ: "thinking", rest: `,"signature":""`}
	callKind    = kind{typ: "tool_use"}
)

// block is one with this text, which stands between the quotes of a JSON string.
func (k *kind) block(text []byte) []byte {
	return fmt.Appendf(nil, `{"type":%q,%q:"%s"%s}`, k.typ, k.typ, text, k.rest)
}

// Begin implements dialect.Request.
func (r *Request) Begin(id, model string, _ int64) dialect.Answer {
	_, own, _ := strings.Cut(id, "_")
	head := fmt.Appendf(nil, `{"id":%s,"type":"message","role":"assistant","model":%s`, rawjson.Quote(id), rawjson.Quote(model))
	return &Answer{req: r, head: head, id: own[:min(len(own), 32)]}
}

// Whole implements dialect.Answer.
func (a *Answer) Whole(chat rawjson.Object, choices []json.RawMessage, usage json.RawMessage, _ int64) ([]byte, error) {
	first, err := dialect.First(choices)
	if err != nil {
		return nil, err
	}
	var content []json.RawMessage
	for _, c := range first {
		blocks, err := a.blocks(c.Message)
		if err != nil {
			return nil, err
		}
		content = append(content, blocks...)
		a.end(c)
	}
	if content == nil { // who reads the first block finds one
		content = append(content, textKind.block(nil))
	}
	out := a.message(dialect.Array(content), a.stopped(), Usage(usage))
	return append(append(out, dialect.Others(chat, messageMember)...), '}'), nil
}

// messageMember: a message has a member of its own by that name.
func messageMember(key string) bool {
	return slices.Contains([]string{"type", "role", "content", "stop_reason", "stop_sequence", "stop_details", "container", "context_management"}, key)
}

// message is the message without its closing brace; stopped are two of its members.
func (a *Answer) message(content json.RawMessage, stopped string, usage json.RawMessage) []byte {
	return fmt.Appendf(slices.Clip(a.head), `,"content":%s,%s,"usage":%s`, content, stopped, usage)
}

// blocks are those of a whole answer.
func (a *Answer) blocks(s dialect.Said) (out []json.RawMessage, err error) {
	if err := a.texts(s, func(k *kind, text []byte) error {
		if k != &textKind || !dialect.IsBlank(text) || len(s.ToolCalls) == 0 {
			out = append(out, k.block(text))
		}
		return nil
	}); err != nil {
		return nil, err
	}
	for i, c := range s.ToolCalls {
		one := a.newCall(c.Number(i), c)
		out = append(out, one.block(input(c.ArgumentText())))
	}
	return out, nil
}

// texts hands on what is said beside calls and shown, as it stands between the quotes of a JSON string.
func (a *Answer) texts(s dialect.Said, take func(*kind, []byte) error) error {
	for _, t := range [...]struct {
		kind *kind
		text json.RawMessage
	}{{&thoughtKind, s.Thoughts()}, {&textKind, s.Content}, {&textKind, s.Refusal}} {
		if dialect.IsEmpty(t.text) || t.kind == &thoughtKind && !a.req.thoughts {
			continue
		}
		text, err := dialect.PlainText(t.text)
		if err != nil {
			return err
		}
		if err := take(t.kind, text); err != nil {
			return err
		}
	}
	return nil
}

// newCall is one more call.
func (a *Answer) newCall(number int, c dialect.ToolCall) *call {
	one := &call{number: number, id: c.ID, name: c.Function.Name}
	if one.id == "" {
		one.id = fmt.Sprintf("toolu_%s_%d", a.id, len(a.calls))
	}
	a.calls = append(a.calls, one)
	return one
}

func (c *call) block(input json.RawMessage) []byte {
	return fmt.Appendf(nil, `{"type":"tool_use","id":%s,"name":%s,"input":%s}`, rawjson.Quote(c.id), rawjson.Quote(c.name), input)
}

// input is the object that arguments say. What is none comes in one, as Anthropic's documentation has it: the tool refuses it, and the
// model may try again.
func input(arguments []byte) json.RawMessage {
	if len(arguments) == 0 {
		return json.RawMessage("{}")
	}
	var text string
	if json.Unmarshal(append(append([]byte{'"'}, arguments...), '"'), &text) == nil {
		if obj, err := rawjson.Parse([]byte(text)); err == nil {
			return obj.Apply()
		}
	}
	return fmt.Appendf(nil, `{"INVALID_JSON":"%s"}`, arguments)
}

// end takes what a choice says of the answer's end.
func (a *Answer) end(c dialect.Choice) {
	if c.FinishReason != "" {
		a.finish = c.FinishReason
	}
	var stop string
	if dialect.IsString(c.StopReason) && json.Unmarshal(c.StopReason, &stop) == nil && slices.Contains(a.req.stops, stop) {
		a.stop = stop
	}
}

// stopped are the members that say why the answer ended. Few model servers tell a stop sequence from an end.
func (a *Answer) stopped() string {
	reason := "end_turn"
	switch {
	case a.finish == "length":
		reason = "max_tokens"
	case a.finish == "content_filter":
		reason = "refusal"
	case len(a.calls) > 0: // whatever the server calls it: clients go on by it
		reason = "tool_use"
	case a.stop != "":
		return `"stop_reason":"stop_sequence","stop_sequence":` + string(rawjson.Quote(a.stop))
	}
	return fmt.Sprintf(`"stop_reason":%q,"stop_sequence":null`, reason)
}

// Usage gives a chat's usage the names that a message has for it; all else in it stays. Tokens that the model server had kept are
// counted with the others, since they are billed alike.
func Usage(chat json.RawMessage) json.RawMessage {
	obj, err := rawjson.Parse(chat)
	if err != nil {
		obj, _ = rawjson.Parse([]byte("{}")) // constant, parses
	}
	members := fmt.Appendf(nil, `"input_tokens":%s,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":%s`,
		dialect.Count(obj, "prompt_tokens"), dialect.Count(obj, "completion_tokens"))
	return dialect.Renamed(members, obj, "prompt_tokens", "completion_tokens", "total_tokens", "input_tokens", "output_tokens",
		"cache_creation_input_tokens", "cache_read_input_tokens")
}
