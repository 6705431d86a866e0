package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"flotilla/node/rawjson"
)

// maxErrorText bounds what is kept of a server's error text.
const maxErrorText = 500

// UpstreamError is an error that the model server itself reported. Status is the HTTP status, or 200 for an error that
// came inside a stream.
type UpstreamError struct {
	Status                     int
	Type, Code, Param, Message string
	RetryAfter                 time.Duration // 0 if the server named none
	Final                      bool          // the server says that a repeat brings nothing
}

func (e *UpstreamError) Error() string {
	msg := fmt.Sprintf("model server: %s (HTTP %d", e.Message, e.Status)
	if e.Code != "" && e.Code != strconv.Itoa(e.Status) {
		msg += ", " + e.Code
	}
	return msg + ")"
}

// Is makes errors.Is(err, ErrNotReady) true for the answer that llama.cpp gives on every route while it loads.
func (e *UpstreamError) Is(target error) bool {
	return target == ErrNotReady && e.Status == http.StatusServiceUnavailable &&
		(e.Type == "unavailable_error" || strings.Contains(strings.ToLower(e.Message), "loading"))
}

// upstreamError reads the error bodies seen in the wild: OpenAI's {"error":{…}}, Ollama's {"error":"text"}, FastAPI's
// {"detail":…} and old vLLM's {"object":"error","message":…}. Anything else gives the status alone.
func upstreamError(status int, body []byte) *UpstreamError {
	e := &UpstreamError{Status: status}
	var outer struct {
		Error   json.RawMessage `json:"error"`
		Detail  json.RawMessage `json:"detail"`
		Message string          `json:"message"`
		Type    string          `json:"type"`
	}
	if json.Unmarshal(body, &outer) == nil {
		e.Message, e.Type = outer.Message, outer.Type
		var inner struct {
			Message string          `json:"message"`
			Type    string          `json:"type"`
			Code    json.RawMessage `json:"code"`
			Param   *string         `json:"param"`
		}
		switch {
		case json.Unmarshal(outer.Error, &e.Message) == nil:
		case json.Unmarshal(outer.Error, &inner) == nil:
			e.Message, e.Type, e.Code = inner.Message, inner.Type, codeText(inner.Code)
			if inner.Param != nil {
				e.Param = *inner.Param
			}
		case e.Message == "" && len(outer.Detail) > 0:
			if json.Unmarshal(outer.Detail, &e.Message) != nil {
				e.Message = string(outer.Detail)
			}
		}
	}
	if e.Message == "" {
		e.Message = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	e.Message = clip(e.Message)
	if status == http.StatusInternalServerError && isRefusal(e.Message) {
		e.Status, e.Type = http.StatusBadRequest, "invalid_request_error"
	}
	return e
}

// isRefusal: llama.cpp says 500 of some requests that it cannot read or serve, and would say it of each like them. Taken for failures of
// the model, three of one client would pause it for all.
func isRefusal(message string) bool {
	for _, start := range [...]string{"Failed to parse messages:", "Failed to parse tools:", "Unknown reasoning format:"} {
		if strings.HasPrefix(message, start) {
			return true
		}
	}
	kind, _, found := strings.Cut(message, " input is not supported") // image, audio, video
	return found && !strings.Contains(kind, " ")
}

// codeText turns a code into text: llama.cpp sends the HTTP number there, OpenAI a word or null.
func codeText(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if rawjson.IsNull(raw) {
		return ""
	}
	return string(bytes.Trim(raw, `"`))
}

// RetryAfter is for how long the server asks to be left alone, up to an hour; 0 where it does not say. It reads what OpenAI's libraries do: milliseconds, seconds, or a date.
func RetryAfter(h http.Header) time.Duration {
	const longest = time.Hour
	ms, err := strconv.ParseFloat(h.Get("Retry-After-Ms"), 64)
	if err != nil {
		text := h.Get("Retry-After")
		if at, dateErr := http.ParseTime(text); dateErr == nil {
			return min(max(0, time.Until(at)), longest)
		}
		ms, err = strconv.ParseFloat(text, 64)
		ms *= 1000
	}
	if err != nil || !(ms > 0) {
		return 0
	}
	return time.Duration(min(ms, float64(longest.Milliseconds())) * float64(time.Millisecond))
}

// badAnswer says what was there instead, in a few words: the text may hold the user's prompt, so it is not quoted.
func badAnswer(what string, got []byte) error {
	kind := "unreadable data"
	switch trimmed := bytes.TrimSpace(got); {
	case len(trimmed) == 0:
		kind = "nothing"
	case trimmed[0] == '<':
		kind = "HTML"
	case trimmed[0] == '{', trimmed[0] == '[':
		kind = "other JSON"
	}
	return fmt.Errorf("%w: %s, got %s", ErrBadAnswer, what, kind)
}

// clip keeps a bounded, printable, one-line beginning.
func clip(s string) string {
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "?"))
	if len(s) > maxErrorText {
		s = strings.ToValidUTF8(s[:maxErrorText], "") + "…"
	}
	return s
}

// asError finds the reason why a request to the server failed.
func asError(ctxCause, err error) error {
	if ctxCause != nil && !errors.Is(err, ctxCause) {
		return ctxCause
	}
	return err
}
