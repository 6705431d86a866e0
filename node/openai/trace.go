package openai

import (
	"net/http"
	"strings"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
)

// beginTrace opens the request's span, under the client's own if it sent a traceparent. Neither this nor any other span
// has a prompt, an answer or the text of an error, which may quote them.
func (x *exchange) beginTrace(route string) {
	if x.h.cfg.Tracer == nil {
		return
	}
	ctx := propagation.TraceContext{}.Extract(x.r.Context(), propagation.HeaderCarrier(x.r.Header))
	ctx, x.span = x.h.cfg.Tracer.Start(ctx, x.r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(x.r.Method), semconv.HTTPRoute(route), attribute.String("flotilla.request_id", x.id), attribute.String("flotilla.key_id", x.key.ID),
	))
	x.r = x.r.WithContext(ctx)
}

func (x *exchange) endTrace() {
	if x.span == nil {
		return
	}
	status := x.status
	if x.outcome == "client_gone" {
		status = statusClientGone
	}
	x.span.SetAttributes(semconv.HTTPResponseStatusCode(status))
	if x.outcome != "" {
		x.span.SetAttributes(semconv.ErrorTypeKey.String(x.outcome))
		if status >= http.StatusInternalServerError || strings.HasPrefix(x.outcome, "cut: ") {
			x.span.SetStatus(codes.Error, x.outcome)
		}
	}
	x.span.End()
}
