package openai

import (
	"context"
	"encoding/json"
	"io"
)

// Completer answers the requests that the HTTP surface has parsed. It is implemented by the gateway and must be safe
// for concurrent use. Errors that are meant for the client are *APIError; of any other only that it happened is told.
type Completer interface {
	// Complete runs a request. It returns once the first piece of an answer is there (what it tries before that is its
	// own matter) or with an error. It returns at once when ctx ends, which is when the client has left.
	Complete(ctx context.Context, req Request) (Reply, error)
	// Explain returns what Complete would do now, and runs nothing.
	Explain(ctx context.Context, req Request) (Explanation, error)
	// Models lists what can be asked for now; none is no error.
	Models(ctx context.Context) ([]Model, error)
	// Endpoints lists who can be asked for the model now, the cheapest first and at most MaxEndpoints; none is no error.
	Endpoints(ctx context.Context, model string) ([]Endpoint, error)
	// Receipt returns everything that is known about one answer to the key as a JSON object. id is 0x and 64 hex digits.
	Receipt(ctx context.Context, key KeyInfo, id string) (json.RawMessage, error)
	// ReceiptIndex returns the routing index that the decision of one of the key's receipts was made with, as a file.
	ReceiptIndex(ctx context.Context, key KeyInfo, id string) (io.WriterTo, error)
	// Receipts returns a page of the key's receipts, newest first, at most limit. after is the Next of the page before, empty
	// for the first.
	Receipts(ctx context.Context, key KeyInfo, after string, limit int) (ReceiptPage, error)
	// Ready is nil when requests can be served; the error's text is shown. It makes no call to an operator.
	Ready(ctx context.Context) error
}

// Explanation is what would become of a request.
type Explanation struct {
	// Decision is the routing decision, a JSON object. Where the cache has the answer it may be empty: nobody need be there then.
	Decision json.RawMessage
	// Cache is what the gateway's cache would have to do with the answer. After a hit the decision is not taken.
	Cache CacheUse
}

// Reply is one answer under way. One goroutine at a time uses it.
type Reply interface {
	// Info is what is known before the first byte goes out.
	Info() Info
	// Next returns the raw JSON of the next chunk, or of the whole answer if the request is not streamed. io.EOF means
	// that the answer is whole and its receipt durable; any other error that it was cut. Next returns when ctx ends.
	Next(ctx context.Context) (json.RawMessage, error)
	// Stop ends an answer of which the last piece is no good. What was delivered is billed, so it waits for the operator's receipt,
	// for a bounded time.
	Stop()
	// Final is the bill. It is valid once Next has returned an error, io.EOF or another, or Stop.
	Final() Final
	// Close frees the answer and is called exactly once. If the answer is not over it cancels the operator's
	// generation; it does not wait for the network.
	Close() error
}

// Info is what the client is told about a decision. Amounts are in µUSD (1e-6 USD).
type Info struct {
	// Model and Operator were chosen, for Reason (a constant) and Why (a sentence for people).
	Model, Operator, Reason, Why string
	// PredictedQuality is 0..1; 0 or NaN where nothing was predicted, as for a named model.
	PredictedQuality float64
	// ReceiptID is 0x and 64 hex digits.
	ReceiptID string
	// InputPerMTok and OutputPerMTok are µUSD per million tokens, PerRequest µUSD.
	InputPerMTok, OutputPerMTok, PerRequest uint64
	// ExpectedCostMicroUSD and BaselineCostMicroUSD were estimated before the answer: of the choice, and of always
	// asking the best single model, BaselineModel.
	ExpectedCostMicroUSD, BaselineCostMicroUSD float64
	BaselineModel                              string
	// UpgradeMicroUSD is what the choice is expected to cost above the cheapest capable; 0: it is no upgrade.
	UpgradeMicroUSD float64
	BaselineQuality float64 // predicted for BaselineModel, as PredictedQuality
	// Quantization, Runtime and TokenCounting are the operator's claims in its signed price.
	Quantization, Runtime, TokenCounting string
	// Cache says whether the answer is given again.
	Cache CacheUse
}

// Final is the bill of one answer: the same figures as in its receipt.
type Final struct {
	PromptTokens, CompletionTokens uint32
	// CostMicroUSD was charged; BaselineMicroUSD is what always-best-single would have cost.
	CostMicroUSD, BaselineMicroUSD uint64
	// ReceiptID is 0x and 64 hex digits, empty if nothing was charged.
	ReceiptID string
	// Partial: the answer was cut and only what was delivered is charged.
	Partial bool
	// FinishReason is one of OpenAI's, empty where the model did not come to an end.
	FinishReason string
}

// Model is one entry of the model list. Prices as in Info.
type Model struct {
	ID                                      string
	Created                                 int64  // unix seconds; 0: since the gateway serves
	ContextLength                           uint32 // tokens; 0 if unknown
	InputPerMTok, OutputPerMTok, PerRequest uint64
	Quantizations                           []string
	SupportedParameters                     []string
	Vision                                  bool // takes images
	Embeds                                  bool // makes vectors of texts, and cannot chat
	Operators                               int  // that offer it now; 0 if not counted
}
