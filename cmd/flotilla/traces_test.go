package main

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	traces "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// otlpServer takes traces as a collector does.
type otlpServer struct {
	*httptest.Server
	mu    sync.Mutex
	raw   bytes.Buffer
	spans map[string]*traces.Span // by trace id and name
}

func newOTLPServer(t *testing.T) *otlpServer {
	s := &otlpServer{spans: map[string]*traces.Span{}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		var req collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(raw, &req)
		}
		if err != nil || r.URL.Path != "/v1/traces" {
			t.Errorf("%s: %v", r.URL.Path, err)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.raw.Write(raw)
		for _, rs := range req.ResourceSpans {
			for _, ss := range rs.ScopeSpans {
				for _, span := range ss.Spans {
					s.spans[hex.EncodeToString(span.TraceId)+" "+span.Name] = span
				}
			}
		}
	}))
	t.Cleanup(s.Close)
	return s
}

// attributes of a span, as text.
func attributes(s *traces.Span) map[string]string {
	out := map[string]string{}
	for _, a := range s.GetAttributes() {
		text := a.Value.String()
		_, value, _ := strings.Cut(text, ":")
		out[a.Key] = strings.Trim(value, `" `)
	}
	return out
}

// clientSpan is the span of the client that asks.
const clientSpan = "00f067aa0ba902b7"

// askTraced sends a request that is part of a trace of its client's.
func (f *fleet) askTraced(traceID, model string) {
	f.t.Helper()
	body := fmt.Sprintf(`{"model":%q,"stream":true,"max_tokens":50,"messages":[{"role":"user","content":"the plans of the secret base"}]}`, model)
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, "http://"+f.http+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	req.Header.Set("Traceparent", "00-"+traceID+"-"+clientSpan+"-01")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		f.t.Fatal(err)
	}
}

// A request's trace goes on from the client's, has the routing decision and each order in it, by the names of the semantic
// conventions, and nothing of what was asked or answered.
func TestTraces(t *testing.T) {
	f := newFleet(t)
	sink := newOTLPServer(t)
	f.startGateway("--otlp", sink.URL)
	f.startOperator("alder", newModelServer(t, 5, -1).URL, "10/20")
	f.waitServing(1)
	answered, refused := "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"
	f.askTraced(answered, testModel)
	f.askTraced(refused, "nobody-serves-this")
	if err := f.gateway.cmd.Process.Signal(syscall.SIGTERM); err != nil { // sends what is left
		t.Fatal(err)
	}
	<-f.gateway.done

	sink.mu.Lock()
	defer sink.mu.Unlock()
	want := func(name string, under []byte, attrs map[string]string) *traces.Span {
		t.Helper()
		span := sink.spans[name]
		if span == nil {
			t.Fatalf("no span %q among %d", name, len(sink.spans))
		}
		if !bytes.Equal(span.ParentSpanId, under) {
			t.Errorf("%s: parent %x, want %x", name, span.ParentSpanId, under)
		}
		got := attributes(span)
		for key, value := range attrs {
			if got[key] != value && (value != "*" || got[key] == "") {
				t.Errorf("%s: %s is %q, want %q\n%v", name, key, got[key], value, got)
			}
		}
		return span
	}
	client, _ := hex.DecodeString(clientSpan)
	server := want(answered+" POST /v1/chat/completions", client, map[string]string{
		"http.request.method": "POST", "http.route": "/v1/chat/completions", "http.response.status_code": "200", "flotilla.request_id": "*", "flotilla.key_id": "*",
	})
	want(answered+" route", server.SpanId, map[string]string{"gen_ai.request.model": testModel, "flotilla.model": testModel, "flotilla.reason": "pinned", "flotilla.candidates": "1"})
	order := want(answered+" chat "+testModel, server.SpanId, map[string]string{
		"gen_ai.operation.name": "chat", "gen_ai.provider.name": "flotilla", "gen_ai.request.model": testModel, "gen_ai.response.model": testModel, "gen_ai.request.max_tokens": "50",
		"gen_ai.usage.input_tokens": "11", "gen_ai.usage.output_tokens": "5", "gen_ai.response.id": "*", "server.address": "*", "flotilla.cost_micro_usd": "210", "flotilla.attempt": "1",
	})
	if order.Kind != traces.Span_SPAN_KIND_CLIENT || server.Kind != traces.Span_SPAN_KIND_SERVER || len(order.Events) != 1 {
		t.Errorf("kinds %s and %s, events %v", order.Kind, server.Kind, order.Events)
	}
	server = want(refused+" POST /v1/chat/completions", client, map[string]string{"http.response.status_code": "404", "error.type": "model_not_found"})
	want(refused+" route", server.SpanId, map[string]string{"error.type": "model_not_found"})
	for _, secret := range []string{"secret base", "tok1", testKey} {
		if bytes.Contains(sink.raw.Bytes(), []byte(secret)) {
			t.Errorf("the traces have %q in them", secret)
		}
	}
}
