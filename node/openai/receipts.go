package openai

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

const (
	defaultReceipts = 100
	maxReceipts     = 1000
)

// receiptID reads an id in any form a client has seen: 0x…, or the chatcmpl-… of an answer.
func receiptID(text string) (string, *APIError) {
	digits, isAnswer := cutAnswerPrefix(text)
	if !isAnswer {
		digits = strings.TrimPrefix(text, "0x")
	}
	if raw, err := hex.DecodeString(digits); err != nil || len(raw) != 32 {
		return "", badRequest("id", "a receipt id is 0x and 64 hex digits, or the chatcmpl- id of an answer")
	}
	return "0x" + strings.ToLower(digits), nil
}

func (h *handler) receipt(x *exchange, text string) (id string, record json.RawMessage, ok bool) {
	id, api := receiptID(text)
	if api != nil {
		x.fail(api)
		return "", nil, false
	}
	record, err := h.cfg.Completer.Receipt(x.r.Context(), x.key, id)
	if err != nil {
		x.failWith(err)
		return "", nil, false
	}
	return id, record, true
}

// serveReceipt sends the bundle as it is: the file that flotilla verify reads.
func (h *handler) serveReceipt(x *exchange) {
	if _, record, ok := h.receipt(x, strings.TrimPrefix(x.r.URL.Path, receiptsRoute)); ok {
		x.send(http.StatusOK, record)
	}
}

// ReceiptPage is a part of a key's receipts. It may be short, or empty, and not be the last: Next is empty on the last alone.
type ReceiptPage struct {
	IDs  []string
	Next string
}

func (h *handler) serveReceipts(x *exchange) {
	limit := defaultReceipts
	if text := x.r.URL.Query().Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > maxReceipts {
			x.fail(badRequest("limit", "limit must be a whole number from 1 to %d", maxReceipts))
			return
		}
		limit = n
	}
	page, err := h.cfg.Completer.Receipts(x.r.Context(), x.key, x.r.URL.Query().Get("after"), limit)
	if err != nil {
		x.failWith(err)
		return
	}
	x.sendJSON(http.StatusOK, struct {
		Object  string   `json:"object"`
		Data    []string `json:"data"`
		HasMore bool     `json:"has_more"`
		Next    string   `json:"next,omitempty"`
	}{"list", append([]string{}, page.IDs...), page.Next != "", page.Next})
}

// serveHealth says that the process serves HTTP, and nothing more.
func (h *handler) serveHealth(x *exchange) {
	x.sendJSON(http.StatusOK, map[string]string{"status": "ok"})
}

func (h *handler) serveReady(x *exchange) {
	if len(h.slots) == cap(h.slots) {
		x.fail(errOverloaded())
		return
	}
	if err := h.cfg.Completer.Ready(x.r.Context()); err != nil {
		x.outcome = "not_ready"
		x.sendJSON(http.StatusServiceUnavailable, map[string]string{"status": "not ready", "reason": clip(err.Error(), 300)})
		return
	}
	x.sendJSON(http.StatusOK, map[string]string{"status": "ready"})
}
