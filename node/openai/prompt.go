package openai

import (
	"encoding/json"
	"strings"

	"flotilla/node/rawjson"
)

type wireMessage struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"` // a string, an array of parts, or null beside tool calls
	ToolCalls json.RawMessage `json:"tool_calls"`
}

type wirePart struct {
	Type string          `json:"type"`
	Text json.RawMessage `json:"text"`
}

// readMessages measures the chat and takes the text to route by: that of the last message by the user, or of the last
// message with any text if no user spoke.
func readMessages(obj rawjson.Object, req *Request) *APIError {
	var messages []wireMessage
	if api := decode(obj, "messages", &messages, "an array of objects with a role and content"); api != nil {
		return api
	}
	if len(messages) == 0 {
		return badRequest("messages", "messages must be an array with at least one message")
	}
	req.MessageCount = len(messages)
	var lastUser, lastAny string
	for i := range messages {
		m := &messages[i]
		text, vision, ok := contentText(m.Content)
		if !ok {
			return badRequest("messages", "messages[%d].content must be a string, an array of parts, or null", i)
		}
		req.Vision = req.Vision || vision
		req.PromptBytes += len(text)
		if !rawjson.IsNull(m.ToolCalls) {
			req.PromptBytes += len(m.ToolCalls)
		}
		if text == "" {
			continue
		}
		lastAny = text
		if m.Role == "user" {
			lastUser = text
		}
	}
	if req.PromptText = lastUser; lastUser == "" {
		req.PromptText = lastAny
	}
	return nil
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
