package messages

import (
	"encoding/json"
	"fmt"

	"flotilla/node/openai/internal/dialect"
)

// emit adds an event with these members.
func (a *Answer) emit(name, format string, args ...any) {
	data := fmt.Appendf(nil, `{"type":%q`, name)
	a.events = append(a.events, dialect.Event{Name: name, Data: append(fmt.Appendf(data, format, args...), '}')})
}

// took returns the events since the last time. They are valid until the next.
func (a *Answer) took() []dialect.Event {
	out := a.events
	a.events = a.events[:0]
	return out
}

func (a *Answer) begin() {
	if a.begun {
		return
	}
	a.begun = true
	a.emit("message_start", `,"message":%s}`, a.message(json.RawMessage("[]"), `"stop_reason":null,"stop_sequence":null`, Usage(nil)))
}

// Chunk implements dialect.Answer.
func (a *Answer) Chunk(choices []json.RawMessage) ([]dialect.Event, error) {
	a.begin()
	first, err := dialect.First(choices)
	if err != nil {
		return nil, err // what there is of events goes before those of the failure
	}
	for _, c := range first {
		for _, s := range [...]dialect.Said{c.Message, c.Delta} {
			if err := a.texts(s, a.say); err != nil {
				return nil, err
			}
			for i, piece := range s.ToolCalls {
				if err := a.call(piece.Number(i), piece); err != nil {
					return nil, err
				}
			}
		}
		a.end(c)
	}
	return a.took(), nil
}

// say adds text to the open block, or opens one. Line breaks open none: many models begin with them, also before a call.
func (a *Answer) say(k *kind, text []byte) error {
	if a.open != k {
		if k == &textKind {
			a.held = append(a.held, text...)
			if dialect.IsBlank(text) {
				return a.keep(len(text))
			}
			text, a.held = a.held, nil
		}
		a.closeCalls()
		a.start(k, k.block(nil))
	}
	a.emit("content_block_delta", `,"index":%d,"delta":{"type":"%s_delta",%q:"%s"}`, a.index-1, k.typ, k.typ, text)
	return nil
}

// keep counts what is kept of the answer.
func (a *Answer) keep(n int) error {
	if a.size += n; a.size > maxAnswerBytes {
		return fmt.Errorf("%w: longer than %d bytes", dialect.ErrAnswer, maxAnswerBytes)
	}
	return nil
}

// start opens a block, one at a time.
func (a *Answer) start(k *kind, block []byte) {
	a.stopBlock()
	a.emit("content_block_start", `,"index":%d,"content_block":%s`, a.index, block)
	a.open = k
	a.index++
}

func (a *Answer) stopBlock() {
	if a.open != nil {
		a.emit("content_block_stop", `,"index":%d`, a.index-1)
	}
	a.open = nil
}

// call adds to the call with the chat's number, or begins one. One is open until text follows or all is over, and those behind it wait:
// servers may send them by turns, and there is one open block at a time.
func (a *Answer) call(number int, c dialect.ToolCall) error {
	var one *call
	for _, known := range a.calls { // of two with one number the last
		if known.number == number {
			one = known
		}
	}
	if one == nil || !c.GoesOn(one.id) {
		one = a.newCall(number, c)
		if err := a.keep(callBytes); err != nil {
			return err
		}
	}
	if one.name == "" {
		one.name = c.Function.Name
	}
	text := c.ArgumentText()
	if one.ended && text != nil {
		return fmt.Errorf("%w: a call goes on behind a text", dialect.ErrAnswer)
	}
	one.arguments = append(one.arguments, text...)
	if a.live == nil && one.name != "" {
		a.goLive(one)
	}
	if a.live != one {
		return a.keep(len(text))
	}
	a.sendArguments()
	return nil
}

func (a *Answer) goLive(one *call) {
	a.start(&callKind, one.block(json.RawMessage("{}")))
	a.live = one
}

func (a *Answer) sendArguments() {
	if len(a.live.arguments) > 0 {
		a.emit("content_block_delta", `,"index":%d,"delta":{"type":"input_json_delta","partial_json":"%s"}`, a.index-1, a.live.arguments)
	}
	a.live.arguments = nil
}

// closeCalls ends the open call, and sends those that waited for it.
func (a *Answer) closeCalls() {
	if a.live != nil {
		a.live.ended = true
	}
	for _, one := range a.calls {
		if !one.ended {
			a.goLive(one)
			a.sendArguments()
			one.ended = true
		}
	}
	a.live = nil
}

// End implements dialect.Answer.
func (a *Answer) End(usage json.RawMessage, _ int64) []dialect.Event {
	a.begin()
	a.closeCalls()
	if a.index == 0 || len(a.held) > 0 && len(a.calls) == 0 { // who reads the first block finds one
		a.start(&textKind, textKind.block(nil))
		if len(a.held) > 0 {
			a.emit("content_block_delta", `,"index":%d,"delta":{"type":"text_delta","text":"%s"}`, a.index-1, a.held)
		}
	}
	a.stopBlock()
	a.emit("message_delta", `,"delta":{%s},"usage":%s`, a.stopped(), Usage(usage))
	a.emit("message_stop", "")
	return a.took()
}

// Fail implements dialect.Answer: the error, on which Anthropic's libraries raise, and nothing after it.
func (a *Answer) Fail(_, _ string, body []byte, _ json.RawMessage) []dialect.Event {
	a.begin()
	a.events = append(a.events, dialect.Event{Name: "error", Data: body})
	return a.took()
}

// Quiet implements dialect.Answer.
func (a *Answer) Quiet() string { return "event: ping\ndata: {\"type\": \"ping\"}\n\n" }
