// Package responses translates between OpenAI's Responses API and chat completions: a request into a chat's, and a chat's answer,
// whole or in chunks, into a response or its events. It keeps nothing from one request to the next.
package responses

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"flotilla/node/rawjson"
)

// Refusal is something that a request asks for and cannot have, in the words of OpenAI's errors.
type Refusal struct{ Code, Param, Message string }

func (r *Refusal) Error() string { return r.Message }

// Codes of refusals, which are OpenAI's.
const (
	codeInvalid     = "invalid_value"
	codeUnsupported = "unsupported_parameter"
	codeNoSuchValue = "unsupported_value"
)

func invalid(param, format string, args ...any) error {
	return &Refusal{codeInvalid, param, fmt.Sprintf(format, args...)}
}

// refused are members that ask for what a server can only do that keeps something, which this one does not.
var refused = [...]struct{ key, advice string }{
	{"previous_response_id", "no answers are kept here to go on from: send the whole conversation as input"},
	{"conversation", "no conversations are kept here: send the whole of it as input"},
	{"background", "no answers are kept here to be fetched later: leave background out, and stream where the answer takes long"},
	{"prompt", "no prompts are kept here: send what yours says as instructions and input"},
	{"context_management", "conversations are not compacted here: leave context_management out and send a shorter input"},
}

// moved are a chat's members that have another name here. To pass them on would give the model server two of one thing.
var moved = [...]struct{ key, here string }{
	{"messages", "input"}, {"max_tokens", "max_output_tokens"}, {"max_completion_tokens", "max_output_tokens"}, {"response_format", "text.format"},
	{"reasoning_effort", "reasoning.effort"}, {"verbosity", "text.verbosity"}, {"functions", "tools"}, {"function_call", "tool_choice"},
}

// translation is a request on its way into a chat's. What it does not touch goes through as it came.
type translation struct {
	obj   rawjson.Object
	edits []rawjson.Edit
}

func (t *translation) set(key string, value json.RawMessage) {
	t.edits = append(t.edits, rawjson.Edit{Key: key, Value: value})
}

func (t *translation) drop(keys ...string) {
	for _, key := range keys {
		t.set(key, nil)
	}
}

// Chat makes a chat's body of a request's, and reads into the Request what the answer has to know of it. Its error is a *Refusal.
func (r *Request) Chat(obj rawjson.Object) ([]byte, error) {
	t := &translation{obj: obj}
	for _, step := range []func() error{t.refuse, t.limits, t.reasoning, t.text, t.tools, t.toolChoice, t.include, t.messages} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.read(obj)
	// store asks for what is not done, max_tool_calls counts hosted tools, stream_options have no usage in them.
	t.drop("store", "max_tool_calls", "stream_options", "truncation")
	return obj.Apply(t.edits...), nil
}

func (t *translation) refuse() error {
	for _, m := range refused {
		if raw, _ := t.obj.Get(m.key); t.obj.Has(m.key) && string(raw) != "false" && string(raw) != "[]" {
			return &Refusal{codeUnsupported, m.key, m.key + " is not supported: " + m.advice}
		}
		t.drop(m.key)
	}
	for _, m := range moved {
		if t.obj.Has(m.key) {
			return &Refusal{codeUnsupported, m.key, fmt.Sprintf("%s is of chat completions: in the Responses API it is %s", m.key, m.here)}
		}
	}
	if n, _ := t.obj.Get("n"); t.obj.Has("n") && string(n) != "1" {
		return &Refusal{codeUnsupported, "n", "a response is one answer: ask several times, or use n with /v1/chat/completions"}
	}
	// Nothing is ever left out of an input, which auto allows and does not ask for: what is too long is refused either way.
	switch raw, _ := t.obj.Get("truncation"); {
	case !t.obj.Has("truncation"), string(raw) == `"auto"`, string(raw) == `"disabled"`:
		return nil
	}
	return invalid("truncation", "truncation must be auto or disabled")
}

func (t *translation) limits() error {
	if raw, _ := t.obj.Get("max_output_tokens"); t.obj.Has("max_output_tokens") {
		if n, err := strconv.ParseUint(string(raw), 10, 32); err != nil || n == 0 {
			return invalid("max_output_tokens", "max_output_tokens must be a whole number from 1 to 4294967295")
		}
		t.set("max_tokens", raw)
	}
	t.drop("max_output_tokens")
	return nil
}

// reasoning gives the effort a chat's name. What else is in it is OpenRouter's and goes on.
func (t *translation) reasoning() error {
	raw, ok := t.obj.Get("reasoning")
	if !ok {
		return nil
	}
	if rawjson.IsNull(raw) {
		t.drop("reasoning")
		return nil
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return invalid("reasoning", "reasoning must be an object with an effort")
	}
	if effort, _ := obj.Get("effort"); obj.Has("effort") {
		t.set("reasoning_effort", effort)
	}
	rest := obj.Apply(rawjson.Edit{Key: "effort"}, rawjson.Edit{Key: "summary"}, rawjson.Edit{Key: "generate_summary"})
	if string(rest) == "{}" {
		rest = nil
	}
	t.set("reasoning", rest)
	return nil
}

// text gives the answer's form a chat's name.
func (t *translation) text() error {
	raw, ok := t.obj.Get("text")
	t.drop("text")
	if !ok || rawjson.IsNull(raw) {
		return nil
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return invalid("text", "text must be an object with a format")
	}
	if verbosity, _ := obj.Get("verbosity"); obj.Has("verbosity") {
		t.set("verbosity", verbosity)
	}
	if !obj.Has("format") {
		return nil
	}
	raw, _ = obj.Get("format")
	format, err := rawjson.Parse(raw)
	if err != nil {
		return invalid("text.format", "text.format must be an object with a type")
	}
	switch kind := stringMember(format, "type"); kind {
	case "text":
	case "json_object":
		t.set("response_format", raw)
	case "json_schema":
		if !format.Has("schema") {
			return invalid("text.format.schema", "text.format has the type json_schema and no schema")
		}
		t.set("response_format", wrap(kind, kind, format))
	default:
		return invalid("text.format.type", "text.format.type must be text, json_object or json_schema")
	}
	return nil
}

// include takes the one value that a chat has too. Of the others, some are of tools that are not here, and none is in an answer:
// reasoning.encrypted_content is asked for by clients as a matter of course.
func (t *translation) include() error {
	t.drop("include")
	var values []string
	if raw, ok := t.obj.Get("include"); ok && json.Unmarshal(raw, &values) != nil {
		return invalid("include", "include must be a list of strings")
	}
	top, _ := t.obj.Get("top_logprobs")
	if slices.Contains(values, "message.output_text.logprobs") || t.obj.Has("top_logprobs") && string(top) != "0" {
		t.set("logprobs", json.RawMessage("true"))
	}
	return nil
}

// wrap makes {"type":kind,key:obj} of a flat obj.
func wrap(kind, key string, obj rawjson.Object) json.RawMessage {
	out := append([]byte(`{"type":`), rawjson.Quote(kind)...)
	out = append(append(append(out, ','), rawjson.Quote(key)...), ':')
	return append(append(out, obj.Apply(rawjson.Edit{Key: "type"})...), '}')
}

// stringMember is a member's text; empty where it has none.
func stringMember(obj rawjson.Object, key string) (s string) {
	raw, _ := obj.Get(key)
	_ = json.Unmarshal(raw, &s) // else it stays empty
	return s
}
