package responses

import (
	"encoding/json"
	"fmt"
	"strings"

	"flotilla/node/rawjson"
)

// item is one entry of the input: something said, a call of a function, or what it returned.
type item struct {
	Type      string          `json:"type"`
	ID        string          `json:"id"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
	Output    json.RawMessage `json:"output"`
}

// dialogue makes messages of items. A model's text and its calls are items of their own here and one message in a chat, so what
// the assistant said stays open until somebody else speaks.
type dialogue struct {
	messages []json.RawMessage
	said     json.RawMessage   // the assistant's open message; nil: none
	calls    []json.RawMessage // and its calls
}

// messages makes a chat's of instructions and input.
func (t *translation) messages() error {
	var d dialogue
	if raw, _ := t.obj.Get("instructions"); t.obj.Has("instructions") {
		if raw[0] != '"' {
			return invalid("instructions", "instructions must be a string")
		}
		if string(raw) != `""` { // a system message that says nothing would still be in the model's template
			d.add("system", raw)
		}
	}
	t.drop("input", "instructions")
	before := len(d.messages)
	raw, ok := t.obj.Get("input")
	var items []json.RawMessage
	switch {
	case ok && raw[0] == '"':
		d.add("user", raw)
	case !ok || rawjson.IsNull(raw) || json.Unmarshal(raw, &items) != nil:
		return invalid("input", "input must be a string or an array of items")
	}
	for i, raw := range items {
		if err := d.item(fmt.Sprintf("input[%d]", i), raw); err != nil {
			return err
		}
	}
	d.close()
	if len(d.messages) == before {
		return invalid("input", "input has nothing for the model: it must be a string or an array with at least one message")
	}
	return t.setList("messages", d.messages)
}

func (d *dialogue) item(where string, raw json.RawMessage) error {
	var it item
	if raw[0] != '{' || json.Unmarshal(raw, &it) != nil {
		return invalid(where, "%s must be an item, such as a message with a role and content", where)
	}
	switch {
	case it.Type == "message" || it.Type == "" && it.Role != "":
		return d.message(where, it)
	case it.Type == "function_call":
		return d.call(where, it)
	case it.Type == "function_call_output":
		output, err := content(where+".output", it.Output, true)
		if err != nil {
			return err
		}
		if it.CallID == "" {
			return invalid(where+".call_id", "%s has no call_id", where)
		}
		d.close()
		d.messages = append(d.messages, fmt.Appendf(nil, `{"role":"tool","tool_call_id":%s,"content":%s}`, rawjson.Quote(it.CallID), output))
	case it.Type == "reasoning", it.Type == "item_reference" && strings.HasPrefix(it.ID, prefixThoughts): // chats go on without earlier thoughts
	case it.Type == "item_reference":
		return &Refusal{codeNoSuchValue, where, where + " refers to an item of an earlier answer, and no answers are kept here: send the item itself " +
			"(store: false makes clients do so, in Vercel's AI SDK providerOptions: {openai: {store: false}})"}
	default:
		return &Refusal{codeNoSuchValue, where + ".type", fmt.Sprintf("%s: items of the type %q are not supported: there are message, function_call, function_call_output and reasoning", where, clip(it.Type))}
	}
	return nil
}

func (d *dialogue) message(where string, it item) error {
	assistant := it.Role == "assistant"
	said, err := content(where+".content", it.Content, assistant)
	if err != nil {
		return err
	}
	switch it.Role {
	case "assistant":
		d.say(said)
	case "user":
		d.add("user", said)
	case "system", "developer": // chat templates of open models know system alone
		d.add("system", said)
	default:
		return invalid(where+".role", "%s.role must be user, assistant, system or developer", where)
	}
	return nil
}

// say takes a text of the assistant's. Behind a call it belongs to the same message: in a chat what a call returned has to follow it
// at once, and models do go on after a call, be it with a line break.
func (d *dialogue) say(said json.RawMessage) {
	before := d.said
	if before == nil {
		before = json.RawMessage(`""`)
	}
	if d.calls == nil || before[0] != '"' || said[0] != '"' {
		d.close()
		d.said = said
		return
	}
	d.said = append(before[:len(before)-1], said[1:]...) // both are copies of the body's
}

func (d *dialogue) call(where string, it item) error {
	switch {
	case it.CallID == "":
		return invalid(where+".call_id", "%s has no call_id", where)
	case it.Name == "":
		return invalid(where+".name", "%s has no name", where)
	case len(it.Arguments) == 0 || it.Arguments[0] != '"':
		return invalid(where+".arguments", "%s.arguments must be a string", where)
	}
	d.calls = append(d.calls, fmt.Appendf(nil, `{"id":%s,"type":"function","function":{"name":%s,"arguments":%s}}`, rawjson.Quote(it.CallID), rawjson.Quote(it.Name), it.Arguments))
	return nil
}

// close ends what the assistant said.
func (d *dialogue) close() {
	if d.said == nil && d.calls == nil {
		return
	}
	said := d.said
	if said == nil {
		said = json.RawMessage("null")
	}
	message := fmt.Appendf(nil, `{"role":"assistant","content":%s`, said)
	for i, call := range d.calls {
		if i == 0 {
			message = append(message, `,"tool_calls":[`...)
		} else {
			message = append(message, ',')
		}
		message = append(message, call...)
	}
	if d.calls != nil {
		message = append(message, ']')
	}
	d.messages = append(d.messages, append(message, '}'))
	d.said, d.calls = nil, nil
}

func (d *dialogue) add(role string, said json.RawMessage) {
	d.close()
	d.messages = append(d.messages, fmt.Appendf(nil, `{"role":%q,"content":%s}`, role, said))
}

// part is one of content.
type part struct {
	Type     string          `json:"type"`
	Text     json.RawMessage `json:"text"`
	Refusal  json.RawMessage `json:"refusal"`
	ImageURL json.RawMessage `json:"image_url"`
	Detail   json.RawMessage `json:"detail"`
	FileData json.RawMessage `json:"file_data"`
	Filename json.RawMessage `json:"filename"`
}

// content is a chat's: a string as it came, parts with a chat's names. Where joined, parts that are all text become one string, since
// chat templates take no parts from anyone but the user; one text alone always does.
func content(where string, raw json.RawMessage, joined bool) (json.RawMessage, error) {
	var parts []json.RawMessage
	switch {
	case len(raw) > 0 && raw[0] == '"':
		return raw, nil
	case len(raw) == 0 || rawjson.IsNull(raw) || json.Unmarshal(raw, &parts) != nil:
		return nil, invalid(where, "%s must be a string or an array of parts", where)
	}
	text, out, texts := []byte{'"'}, []byte{'['}, 0
	for i, raw := range parts {
		said, chat, err := chatPart(fmt.Sprintf("%s[%d]", where, i), raw)
		if err != nil {
			return nil, err
		}
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, chat...)
		if said != nil {
			texts++
			text = append(text, said[1:len(said)-1]...) // what is between the quotes stays as it came
		}
	}
	if texts == len(parts) && (joined || texts < 2) {
		return append(text, '"'), nil
	}
	return append(out, ']'), nil
}

// chatPart is the part as a chat has it; text is its JSON string, nil where it is no text.
func chatPart(where string, raw json.RawMessage) (text, chat json.RawMessage, err error) {
	var p part
	if raw[0] != '{' || json.Unmarshal(raw, &p) != nil {
		return nil, nil, invalid(where, "%s must be a part with a type", where)
	}
	isString := func(v json.RawMessage) bool { return len(v) > 0 && v[0] == '"' }
	switch p.Type {
	case "input_text", "output_text", "text", "refusal":
		text = p.Text
		if p.Type == "refusal" {
			text = p.Refusal
		}
		if !isString(text) {
			return nil, nil, invalid(where+".text", "%s has no text", where)
		}
		return text, fmt.Appendf(nil, `{"type":"text","text":%s}`, text), nil
	case "input_image":
		if !isString(p.ImageURL) {
			return nil, nil, invalid(where+".image_url", "%s has no image_url: no files are kept here, send the image itself as a data: URL", where)
		}
		chat = fmt.Appendf(nil, `{"type":"image_url","image_url":{"url":%s`, p.ImageURL)
		if isString(p.Detail) {
			chat = fmt.Appendf(chat, `,"detail":%s`, p.Detail)
		}
		return nil, append(chat, "}}"...), nil
	case "input_file":
		if !isString(p.FileData) {
			return nil, nil, invalid(where+".file_data", "%s has no file_data: no files are kept or fetched here, send what is in it", where)
		}
		chat = fmt.Appendf(nil, `{"type":"file","file":{"file_data":%s`, p.FileData)
		if isString(p.Filename) {
			chat = fmt.Appendf(chat, `,"filename":%s`, p.Filename)
		}
		return nil, append(chat, "}}"...), nil
	case "input_audio", "image_url": // a chat's own
		return nil, raw, nil
	}
	return nil, nil, &Refusal{codeNoSuchValue, where + ".type", fmt.Sprintf("%s: parts of the type %q are not supported: there are input_text, input_image, input_file and output_text", where, clip(p.Type))}
}

// clip bounds what is shown of a client's text.
func clip(s string) string {
	const most = 40
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
