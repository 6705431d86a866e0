package openai_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"flotilla/node/openai/internal/fakefleet"
)

// TestSpansNameRoutes: a span bears its route's name, whatever the client asks about.
func TestSpansNameRoutes(t *testing.T) {
	spans := tracetest.NewSpanRecorder()
	cfg := config(fakefleet.New())
	cfg.Tracer = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans)).Tracer("test")
	receipt := "0x" + strings.Repeat("ab", 32)
	var want []string
	for _, of := range [][2]string{
		{"/v1/models/a/b", "/v1/models/{id}"}, {"/v1/models/a/b/endpoints", "/v1/models/{id}/endpoints"},
		{"/v1/model/a/b", "/v1/model/{id}"}, {"/api/v1/model/a/b", "/v1/model/{id}"}, {"/v1/models/count", "/v1/models/count"},
		{"/v1/receipts/" + receipt, "/v1/receipts/{id}"}, {"/v1/receipts/" + receipt + "/index", "/v1/receipts/{id}/index"},
	} {
		do(t, cfg, http.MethodGet, of[0], "")
		want = append(want, "GET "+of[1])
	}
	var got []string
	for _, s := range spans.Ended() {
		got = append(got, s.Name())
	}
	if !slices.Equal(got, want) {
		t.Errorf("spans %q, want %q", got, want)
	}
}
