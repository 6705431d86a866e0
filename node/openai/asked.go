package openai

import (
	"net/http"

	"flotilla/node/openai/internal/messages"
)

// Asked is what the body of a chat, a response, a message or a text completion says that its routing decision has to agree with.
type Asked struct {
	Text  string   // what it is routed by
	Else  string   // what it is routed by as a message, of a body that might be a chat's too; empty where that is Text
	Auto  bool     // the router may choose
	Named []string // models, as they are written; none and not Auto: the body names no model at all
	Dial  *float64 // nil: the key's, or the gateway's
}

// ReadAsked reads a request as it was sent. Its error is an *APIError.
func ReadAsked(body []byte) (Asked, error) {
	sent := body
	chat, api := routable(body)
	if api == nil {
		body = chat
	}
	req, api := parseRequest(body, http.Header{}, true)
	if chat, none := chatOfCompletion(body); api != nil && none == nil {
		body = chat
		req, api = parseRequest(body, http.Header{}, true)
	}
	if api != nil {
		return Asked{}, api
	}
	asked := Asked{Text: req.PromptText}
	if chat, api := chatOf(&messages.Request{Dry: true})(sent); api == nil {
		if message, api := parseRequest(chat, http.Header{}, true); api == nil && message.PromptText != asked.Text {
			asked.Else = message.PromptText
		}
	}
	if req.DialSet {
		asked.Dial = &req.Dial
	}
	if _, api := parseRequest(body, http.Header{}, false); api != nil { // it names no model
		return asked, nil
	}
	for _, turn := range req.Turns() {
		if turn.Auto {
			asked.Auto = true
			continue
		}
		asked.Named = append(asked.Named, turn.Model)
	}
	return asked, nil
}
