package openai

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"flotilla/node/openai/internal/responses"
	"flotilla/node/rawjson"
)

// responsesRoute is the address of OpenAI's newer API, and responseIDPrefix starts the ids of its answers.
const (
	responsesRoute   = "/v1/responses"
	responseIDPrefix = "resp_"
)

// serveResponses serves OpenAI's newer API, without its store: the input becomes the messages of a chat, and the chat's answer a
// response or its events.
func (h *handler) serveResponses(x *exchange) {
	s := shape{idPrefix: responseIDPrefix, response: new(responses.Request)}
	h.serveAnswer(x, chatOfResponse(s.response), s)
}

// chatOfResponse turns the body of a response's request into that of a chat; req takes what the answer has to know of it.
func chatOfResponse(req *responses.Request) func(body []byte) ([]byte, *APIError) {
	return func(body []byte) ([]byte, *APIError) {
		obj, api := parseObject(body)
		if api != nil {
			return nil, api
		}
		chat, err := req.Chat(obj)
		var refusal *responses.Refusal
		switch {
		case errors.As(err, &refusal):
			return nil, &APIError{Status: http.StatusBadRequest, Code: refusal.Code, Param: refusal.Param, Message: refusal.Message}
		case err != nil: // there is no other
			return nil, asAPIError(err)
		}
		return chat, nil
	}
}

// routable is a dry run's body as a chat: it may be that of a response too.
func routable(body []byte) ([]byte, *APIError) {
	obj, err := rawjson.Parse(body)
	if err != nil || obj.Has("messages") || !obj.Has("input") {
		return body, nil
	}
	return chatOfResponse(new(responses.Request))(body)
}

// billed is the answer's usage with the bill, under a chat's names.
func (a *answer) billed() json.RawMessage { return usageObject(a.usage, a.x.info, a.x.final) }

// brokenResponse are a stream's last events where it breaks. chat is what a chat's client gets then.
func (a *answer) brokenResponse(api *APIError, chat []byte) []responses.Event {
	failure := json.RawMessage("null")
	if obj, err := rawjson.Parse(chat); err == nil {
		failure, _ = obj.Get("error")
	}
	usage := json.RawMessage("null")
	if a.x.final.ReceiptID != "" {
		usage = a.billed()
	}
	return a.response.Fail(api.Code, api.Message, failure, usage)
}

// answerPrefixes start the ids of answers, each those of one route.
var answerPrefixes = [...]struct{ route, prefix string }{
	{"/v1/chat/completions", completionIDPrefix}, {textRoute, textIDPrefix}, {responsesRoute, responseIDPrefix},
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
