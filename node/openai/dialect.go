package openai

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/openai/internal/messages"
	"flotilla/node/openai/internal/responses"
	"flotilla/node/rawjson"
)

// Addresses of other APIs than chat completions, and what the ids of their answers start with. Each is a translation of the request
// into a chat's and of the answer back; all between is the chats' one path.
const (
	responsesRoute   = "/v1/responses"
	responseIDPrefix = "resp_"

	messagesRoute   = "/v1/messages"
	messageIDPrefix = "msg_"
)

// serveResponses serves OpenAI's newer API, without its store.
func (h *handler) serveResponses(x *exchange) {
	h.serveDialect(x, new(responses.Request), responseIDPrefix)
}

// serveMessages serves Anthropic's.
func (h *handler) serveMessages(x *exchange) {
	h.serveDialect(x, new(messages.Request), messageIDPrefix)
}

func (h *handler) serveDialect(x *exchange, req dialect.Request, idPrefix string) {
	h.serveAnswer(x, chatOf(req), shape{idPrefix: idPrefix, request: req})
}

// chatOf turns the body of another API's request into that of a chat; req takes what the answer has to know of it.
func chatOf(req dialect.Request) func(body []byte) ([]byte, *APIError) {
	return func(body []byte) ([]byte, *APIError) {
		obj, api := parseObject(body)
		if api != nil {
			return nil, api
		}
		chat, err := req.Chat(obj)
		var refusal *dialect.Refusal
		switch {
		case errors.As(err, &refusal):
			return nil, &APIError{Status: http.StatusBadRequest, Code: refusal.Code, Param: refusal.Param, Message: refusal.Message}
		case err != nil: // there is no other
			return nil, asAPIError(err)
		}
		return chat, nil
	}
}

// routable is a body of any of the APIs as a chat's, for those who ask where it would go. What says the same in a chat and a message
// stays as it is.
func routable(body []byte) ([]byte, *APIError) {
	obj, err := rawjson.Parse(body)
	switch {
	case err != nil:
		return body, nil
	case obj.Has("messages") && messages.Is(obj):
		return chatOf(&messages.Request{Dry: true})(body)
	case !obj.Has("messages") && obj.Has("input"):
		return chatOf(new(responses.Request))(body)
	}
	return body, nil
}

// billed is the answer's usage with the bill, under a chat's names.
func (a *answer) billed() json.RawMessage { return usageObject(a.usage, a.x.info, a.x.final) }

// brokenAnswer are a stream's last events where it breaks; body is the error.
func (a *answer) brokenAnswer(api *APIError, body []byte) []dialect.Event {
	usage := json.RawMessage("null")
	if a.x.final.ReceiptID != "" {
		usage = a.billed()
	}
	return a.dialect.Fail(api.Code, api.Message, body, usage)
}

// answerPrefixes start the ids of answers, each those of one route.
var answerPrefixes = [...]struct{ route, prefix string }{
	{"/v1/chat/completions", completionIDPrefix}, {textRoute, textIDPrefix}, {responsesRoute, responseIDPrefix}, {messagesRoute, messageIDPrefix},
}

// cutAnswerPrefix is what is behind the prefix in the id of an answer.
func cutAnswerPrefix(id string) (rest string, ok bool) {
	for _, a := range answerPrefixes {
		if rest, ok = strings.CutPrefix(id, a.prefix); ok {
			return rest, true
		}
	}
	return id, false
}

// answerPrefix starts the ids of a route's answers.
func answerPrefix(route string) string {
	for _, a := range answerPrefixes {
		if a.route == route {
			return a.prefix
		}
	}
	return completionIDPrefix
}
