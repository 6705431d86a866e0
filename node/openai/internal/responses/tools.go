package responses

import (
	"encoding/json"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// tools gives functions a chat's shape, in which they are nested. All other tools are OpenAI's to run.
func (t *translation) tools() error {
	return t.Tools("an object with a type", func(where string, tool rawjson.Object) (json.RawMessage, error) {
		switch kind := dialect.StringMember(tool, "type"); {
		case kind != "function":
			return nil, unserved(where, kind)
		case tool.Has("function"): // as a chat has it
			return nil, nil
		case dialect.StringMember(tool, "name") == "":
			return nil, dialect.Invalid(where+".name", "%s has no name", where)
		}
		return dialect.Wrap("function", "function", tool), nil
	})
}

// unserved refuses a tool that is no function.
func unserved(where, kind string) error {
	return dialect.NoSuchValue(where+".type", "%s: nothing here runs a tool of the type %q: give a function of your own (type function) that does its work", where, dialect.Clip(kind))
}

func (t *translation) toolChoice() error {
	raw, _ := t.Obj.Get("tool_choice")
	tools, _ := t.Obj.Get("tools")
	switch none := !t.Obj.Has("tools") || dialect.IsEmpty(tools); {
	case none && (string(raw) == `"auto"` || string(raw) == `"none"`): // a chat is refused with it, by OpenAI and by vLLM
		t.Drop("tool_choice")
		return nil
	case !t.Obj.Has("tool_choice"), raw[0] == '"':
		return nil
	}
	choice, err := rawjson.Parse(raw)
	if err != nil {
		return dialect.Invalid("tool_choice", "tool_choice must be auto, none, required, or an object that names a function")
	}
	switch kind := dialect.StringMember(choice, "type"); {
	case kind == "allowed_tools":
		return dialect.NoSuchValue("tool_choice.type", "tool_choice cannot be allowed_tools: leave the others out of tools")
	case kind != "function":
		return unserved("tool_choice", kind)
	case choice.Has("function"): // as a chat has it
		return nil
	case dialect.StringMember(choice, "name") == "":
		return dialect.Invalid("tool_choice.name", "tool_choice has no name")
	}
	t.Set("tool_choice", dialect.Wrap("function", "function", choice))
	return nil
}
