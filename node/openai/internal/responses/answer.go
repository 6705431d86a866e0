package responses

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// Request is what an answer repeats of its request, and how it tells thoughts.
type Request struct {
	repeated []byte // members of the response, each with a comma before it
	thoughts *partKind
}

// repeats are the request's members that a response shows, and what it shows where the request says nothing.
var repeats = [...]struct{ key, absent string }{
	{"frequency_penalty", "null"}, {"instructions", "null"}, {"max_output_tokens", "null"}, {"max_tool_calls", "null"}, {"metadata", "{}"}, {"parallel_tool_calls", "true"},
	{"presence_penalty", "null"}, {"prompt_cache_key", "null"}, {"reasoning", `{"effort":null,"summary":null}`}, {"safety_identifier", "null"}, {"temperature", "null"},
	{"text", `{"format":{"type":"text"}}`}, {"tool_choice", `"auto"`}, {"tools", "[]"}, {"top_logprobs", "0"}, {"top_p", "null"}, {"user", "null"},
}

// read takes what the answer repeats. Of what is not done here the answer says so, whatever was asked for.
func (r *Request) read(obj rawjson.Object) {
	r.repeated = []byte(`,"background":false,"previous_response_id":null,"store":false,"truncation":"disabled"`)
	for _, m := range repeats {
		value, _ := obj.Get(m.key)
		if !obj.Has(m.key) {
			value = json.RawMessage(m.absent)
		}
		if m.key == "text" {
			if text, err := rawjson.Parse(value); err == nil && !text.Has("format") {
				value = text.Apply(rawjson.Edit{Key: "format", Value: json.RawMessage(`{"type":"text"}`)})
			}
		}
		r.repeated = fmt.Appendf(r.repeated, `,%q:%s`, m.key, value)
	}
	r.thoughts = &thoughtPart
	raw, _ := obj.Get("reasoning")
	if asked, err := rawjson.Parse(raw); err == nil && (asked.Has("summary") || asked.Has("generate_summary")) {
		r.thoughts = &summaryPart
	}
}

// Answer is one answer on its way from a chat's into a response. One goroutine at a time uses it.
type Answer struct {
	req    *Request
	head   []byte // of the response: id, object, created_at, model
	id     string // that of the response without its prefix, for those of its items
	finish string // the chat's finish_reason

	items  []*outItem
	open   *outItem // text that goes on: of items, nil: none
	held   outPart  // line breaks that no text has followed yet
	called bool     // a function
	size   int      // bytes that are kept, against maxAnswerBytes

	events []dialect.Event // not yet taken
	seq    int
	silent bool // no events are wanted
	begun  bool
}

// Bounds of what is kept of an answer, for the items and the response that repeat it: text, and what an item or a part counts for. So
// there are at most 1024 items.
const (
	maxAnswerBytes = 32 << 20
	itemBytes      = 32 << 10
	partBytes      = 256
)

// Begin implements dialect.Request.
func (r *Request) Begin(id, model string, created int64) dialect.Answer {
	_, own, _ := strings.Cut(id, "_")
	head := append([]byte(`{"id":`), rawjson.Quote(id)...)
	head = fmt.Appendf(head, `,"object":"response","created_at":%d,"model":%s`, created, rawjson.Quote(model))
	return &Answer{req: r, head: head, id: own[:min(len(own), 32)]}
}

// Whole implements dialect.Answer.
func (a *Answer) Whole(chat rawjson.Object, choices []json.RawMessage, usage json.RawMessage, ended int64) ([]byte, error) {
	a.silent, a.begun = true, true
	if err := a.take(choices); err != nil {
		return nil, err
	}
	a.close()
	status, incomplete := a.ended()
	extra := dialect.Others(chat, responseMember)
	return append(append(a.response(status, ended, "null", incomplete, Usage(usage)), extra...), '}'), nil
}

// responseMember: a response has a member of its own by that name.
func responseMember(key string) bool {
	switch key {
	case "created_at", "completed_at", "status", "error", "incomplete_details", "output", "background", "previous_response_id", "store", "truncation":
		return true
	}
	for _, m := range repeats {
		if m.key == key {
			return true
		}
	}
	return false
}

// take adds the answer's choice, or a piece of it.
func (a *Answer) take(choices []json.RawMessage) error {
	first, err := dialect.First(choices)
	if err != nil {
		return err
	}
	for _, c := range first {
		for _, s := range [...]dialect.Said{c.Message, c.Delta} {
			if err := a.say(s, c.Logprobs); err != nil {
				return err
			}
		}
		if c.FinishReason != "" {
			a.finish = c.FinishReason
		}
	}
	return nil
}

func (a *Answer) say(s dialect.Said, logprobs json.RawMessage) error {
	for _, p := range [...]struct {
		kind *partKind
		text json.RawMessage
	}{{a.req.thoughts, s.Thoughts()}, {&textPart, s.Content}, {&refusalPart, s.Refusal}} {
		if dialect.IsEmpty(p.text) {
			continue
		}
		text, err := dialect.PlainText(p.text)
		if err != nil {
			return err
		}
		if err := a.grow(p.kind, text, logprobs); err != nil {
			return err
		}
	}
	for i, call := range s.ToolCalls {
		if err := a.call(call.Number(i), call); err != nil {
			return err
		}
	}
	return nil
}

// ended is the response's status, and why it is incomplete where it is.
func (a *Answer) ended() (status, incomplete string) {
	switch a.finish {
	case "length":
		return "incomplete", `{"reason":"max_output_tokens"}`
	case "content_filter":
		return "incomplete", `{"reason":"content_filter"}`
	}
	return "completed", "null"
}

// response is the response object without its closing brace.
func (a *Answer) response(status string, ended int64, failure, incomplete string, usage json.RawMessage) []byte {
	out := make([]byte, 0, len(a.head)+len(a.req.repeated)+len(usage)+512)
	out = append(out, a.head...)
	completed := "null"
	if status == "completed" {
		completed = strconv.FormatInt(ended, 10)
	}
	out = fmt.Appendf(out, `,"status":%q,"completed_at":%s,"error":%s,"incomplete_details":%s`, status, completed, failure, incomplete)
	out = append(out, a.req.repeated...)
	out = append(out, `,"output":[`...)
	if status == "completed" || status == "incomplete" {
		for i, it := range a.items {
			if i > 0 {
				out = append(out, ',')
			}
			out = it.append(out)
		}
	}
	return append(append(out, `],"usage":`...), usage...)
}

// Usage gives a chat's usage the names that a response has for it; all else in it stays.
func Usage(chat json.RawMessage) json.RawMessage {
	obj, err := rawjson.Parse(chat)
	if err != nil {
		return json.RawMessage("null")
	}
	details := func(key string, needs ...string) json.RawMessage {
		raw, _ := obj.Get(key)
		d, err := rawjson.Parse(raw)
		if err != nil {
			d, _ = rawjson.Parse([]byte("{}")) // constant, parses
		}
		var edits []rawjson.Edit
		for _, need := range needs {
			if !d.Has(need) {
				edits = append(edits, rawjson.Edit{Key: need, Value: json.RawMessage("0")})
			}
		}
		return d.Apply(edits...)
	}
	members := fmt.Appendf(nil, `"input_tokens":%s,"input_tokens_details":%s,"output_tokens":%s,"output_tokens_details":%s,"total_tokens":%s`,
		dialect.Count(obj, "prompt_tokens"), details("prompt_tokens_details", "cached_tokens", "cache_write_tokens"),
		dialect.Count(obj, "completion_tokens"), details("completion_tokens_details", "reasoning_tokens"), dialect.Count(obj, "total_tokens"))
	return dialect.Renamed(members, obj, "prompt_tokens", "completion_tokens", "total_tokens", "prompt_tokens_details", "completion_tokens_details",
		"input_tokens", "output_tokens", "input_tokens_details", "output_tokens_details")
}

// itemID is the id of the item with this number, one of its kind's.
func (a *Answer) itemID(prefix string, n int) string { return prefix + a.id + "_" + strconv.Itoa(n) }
