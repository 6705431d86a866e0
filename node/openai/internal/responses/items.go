package responses

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// What the ids of items start with, as at OpenAI.
const (
	prefixMessage  = "msg_"
	prefixThoughts = "rs_"
	prefixCall     = "fc_"
)

// partKind is one kind of text in an answer, and what its events are called.
type partKind struct {
	item         string // the type of the item that holds it, and the prefix of its id
	prefix       string
	typ, member  string // of the part: {"type":typ,member:"…"}
	rest         string // of its members
	index        string // what the events call the part's number
	added, ended string // events of the part
	delta, done  string // events of its text
}

var (
	textPart = partKind{"message", prefixMessage, "output_text", "text", `"annotations":[],`, "content_index",
		"response.content_part.added", "response.content_part.done", "response.output_text.delta", "response.output_text.done"}
	refusalPart = partKind{"message", prefixMessage, "refusal", "refusal", "", "content_index",
		"response.content_part.added", "response.content_part.done", "response.refusal.delta", "response.refusal.done"}
	thoughtPart = partKind{"reasoning", prefixThoughts, "reasoning_text", "text", "", "content_index",
		"response.content_part.added", "response.content_part.done", "response.reasoning_text.delta", "response.reasoning_text.done"}
	// summaryPart is for a client that asks for a summary of the thoughts, which is what its user then sees: it gets them unabridged.
	summaryPart = partKind{"reasoning", prefixThoughts, "summary_text", "text", "", "summary_index",
		"response.reasoning_summary_part.added", "response.reasoning_summary_part.done", "response.reasoning_summary_text.delta", "response.reasoning_summary_text.done"}
)

// outItem is one item of the answer. Its texts are what stands between the quotes of a JSON string.
type outItem struct {
	typ, id, status string
	number          int    // output_index
	where           []byte // "item_id":…,"output_index":… as its events have them

	parts []*outPart

	// Of a function_call.
	index        int // the chat's
	callID, name string
	arguments    []byte
}

type outPart struct {
	kind     *partKind
	text     []byte
	logprobs []byte // entries, with commas between
	ended    bool
}

// grow adds text to the open item, or opens one. Line breaks open none: many models begin with them, also before a call, and a text of its
// own there would be sent back, or referred to by id, as if the model had said something.
func (a *Answer) grow(kind *partKind, text []byte, logprobs json.RawMessage) error {
	if err := a.keep(len(text) + len(logprobs)); err != nil {
		return err
	}
	if kind != &textPart {
		a.write(kind, text, nil)
		return nil
	}
	entries := logprobEntries(logprobs)
	if a.open == nil || a.open.parts[len(a.open.parts)-1].kind != kind {
		a.held.add(text, entries)
		if dialect.IsBlank(text) {
			return nil
		}
		text, entries = a.held.text, a.held.logprobs
		a.held = outPart{}
	}
	a.write(kind, text, entries)
	return nil
}

func (a *Answer) write(kind *partKind, text, entries []byte) {
	it, p := a.part(kind)
	p.add(text, entries)
	if a.silent || len(text) == 0 {
		return
	}
	fields := append(append(append(a.at(it, len(it.parts)-1), `,"delta":"`...), text...), '"')
	if kind == &textPart {
		fields = append(append(append(fields, `,"logprobs":[`...), entries...), ']')
	}
	a.emit(kind.delta, fields)
}

func (p *outPart) add(text, entries []byte) {
	p.text = append(p.text, text...)
	if len(p.logprobs) > 0 && len(entries) > 0 {
		p.logprobs = append(p.logprobs, ',')
	}
	p.logprobs = append(p.logprobs, entries...)
}

// keep counts what is kept of the answer.
func (a *Answer) keep(n int) error {
	if a.size += n; a.size > maxAnswerBytes {
		return fmt.Errorf("%w: longer than %d bytes", dialect.ErrAnswer, maxAnswerBytes)
	}
	return nil
}

// logprobEntries are those of a chat's logprobs without the brackets.
func logprobEntries(raw json.RawMessage) []byte {
	if dialect.IsEmpty(raw) {
		return nil
	}
	var l struct {
		Content json.RawMessage `json:"content"`
	}
	if json.Unmarshal(raw, &l) != nil || len(l.Content) < 2 || l.Content[0] != '[' {
		return nil
	}
	return bytes.TrimSpace(l.Content[1 : len(l.Content)-1])
}

// part is the open part of that kind, opened where it is not.
func (a *Answer) part(kind *partKind) (*outItem, *outPart) {
	if a.open != nil && a.open.typ != kind.item {
		a.end(a.open, "completed")
	}
	if a.open == nil {
		a.open = a.add(&outItem{typ: kind.item, id: a.itemID(kind.prefix, len(a.items))})
	}
	it := a.open
	if n := len(it.parts); n > 0 {
		if it.parts[n-1].kind == kind {
			return it, it.parts[n-1]
		}
		a.endPart(it, n-1)
	}
	p := &outPart{kind: kind}
	a.size += partBytes
	it.parts = append(it.parts, p)
	if !a.silent {
		a.emit(kind.added, p.append(append(a.at(it, len(it.parts)-1), `,"part":`...)))
	}
	return it, p
}

// call adds to the call with the chat's index, or opens it. All stay open to the end: servers may send them by turns.
func (a *Answer) call(index int, c dialect.ToolCall) error {
	if err := a.keep(len(c.Function.Arguments)); err != nil {
		return err
	}
	var it *outItem
	for _, known := range a.items { // of two with one index the last
		if known.typ == "function_call" && known.index == index {
			it = known
		}
	}
	a.called = true
	if it == nil || !c.GoesOn(it.callID) {
		if a.open != nil {
			a.end(a.open, "completed")
		}
		id := a.itemID(prefixCall, len(a.items))
		it = &outItem{typ: "function_call", id: id, index: index, callID: c.ID, name: c.Function.Name}
		if it.callID == "" {
			it.callID = "call" + id[len(prefixCall)-1:]
		}
		a.add(it)
	}
	if it.name == "" {
		it.name = c.Function.Name
	}
	text := c.ArgumentText()
	if text == nil {
		return nil
	}
	it.arguments = append(it.arguments, text...)
	if !a.silent {
		a.emit("response.function_call_arguments.delta", fmt.Appendf(nil, `%s,"delta":"%s"`, it.where, text))
	}
	return nil
}

// add opens an item.
func (a *Answer) add(it *outItem) *outItem {
	it.status, it.number = "in_progress", len(a.items)
	a.size += itemBytes
	it.where = fmt.Appendf(nil, `"item_id":%q,"output_index":%d`, it.id, it.number)
	a.items = append(a.items, it)
	if !a.silent {
		a.emit("response.output_item.added", it.append(fmt.Appendf(nil, `"output_index":%d,"item":`, it.number)))
	}
	return it
}

// end closes an item.
func (a *Answer) end(it *outItem, status string) {
	if len(it.parts) > 0 {
		a.endPart(it, len(it.parts)-1)
	}
	if it == a.open {
		a.open = nil
	}
	it.status = status
	if a.silent {
		return
	}
	if it.typ == "function_call" {
		a.emit("response.function_call_arguments.done", fmt.Appendf(nil, `%s,"name":%s,"arguments":"%s"`, it.where, rawjson.Quote(it.name), it.arguments))
	}
	a.emit("response.output_item.done", it.append(fmt.Appendf(nil, `"output_index":%d,"item":`, it.number)))
}

func (a *Answer) endPart(it *outItem, i int) {
	p := it.parts[i]
	if p.ended {
		return
	}
	p.ended = true
	if a.silent {
		return
	}
	fields := fmt.Appendf(a.at(it, i), `,%q:"%s"`, p.kind.member, p.text)
	if p.kind == &textPart {
		fields = fmt.Appendf(fields, `,"logprobs":[%s]`, p.logprobs)
	}
	a.emit(p.kind.done, fields)
	a.emit(p.kind.ended, p.append(append(a.at(it, i), `,"part":`...)))
}

// close ends all that is open: the last item as the answer ended, which an answer without anything has too.
func (a *Answer) close() {
	if len(a.items) == 0 || len(a.held.text) > 0 && !a.called {
		a.write(&textPart, a.held.text, a.held.logprobs)
	}
	status, _ := a.ended()
	for i, it := range a.items {
		switch {
		case it.status != "in_progress":
		case i == len(a.items)-1:
			a.end(it, status)
		default:
			a.end(it, "completed")
		}
	}
}

// at is where an event of the item's part belongs.
func (a *Answer) at(it *outItem, part int) []byte {
	out := append(make([]byte, 0, 256), it.where...)
	out = append(append(append(out, `,"`...), it.parts[part].kind.index...), `":`...)
	return strconv.AppendInt(out, int64(part), 10)
}

// append writes the item.
func (it *outItem) append(out []byte) []byte {
	out = fmt.Appendf(out, `{"id":%q,"type":%q,"status":%q`, it.id, it.typ, it.status)
	switch it.typ {
	case "function_call":
		return fmt.Appendf(out, `,"call_id":%s,"name":%s,"arguments":"%s"}`, rawjson.Quote(it.callID), rawjson.Quote(it.name), it.arguments)
	case "message":
		return append(it.appendParts(append(out, `,"role":"assistant","content":`...), "content_index"), '}')
	}
	out = it.appendParts(append(out, `,"summary":`...), "summary_index")
	return append(it.appendParts(append(out, `,"content":`...), "content_index"), '}')
}

// appendParts writes those that have their place under this index.
func (it *outItem) appendParts(out []byte, index string) []byte {
	out = append(out, '[')
	for _, p := range it.parts {
		if p.kind.index != index {
			continue
		}
		if out[len(out)-1] != '[' {
			out = append(out, ',')
		}
		out = p.append(out)
	}
	return append(out, ']')
}

// append writes the part.
func (p *outPart) append(out []byte) []byte {
	out = fmt.Appendf(out, `{"type":%q,%s`, p.kind.typ, p.kind.rest)
	if p.kind == &textPart {
		out = fmt.Appendf(out, `"logprobs":[%s],`, p.logprobs)
	}
	return fmt.Appendf(out, `%q:"%s"}`, p.kind.member, p.text)
}
