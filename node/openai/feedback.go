package openai

import (
	"context"
	"encoding/json"
	"net/http"

	"flotilla/node/rawjson"
)

// Feedback is what a caller says of an answer.
type Feedback struct {
	Key       KeyInfo
	ReceiptID string  // 0x and 64 hex digits
	Score     float64 // 0 useless … 1 right
}

// FeedbackTaker keeps feedback; when it returns nil, a crash cannot lose it. Errors as those of a Completer.
type FeedbackTaker func(ctx context.Context, f Feedback) error

// serveFeedback takes {"receipt_id":…,"score":0..1}; "id", the id of an answer, does as well.
func (h *handler) serveFeedback(x *exchange) {
	if h.cfg.Feedback == nil {
		x.fail(&APIError{Status: http.StatusNotFound, Code: "no_feedback", NoRetry: true, Message: "this gateway takes no feedback"})
		return
	}
	body, api := x.readBody()
	if api != nil {
		x.fail(api)
		return
	}
	f, api := parseFeedback(body)
	if api != nil {
		x.fail(api)
		return
	}
	f.Key = x.key
	if err := h.cfg.Feedback(x.r.Context(), f); err != nil {
		x.failWith(err)
		return
	}
	x.sendJSON(http.StatusOK, struct {
		Object    string  `json:"object"`
		ReceiptID string  `json:"receipt_id"`
		Score     float64 `json:"score"`
	}{"feedback", f.ReceiptID, f.Score})
}

func parseFeedback(body []byte) (Feedback, *APIError) {
	obj, api := parseObject(body)
	if api != nil {
		return Feedback{}, api
	}
	var id string
	for _, name := range [...]string{"id", "receipt_id"} {
		if api := decode(obj, name, &id, "a string"); api != nil {
			return Feedback{}, api
		}
	}
	if id == "" {
		return Feedback{}, badRequest("receipt_id", "receipt_id is missing: the X-Flotilla-Receipt of an answer, or its id")
	}
	f := Feedback{}
	if f.ReceiptID, api = receiptID(id); api != nil {
		return Feedback{}, api
	}
	raw, ok := obj.Get("score")
	if !ok || rawjson.IsNull(raw) || json.Unmarshal(raw, &f.Score) != nil || !(f.Score >= 0 && f.Score <= 1) {
		return Feedback{}, badRequest("score", "score must be a number from 0 (useless) to 1 (right)")
	}
	return f, nil
}
