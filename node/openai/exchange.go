package openai

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// statusClientGone is logged, never sent: nobody is there to read it.
const statusClientGone = 499

// exchange is one request and its answer.
type exchange struct {
	h     *handler
	w     http.ResponseWriter
	r     *http.Request
	rc    *http.ResponseController
	start time.Time
	id    string
	key   KeyInfo

	openRouter bool // it came under OpenRouter's root
	anthropic  bool // it is for Anthropic's clients, which goes before that

	cut     bool // the body broke off, which ends the request's context too although its client may be there
	session sessionKey
	visit   Visit      // nil: no gate, or not admitted
	span    trace.Span // nil: not traced

	// For the log line and the gate.
	status  int // 0 until the answer begins
	outcome string
	info    Info
	final   Final
	stream  bool
	asked   string    // the model
	first   time.Time // when the fleet began to answer
}

// finish runs last, also after a panic.
func (x *exchange) finish() {
	defer x.log() // whatever way out the panic takes
	defer x.endTrace()
	defer x.leave()
	if v := recover(); v != nil {
		x.recoverPanic(v)
	}
}

// isProbe: an orchestrator asks how the gateway is.
func (x *exchange) isProbe() bool { return x.r.URL.Path == "/healthz" || x.r.URL.Path == "/readyz" }

// path is the one that the client has asked for.
func (x *exchange) path() string {
	if x.openRouter {
		return openRouterRoot + x.r.URL.Path
	}
	return x.r.URL.Path
}

func (x *exchange) log() {
	level := slog.LevelInfo
	if x.isProbe() {
		level = slog.LevelDebug
	}
	ctx := x.r.Context()
	if !x.h.cfg.Logger.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{
		slog.String("request_id", x.id), slog.String("method", clip(x.r.Method, 20)), slog.String("path", clip(x.path(), 200)),
		slog.Int("status", x.status), slog.Duration("duration", time.Since(x.start)), slog.String("key_id", x.key.ID),
	}
	if x.outcome != "" {
		attrs = append(attrs, slog.String("outcome", x.outcome))
	}
	if x.info.Model != "" {
		attrs = append(attrs,
			slog.String("model", x.info.Model), slog.String("operator", x.info.Operator), slog.String("reason", x.info.Reason),
			slog.String("receipt_id", x.final.ReceiptID), slog.Bool("stream", x.stream),
			slog.Uint64("prompt_tokens", uint64(x.final.PromptTokens)), slog.Uint64("completion_tokens", uint64(x.final.CompletionTokens)),
			slog.Uint64("cost_micro_usd", x.final.CostMicroUSD), slog.Bool("partial", x.final.Partial))
	}
	x.h.cfg.Logger.LogAttrs(ctx, level, "http request", attrs...)
}

// writeDeadline bounds the writes from now on, readDeadline the reads; 0 lifts the bound. A writer without deadlines
// (in tests) works without them.
func (x *exchange) writeDeadline(d time.Duration) { _ = x.rc.SetWriteDeadline(deadline(d)) }
func (x *exchange) readDeadline(d time.Duration)  { _ = x.rc.SetReadDeadline(deadline(d)) }

func deadline(d time.Duration) time.Time {
	if d == 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// send writes a whole JSON answer.
func (x *exchange) send(status int, body []byte) {
	head := x.w.Header()
	head.Set("Content-Type", "application/json")
	head.Set("Content-Length", strconv.Itoa(len(body)))
	head.Set("X-Content-Type-Options", "nosniff")
	x.status = status
	x.writeDeadline(x.h.cfg.WriteTimeout)
	x.w.WriteHeader(status)
	if x.r.Method == http.MethodHead {
		return
	}
	_, err := x.w.Write(body)
	if err == nil {
		err = x.rc.Flush() // else it waits for all that is done once the client has its answer
	}
	if err != nil {
		x.outcome = "client_gone"
	}
}

// sendJSON encodes v; what is sent through it always encodes.
func (x *exchange) sendJSON(status int, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		x.failWith(err)
		return
	}
	x.send(status, body)
}

// fail sends an error; only before the answer has begun.
func (x *exchange) fail(api *APIError) { x.failBilled(api, Final{}) }

func (x *exchange) failBilled(api *APIError, final Final) {
	if x.outcome == "" {
		x.outcome = api.Code
	}
	if api.Status == statusClientGone || x.gone() && !x.cut {
		x.status = statusClientGone
		x.abandon()
	}
	api.setHeaders(x.w.Header())
	x.send(api.Status, x.errorBody(api, final))
}

// errorBody is the error in the shape of the client's API.
func (x *exchange) errorBody(api *APIError, final Final) []byte {
	if x.anthropic {
		return api.anthropicBody(final, x.id)
	}
	return api.body(final, x.openRouter)
}

// abandon cuts the connection of a client that has left. Returning from the handler would end the answer properly, and
// to a client that has only closed its sending half that is a whole answer.
func (x *exchange) abandon() {
	x.outcome = "client_gone"
	panic(http.ErrAbortHandler)
}

// failWith sends whatever the Completer returned.
func (x *exchange) failWith(err error) {
	x.logInternal(err)
	x.fail(asAPIError(err))
}

// logInternal logs what the client is not told.
func (x *exchange) logInternal(err error) {
	if api := asAPIError(err); api.Code == "internal_error" && !x.gone() {
		x.h.cfg.Logger.Error("serve request", "request_id", x.id, "path", clip(x.path(), 200), "err", err)
	}
}
