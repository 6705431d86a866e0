package responses

import (
	"encoding/json"
	"fmt"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// emit adds an event with these members.
func (a *Answer) emit(name string, members []byte) {
	if a.silent {
		return
	}
	data := make([]byte, 0, len(members)+len(name)+40)
	data = fmt.Appendf(data, `{"type":%q,"sequence_number":%d,`, name, a.seq)
	a.seq++
	a.events = append(a.events, dialect.Event{Name: name, Data: append(append(data, members...), '}')})
}

// took returns the events since the last time. They are valid until the next.
func (a *Answer) took() []dialect.Event {
	out := a.events
	a.events = a.events[:0]
	return out
}

// Chunk implements dialect.Answer.
func (a *Answer) Chunk(choices []json.RawMessage) ([]dialect.Event, error) {
	a.begin()
	if err := a.take(choices); err != nil {
		return nil, err // what there is of events goes before those of the failure
	}
	return a.took(), nil
}

func (a *Answer) begin() {
	if a.begun {
		return
	}
	a.begun = true
	for _, name := range [...]string{"response.created", "response.in_progress"} {
		a.emitResponse(name, a.response("in_progress", 0, "null", "null", json.RawMessage("null")))
	}
}

func (a *Answer) emitResponse(name string, response []byte) {
	a.emit(name, append(append([]byte(`"response":`), response...), '}'))
}

// End implements dialect.Answer.
func (a *Answer) End(usage json.RawMessage, ended int64) []dialect.Event {
	a.begin()
	a.close()
	status, incomplete := a.ended()
	a.emitResponse("response."+status, a.response(status, ended, "null", incomplete, Usage(usage)))
	return a.took()
}

// Fail implements dialect.Answer: the error, on which OpenAI's libraries raise, and a response that has failed.
func (a *Answer) Fail(code, message string, body []byte, usage json.RawMessage) []dialect.Event {
	a.begin()
	failure := json.RawMessage("null")
	if obj, err := rawjson.Parse(body); err == nil {
		failure, _ = obj.Get("error")
	}
	said := rawjson.Quote(message)
	a.emit("error", fmt.Appendf(nil, `"code":%s,"message":%s,"param":null,"error":%s`, rawjson.Quote(code), said, failure))
	a.emitResponse("response.failed", a.response("failed", 0, fmt.Sprintf(`{"code":"server_error","message":%s}`, said), "null", Usage(usage)))
	return a.took()
}

// Quiet implements dialect.Answer.
func (a *Answer) Quiet() string { return "" }
