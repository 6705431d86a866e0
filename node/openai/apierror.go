package openai

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"strconv"
	"time"
)

// APIError is an error in the shape of OpenAI's API: what the client sees.
type APIError struct {
	Status  int    // HTTP status, 400..599
	Type    string // "invalid_request_error", "server_error", …; chosen by Status if empty
	Code    string // a word such as "model_not_found"; null if empty
	Message string
	Param   string // the field at fault; null if empty
	// RetryAfter tells when to come back; 0 says nothing.
	RetryAfter time.Duration
	// NoRetry stops client libraries, which repeat 408, 409, 429 and every 5xx twice by themselves: set it where a
	// repeat cannot help or would pay again.
	NoRetry bool
	// Rates are the limits of a key that was not admitted; an admitted request's Visit tells them.
	Rates Rates
}

func (e *APIError) Error() string {
	return fmt.Sprintf("%s (HTTP %d, %s)", e.Message, e.Status, e.Code)
}

func badRequest(param, format string, args ...any) *APIError {
	return &APIError{Status: http.StatusBadRequest, Code: "invalid_value", Param: param, Message: fmt.Sprintf(format, args...)}
}

// asAPIError gives any error the client's view of it; what is not an *APIError stays inside.
func asAPIError(err error) *APIError {
	var api *APIError
	switch {
	case errors.As(err, &api):
		return api
	case errors.Is(err, context.DeadlineExceeded):
		return &APIError{Status: http.StatusGatewayTimeout, Code: "timeout", Message: "the fleet took too long to answer"}
	}
	return &APIError{Status: http.StatusInternalServerError, Code: "internal_error", Message: "internal error of the gateway; its log has the details under this request id"}
}

func (e *APIError) kind() string {
	switch {
	case e.Type != "":
		return e.Type
	case e.Status == http.StatusTooManyRequests:
		return "rate_limit_error"
	case e.Status >= 500:
		return "server_error"
	}
	return "invalid_request_error"
}

type errorBody struct {
	Error errorObject `json:"error"`
}

type errorObject struct {
	Message  string         `json:"message"`
	Type     string         `json:"type"`
	Param    *string        `json:"param"`
	Code     any            `json:"code"` // a word or null; for OpenRouter's clients the status
	Metadata *errorMetadata `json:"metadata,omitempty"`
	Flotilla *errorUsage    `json:"flotilla,omitempty"`
}

// errorMetadata is OpenRouter's place for the word.
type errorMetadata struct {
	ErrorType string `json:"error_type"`
}

// errorUsage says what a cut answer cost.
type errorUsage struct {
	ReceiptID    string `json:"receipt_id"`
	CostMicroUSD uint64 `json:"cost_micro_usd"`
	Partial      bool   `json:"partial"`
}

// usageOfError is nil where nothing was charged.
func usageOfError(final Final) *errorUsage {
	if final.ReceiptID == "" {
		return nil
	}
	return &errorUsage{ReceiptID: final.ReceiptID, CostMicroUSD: final.CostMicroUSD, Partial: final.Partial}
}

// body is the error as JSON, for OpenRouter's clients in their shape; final adds what was charged, if anything.
func (e *APIError) body(final Final, openRouter bool) []byte {
	obj := errorObject{Message: e.Message, Type: e.kind(), Param: orNull(e.Param), Code: orNull(e.Code)}
	if openRouter {
		obj.Code, obj.Metadata = e.openRouterCode()
	}
	obj.Flotilla = usageOfError(final)
	data, err := json.Marshal(errorBody{Error: obj})
	if err != nil { // strings and numbers always encode
		return []byte(`{"error":{"message":"internal error","type":"server_error","param":null,"code":null}}`)
	}
	return data
}

func (e *APIError) setHeaders(h http.Header) {
	if e.NoRetry {
		h.Set("X-Should-Retry", "false")
	}
	if e.RetryAfter > 0 {
		h.Set("Retry-After", strconv.FormatInt(int64(math.Ceil(e.RetryAfter.Seconds())), 10))
		h.Set("Retry-After-Ms", strconv.FormatInt(max(1, e.RetryAfter.Milliseconds()), 10))
	}
	e.Rates.show(h)
}

func orNull(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
