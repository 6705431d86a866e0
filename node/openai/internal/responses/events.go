package responses

import (
	"encoding/json"
	"fmt"

	"flotilla/node/rawjson"
)

// Event is one server-sent event.
type Event struct {
	Name string
	Data []byte
}

// emit adds an event with these members.
func (a *Answer) emit(name string, members []byte) {
	if a.silent {
		return
	}
	data := make([]byte, 0, len(members)+len(name)+40)
	data = fmt.Appendf(data, `{"type":%q,"sequence_number":%d,`, name, a.seq)
	a.seq++
	a.events = append(a.events, Event{name, append(append(data, members...), '}')})
}

// took returns the events since the last time. They are valid until the next.
func (a *Answer) took() []Event {
	out := a.events
	a.events = a.events[:0]
	return out
}

// Chunk are the events of one chunk's choices.
func (a *Answer) Chunk(choices []json.RawMessage) ([]Event, error) {
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

// End are the events at the end of a whole answer, which is at that unix time; usage is a chat's.
func (a *Answer) End(usage json.RawMessage, ended int64) []Event {
	a.begin()
	a.close()
	status, incomplete := a.ended()
	a.emitResponse("response."+status, a.response(status, ended, "null", incomplete, Usage(usage)))
	return a.took()
}

// Fail are the events at the end of an answer that broke: the error, on which OpenAI's libraries raise, and a response that has failed.
// failure is the error object of a chat's stream, usage what was charged.
func (a *Answer) Fail(code, message string, failure, usage json.RawMessage) []Event {
	a.begin()
	said := rawjson.Quote(message)
	a.emit("error", fmt.Appendf(nil, `"code":%s,"message":%s,"param":null,"error":%s`, rawjson.Quote(code), said, failure))
	a.emitResponse("response.failed", a.response("failed", 0, fmt.Sprintf(`{"code":"server_error","message":%s}`, said), "null", Usage(usage)))
	return a.took()
}
