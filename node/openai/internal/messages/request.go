// Package messages translates between Anthropic's Messages API and chat completions: a request into a chat's, and a chat's answer,
// whole or in chunks, into a message or its events. It keeps nothing from one request to the next.
package messages

import (
	"encoding/json"
	"slices"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// Request is what an answer has to know of its request.
type Request struct {
	Dry bool // nothing is answered, so that max_tokens may be absent

	thoughts bool     // are shown
	stops    []string // stop_sequences
}

// refused are members that ask for what is done at Anthropic alone.
var refused = [...]struct{ key, advice string }{
	{"mcp_servers", "nothing here calls MCP servers: connect to them yourself and give their tools"},
	{"container", "nothing here runs code: leave container out"},
}

// moved are a chat's members that have another name here, or none.
var moved = [...]struct{ key, here string }{
	{"stop", "it is stop_sequences"}, {"max_completion_tokens", "it is max_tokens"}, {"response_format", "it is output_config.format"},
	{"functions", "it is tools"}, {"function_call", "it is tool_choice"}, {"parallel_tool_calls", "it is tool_choice.disable_parallel_tool_use"},
	{"n", "ask several times"},
}

// unsaid are members that clients send as a matter of course and that mean nothing to a model server of the fleet: caches and prices of
// Anthropic's, what it does to a history that is too long, and who the user is, which is no business of an operator's.
var unsaid = [...]string{"cache_control", "context_management", "inference_geo", "metadata", "service_tier", "stream_options"}

// translation is a request on its way into a chat's.
type translation struct {
	dialect.Translation
	req *Request
}

// Chat implements dialect.Request.
func (r *Request) Chat(obj rawjson.Object) ([]byte, error) {
	t := &translation{dialect.Translation{Obj: obj}, r}
	for _, step := range []func() error{t.refuse, t.stops, t.thinking, t.output, t.tools, t.toolChoice, t.messages} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	t.Drop(unsaid[:]...)
	return t.Body(), nil
}

// Is says whether a body with messages has what means nothing in a chat. Of one that has not, both APIs read the same.
func Is(obj rawjson.Object) bool {
	if obj.Has("system") || obj.Has("stop_sequences") {
		return true
	}
	var tools []struct {
		Schema json.RawMessage `json:"input_schema"`
	}
	raw, _ := obj.Get("tools")
	if json.Unmarshal(raw, &tools) == nil && len(tools) > 0 && tools[0].Schema != nil {
		return true
	}
	var said []struct {
		Content []struct {
			Type string `json:"type"`
		} `json:"content"`
	}
	raw, _ = obj.Get("messages")
	_ = json.Unmarshal(raw, &said) // contents that are strings stay empty, and the others are read all the same
	for _, m := range said {
		for _, b := range m.Content {
			switch b.Type {
			case "image", "document", "search_result", "tool_use", "tool_result", "thinking", "redacted_thinking":
				return true
			}
		}
	}
	return false
}

func (t *translation) refuse() error {
	for _, m := range refused {
		if raw, _ := t.Obj.Get(m.key); !dialect.IsEmpty(raw) {
			return dialect.Unsupported(m.key, "%s is not supported: %s", m.key, m.advice)
		}
		t.Drop(m.key)
	}
	for _, m := range moved {
		if t.Obj.Has(m.key) {
			return dialect.Unsupported(m.key, "%s is of chat completions: in the Messages API %s", m.key, m.here)
		}
	}
	if !t.Obj.Has("max_tokens") && !t.req.Dry {
		return dialect.Invalid("max_tokens", "max_tokens is missing: it must be a whole number from 1")
	}
	return nil
}

func (t *translation) stops() error {
	raw, _ := t.Obj.Get("stop_sequences")
	t.Drop("stop_sequences")
	if dialect.IsEmpty(raw) {
		return nil
	}
	if json.Unmarshal(raw, &t.req.stops) != nil {
		return dialect.Invalid("stop_sequences", "stop_sequences must be a list of strings")
	}
	t.Set("stop", raw)
	return nil
}

// thinking says whether thoughts are shown. How long a model thinks is its server's to know: there is no budget in a chat.
func (t *translation) thinking() error {
	raw, _ := t.Obj.Get("thinking")
	t.Drop("thinking")
	if !t.Obj.Has("thinking") {
		return nil
	}
	obj, err := rawjson.Parse(raw)
	kind := dialect.StringMember(obj, "type")
	if err != nil || !slices.Contains([]string{"enabled", "adaptive", "disabled"}, kind) {
		return dialect.Invalid("thinking", "thinking must be an object with the type enabled, adaptive or disabled")
	}
	t.req.thoughts = kind != "disabled" && dialect.StringMember(obj, "display") != "omitted"
	return nil
}

// output gives the answer's form a chat's name. The effort, which clients set as a matter of course, is left out: some model servers
// refuse it with models that do not think.
func (t *translation) output() error {
	format, where := json.RawMessage(nil), "output_format" // its name before it was in output_config
	if raw, _ := t.Obj.Get(where); t.Obj.Has(where) {
		format = raw
	}
	if raw, _ := t.Obj.Get("output_config"); t.Obj.Has("output_config") {
		obj, err := rawjson.Parse(raw)
		if err != nil {
			return dialect.Invalid("output_config", "output_config must be an object")
		}
		if obj.Has("format") {
			format, _ = obj.Get("format")
			where = "output_config.format"
		}
	}
	t.Drop("output_config", "output_format")
	if format == nil {
		return nil
	}
	obj, err := rawjson.Parse(format)
	schema, _ := obj.Get("schema")
	if err != nil || dialect.StringMember(obj, "type") != "json_schema" || !obj.Has("schema") {
		return dialect.Invalid(where, "%s must have the type json_schema and a schema", where)
	}
	form := append([]byte(`{"type":"json_schema","json_schema":{"name":"output","strict":true,"schema":`), schema...)
	t.Set("response_format", append(form, "}}"...))
	return nil
}
