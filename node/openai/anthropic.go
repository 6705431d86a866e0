package openai

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"flotilla/node/openai/internal/messages"
)

// countRoute is where Anthropic's clients ask how long a prompt is.
const countRoute = messagesRoute + "/count_tokens"

// forAnthropic: the request is for Anthropic's API, or of one of its clients, which all say the version that they speak. Who asks for a chat,
// a response, a completion or vectors reads OpenAI's shape, whatever headers a proxy passes on to it.
func forAnthropic(r *http.Request) bool {
	path := r.URL.Path
	if path == messagesRoute || strings.HasPrefix(path, messagesRoute+"/") {
		return true
	}
	openAIs := path == embeddingsRoute || slices.ContainsFunc(answerPrefixes[:], func(a struct{ route, prefix string }) bool { return a.route == path })
	return r.Header.Get("Anthropic-Version") != "" && !openAIs
}

// BytesPerToken is the usual figure for English text, used only where nobody counted.
const BytesPerToken = 4

// serveCount estimates how many tokens a prompt has, as limits and routing do: which model will answer is not known, and each has
// tokens of its own.
func (h *handler) serveCount(x *exchange) {
	req, ok := x.parse(true, chatOf(&messages.Request{Dry: true}))
	if !ok {
		return
	}
	x.sendJSON(http.StatusOK, struct {
		InputTokens int  `json:"input_tokens"`
		Estimated   bool `json:"estimated"`
	}{req.PromptBytes / BytesPerToken, true})
}

// anthropicError is the error as Anthropic's clients read it.
type anthropicError struct {
	Type      string               `json:"type"`
	Error     anthropicErrorDetail `json:"error"`
	RequestID string               `json:"request_id"`
}

type anthropicErrorDetail struct {
	Type     string           `json:"type"`
	Message  string           `json:"message"`
	Details  *anthropicReason `json:"details"`
	Param    string           `json:"param,omitempty"` // this and what follows are ours
	Flotilla *errorUsage      `json:"flotilla,omitempty"`
}

// anthropicReason has the word that its libraries call error_code.
type anthropicReason struct {
	ErrorCode string `json:"error_code"`
}

func (e *APIError) anthropicBody(final Final, requestID string) []byte {
	detail := anthropicErrorDetail{Type: e.anthropicKind(), Message: e.Message, Param: e.Param, Flotilla: usageOfError(final)}
	if e.Code != "" {
		detail.Details = &anthropicReason{e.Code}
	}
	body := anthropicError{Type: "error", RequestID: requestID, Error: detail}
	data, err := json.Marshal(body)
	if err != nil { // strings and numbers always encode
		return []byte(`{"type":"error","error":{"type":"api_error","message":"internal error"}}`)
	}
	return data
}

// anthropicKind is the type that Anthropic has for a status.
func (e *APIError) anthropicKind() string {
	switch e.Status {
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusPaymentRequired:
		return "billing_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusRequestEntityTooLarge:
		return "request_too_large"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case http.StatusServiceUnavailable:
		if !e.NoRetry { // else it does not pass
			return "overloaded_error"
		}
	case http.StatusGatewayTimeout:
		return "timeout_error"
	}
	if e.Status >= http.StatusInternalServerError {
		return "api_error"
	}
	return "invalid_request_error"
}

// anthropicModel are the members of a model that Anthropic's clients read beside OpenAI's.
type anthropicModel struct {
	Type        string    `json:"type"`
	DisplayName string    `json:"display_name"`
	CreatedAt   time.Time `json:"created_at"`
	Lifecycle   string    `json:"lifecycle"`
}

// anthropicPage are those of a list: all of it is one page.
type anthropicPage struct {
	HasMore bool    `json:"has_more"`
	FirstID *string `json:"first_id"`
	LastID  *string `json:"last_id"`
}

func (l *modelList) forAnthropic() {
	l.anthropicPage = new(anthropicPage)
	for i := range l.Data {
		m := &l.Data[i]
		m.anthropicModel = &anthropicModel{"model", cmp.Or(m.Name, m.ID), time.Unix(m.Created, 0).UTC(), "active"}
	}
	if n := len(l.Data); n > 0 {
		l.FirstID, l.LastID = &l.Data[0].ID, &l.Data[n-1].ID
	}
}
