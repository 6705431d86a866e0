package responses

import (
	"encoding/json"
	"fmt"
	"strings"

	"flotilla/node/openai/internal/dialect"
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
	if raw, _ := t.Obj.Get("instructions"); t.Obj.Has("instructions") {
		if raw[0] != '"' {
			return dialect.Invalid("instructions", "instructions must be a string")
		}
		if string(raw) != `""` { // a system message that says nothing would still be in the model's template
			d.add("system", raw)
		}
	}
	t.Drop("input", "instructions")
	before := len(d.messages)
	raw, ok := t.Obj.Get("input")
	var items []json.RawMessage
	switch {
	case ok && raw[0] == '"':
		d.add("user", raw)
	case !ok || rawjson.IsNull(raw) || json.Unmarshal(raw, &items) != nil:
		return dialect.Invalid("input", "input must be a string or an array of items")
	}
	for i, raw := range items {
		if err := d.item(fmt.Sprintf("input[%d]", i), raw); err != nil {
			return err
		}
	}
	d.close()
	if len(d.messages) == before {
		return dialect.Invalid("input", "input has nothing for the model: it must be a string or an array with at least one message")
	}
	t.SetList("messages", d.messages)
	return nil
}

func (d *dialogue) item(where string, raw json.RawMessage) error {
	var it item
	if raw[0] != '{' || json.Unmarshal(raw, &it) != nil {
		return dialect.Invalid(where, "%s must be an item, such as a message with a role and content", where)
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
			return dialect.Invalid(where+".call_id", "%s has no call_id", where)
		}
		d.close()
		d.messages = append(d.messages, dialect.Result(it.CallID, output))
	case it.Type == "reasoning", it.Type == "item_reference" && strings.HasPrefix(it.ID, prefixThoughts): // chats go on without earlier thoughts
	case it.Type == "item_reference":
		return dialect.NoSuchValue(where, "%s refers to an item of an earlier answer, and no answers are kept here: send the item itself "+
			"(store: false makes clients do so, in Vercel's AI SDK providerOptions: {openai: {store: false}})", where)
	default:
		return dialect.NoSuchValue(where+".type", "%s: items of the type %q are not supported: there are message, function_call, function_call_output and reasoning", where, dialect.Clip(it.Type))
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
		return dialect.Invalid(where+".role", "%s.role must be user, assistant, system or developer", where)
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
		return dialect.Invalid(where+".call_id", "%s has no call_id", where)
	case it.Name == "":
		return dialect.Invalid(where+".name", "%s has no name", where)
	case len(it.Arguments) == 0 || it.Arguments[0] != '"':
		return dialect.Invalid(where+".arguments", "%s.arguments must be a string", where)
	}
	d.calls = append(d.calls, dialect.Call(it.CallID, it.Name, it.Arguments))
	return nil
}

// close ends what the assistant said.
func (d *dialogue) close() {
	if d.said == nil && d.calls == nil {
		return
	}
	d.messages = append(d.messages, dialect.Assistant(d.said, d.calls))
	d.said, d.calls = nil, nil
}

func (d *dialogue) add(role string, said json.RawMessage) {
	d.close()
	d.messages = append(d.messages, dialect.Message(role, said))
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

// content is a chat's: a string as it came, parts with a chat's names.
func content(where string, raw json.RawMessage, joined bool) (json.RawMessage, error) {
	var parts []json.RawMessage
	switch {
	case dialect.IsString(raw):
		return raw, nil
	case len(raw) == 0 || rawjson.IsNull(raw) || json.Unmarshal(raw, &parts) != nil:
		return nil, dialect.Invalid(where, "%s must be a string or an array of parts", where)
	}
	var c dialect.Content
	for i, raw := range parts {
		if err := addPart(&c, fmt.Sprintf("%s[%d]", where, i), raw); err != nil {
			return nil, err
		}
	}
	return c.Value(joined), nil
}

func addPart(c *dialect.Content, where string, raw json.RawMessage) error {
	var p part
	if raw[0] != '{' || json.Unmarshal(raw, &p) != nil {
		return dialect.Invalid(where, "%s must be a part with a type", where)
	}
	switch p.Type {
	case "input_text", "output_text", "text", "refusal":
		text := p.Text
		if p.Type == "refusal" {
			text = p.Refusal
		}
		if !dialect.IsString(text) {
			return dialect.Invalid(where+".text", "%s has no text", where)
		}
		c.Text(text)
	case "input_image":
		if !dialect.IsString(p.ImageURL) {
			return dialect.Invalid(where+".image_url", "%s has no image_url: no files are kept here, send the image itself as a data: URL", where)
		}
		c.Image(p.ImageURL, p.Detail)
	case "input_file":
		if !dialect.IsString(p.FileData) {
			return dialect.Invalid(where+".file_data", "%s has no file_data: no files are kept or fetched here, send what is in it", where)
		}
		c.File(p.FileData, p.Filename)
	case "input_audio", "image_url": // a chat's own
		c.Part(raw)
	default:
		return dialect.NoSuchValue(where+".type", "%s: parts of the type %q are not supported: there are input_text, input_image, input_file and output_text", where, dialect.Clip(p.Type))
	}
	return nil
}
