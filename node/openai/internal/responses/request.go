// Package responses translates between OpenAI's Responses API and chat completions: a request into a chat's, and a chat's answer,
// whole or in chunks, into a response or its events. It keeps nothing from one request to the next.
package responses

import (
	"encoding/json"
	"slices"
	"strconv"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// translation is a request on its way into a chat's.
type translation struct{ dialect.Translation }

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

// Chat implements dialect.Request.
func (r *Request) Chat(obj rawjson.Object) ([]byte, error) {
	t := &translation{dialect.Translation{Obj: obj}}
	for _, step := range []func() error{t.refuse, t.limits, t.reasoning, t.text, t.tools, t.toolChoice, t.include, t.messages} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	r.read(obj)
	// store asks for what is not done, max_tool_calls counts hosted tools, stream_options have no usage in them.
	t.Drop("store", "max_tool_calls", "stream_options", "truncation")
	return t.Body(), nil
}

func (t *translation) refuse() error {
	for _, m := range refused {
		if raw, _ := t.Obj.Get(m.key); t.Obj.Has(m.key) && string(raw) != "false" && string(raw) != "[]" {
			return dialect.Unsupported(m.key, "%s is not supported: %s", m.key, m.advice)
		}
		t.Drop(m.key)
	}
	for _, m := range moved {
		if t.Obj.Has(m.key) {
			return dialect.Unsupported(m.key, "%s is of chat completions: in the Responses API it is %s", m.key, m.here)
		}
	}
	if n, _ := t.Obj.Get("n"); t.Obj.Has("n") && string(n) != "1" {
		return dialect.Unsupported("n", "a response is one answer: ask several times, or use n with /v1/chat/completions")
	}
	// Nothing is ever left out of an input, which auto allows and does not ask for: what is too long is refused either way.
	switch raw, _ := t.Obj.Get("truncation"); {
	case !t.Obj.Has("truncation"), string(raw) == `"auto"`, string(raw) == `"disabled"`:
		return nil
	}
	return dialect.Invalid("truncation", "truncation must be auto or disabled")
}

func (t *translation) limits() error {
	if raw, _ := t.Obj.Get("max_output_tokens"); t.Obj.Has("max_output_tokens") {
		if n, err := strconv.ParseUint(string(raw), 10, 32); err != nil || n == 0 {
			return dialect.Invalid("max_output_tokens", "max_output_tokens must be a whole number from 1 to 4294967295")
		}
		t.Set("max_tokens", raw)
	}
	t.Drop("max_output_tokens")
	return nil
}

// reasoning gives the effort a chat's name. What else is in it is OpenRouter's and goes on.
func (t *translation) reasoning() error {
	raw, ok := t.Obj.Get("reasoning")
	if !ok {
		return nil
	}
	if rawjson.IsNull(raw) {
		t.Drop("reasoning")
		return nil
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return dialect.Invalid("reasoning", "reasoning must be an object with an effort")
	}
	if effort, _ := obj.Get("effort"); obj.Has("effort") {
		t.Set("reasoning_effort", effort)
	}
	rest := obj.Apply(rawjson.Edit{Key: "effort"}, rawjson.Edit{Key: "summary"}, rawjson.Edit{Key: "generate_summary"})
	if string(rest) == "{}" {
		rest = nil
	}
	t.Set("reasoning", rest)
	return nil
}

// text gives the answer's form a chat's name.
func (t *translation) text() error {
	raw, ok := t.Obj.Get("text")
	t.Drop("text")
	if !ok || rawjson.IsNull(raw) {
		return nil
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return dialect.Invalid("text", "text must be an object with a format")
	}
	if verbosity, _ := obj.Get("verbosity"); obj.Has("verbosity") {
		t.Set("verbosity", verbosity)
	}
	if !obj.Has("format") {
		return nil
	}
	raw, _ = obj.Get("format")
	format, err := rawjson.Parse(raw)
	if err != nil {
		return dialect.Invalid("text.format", "text.format must be an object with a type")
	}
	switch kind := dialect.StringMember(format, "type"); kind {
	case "text":
	case "json_object":
		t.Set("response_format", raw)
	case "json_schema":
		if !format.Has("schema") {
			return dialect.Invalid("text.format.schema", "text.format has the type json_schema and no schema")
		}
		t.Set("response_format", dialect.Wrap(kind, kind, format))
	default:
		return dialect.Invalid("text.format.type", "text.format.type must be text, json_object or json_schema")
	}
	return nil
}

// include takes the one value that a chat has too. Of the others, some are of tools that are not here, and none is in an answer:
// reasoning.encrypted_content is asked for by clients as a matter of course.
func (t *translation) include() error {
	t.Drop("include")
	var values []string
	if raw, ok := t.Obj.Get("include"); ok && json.Unmarshal(raw, &values) != nil {
		return dialect.Invalid("include", "include must be a list of strings")
	}
	top, _ := t.Obj.Get("top_logprobs")
	if slices.Contains(values, "message.output_text.logprobs") || t.Obj.Has("top_logprobs") && string(top) != "0" {
		t.Set("logprobs", json.RawMessage("true"))
	}
	return nil
}
