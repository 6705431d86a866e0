// Package scripted is a model server that does what the prompt says: answers of any length and pace, tool calls, and
// every way in which a model server fails. Real models cannot be told to break at the third token; tests of clients, gateway
// and operators need just that. The script is a line of the last message:
//
//	@script tokens=20 delay=50ms cut=10 tag=abc
//
// GET /stats?tag=abc tells what became of the requests with that tag, and when.
package scripted

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// never switches off what has a position in the answer.
const never = -1

// script is what one request asks for.
type script struct {
	tag      string        // under which Stats counts it
	tokens   int           // of a whole answer
	think    int           // of these tokens, so many first are reasoning
	first    time.Duration // before the first token
	delay    time.Duration // between tokens
	hold     int           // wait before this token until the client leaves
	cut      int           // close the connection before this token
	errorAt  int           // send an error event before this token and end
	status   int           // answer with this HTTP error
	retry    string        // its Retry-After
	html     bool          // answer 200 with HTML
	odd      bool          // send what some servers send: a role-only delta, an empty delta, a chunk without choices
	inline   bool          // usage comes in the last chunk that has a choice
	tool     bool          // answer with a tool call
	finish   string        // the finish_reason, in place of stop
	document string        // answer with this text in place of tokens
}

const marker = "@script"

// readScript finds the script in a chat completion's last message.
func readScript(body []byte) (script, error) {
	s := script{tokens: 8, hold: never, cut: never, errorAt: never}
	var req struct {
		Messages []struct {
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		return s, fmt.Errorf("read request: %w", err)
	}
	if len(req.Messages) == 0 {
		return s, nil
	}
	_, line, found := strings.Cut(text(req.Messages[len(req.Messages)-1].Content), marker)
	if !found {
		return s, nil
	}
	line, _, _ = strings.Cut(line, "\n")
	for _, word := range strings.Fields(line) {
		key, value, _ := strings.Cut(word, "=")
		if err := s.set(key, value); err != nil {
			return s, fmt.Errorf("script word %q: %w", word, err)
		}
	}
	return s, nil
}

// text is a message's content in either form.
func text(content json.RawMessage) string {
	var s string
	if json.Unmarshal(content, &s) == nil {
		return s
	}
	var parts []struct {
		Text string `json:"text"`
	}
	_ = json.Unmarshal(content, &parts) // anything else has no text
	for _, p := range parts {
		s += p.Text + "\n"
	}
	return s
}

func (s *script) set(key, value string) (err error) {
	switch key {
	case "tag":
		s.tag = value
	case "tokens":
		s.tokens, err = strconv.Atoi(value)
	case "think":
		s.think, err = strconv.Atoi(value)
	case "first":
		s.first, err = time.ParseDuration(value)
	case "delay":
		s.delay, err = time.ParseDuration(value)
	case "hold":
		s.hold, err = strconv.Atoi(value)
	case "cut":
		s.cut, err = strconv.Atoi(value)
	case "error":
		s.errorAt, err = strconv.Atoi(value)
	case "status":
		s.status, err = strconv.Atoi(value)
	case "retry-after":
		s.retry = value
	case "html":
		s.html = true
	case "odd":
		s.odd = true
	case "inline-usage":
		s.inline = true
	case "tool":
		s.tool = true
	case "finish":
		s.finish = value
	case "document":
		s.document = value
	default:
		err = fmt.Errorf("unknown")
	}
	return err
}
