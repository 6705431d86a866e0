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
func (x *exchange) beginTrace() {
	if x.h.cfg.Tracer == nil {
		return
	}
	route := routeName(x.r.URL.Path)
	ctx := propagation.TraceContext{}.Extract(x.r.Context(), propagation.HeaderCarrier(x.r.Header))
	ctx, x.span = x.h.cfg.Tracer.Start(ctx, x.r.Method+" "+route, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(
		semconv.HTTPRequestMethodKey.String(x.r.Method), semconv.HTTPRoute(route), attribute.String("flotilla.request_id", x.id), attribute.String("flotilla.key_id", x.key.ID),
	))
	x.r = x.r.WithContext(ctx)
}

// routeName is the path of a known route without what differs from request to request.
func routeName(path string) string {
	for _, prefix := range [...]string{"/v1/models/", "/v1/receipts/"} {
		if strings.HasPrefix(path, prefix) {
			return prefix + "{id}"
		}
	}
	return path
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
