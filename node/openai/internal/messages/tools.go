package messages

import (
	"encoding/json"
	"fmt"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// tools makes functions of those that the client runs. All others are Anthropic's to run, or to know.
func (t *translation) tools() error {
	return t.Tools("an object with a name and an input_schema", func(where string, tool rawjson.Object) (json.RawMessage, error) {
		switch kind := dialect.StringMember(tool, "type"); {
		case tool.Has("type") && kind != "custom":
			return nil, dialect.NoSuchValue(where+".type", "%s: nothing here runs a tool of the type %q, and models of the fleet do not know it: give a tool of your own, with an input_schema, that does its work", where, dialect.Clip(kind))
		case dialect.StringMember(tool, "name") == "":
			return nil, dialect.Invalid(where+".name", "%s has no name", where)
		case !tool.Has("input_schema"):
			return nil, dialect.Invalid(where+".input_schema", "%s has no input_schema", where)
		}
		return function(tool), nil
	})
}

// function is a tool as a chat has it.
func function(tool rawjson.Object) json.RawMessage {
	out := []byte(`{"type":"function","function":{`)
	for i, m := range [...]struct{ key, chat string }{{"name", "name"}, {"description", "description"}, {"input_schema", "parameters"}, {"strict", "strict"}} {
		if !tool.Has(m.key) {
			continue
		}
		if i > 0 {
			out = append(out, ',')
		}
		value, _ := tool.Get(m.key)
		out = fmt.Appendf(out, "%q:%s", m.chat, value)
	}
	return append(out, "}}"...)
}

func (t *translation) toolChoice() error {
	if !t.Obj.Has("tool_choice") {
		return nil
	}
	raw, _ := t.Obj.Get("tool_choice")
	choice, err := rawjson.Parse(raw)
	if err != nil {
		return dialect.Invalid("tool_choice", "tool_choice must be an object with a type")
	}
	tools, _ := t.Obj.Get("tools")
	kind := dialect.StringMember(choice, "type")
	switch kind {
	case "auto", "none":
		if dialect.IsEmpty(tools) { // a chat is refused with it, by OpenAI and by vLLM
			t.Drop("tool_choice")
			return nil
		}
		t.Set("tool_choice", rawjson.Quote(kind))
	case "any":
		t.Set("tool_choice", json.RawMessage(`"required"`))
	case "tool":
		name := dialect.StringMember(choice, "name")
		if name == "" {
			return dialect.Invalid("tool_choice.name", "tool_choice has no name")
		}
		t.Set("tool_choice", fmt.Appendf(nil, `{"type":"function","function":{"name":%s}}`, rawjson.Quote(name)))
	default:
		return dialect.Invalid("tool_choice.type", "tool_choice.type must be auto, any, tool or none")
	}
	if one, _ := choice.Get("disable_parallel_tool_use"); string(one) == "true" {
		t.Set("parallel_tool_calls", json.RawMessage("false"))
	}
	return nil
}
