package node

import (
	"net/http"
	"testing"

	semconv "go.opentelemetry.io/otel/semconv/v1.41.0"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// An order of vectors is no chat in the traces either.
func TestTracesTellVectorsFromChats(t *testing.T) {
	w := newEmptyWorld(t)
	spans := tracetest.NewSpanRecorder()
	cfg := w.gatewayConfig()
	cfg.Gateway.Traces = sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(spans))
	w.gateway = w.open(cfg)
	w.honestOperator()
	w.embedder(newVectorServer(t), Price{InputPerMTok: 1_000_000})
	if status, body := w.chat(); status != http.StatusOK {
		t.Fatal(body)
	}
	if resp, raw := w.post(worldAPIKey, "/v1/embeddings", `{"model":"`+vectorModel+`","input":"a text"}`); resp.StatusCode != http.StatusOK {
		t.Fatalf("%s", raw)
	}
	operations := func() map[string]string {
		of := map[string]string{}
		for _, span := range spans.Ended() {
			for _, a := range span.Attributes() {
				if a.Key == semconv.GenAIOperationNameKey {
					of[span.Name()] = a.Value.AsString()
				}
			}
		}
		return of
	}
	w.eventually("both orders are over", func() bool { return len(operations()) == 2 })
	if of := operations(); of["chat "+worldModel] != "chat" || of["embeddings "+vectorModel] != "embeddings" {
		t.Errorf("spans and their operations: %v", of)
	}
}
