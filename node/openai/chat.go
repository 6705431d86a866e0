package openai

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/rawjson"
)

// errBadAnswer is what becomes of an operator's data that is no chat completion.
func errBadAnswer() *APIError {
	return &APIError{Status: http.StatusBadGateway, Code: "bad_answer", NoRetry: true, Message: "the operator's answer is not a chat completion"}
}

// CheckAnswer says whether raw is what a request that is not streamed asks for: a chat completion, or a vector for each
// input. A Completer calls it before it pays: what is neither is refused, and nothing is charged.
func (r Request) CheckAnswer(raw json.RawMessage) error {
	obj, err := rawjson.Parse(raw)
	if r.Inputs == 0 {
		if err != nil || !isCompletion(obj) {
			return errBadAnswer()
		}
		return nil
	}
	if err != nil {
		return errBadVectors()
	}
	data, _ := obj.Get("data")
	vectors, err := readVectors(data, r.Inputs)
	if err == nil && r.Dimensions > 0 && len(vectors[0]) != int(r.Dimensions) {
		err = errBadVectors()
	}
	return err
}

// parse reads and checks the body of a chat or a dry run, or of what translate makes a chat of; on an error it has answered.
func (x *exchange) parse(dryRun bool, translate func([]byte) ([]byte, *APIError)) (Request, bool) {
	body, api := x.readBody()
	if api == nil && translate != nil {
		if body, api = translate(body); int64(len(body)) > x.h.cfg.MaxBodyBytes { // escapes that the client did not need
			api = x.h.tooLarge()
		}
	}
	if api != nil {
		x.fail(api)
		return Request{}, false
	}
	req, api := parseRequest(body, x.r.Header, dryRun)
	if api != nil {
		x.fail(api)
		return Request{}, false
	}
	req.ID, req.Key = x.id, x.key
	req.Upgrades, req.Cache = x.h.upgrades.Left(x.key), readCacheControl(x.r.Header)
	if api := x.readSession(&req); api != nil {
		x.fail(api)
		return Request{}, false
	}
	req.DryRun = dryRun
	if api := x.ask(&req); api != nil {
		x.fail(api)
		return Request{}, false
	}
	return req, true
}

func (h *handler) serveRoute(x *exchange) {
	req, ok := x.parse(true, routable)
	if !ok {
		return
	}
	would, err := h.cfg.Completer.Explain(x.r.Context(), req)
	if err != nil {
		x.failWith(err)
		return
	}
	if head := would.Cache.header(); head != "" {
		x.w.Header().Set(headerCache, headerValue(head))
	}
	if would.Cache.Status == CacheHit {
		would.Decision = would.Cache.beside(would.Decision)
	}
	x.send(http.StatusOK, would.Decision)
}

func (h *handler) serveChat(x *exchange) { h.serveAnswer(x, nil, chatShape) }

// serveAnswer runs the chat that translate makes of the body, or the body itself, and answers in the given shape.
func (h *handler) serveAnswer(x *exchange, translate func([]byte) ([]byte, *APIError), s shape) {
	req, ok := x.parse(false, translate)
	if !ok {
		return
	}
	reply, err := h.cfg.Completer.Complete(x.r.Context(), req)
	if err != nil {
		x.failWith(err)
		return
	}
	defer func() { // also when the client leaves: closing at once is what stops the operator's generation
		if err := reply.Close(); err != nil {
			h.cfg.Logger.Warn("close reply", "request_id", x.id, "err", err)
		}
	}()
	x.info, x.first = reply.Info(), time.Now()
	if x.info.Cache.Status != CacheHit { // which is no choice
		h.upgrades.record(x.key, x.info.UpgradeMicroUSD)
	}
	setDecision(x.w.Header(), x.info, req, x.r.Header.Get("X-Flotilla-Debug") == "1")
	defer x.keepSession()
	a := newAnswer(x, req, reply, s)
	if req.Stream {
		a.stream()
		return
	}
	a.whole()
}

// answer rewrites what the operator sent into what the client gets.
type answer struct {
	x     *exchange
	req   Request
	reply Reply
	shape shape
	own   []rawjson.Edit  // id, object, created, model …: the same on each chunk
	usage json.RawMessage // the operator's own usage object
	last  json.RawMessage // the operator's usage chunk, held back until the bill is known

	dialect dialect.Answer // of another API than chat completions; else nil
}

func newAnswer(x *exchange, req Request, reply Reply, s shape) *answer {
	object := s.object
	if req.Stream {
		object = s.chunk
	}
	id := completionID(s.idPrefix, x.info.ReceiptID, x.id)
	if s.request != nil {
		return &answer{x: x, req: req, reply: reply, shape: s, dialect: s.request.Begin(id, x.info.Model, x.start.Unix())}
	}
	own := []rawjson.Edit{
		{Key: "id", Value: rawjson.Quote(id)},
		{Key: "object", Value: rawjson.Quote(object)},
		{Key: "created", Value: strconv.AppendInt(nil, x.start.Unix(), 10)},
		{Key: "model", Value: rawjson.Quote(x.info.Model)},
	}
	if x.openRouter {
		own = append(own, rawjson.Edit{Key: "provider", Value: rawjson.Quote(x.info.Operator)})
		req.IncludeUsage = true // as OpenRouter does, asked for or not
		if s.choices == nil {
			s.choices = openRouterChoices
		}
	}
	return &answer{x: x, req: req, reply: reply, shape: s, own: own}
}

// completionIDPrefix starts the ids of answers. The rest is the receipt's id, or the request's where there is no receipt, so
// that either finds the record.
const completionIDPrefix = "chatcmpl-"

func completionID(prefix, receiptID, requestID string) string {
	if hexID, ok := strings.CutPrefix(receiptID, "0x"); ok && hexID != "" {
		return prefix + hexID
	}
	return prefix + strings.TrimPrefix(requestID, requestIDPrefix)
}

// requestOf is the request's id in that of an answer without a receipt.
func requestOf(answerID string) (requestID string, ok bool) {
	digits, ok := cutAnswerPrefix(answerID)
	if !ok || len(digits) != 2*requestIDBytes {
		return "", false
	}
	return requestIDPrefix + digits, true
}

// whole sends an answer that is not streamed.
func (a *answer) whole() {
	data, err := a.only()
	if err != nil {
		a.fail(err)
		return
	}
	obj, err := rawjson.Parse(data)
	if err != nil || !isCompletion(obj) {
		a.fail(errBadAnswer())
		return
	}
	a.usage, _ = obj.Get("usage")
	body, err := a.object(obj)
	if err != nil {
		a.fail(err)
		return
	}
	a.x.w.Header().Set("X-Flotilla-Cost", formatUSD(a.x.final.CostMicroUSD, 6))
	a.x.send(http.StatusOK, body)
}

// object is a whole answer as the client gets it.
func (a *answer) object(chat rawjson.Object) ([]byte, error) {
	if a.dialect != nil {
		choices, _ := readChoices(chat)
		body, err := a.dialect.Whole(chat, choices, a.billed(), time.Now().Unix())
		if err != nil {
			return nil, errBadAnswer()
		}
		return body, nil
	}
	edits, err := a.edits(chat)
	if err != nil {
		return nil, err
	}
	return chat.Apply(append(edits, rawjson.Edit{Key: "usage", Value: a.billed()})...), nil
}

// only is the one object of an answer that is not streamed. Nothing is sent before its end is known to be clean, so that every
// failure still has its status.
func (a *answer) only() (json.RawMessage, error) {
	ctx := a.x.r.Context()
	data, err := a.reply.Next(ctx)
	switch {
	case errors.Is(err, io.EOF): // not even one
		err = errBadAnswer()
	case err == nil:
		if _, err = a.reply.Next(ctx); err == nil { // more than one
			err = errBadAnswer()
		}
	}
	a.x.final = a.reply.Final()
	if errors.Is(err, io.EOF) {
		return data, nil
	}
	return nil, err
}

// fail answers a request whose reply broke before anything was sent.
func (a *answer) fail(err error) {
	a.x.logInternal(err)
	api := *asAPIError(err)
	if a.x.final.ReceiptID != "" {
		api.NoRetry = true // a repeat would pay again
	} else {
		a.x.w.Header().Del(headerReceipt) // there is none
	}
	a.x.failBilled(&api, a.x.final)
}

// readChoices are the choices of an answer or a chunk; ok is false for what is neither: clients read members of each.
func readChoices(obj rawjson.Object) (choices []json.RawMessage, ok bool) {
	raw, _ := obj.Get("choices")
	if json.Unmarshal(raw, &choices) != nil || choices == nil {
		return nil, false
	}
	return choices, !slices.ContainsFunc(choices, func(c json.RawMessage) bool { return c[0] != '{' })
}

// isCompletion: there is a choice, and each has a message.
func isCompletion(obj rawjson.Object) bool {
	choices, ok := readChoices(obj)
	return ok && len(choices) > 0 && !slices.ContainsFunc(choices, func(raw json.RawMessage) bool {
		choice, err := rawjson.Parse(raw)
		message, _ := choice.Get("message")
		return err != nil || len(message) == 0 || message[0] != '{'
	})
}

// chunk rewrites one chunk into events. There are none of one that is not sent on: the operator's usage chunk, which is kept
// for the end, and what is no chunk at all (clients that check each one would die of it).
func (a *answer) chunk(raw json.RawMessage) ([]dialect.Event, error) {
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return nil, errBadAnswer()
	}
	if obj.Has("error") {
		return nil, operatorError(obj)
	}
	choices, ok := readChoices(obj)
	if !ok {
		return nil, nil
	}
	usage := rawjson.Edit{Key: "usage"} // removed, or null as at OpenAI when usage was asked for
	if a.req.IncludeUsage && !a.x.openRouter {
		usage.Value = json.RawMessage("null")
	}
	if obj.Has("usage") {
		a.usage, _ = obj.Get("usage")
		if len(choices) == 0 {
			a.last = raw
			return nil, nil
		}
	}
	if a.dialect != nil {
		events, err := a.dialect.Chunk(choices)
		if err != nil {
			return nil, errBadAnswer()
		}
		return events, nil
	}
	edits, err := a.edits(obj)
	if err != nil {
		return nil, err
	}
	return []dialect.Event{{Data: obj.Apply(append(edits, usage)...)}}, nil
}

// edits are what an answer or a chunk gets of ours: its identity, and choices in the client's shape.
func (a *answer) edits(obj rawjson.Object) ([]rawjson.Edit, error) {
	own := slices.Clip(a.own)
	if a.x.openRouter {
		own = append(own, openRouterMembers(obj, a.req.Stream)...)
	}
	if a.shape.choices == nil {
		return own, nil
	}
	raw, _ := obj.Get("choices")
	choices, err := a.shape.choices(raw)
	return append(own, rawjson.Edit{Key: "choices", Value: choices}), err
}

// usageChunk is the last one before [DONE]: no choices, and the bill.
func (a *answer) usageChunk() []byte {
	obj, err := rawjson.Parse(a.last)
	if err != nil { // the operator sent none
		obj, _ = rawjson.Parse([]byte(`{}`)) // constant, parses
	}
	own := slices.Clip(a.own)
	if a.x.openRouter {
		own = append(own, openRouterMembers(obj, true)...)
	}
	return obj.Apply(append(own,
		rawjson.Edit{Key: "choices", Value: json.RawMessage("[]")},
		rawjson.Edit{Key: "usage", Value: a.billed()})...)
}

// operatorError is an error that an operator's server put into the stream.
func operatorError(obj rawjson.Object) *APIError {
	raw, _ := obj.Get("error")
	var e struct {
		Message string `json:"message"`
	}
	msg := "the operator's server reported an error"
	if json.Unmarshal(raw, &e) == nil && e.Message != "" {
		msg += ": " + clip(e.Message, 300)
	}
	return &APIError{Status: http.StatusBadGateway, Code: "operator_error", NoRetry: true, Message: msg}
}
