package backend

import (
	"bytes"
	"encoding/json"
	"math"
	"strings"
	"unicode/utf8"

	"flotilla/node/rawjson"
)

// Event is one piece of an answer: a chunk of a streamed one, or the whole of one that is not streamed.
type Event struct {
	// Data is the JSON as the server sent it. Nil for the estimate that stands in for a missing usage chunk.
	Data []byte
	// Text is the new text in it over all choices: content, reasoning, refusals, and names and arguments of tool calls.
	// It bounds how many tokens the event can stand for.
	Text string
	// FinishReason is set once the (first) choice is complete.
	FinishReason string
	// Usage is the server's token count, or ours where the server sent none by the end.
	Usage *Usage
	// UsageOnly marks a chunk without choices that only carries usage. Clients that did not ask for usage must not see it.
	UsageOnly bool
}

// Usage counts the tokens of one answer.
type Usage struct {
	PromptTokens, CompletionTokens uint32
	// Estimated: the server did not report all of it. What it left out is, for CompletionTokens, the number of events with
	// text (one token each on the runtimes we know; for an answer that is not streamed a quarter of its bytes), for
	// PromptTokens a quarter of the messages' bytes.
	Estimated bool
}

// bytesPerToken is the usual figure for English text, used only where the server reports nothing.
const bytesPerToken = 4

type wireChunk struct {
	Choices []wireChoice    `json:"choices"`
	Usage   *wireUsage      `json:"usage"`
	Error   json.RawMessage `json:"error"`
}

type wireChoice struct {
	Delta        *wireMessage `json:"delta"`
	Message      *wireMessage `json:"message"`
	Text         string       `json:"text"` // what some servers send in place of a delta
	FinishReason string       `json:"finish_reason"`
}

type wireMessage struct {
	Content          json.RawMessage `json:"content"` // string, null, or an array of parts
	ReasoningContent string          `json:"reasoning_content"`
	Reasoning        string          `json:"reasoning"`
	Refusal          string          `json:"refusal"`
	ToolCalls        []struct {
		Function wireFunction `json:"function"`
	} `json:"tool_calls"`
	FunctionCall *wireFunction `json:"function_call"`
}

type wireFunction struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"` // string by the book, an object on some servers
}

type wireUsage struct {
	PromptTokens     float64 `json:"prompt_tokens"`
	CompletionTokens float64 `json:"completion_tokens"`
}

// parseEvent reads what we need from a chunk or a whole answer. An error member becomes an *UpstreamError.
func parseEvent(data []byte) (Event, error) {
	var w wireChunk
	if !utf8.Valid(data) || json.Unmarshal(data, &w) != nil {
		return Event{}, badAnswer("event is not a chat completion", data)
	}
	if len(w.Error) > 0 && !rawjson.IsNull(w.Error) {
		return Event{}, upstreamError(200, data)
	}
	ev := Event{Data: data, UsageOnly: len(w.Choices) == 0 && w.Usage != nil}
	if w.Usage != nil {
		ev.Usage = w.Usage.usage()
	}
	var text textBuilder
	for i := range w.Choices {
		c := &w.Choices[i]
		text.add(c.Text)
		c.Delta.appendTo(&text)
		c.Message.appendTo(&text)
		if ev.FinishReason == "" {
			ev.FinishReason = c.FinishReason
		}
	}
	ev.Text = text.String()
	return ev, nil
}

// TextBytes is the number of text bytes in a chunk or a whole answer, as in Event.Text; 0 for what is neither.
func TextBytes(data []byte) int {
	ev, err := parseEvent(data)
	if err != nil {
		return 0
	}
	return len(ev.Text)
}

func (m *wireMessage) appendTo(text *textBuilder) {
	if m == nil {
		return
	}
	text.addRaw(m.Content)
	if m.ReasoningContent != "" { // some vLLM versions send the same text under both names
		text.add(m.ReasoningContent)
	} else {
		text.add(m.Reasoning)
	}
	text.add(m.Refusal)
	for i := range m.ToolCalls {
		text.add(m.ToolCalls[i].Function.Name)
		text.addRaw(m.ToolCalls[i].Function.Arguments)
	}
	if f := m.FunctionCall; f != nil {
		text.add(f.Name)
		text.addRaw(f.Arguments)
	}
}

func (u *wireUsage) usage() *Usage {
	return &Usage{PromptTokens: tokenCount(u.PromptTokens), CompletionTokens: tokenCount(u.CompletionTokens)}
}

// tokenCount clamps what a server reports: some send counts as floats, and a broken one may send negative numbers.
func tokenCount(f float64) uint32 { return uint32(max(0, min(f, math.MaxUint32))) }

// textBuilder joins text and avoids copying in the usual case of a single piece.
type textBuilder struct {
	first string
	rest  strings.Builder
}

func (b *textBuilder) add(s string) {
	switch {
	case s == "":
	case b.first == "" && b.rest.Len() == 0:
		b.first = s
	default:
		b.rest.WriteString(s)
	}
}

// addRaw adds a JSON string's text, the text of content parts, or the JSON itself of anything else.
func (b *textBuilder) addRaw(raw json.RawMessage) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || rawjson.IsNull(raw) {
		return
	}
	var s string
	if raw[0] == '"' && json.Unmarshal(raw, &s) == nil {
		b.add(s)
		return
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if raw[0] == '[' && json.Unmarshal(raw, &parts) == nil {
		for _, p := range parts {
			b.add(p.Text)
		}
		return
	}
	b.add(string(raw))
}

func (b *textBuilder) String() string { return b.first + b.rest.String() }
