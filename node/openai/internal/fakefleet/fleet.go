// Package fakefleet is an openai.Completer without a fleet, with switches for every way in which a real one fails.
package fakefleet

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"flotilla/node/openai"
)

// ReceiptID is the id of the receipt of each answer.
const ReceiptID = "0x00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

// Never switches a failure that has a position off.
const Never = -1

// Fleet answers every chat with the same pieces. Set its fields before it serves; it is safe for concurrent use.
type Fleet struct {
	Pieces []string          // content of the answer
	Raw    []json.RawMessage // what Next returns in place of an answer made from Pieces
	List   []openai.Model

	CompleteErr error // returned by Complete
	BreakAt     int   // Next fails with BreakWith before the piece with this number
	BreakWith   error
	HangAt      int           // Next waits for the end of its context before the piece with this number
	HangFirst   bool          // Complete waits for the end of its context
	PanicAt     int           // Next panics before the piece with this number
	Step        chan struct{} // if set, Next takes one from it before each piece
	Signs       bool          // the operator signs for an answer that it breaks off
	NotReady    error
	Index       io.WriterTo // that receipts name

	Closed    atomic.Int64 // replies that were closed
	Abandoned atomic.Int64 // contexts that ended while Complete or Next waited

	mu       sync.Mutex // guards requests
	requests []openai.Request
}

var _ openai.Completer = (*Fleet)(nil)

// New returns a fleet with one model that answers in three pieces and never fails.
func New() *Fleet {
	return &Fleet{
		Pieces: []string{"Hello", " from", " the fleet."}, BreakAt: Never, HangAt: Never, PanicAt: Never,
		List: []openai.Model{{ID: "smollm2-135m-instruct", ContextLength: 2048, InputPerMTok: 20_000, OutputPerMTok: 40_000, PerRequest: 1}},
	}
}

// Requests returns what Complete and Explain were asked.
func (f *Fleet) Requests() []openai.Request {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]openai.Request(nil), f.requests...)
}

func (f *Fleet) record(req openai.Request) {
	const kept = 1000 // enough for any test; a benchmark must not fill memory
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.requests) < kept {
		f.requests = append(f.requests, req)
	}
}

// Complete starts an answer.
func (f *Fleet) Complete(ctx context.Context, req openai.Request) (openai.Reply, error) {
	f.record(req)
	if f.HangFirst {
		<-ctx.Done()
		f.Abandoned.Add(1)
		return nil, context.Cause(ctx)
	}
	if f.CompleteErr != nil {
		return nil, f.CompleteErr
	}
	model := req.Model
	if req.Auto {
		model = f.List[0].ID
	} else if !f.has(model) {
		return nil, &openai.APIError{Status: http.StatusNotFound, Code: "model_not_found", Param: "model", Message: "nobody serves " + model}
	}
	r := &reply{fleet: f, req: req, model: model, raw: f.Raw}
	if r.raw == nil {
		r.raw = r.answer()
	}
	return r, nil
}

func (f *Fleet) has(model string) bool {
	for _, m := range f.List {
		if m.ID == model {
			return true
		}
	}
	return false
}

// Explain returns a small decision.
func (f *Fleet) Explain(_ context.Context, req openai.Request) (openai.Explanation, error) {
	f.record(req)
	return openai.Explanation{Decision: json.RawMessage(fmt.Sprintf(`{"pick":{"model":%q},"dial":%v}`, f.List[0].ID, req.Dial))}, nil
}

// Models returns List.
func (f *Fleet) Models(context.Context) ([]openai.Model, error) { return f.List, nil }

// Endpoints are two offers of any model.
func (f *Fleet) Endpoints(context.Context, string) ([]openai.Endpoint, error) {
	return []openai.Endpoint{
		{Operator: "0xabc/alder", ContextLength: 2048, InputPerMTok: 20_000, OutputPerMTok: 40_000, PerRequest: 1, Quantization: "int4", SupportedParameters: []string{"tools", "tool_choice"}},
		{Operator: "0xdef/birch", InputPerMTok: 30_000, OutputPerMTok: 50_000},
	}, nil
}

// Receipt knows ReceiptID only.
func (f *Fleet) Receipt(_ context.Context, _ openai.KeyInfo, id string) (json.RawMessage, error) {
	if id != ReceiptID {
		return nil, &openai.APIError{Status: http.StatusNotFound, Code: "receipt_not_found", Param: "id", Message: "no receipt " + id}
	}
	return json.RawMessage(`{"receipt":{"request":"` + ReceiptID + `"}}`), nil
}

// ReceiptIndex returns Index for the known id.
func (f *Fleet) ReceiptIndex(ctx context.Context, key openai.KeyInfo, id string) (io.WriterTo, error) {
	if _, err := f.Receipt(ctx, key, id); err != nil {
		return nil, err
	}
	return f.Index, nil
}

// Receipts returns one id, and after it an empty last page.
func (f *Fleet) Receipts(_ context.Context, _ openai.KeyInfo, after string, limit int) (openai.ReceiptPage, error) {
	if after != "" {
		return openai.ReceiptPage{}, nil
	}
	return openai.ReceiptPage{IDs: []string{ReceiptID}[:min(1, limit)], Next: "there"}, nil
}

// Ready returns NotReady.
func (f *Fleet) Ready(context.Context) error { return f.NotReady }

// Info and Final of every answer.
var (
	info = openai.Info{
		Operator: "0xA11ce", Reason: "cheapest_capable", Why: "cheapest of 2 that are good enough – measured on 32 neighbours",
		PredictedQuality: 0.75, ReceiptID: ReceiptID, InputPerMTok: 20_000, OutputPerMTok: 40_000, PerRequest: 1,
		ExpectedCostMicroUSD: 1.5, BaselineCostMicroUSD: 12, BaselineModel: "big-model",
	}
	final = openai.Final{PromptTokens: 37, CompletionTokens: 3, CostMicroUSD: 2, BaselineMicroUSD: 12, ReceiptID: ReceiptID}
)

type reply struct {
	fleet *Fleet
	req   openai.Request
	model string
	raw   []json.RawMessage
	next  int
	final openai.Final
}

func (r *reply) Info() openai.Info {
	i := info
	i.Model = r.model
	return i
}

func (r *reply) Final() openai.Final { return r.final }

func (r *reply) Stop() {
	r.final = final
	r.final.Partial = !r.fleet.Signs
}

func (r *reply) Close() error {
	r.fleet.Closed.Add(1)
	return nil
}

// Next returns the pieces, then for a stream a chunk that ends the choice and the usage chunk, then io.EOF.
func (r *reply) Next(ctx context.Context) (json.RawMessage, error) {
	f, at := r.fleet, r.next
	r.next++
	if f.Step != nil {
		select {
		case <-f.Step:
		case <-ctx.Done():
		}
	}
	if at == f.HangAt {
		<-ctx.Done()
		f.Abandoned.Add(1)
	}
	if err := ctx.Err(); err != nil {
		r.final = final
		r.final.Partial = true
		return nil, err
	}
	if at == f.PanicAt {
		panic("fakefleet: told to")
	}
	if at == f.BreakAt {
		r.final = final
		r.final.Partial = !f.Signs
		return nil, f.BreakWith
	}
	if at < len(r.raw) {
		return r.raw[at], nil
	}
	r.final = final
	return nil, io.EOF
}

const usage = `"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2,"prompt_tokens_details":{"cached_tokens":5},"vendor_detail":{"x":1}}`

func (r *reply) answer() []json.RawMessage {
	if !r.req.Stream {
		return []json.RawMessage{fmt.Appendf(nil,
			`{"id":"up-1","object":"x","created":1,"model":"upstream-name","choices":[{"index":0,"message":{"role":"assistant","content":%s},"finish_reason":"stop"}],%s,"timings":{"ms":1.50}}`,
			quote(strings.Join(r.fleet.Pieces, "")), usage)}
	}
	chunk := func(delta, finish string) json.RawMessage {
		return fmt.Appendf(nil, `{"id":"up-1","created":1,"model":"upstream-name","vendor":1.0,"choices":[{"index":0,"delta":%s,"finish_reason":%s}]}`, delta, finish)
	}
	out := []json.RawMessage{chunk(`{"role":"assistant","content":null}`, "null")}
	for _, p := range r.fleet.Pieces {
		out = append(out, chunk(`{"content":`+quote(p)+`}`, "null"))
	}
	out = append(out, chunk(`{}`, `"stop"`))
	return append(out, json.RawMessage(`{"id":"up-1","choices":[],`+usage+`,"timings":{"ms":1.50}}`))
}

func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil { // a string always encodes
		return `""`
	}
	return string(b)
}

// Keys accepts these keys.
func Keys(keys ...string) openai.KeyCheck {
	return func(key string) (openai.KeyInfo, error) {
		i := slices.Index(keys, key)
		if i < 0 {
			return openai.KeyInfo{}, errors.New("unknown API key")
		}
		return openai.KeyInfo{ID: fmt.Sprintf("key_%08x", i)}, nil
	}
}
