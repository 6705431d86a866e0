package main

import (
	"context"
	"fmt"
	"net/url"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
)

// traceFlags say where traces go.
type traceFlags struct {
	OTLP       string  `help:"URL of an OpenTelemetry collector (OTLP over HTTP, such as http://127.0.0.1:4318) that gets a trace of each request, without prompts; none when empty." name:"otlp" env:"FLOTILLA_OTLP" placeholder:"URL"`
	TraceShare float64 `help:"Share of the requests that are traced, 0 to 1; a client's own trace goes on whatever it is." env:"FLOTILLA_TRACE_SHARE" default:"1"`
}

const (
	// otlpPath is where collectors take traces, when the URL has no path of its own.
	otlpPath = "/v1/traces"
	// flushTimeout bounds the last traces of a stopping gateway.
	flushTimeout = 5 * time.Second
)

// open returns where spans go, and what sends the last of them. Spans wait in a bounded queue; no request waits for them.
func (f traceFlags) open(ctx context.Context, s *streams) (trace.TracerProvider, func(), error) {
	to, err := f.endpoint()
	if err != nil {
		return nil, nil, err
	}
	if to == "" {
		return noop.NewTracerProvider(), func() {}, nil
	}
	exporter, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(to))
	if err != nil {
		return nil, nil, fmt.Errorf("--otlp: %w", err)
	}
	// The library reports what it cannot send to its global handler only.
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(err error) { s.log.Warn("send traces", "err", err) }))
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(exporter),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(f.TraceShare))),
		sdktrace.WithResource(resource.NewWithAttributes(semconv.SchemaURL, semconv.ServiceName("flotilla-gateway"))),
	)
	return provider, func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), flushTimeout)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			s.log.Warn("send the last traces", "err", err)
		}
	}, nil
}

// endpoint checks the flags, and is the URL that spans go to; "" for none.
func (f traceFlags) endpoint() (string, error) {
	if !(f.TraceShare >= 0 && f.TraceShare <= 1) {
		return "", fmt.Errorf("--trace-share: %v: want 0 to 1", f.TraceShare)
	}
	if f.OTLP == "" {
		return "", nil
	}
	u, err := url.Parse(f.OTLP)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return "", fmt.Errorf("--otlp %q: want a URL such as http://127.0.0.1:4318", f.OTLP)
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = otlpPath
	}
	return u.String(), nil
}
