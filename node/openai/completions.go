package openai

import (
	"encoding/json"
	"net/http"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// shape is how an answer of the fleet, which is a chat completion, looks to the client.
type shape struct {
	idPrefix      string
	object, chunk string // the object member of a whole answer, and of one chunk
	// choices rewrites the choices of an answer or chunk; nil leaves them as they are.
	choices func(json.RawMessage) (json.RawMessage, error)
	// request makes it an answer of another API, which has all else of its own; else nil.
	request dialect.Request
}

var (
	chatShape = shape{idPrefix: completionIDPrefix, object: "chat.completion", chunk: "chat.completion.chunk"}
	textShape = shape{idPrefix: textIDPrefix, object: "text_completion", chunk: "text_completion", choices: textChoices}
)

// textRoute is the older API's address, and textIDPrefix starts the ids of its answers.
const (
	textRoute    = "/v1/completions"
	textIDPrefix = "cmpl-"
)

// defaultTextTokens is the limit of a text completion that sets none, as at OpenAI.
const defaultTextTokens = "16"

// serveCompletions serves OpenAI's older API: the prompt becomes the one message of a chat, since that is what the models of
// the fleet are tuned for and how operators serve them.
func (h *handler) serveCompletions(x *exchange) { h.serveAnswer(x, chatOfCompletion, textShape) }

// chatOfCompletion turns the body of a text completion into that of a chat. What has no meaning there is refused, and all
// else goes through.
func chatOfCompletion(body []byte) ([]byte, *APIError) {
	obj, api := parseObject(body)
	if api != nil {
		return nil, api
	}
	prompt, api := readPrompt(obj)
	if api != nil {
		return nil, api
	}
	for _, key := range [...]string{"suffix", "logprobs"} {
		if raw, _ := obj.Get(key); obj.Has(key) && (key != "suffix" || string(raw) != `""`) { // an empty suffix, as at the end of a file, asks for nothing
			return nil, badRequest(key, "%s is not supported: the prompt is answered as a chat; use /v1/chat/completions", key)
		}
	}
	if echo, _ := obj.Get("echo"); string(echo) == "true" {
		return nil, badRequest("echo", "echo is not supported: put the prompt before the answer yourself")
	}
	if best, ok := obj.Get("best_of"); ok && !rawjson.IsNull(best) && string(best) != "1" {
		return nil, badRequest("best_of", "best_of above 1 is not supported: ask several times, or use n with /v1/chat/completions")
	}
	messages := append(append([]byte(`[{"role":"user","content":`), rawjson.Quote(prompt)...), `}]`...)
	edits := []rawjson.Edit{{Key: "prompt"}, {Key: "suffix"}, {Key: "logprobs"}, {Key: "echo"}, {Key: "best_of"}, {Key: "messages", Value: messages}}
	if !obj.Has("max_tokens") {
		edits = append(edits, rawjson.Edit{Key: "max_tokens", Value: json.RawMessage(defaultTextTokens)})
	}
	return obj.Apply(edits...), nil
}

// readPrompt takes one text, alone or in an array.
func readPrompt(obj rawjson.Object) (string, *APIError) {
	raw, ok := obj.Get("prompt")
	if !ok || rawjson.IsNull(raw) {
		return "", badRequest("prompt", "prompt is missing: it must be a string")
	}
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one, nil
	}
	var many []string
	if json.Unmarshal(raw, &many) != nil || len(many) == 0 {
		return "", badRequest("prompt", "prompt must be a string: arrays of token ids are not supported, since each model has tokens of its own")
	}
	if len(many) > 1 {
		return "", badRequest("prompt", "%d prompts in one request are not supported: send one request for each", len(many))
	}
	return many[0], nil
}

// textChoices turns the choices of a chat, whole or in pieces, into those of a text completion.
func textChoices(raw json.RawMessage) (json.RawMessage, error) {
	type said struct {
		Content json.RawMessage `json:"content"` // a string, an array of parts, or null
	}
	var chat []struct {
		Index        int     `json:"index"`
		Message      said    `json:"message"`
		Delta        said    `json:"delta"`
		FinishReason *string `json:"finish_reason"`
	}
	if err := json.Unmarshal(raw, &chat); err != nil {
		return nil, errBadAnswer()
	}
	type choice struct {
		Text         json.RawMessage `json:"text"`
		Index        int             `json:"index"`
		Logprobs     *string         `json:"logprobs"` // always null
		FinishReason *string         `json:"finish_reason"`
	}
	text := make([]choice, len(chat))
	for i, c := range chat {
		content := c.Delta.Content
		if content == nil {
			content = c.Message.Content
		}
		text[i].Index, text[i].FinishReason, text[i].Text = c.Index, c.FinishReason, content
		if len(content) == 0 || content[0] != '"' { // a string stays as it came: it may be one half of a character
			said, _, ok := contentText(content)
			if !ok {
				return nil, errBadAnswer()
			}
			text[i].Text = rawjson.Quote(said)
		}
	}
	out, err := json.Marshal(text)
	if err != nil { // strings and numbers always encode
		return nil, &APIError{Status: http.StatusInternalServerError, Code: "internal_error", Message: "encode choices"}
	}
	return out, nil
}
