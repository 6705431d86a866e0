package openai

import (
	"fmt"
	"net/http"
	"path"
	"strings"
)

// errUnknownURL is an address that nothing is served under, with what the caller may have meant.
func errUnknownURL(method, url string) *APIError {
	clean := path.Clean(url)
	advice := "there are /v1/chat/completions, /v1/responses, /v1/messages, /v1/completions, /v1/embeddings and /v1/models"
	meant := meantRoute(clean)
	switch {
	case clean == "/v1/providers": // OpenRouter's
		advice = "GET /v1/models tells what is on offer, GET /v1/models/{id}/endpoints who offers it, POST /v1/route who would be asked"
	case strings.HasPrefix(clean, responsesRoute+"/"):
		advice = "responses are not kept, so there is none to fetch, cancel or delete: POST /v1/responses answers at once"
	case strings.HasPrefix(clean, messagesRoute+"/"):
		advice = "of Anthropic's API there are POST /v1/messages and /v1/messages/count_tokens: no batches are kept"
	case meant == messagesRoute:
		advice = "there is /v1/messages: the base URL of Anthropic's clients is this gateway's without /v1"
	case meant != "":
		advice = fmt.Sprintf("there is %s: a client's base URL is this gateway's with /v1, and nothing after it", meant)
	}
	return &APIError{Status: http.StatusNotFound, Code: "unknown_url", NoRetry: true, Message: fmt.Sprintf("unknown address: %s %s; %s", method, clip(url, 200), advice)}
}

// meantRoute is the served address that a path ends in, where a client's base URL lacks the /v1 or has too much; else empty. The
// longest is meant: /chat/completions ends in /completions too.
func meantRoute(clean string) (meant string) {
	for _, known := range [...]string{textRoute, "/v1/chat/completions", responsesRoute, messagesRoute, "/v1/embeddings", "/v1/models", "/v1/key", "/v1/generation", "/v1/route"} {
		if clean == known || strings.HasSuffix(clean, strings.TrimPrefix(known, "/v1")) {
			meant = known
		}
	}
	return meant
}
