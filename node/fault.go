package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/p2p"
)

// modelFault is why an operator gave no whole answer: what its model server said, in the terms of OpenAI's API. It travels
// in p2p.End, and is an error on the gateway's side.
type modelFault struct {
	Status     int           `json:"status"` // HTTP status of the model server, or the nearest to what happened
	Type       string        `json:"type,omitempty"`
	Code       string        `json:"code,omitempty"`
	Param      string        `json:"param,omitempty"`
	Message    string        `json:"message"`
	RetryAfter time.Duration `json:"retry_after_ns,omitempty"`
}

func (f *modelFault) Error() string { return f.Message }

// Bounds of a fault's texts. A fault that still is over p2p.MaxFaultBytes, all escapes, travels as its text alone.
const (
	maxFaultWord    = 120
	maxFaultMessage = 400
)

// outwards is what others are told of an error. Those of the network name addresses, which are an operator's own business: its model
// server's, or its Ethereum node's, whose URL may hold a key.
func outwards(err error) string {
	var asked *url.Error
	var conn *net.OpError
	var hidden error
	switch {
	case errors.As(err, &asked):
		hidden = asked
	case errors.As(err, &conn):
		hidden = conn
	default:
		return err.Error()
	}
	before, after, whole := strings.Cut(err.Error(), hidden.Error())
	if !whole { // some wrapper has changed it
		before, after = "", ""
	}
	return before + "connection failed" + after
}

// newModelFault describes an error of the operator's own model server.
func newModelFault(err error) *modelFault {
	f := &modelFault{Status: http.StatusBadGateway, Message: outwards(err)}
	var up *backend.UpstreamError
	var unreachable *url.Error
	switch {
	case errors.As(err, &unreachable):
		f.Code, f.Message = "model_unreachable", "the model server cannot be reached"
	case errors.As(err, &up):
		f = &modelFault{Status: up.Status, Type: up.Type, Code: up.Code, Param: up.Param, Message: up.Message, RetryAfter: up.RetryAfter}
		if up.Status < http.StatusBadRequest { // an error inside a stream comes under 200
			f.Status = http.StatusBadGateway
		}
	case errors.Is(err, backend.ErrBadAnswer):
		f.Code = "bad_answer"
	case errors.Is(err, backend.ErrTruncated):
		f.Code = "answer_cut"
	case errors.Is(err, backend.ErrNotReady):
		f.Status, f.Code, f.RetryAfter = http.StatusServiceUnavailable, "model_not_ready", time.Second
	case errors.Is(err, backend.ErrIdle), errors.Is(err, context.DeadlineExceeded):
		f.Status, f.Code = http.StatusGatewayTimeout, "model_timeout"
	}
	f.Type, f.Code, f.Param = cut(f.Type, maxFaultWord), cut(f.Code, maxFaultWord), cut(f.Param, maxFaultWord)
	f.Message = cut(f.Message, maxFaultMessage)
	return f
}

// withFault adds to an operator's End why the answer is not whole.
func withFault(end p2p.End, err error) p2p.End {
	fault := newModelFault(err)
	end.Error = fault.Message
	if raw, encErr := encode(fault); encErr == nil && len(raw) <= p2p.MaxFaultBytes {
		end.Fault = raw
	}
	return end
}

// faultOf is what the operator said about an answer without a whole end; nil when it said nothing. Of one that
// describes its fault badly, or not, its text alone counts.
func faultOf(end p2p.End) error {
	if end.Error == "" {
		return nil
	}
	f := &modelFault{}
	if len(end.Fault) == 0 || decode(end.Fault, f) != nil || f.Status < http.StatusBadRequest || f.Status > 599 {
		f = &modelFault{Status: http.StatusBadGateway, Code: "operator_error", Message: end.Error}
	}
	return f
}

// unquoted is an error for the log: its own text, but of one in which a model server or an operator speaks what kind it is.
// Their words may quote the prompt, and a log never does.
func unquoted(err error) string {
	var fault *modelFault
	var up *backend.UpstreamError
	var rejected *p2p.RejectedError
	switch {
	case errors.As(err, &fault):
		return fmt.Sprintf("model server: %s (HTTP %d)", cmp.Or(fault.Code, "no code"), fault.Status)
	case errors.As(err, &up):
		return unquoted(newModelFault(err))
	case errors.As(err, &rejected):
		return "operator rejected the request: " + rejected.Code
	}
	return err.Error()
}

// aboutRequest: the model server judged the request, and did not fail itself.
func (f *modelFault) aboutRequest() bool {
	switch f.Status {
	case http.StatusBadRequest, http.StatusForbidden, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// busy: it cannot now, which is nobody's fault.
func (f *modelFault) busy() bool { return f.Status == http.StatusTooManyRequests }

// apiError is the client's view of a request that ended with this fault on every operator. What concerns the client goes
// through as the model server said it. The rest is between operator and server (a key of the operator's that the server
// refuses is no 401 of ours): a bad gateway.
func (f *modelFault) apiError() *openai.APIError {
	e := &openai.APIError{Status: f.Status, Type: f.Type, Code: f.Code, Param: f.Param, Message: f.Message, RetryAfter: f.RetryAfter}
	switch {
	case f.aboutRequest():
		e.NoRetry = true
	case f.busy(), f.Status == http.StatusServiceUnavailable:
		e.RetryAfter = max(e.RetryAfter, time.Second)
	case f.Status == http.StatusGatewayTimeout, f.Status == http.StatusRequestTimeout:
		e.Status = http.StatusGatewayTimeout
	default:
		e.Status, e.Type = http.StatusBadGateway, "server_error"
		e.Message = fmt.Sprintf("the operator's model server failed (nothing was charged): %s", f.Message)
	}
	if _, err := strconv.Atoi(e.Code); e.Code == "" || err == nil { // llama.cpp and vLLM have a status there, also in a stream's event
		e.Code = faultCode(e.Status)
	}
	return e
}

func faultCode(status int) string {
	switch status {
	case http.StatusTooManyRequests:
		return "rate_limit_exceeded"
	case http.StatusServiceUnavailable:
		return "model_not_ready"
	case http.StatusGatewayTimeout:
		return "model_timeout"
	case http.StatusBadGateway:
		return "model_server_error"
	}
	return "invalid_request"
}

// cut keeps at most n bytes, not ending inside a character.
func cut(s string, n int) string {
	for n < len(s) && n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:min(n, len(s))]
}
