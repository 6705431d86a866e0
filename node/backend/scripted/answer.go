package scripted

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// errLeft ends an answer whose client is gone.
var errLeft = errors.New("client left")

// piece is what one chunk adds to the answer: text, or part of a tool call.
type piece struct {
	text    string
	thought bool   // text is reasoning
	tool    string // arguments
	head    bool   // the first of a tool call: its id and name
}

// pieces of a whole answer.
func (s script) pieces() []piece {
	switch {
	case s.tool:
		return []piece{{head: true}, {tool: `{"city":"Pa`}, {tool: `ris","days"`}, {tool: `:3}`}}
	case s.document != "":
		half := len(s.document) / 2
		return []piece{{text: s.document[:half]}, {text: s.document[half:]}}
	}
	out := make([]piece, s.tokens)
	for i := range out {
		out[i] = piece{text: fmt.Sprintf("t%d ", i), thought: i < s.think}
	}
	return out
}

// promptTokens is what every prompt counts as.
const promptTokens = 11

// answer is one answer under way.
type answer struct {
	w      http.ResponseWriter
	ctx    context.Context
	book   *book
	script script
	pieces []piece

	model  string
	stream bool
	echo   map[string]json.RawMessage // the request's members that start with x_
	seen   map[string]int             // images and null contents in the messages
}

// read takes what the answer needs from the request.
func (a *answer) read(body []byte) error {
	var req struct {
		Model    string `json:"model"`
		Stream   bool   `json:"stream"`
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	var members map[string]json.RawMessage
	if err := errors.Join(json.Unmarshal(body, &req), json.Unmarshal(body, &members)); err != nil {
		return err
	}
	a.model, a.stream, a.echo, a.seen = req.Model, req.Stream, map[string]json.RawMessage{}, map[string]int{}
	for k, v := range members {
		if strings.HasPrefix(k, "x_") {
			a.echo[k] = v
		}
	}
	for _, m := range req.Messages {
		a.seen["images"] += strings.Count(string(m.Content), `"image_url":`)
		if string(m.Content) == "null" {
			a.seen["null_contents"]++
		}
	}
	return nil
}

// run sends the answer as the script says.
func (a *answer) run() error {
	if a.stream {
		a.w.Header().Set("Content-Type", "text/event-stream")
		a.w.WriteHeader(http.StatusOK)
		a.flush()
	}
	if err := a.wait(a.script.first); err != nil {
		return err
	}
	if a.stream && a.script.odd {
		a.event(a.chunk(map[string]any{"role": "assistant"}, nil))
		a.event(a.chunk(map[string]any{"content": ""}, nil))
		a.event(a.object([]any{}))
	}
	for i, p := range a.pieces {
		if over, err := a.before(i); over || err != nil {
			return err
		}
		if a.stream {
			a.event(a.chunk(p.delta(i == 0), nil))
			a.book.note(a.script.tag, func(s *Stats) { s.SentAt = append(s.SentAt, nowMS()) })
		}
		if err := a.wait(a.script.delay); err != nil {
			return err
		}
	}
	if over, err := a.before(len(a.pieces)); over || err != nil {
		return err
	}
	a.finish()
	return nil
}

// before does what the script wants before piece i; over ends the answer.
func (a *answer) before(i int) (over bool, err error) {
	switch i {
	case a.script.hold:
		<-a.ctx.Done()
		return true, errLeft
	case a.script.cut:
		panic(http.ErrAbortHandler) // closes the connection; nothing says that the answer is over
	case a.script.errorAt:
		if !a.stream {
			sendError(a.w, http.StatusInternalServerError, "scripted_error", "scripted error in the answer")
			return true, nil
		}
		a.event(map[string]any{"error": errorObject("scripted_error", "scripted error in the stream")})
		return true, nil
	}
	return false, nil
}

// finish sends the last chunk, the usage and the end, or the whole answer.
func (a *answer) finish() {
	if !a.stream {
		out := a.object([]any{map[string]any{"index": 0, "message": a.message(), "finish_reason": a.reason()}})
		out["object"], out["usage"] = "chat.completion", a.usage()
		sendJSON(a.w, http.StatusOK, out)
		return
	}
	last := a.chunk(map[string]any{}, a.reason())
	if a.script.inline {
		last["usage"] = a.usage()
	}
	a.event(last)
	if !a.script.inline {
		u := a.object([]any{})
		u["usage"] = a.usage()
		a.event(u)
	}
	fmt.Fprint(a.w, "data: [DONE]\n\n")
	a.flush()
}

func (a *answer) reason() string {
	if a.script.tool {
		return "tool_calls"
	}
	if a.script.finish != "" {
		return a.script.finish
	}
	return "stop"
}

func (a *answer) usage() map[string]any {
	n := len(a.pieces)
	return map[string]any{"prompt_tokens": promptTokens, "completion_tokens": n, "total_tokens": n + promptTokens, "x_scripted": true}
}

// message is the whole answer's.
func (a *answer) message() map[string]any {
	var content, thoughts, arguments strings.Builder
	for _, p := range a.pieces {
		if p.thought {
			thoughts.WriteString(p.text)
		} else {
			content.WriteString(p.text)
		}
		arguments.WriteString(p.tool)
	}
	if a.script.tool {
		return map[string]any{"role": "assistant", "content": nil, "tool_calls": []any{toolCall(arguments.String(), true)}}
	}
	m := map[string]any{"role": "assistant", "content": content.String()}
	if thoughts.Len() > 0 {
		m["reasoning_content"] = thoughts.String()
	}
	return m
}

// delta is what a chunk with this piece says.
func (p piece) delta(first bool) map[string]any {
	d := map[string]any{}
	if first {
		d["role"] = "assistant"
	}
	if p.head || p.tool != "" {
		d["tool_calls"] = []any{toolCall(p.tool, p.head)}
		return d
	}
	if p.thought {
		d["reasoning_content"] = p.text
		return d
	}
	d["content"] = p.text
	return d
}

func toolCall(arguments string, head bool) map[string]any {
	f := map[string]any{"arguments": arguments}
	call := map[string]any{"index": 0, "function": f}
	if head {
		f["name"], call["id"], call["type"] = "get_weather", "call_scripted", "function"
	}
	return call
}

func (a *answer) chunk(delta map[string]any, reason any) map[string]any {
	return a.object([]any{map[string]any{"index": 0, "delta": delta, "finish_reason": reason}})
}

// object is what chunks and answers have in common.
func (a *answer) object(choices []any) map[string]any {
	return map[string]any{
		"id": "scripted", "object": "chat.completion.chunk", "created": 1, "model": a.model, "choices": choices,
		"x_echo": a.echo, "x_seen": a.seen,
	}
}

// event sends one chunk in one write.
func (a *answer) event(v map[string]any) {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // maps, strings and numbers always encode
	}
	fmt.Fprintf(a.w, "data: %s\n\n", raw)
	a.flush()
}

func (a *answer) flush() { a.w.(http.Flusher).Flush() }

// wait lets time pass, or ends with the client.
func (a *answer) wait(d time.Duration) error {
	if d == 0 {
		if a.ctx.Err() != nil {
			return errLeft
		}
		return nil
	}
	select {
	case <-time.After(d):
		return nil
	case <-a.ctx.Done():
		return errLeft
	}
}
