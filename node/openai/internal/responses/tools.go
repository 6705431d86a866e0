package responses

import (
	"encoding/json"
	"fmt"

	"flotilla/node/rawjson"
)

// tools gives functions a chat's shape, in which they are nested. All other tools are OpenAI's to run.
func (t *translation) tools() error {
	if !t.obj.Has("tools") {
		return nil
	}
	var list []json.RawMessage
	if raw, _ := t.obj.Get("tools"); json.Unmarshal(raw, &list) != nil {
		return invalid("tools", "tools must be an array")
	}
	if len(list) == 0 {
		t.drop("tools")
		return nil
	}
	for i, raw := range list {
		where := fmt.Sprintf("tools[%d]", i)
		tool, err := rawjson.Parse(raw)
		if err != nil {
			return invalid(where, "%s must be an object with a type", where)
		}
		if kind := stringMember(tool, "type"); kind != "function" {
			return unserved(where, kind)
		}
		if tool.Has("function") { // as a chat has it
			continue
		}
		if stringMember(tool, "name") == "" {
			return invalid(where+".name", "%s has no name", where)
		}
		list[i] = wrap("function", "function", tool)
	}
	return t.setList("tools", list)
}

func (t *translation) setList(key string, list []json.RawMessage) error {
	out := []byte{'['}
	for i, raw := range list {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, raw...)
	}
	t.set(key, append(out, ']'))
	return nil
}

// unserved refuses a tool that is no function.
func unserved(where, kind string) error {
	return &Refusal{codeNoSuchValue, where + ".type", fmt.Sprintf("%s: nothing here runs a tool of the type %q: give a function of your own (type function) that does its work", where, clip(kind))}
}

func (t *translation) toolChoice() error {
	raw, _ := t.obj.Get("tool_choice")
	tools, _ := t.obj.Get("tools")
	switch none := !t.obj.Has("tools") || isEmpty(tools); {
	case none && (string(raw) == `"auto"` || string(raw) == `"none"`): // a chat is refused with it, by OpenAI and by vLLM
		t.drop("tool_choice")
		return nil
	case !t.obj.Has("tool_choice"), raw[0] == '"':
		return nil
	}
	choice, err := rawjson.Parse(raw)
	if err != nil {
		return invalid("tool_choice", "tool_choice must be auto, none, required, or an object that names a function")
	}
	switch kind := stringMember(choice, "type"); {
	case kind == "allowed_tools":
		return &Refusal{codeNoSuchValue, "tool_choice.type", "tool_choice cannot be allowed_tools: leave the others out of tools"}
	case kind != "function":
		return unserved("tool_choice", kind)
	case choice.Has("function"): // as a chat has it
		return nil
	case stringMember(choice, "name") == "":
		return invalid("tool_choice.name", "tool_choice has no name")
	}
	t.set("tool_choice", wrap("function", "function", choice))
	return nil
}
