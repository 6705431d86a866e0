package messages

import (
	"bytes"
	"encoding/json"
	"fmt"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// block is one of content. Which members it has its type says.
type block struct {
	Type      string          `json:"type"`
	Text      json.RawMessage `json:"text"`
	Source    json.RawMessage `json:"source"`
	Title     json.RawMessage `json:"title"`
	ID        string          `json:"id"`
	Name      string          `json:"name"`
	Input     json.RawMessage `json:"input"`
	ToolUseID string          `json:"tool_use_id"`
	Content   json.RawMessage `json:"content"`
	IsError   bool            `json:"is_error"`
}

// turn is one message of the chat.
type turn struct {
	role    string
	callID  string // whose result it is
	content dialect.Content
	calls   []json.RawMessage
}

func (u *turn) message() json.RawMessage {
	switch u.role {
	case "assistant":
		var said json.RawMessage
		if u.content.Len() > 0 {
			said = u.content.Joined()
		}
		return dialect.Assistant(said, u.calls)
	case "tool":
		return dialect.Result(u.callID, u.content.Joined())
	}
	return dialect.Message(u.role, u.content.Value(u.role == "system"))
}

// dialogue makes turns of messages.
type dialogue struct {
	system dialect.Content
	turns  []*turn
	note   json.RawMessage // a system text behind what the model said: the next turn gets it; nil: none
}

// add takes one more turn. What one side says in several messages is one turn, as it is at Anthropic: many chat templates refuse two in
// a row, and llama.cpp two answers at the end.
func (d *dialogue) add(u *turn) {
	switch {
	case d.note == nil:
	case u.role == "assistant":
		d.endNote()
	default:
		u.content.Text(d.note)
		d.note = nil
	}
	if n := len(d.turns); n > 0 && u.role != "tool" && u.role == d.turns[n-1].role {
		last := d.turns[n-1]
		last.content.Between = lineBreak
		last.content.Add(&u.content)
		last.calls = append(last.calls, u.calls...)
		return
	}
	d.turns = append(d.turns, u)
}

// endNote makes a turn of the note that no other turn has taken.
func (d *dialogue) endNote() {
	if d.note != nil {
		d.add(&turn{role: "user"}) // which takes it
	}
}

// between joined texts, as in a JSON string.
const lineBreak = `\n`

func (t *translation) messages() error {
	d := dialogue{system: dialect.Content{Between: lineBreak}}
	system, _ := t.Obj.Get("system")
	if err := d.instruct("system", system, &d.system); err != nil {
		return err
	}
	t.Drop("system")
	var list []json.RawMessage
	if raw, ok := t.Obj.Get("messages"); !ok || json.Unmarshal(raw, &list) != nil {
		return dialect.Invalid("messages", "messages must be an array of objects with a role and content")
	}
	for i, raw := range list {
		if err := d.message(fmt.Sprintf("messages[%d]", i), raw); err != nil {
			return err
		}
	}
	d.endNote()
	if len(d.turns) == 0 {
		return dialect.Invalid("messages", "messages must be an array with at least one message")
	}
	var out []json.RawMessage
	if s := d.system.Joined(); !dialect.IsEmpty(s) { // one that says nothing would still be in the model's template
		out = append(out, dialect.Message("system", s))
	}
	for _, u := range d.turns {
		out = append(out, u.message())
	}
	t.SetList("messages", out)
	return nil
}

// billingLine starts a text of Claude Code's that is for Anthropic's accounts: it says nothing to a model, and changes what a model
// server has kept of the prompt.
const billingLine = `"x-anthropic-billing-header:`

// instruct adds the texts of a system prompt.
func (d *dialogue) instruct(where string, raw json.RawMessage, to *dialect.Content) error {
	if dialect.IsEmpty(raw) {
		return nil
	}
	blocks, err := readBlocks(where, raw)
	if err != nil {
		return err
	}
	for i, b := range blocks {
		switch {
		case b.Type != "text" || !dialect.IsString(b.Text):
			return dialect.Invalid(fmt.Sprintf("%s[%d]", where, i), "%s must be a string or an array of texts", where)
		case !bytes.HasPrefix(b.Text, []byte(billingLine)):
			to.Text(b.Text)
		}
	}
	return nil
}

// readBlocks reads content in both of its forms.
func readBlocks(where string, raw json.RawMessage) ([]block, error) {
	if dialect.IsString(raw) {
		return []block{{Type: "text", Text: raw}}, nil
	}
	var list []json.RawMessage
	if len(raw) == 0 || raw[0] != '[' || json.Unmarshal(raw, &list) != nil {
		return nil, dialect.Invalid(where, "%s must be a string or an array of blocks", where)
	}
	blocks := make([]block, len(list))
	for i, raw := range list {
		if raw[0] != '{' || json.Unmarshal(raw, &blocks[i]) != nil {
			return nil, dialect.Invalid(fmt.Sprintf("%s[%d]", where, i), "%s[%d] must be a block with a type", where, i)
		}
	}
	return blocks, nil
}

func (d *dialogue) message(where string, raw json.RawMessage) error {
	var m struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	}
	if raw[0] != '{' || json.Unmarshal(raw, &m) != nil {
		return dialect.Invalid(where, "%s must be an object with a role and content", where)
	}
	where += ".content"
	if m.Role == "system" {
		return d.remind(where, m.Content)
	}
	blocks, err := readBlocks(where, m.Content)
	if err != nil {
		return err
	}
	switch m.Role {
	case "user":
		return d.user(where, blocks)
	case "assistant":
		return d.assistant(where, blocks)
	}
	return dialect.Invalid(where, "the role of a message must be user, assistant or system")
}

// remind takes a system text amid the messages. Many chat templates know a system message at the beginning alone, so it goes to the
// end of what was said before it, and behind the model's own words to the end of what is said next: what a model server has kept of the
// prompt stays of use, and a tool loop stays one.
func (d *dialogue) remind(where string, raw json.RawMessage) error {
	said := dialect.Content{Between: lineBreak}
	if err := d.instruct(where, raw, &said); err != nil {
		return err
	}
	if said.Len() == 0 {
		return nil
	}
	text := said.Joined()
	note := json.RawMessage(fmt.Appendf(nil, `"<system-reminder>\n%s\n</system-reminder>"`, text[1:len(text)-1]))
	switch n := len(d.turns); {
	case n == 0:
		d.system.Text(text)
	case d.note != nil: // one more of them
		d.note = append(append(d.note[:len(d.note)-1], lineBreak...), note[1:]...)
	case d.turns[n-1].role == "assistant":
		d.note = note
	default:
		d.turns[n-1].content.Text(note)
	}
	return nil
}

func (d *dialogue) assistant(where string, blocks []block) error {
	u := &turn{role: "assistant"}
	for i, b := range blocks {
		where := fmt.Sprintf("%s[%d]", where, i)
		switch b.Type {
		case "text":
			if !dialect.IsString(b.Text) {
				return dialect.Invalid(where+".text", "%s has no text", where)
			}
			u.content.Text(b.Text)
		case "tool_use":
			if b.ID == "" || b.Name == "" {
				return dialect.Invalid(where, "%s must have an id and a name", where)
			}
			input := b.Input
			if dialect.IsEmpty(input) {
				input = json.RawMessage("{}")
			}
			u.calls = append(u.calls, dialect.Call(b.ID, b.Name, rawjson.Quote(string(input))))
		case "thinking", "redacted_thinking": // chats go on without earlier thoughts
		default:
			return unserved(where, b.Type)
		}
	}
	if u.content.Len() > 0 || u.calls != nil {
		d.add(u)
	}
	return nil
}

// user takes what a user says and what tools returned, which comes first: in a chat it has to follow the calls at once.
func (d *dialogue) user(where string, blocks []block) error {
	u, results := &turn{role: "user"}, 0
	for i, b := range blocks {
		where := fmt.Sprintf("%s[%d]", where, i)
		if b.Type != "tool_result" {
			if err := addBlock(&u.content, where, b); err != nil {
				return err
			}
			continue
		}
		results++
		if err := d.result(where, b, u); err != nil {
			return err
		}
	}
	if results == 0 || u.content.Len() > 0 {
		d.add(u)
	}
	return nil
}

// result takes what a tool returned. Chats have texts there alone, so images go to what the user says after it.
func (d *dialogue) result(where string, b block, user *turn) error {
	if b.ToolUseID == "" {
		return dialect.Invalid(where+".tool_use_id", "%s has no tool_use_id", where)
	}
	u := &turn{role: "tool", callID: b.ToolUseID, content: dialect.Content{Between: lineBreak}}
	if b.IsError { // a chat has no other place for it
		u.content.Text(json.RawMessage(`"Error:"`))
	}
	var blocks []block
	if !dialect.IsEmpty(b.Content) {
		var err error
		if blocks, err = readBlocks(where+".content", b.Content); err != nil {
			return err
		}
	}
	for i, part := range blocks {
		to, where := &u.content, fmt.Sprintf("%s.content[%d]", where, i)
		if part.Type == "image" || part.Type == "document" {
			to = &user.content
			u.content.Text(rawjson.Quote(fmt.Sprintf("[%s: in the next message]", part.Type)))
		}
		if err := addBlock(to, where, part); err != nil {
			return err
		}
	}
	d.add(u)
	return nil
}

// addBlock adds what a user says or a tool returns.
func addBlock(to *dialect.Content, where string, b block) error {
	switch b.Type {
	case "text":
		if !dialect.IsString(b.Text) {
			return dialect.Invalid(where+".text", "%s has no text", where)
		}
		to.Text(b.Text)
		return nil
	case "image", "document":
		return addSource(to, where+".source", b)
	case "search_result":
		texts, err := readBlocks(where+".content", b.Content)
		for i := 0; err == nil && i < len(texts); i++ {
			err = addBlock(to, where+".content", texts[i])
		}
		return err
	}
	return unserved(where, b.Type)
}

// addSource adds an image or a document.
func addSource(to *dialect.Content, where string, b block) error {
	var s struct {
		Type      string          `json:"type"`
		MediaType json.RawMessage `json:"media_type"`
		Data      json.RawMessage `json:"data"`
		URL       json.RawMessage `json:"url"`
		Content   json.RawMessage `json:"content"`
	}
	if len(b.Source) == 0 || b.Source[0] != '{' || json.Unmarshal(b.Source, &s) != nil {
		return dialect.Invalid(where, "%s must be an object with a type", where)
	}
	switch image := b.Type == "image"; {
	case s.Type == "base64" && dialect.IsString(s.MediaType) && dialect.IsString(s.Data):
		url := append(append([]byte(`"data:`), s.MediaType[1:len(s.MediaType)-1]...), ";base64,"...)
		url = append(url, s.Data[1:]...)
		if image {
			to.Image(url, nil)
		} else {
			to.File(url, b.Title)
		}
		return nil
	case image && s.Type == "url" && dialect.IsString(s.URL):
		to.Image(s.URL, nil)
		return nil
	case !image && s.Type == "text" && dialect.IsString(s.Data):
		to.Text(s.Data)
		return nil
	case !image && s.Type == "content":
		return addBlock(to, where, block{Type: "search_result", Content: s.Content})
	}
	return dialect.NoSuchValue(where, "%s: no files are kept or fetched here: send what is in it (type base64, with media_type and data)", where)
}

func unserved(where, kind string) error {
	return dialect.NoSuchValue(where+".type", "%s: blocks of the type %q are not supported here: there are text, image, document, tool_use, tool_result and thinking", where, dialect.Clip(kind))
}
