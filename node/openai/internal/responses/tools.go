package responses

import (
	"encoding/json"
	"fmt"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// tools gives functions a chat's shape, in which they are nested. All other tools are OpenAI's to run.
func (t *translation) tools() error {
	if !t.Obj.Has("tools") {
		return nil
	}
	var list []json.RawMessage
	if raw, _ := t.Obj.Get("tools"); json.Unmarshal(raw, &list) != nil {
		return dialect.Invalid("tools", "tools must be an array")
	}
	if len(list) == 0 {
		t.Drop("tools")
		return nil
	}
	for i, raw := range list {
		where := fmt.Sprintf("tools[%d]", i)
		tool, err := rawjson.Parse(raw)
		if err != nil {
			return dialect.Invalid(where, "%s must be an object with a type", where)
		}
		if kind := dialect.StringMember(tool, "type"); kind != "function" {
			return unserved(where, kind)
		}
		if tool.Has("function") { // as a chat has it
			continue
		}
		if dialect.StringMember(tool, "name") == "" {
			return dialect.Invalid(where+".name", "%s has no name", where)
		}
		list[i] = dialect.Wrap("function", "function", tool)
	}
	t.SetList("tools", list)
	return nil
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
