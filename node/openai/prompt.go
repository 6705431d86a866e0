package openai

import (
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"flotilla/node/rawjson"
)

type wireMessage struct {
	Role         string          `json:"role"`
	Content      json.RawMessage `json:"content"` // a string, an array of parts, or null beside tool calls
	ToolCalls    json.RawMessage `json:"tool_calls"`
	FunctionCall json.RawMessage `json:"function_call"` // what tool_calls was before
}

type wirePart struct {
	Type string          `json:"type"`
	Text json.RawMessage `json:"text"`
}

// Bounds of the text to route by, in bytes. Sentence encoders read 256 to 512 tokens, 1 to 2 KiB of English.
const (
	maxRoutingText = 32 << 10
	shortTurn      = 400 // a last turn below this leaves room for what it refers to
	headBytes      = 200 // of an earlier turn
	maxHeads       = 3
)

// readMessages measures the chat and takes the text to route by.
func readMessages(obj rawjson.Object, req *Request) *APIError {
	var messages []*wireMessage
	if api := decode(obj, "messages", &messages, "an array of objects with a role and content"); api != nil {
		return api
	}
	if len(messages) == 0 {
		return badRequest("messages", "messages must be an array with at least one message")
	}
	req.MessageCount = len(messages)
	var user, system []string // texts
	opening := sha256.New()
	for i := range messages {
		m := messages[i]
		if m == nil {
			return badRequest("messages", "messages[%d] must be an object with a role and content, not null", i)
		}
		text, vision, ok := contentText(m.Content)
		if !ok {
			return badRequest("messages", "messages[%d].content must be a string, an array of parts, or null", i)
		}
		req.Vision = req.Vision || vision
		req.PromptBytes += len(text)
		if !rawjson.IsNull(m.ToolCalls) {
			req.PromptBytes += len(m.ToolCalls)
		}
		switch m.Role {
		case "user":
			if len(user) == 0 {
				fmt.Fprintf(opening, "user\x00%d\x00%s", len(text), text)
			}
			user = append(user, text)
		case "system", "developer":
			if len(user) == 0 {
				fmt.Fprintf(opening, "system\x00%d\x00%s", len(text), text)
			}
			system = append(system, text)
		case "assistant":
			req.Conversation.Continues = true
		}
	}
	tools, _ := obj.Get("tools")
	opening.Write(tools)
	opening.Sum(req.Conversation.Opening[:0])
	req.Conversation.ToolLoop = messages[len(messages)-1].inToolLoop()
	req.PromptText = routingText(user, system)
	return nil
}

// inToolLoop, of the last message: it answers a tool call, or is one.
func (m *wireMessage) inToolLoop() bool {
	switch m.Role {
	case "tool", "function":
		return true
	case "assistant":
		return isSet(m.ToolCalls) && !isEmptyArray(m.ToolCalls) || isSet(m.FunctionCall)
	}
	return false
}

func isSet(v json.RawMessage) bool { return len(v) > 0 && !rawjson.IsNull(v) }

func isEmptyArray(v json.RawMessage) bool {
	var list []json.RawMessage
	return json.Unmarshal(v, &list) == nil && len(list) == 0
}

// routingText is the user's last text; if that is short, with the heads of those before it, newest first, since "and in
// French?" says nothing alone. Neither answers nor what tools returned are ever in it: whoever writes those would choose
// the model. Where no user wrote anything, the application's own instructions stand in.
func routingText(user, system []string) string {
	last, before := lastText(user)
	if last == "" {
		last, _ = lastText(system)
		return clipText(last, maxRoutingText)
	}
	text := clipText(last, maxRoutingText)
	for heads := 0; len(text) < shortTurn && heads < maxHeads; heads++ {
		var earlier string
		if earlier, before = lastText(before); earlier == "" {
			break
		}
		text += "\n" + clipText(earlier, headBytes)
	}
	return text
}

// lastText returns the last text that is not blank, and what comes before it.
func lastText(texts []string) (string, []string) {
	for i := len(texts) - 1; i >= 0; i-- {
		if strings.TrimSpace(texts[i]) != "" {
			return texts[i], texts[:i]
		}
	}
	return "", nil
}

// clipText cuts at most n bytes, not inside a character.
func clipText(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// contentText reads content in each of its three forms; parts of kinds we do not know are left to the operator.
func contentText(raw json.RawMessage) (text string, vision, ok bool) {
	if len(raw) == 0 || rawjson.IsNull(raw) {
		return "", false, true
	}
	if raw[0] == '"' {
		err := json.Unmarshal(raw, &text)
		return text, false, err == nil
	}
	var parts []json.RawMessage
	if json.Unmarshal(raw, &parts) != nil {
		return "", false, false
	}
	var texts []string
	for _, p := range parts {
		var part wirePart
		if json.Unmarshal(p, &part) != nil {
			return "", false, false
		}
		switch part.Type {
		case "text", "input_text":
			var s string
			if json.Unmarshal(part.Text, &s) == nil && s != "" {
				texts = append(texts, s)
			}
		case "image_url", "input_image":
			vision = true
		}
	}
	return strings.Join(texts, "\n"), vision, true
}
