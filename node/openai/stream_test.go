package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const streamed = `{"model":"auto","stream":true,` + ask + `}`

func TestStream(t *testing.T) {
	for _, usage := range []bool{false, true} {
		body := streamed
		if usage {
			body = `{"model":"auto","stream":true,"stream_options":{"include_usage":true},` + ask + `}`
		}
		f := fakefleet.New()
		w := chat(t, f, body)
		for name, want := range map[string]string{"Content-Type": "text/event-stream", "Cache-Control": "no-cache", "X-Accel-Buffering": "no", "X-Flotilla-Cost": ""} {
			if got := w.Header().Get(name); got != want {
				t.Errorf("%s = %q, want %q", name, got, want)
			}
		}
		data := events(t, w.Body)
		if data[len(data)-1] != "[DONE]" {
			t.Fatalf("last event is %s", data[len(data)-1])
		}
		data = data[:len(data)-1]
		if want := 5; usage && len(data) != want+1 || !usage && len(data) != want {
			t.Fatalf("usage %v: %d chunks", usage, len(data))
		}
		var text strings.Builder
		for i, d := range data {
			c := object(t, []byte(d))
			if c["id"] != "chatcmpl-"+strings.TrimPrefix(fakefleet.ReceiptID, "0x") || c["model"] != model || c["object"] != "chat.completion.chunk" {
				t.Errorf("chunk %d: %s", i, d)
			}
			last := usage && i == len(data)-1
			u, there := c["usage"]
			if there != usage || (u != nil) != last {
				t.Errorf("usage asked %v: chunk %d has usage %v", usage, i, u)
			}
			if last {
				if !strings.Contains(d, `"choices":[]`) || !strings.Contains(d, `"timings":{"ms":1.50}`) || !strings.Contains(d, `"cost":0.000002`) {
					t.Errorf("usage chunk: %s", d)
				}
				continue
			}
			delta := c["choices"].([]any)[0].(map[string]any)["delta"].(map[string]any)
			if s, ok := delta["content"].(string); ok {
				text.WriteString(s)
			}
			if !strings.Contains(d, `"vendor":1.0`) {
				t.Errorf("an unknown field must come through byte for byte: %s", d)
			}
		}
		if text.String() != "Hello from the fleet." {
			t.Errorf("text %q", text.String())
		}
		if f.Closed.Load() != 1 {
			t.Errorf("reply was closed %d times", f.Closed.Load())
		}
	}
}

// TestUsageOutsideItsChunk: some servers put usage into the last chunk with a choice. It must not reach clients that
// did not ask, and comes once, last, to those that did.
func TestUsageOutsideItsChunk(t *testing.T) {
	f := fakefleet.New()
	f.Raw = []json.RawMessage{json.RawMessage("{\n \"choices\":[{\"delta\":{\"content\":\"x\"}}],\n \"usage\":{\"prompt_tokens\":1,\"own\":true}\n}")}
	if data := events(t, chat(t, f, streamed).Body); len(data) != 2 || strings.Contains(data[0], "usage") {
		t.Errorf("not asked: %q", data)
	}
	data := events(t, chat(t, f, `{"model":"auto","stream":true,"usage":{"include":true},`+ask+`}`).Body)
	if len(data) != 3 || !strings.Contains(data[0], `"usage":null`) || !strings.Contains(data[1], `"own":true`) || !strings.Contains(data[1], `"prompt_tokens":37`) {
		t.Errorf("asked: %q", data)
	}
}

// TestChunksOfOtherShape: what is no chunk is not sent on, an error ends the stream, an empty choices list passes.
func TestChunksOfOtherShape(t *testing.T) {
	f := fakefleet.New()
	f.Raw = []json.RawMessage{
		json.RawMessage(`{"warning":"odd"}`), json.RawMessage(`{"choices":[]}`), json.RawMessage(`{"choices":[null]}`), json.RawMessage(`{"choices":[{"delta":{}}]}`),
		json.RawMessage(`{"error":{"message":"out of memory","code":500}}`),
	}
	data := events(t, chat(t, f, streamed).Body)
	if len(data) != 3 || !strings.Contains(data[2], "out of memory") || !strings.Contains(data[2], `"code":"operator_error","flotilla":{"receipt_id":"`+fakefleet.ReceiptID) {
		t.Errorf("events: %q", data)
	}
}

// TestChunkWithoutUTF8: OpenAI's library for Python raises no error of its own on bytes that are no text, so they end the stream.
func TestChunkWithoutUTF8(t *testing.T) {
	f := fakefleet.New()
	f.Raw = []json.RawMessage{json.RawMessage(`{"choices":[{"delta":{"content":"a"}}]}`), json.RawMessage("{\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}")}
	w := chat(t, f, streamed)
	if data := events(t, w.Body); len(data) != 2 || !utf8.ValidString(data[1]) || !strings.Contains(data[1], `"code":"bad_answer"`) {
		t.Errorf("events: %q", data)
	}
}

func TestStreamCutAfterFirstByte(t *testing.T) {
	for name, tc := range map[string]struct {
		err  error
		code string
	}{
		"api error": {&openai.APIError{Status: 502, Code: "operator_lost", Message: "the operator was lost"}, "operator_lost"},
		"internal":  {errors.New("secret detail"), "internal_error"},
		"truncated": {io.ErrUnexpectedEOF, "internal_error"},
	} {
		f := fakefleet.New()
		f.BreakAt, f.BreakWith = 2, tc.err
		w := chat(t, f, streamed)
		data := events(t, w.Body)
		last := object(t, []byte(data[len(data)-1]))
		e, ok := last["error"].(map[string]any)
		if !ok || e["code"] != tc.code || len(data) != 3 {
			t.Errorf("%s: %q", name, data)
			continue
		}
		if strings.Contains(strings.Join(data, ""), "[DONE]") || strings.Contains(strings.Join(data, ""), "secret") {
			t.Errorf("%s: %q", name, data)
		}
		want := map[string]any{"receipt_id": fakefleet.ReceiptID, "cost_micro_usd": 2.0, "partial": true}
		if diff := cmp.Diff(any(want), e["flotilla"]); diff != "" {
			t.Errorf("%s: bill (-want +got):\n%s", name, diff)
		}
	}
}

func TestStreamWithoutChunksIsNoAnswer(t *testing.T) {
	f := fakefleet.New()
	f.Raw = []json.RawMessage{}
	if w := chat(t, f, streamed); w.Code != http.StatusBadGateway || apiError(t, w)["code"] != "bad_answer" {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// writes records each Write, and that a Flush follows it.
type writes struct {
	header  http.Header
	events  []string
	flushed []bool
	failAt  int // this write and the later ones fail
}

func newWrites() *writes { return &writes{header: http.Header{}, failAt: -1} }

func (w *writes) Header() http.Header { return w.header }
func (w *writes) WriteHeader(int)     {}
func (w *writes) Write(p []byte) (int, error) {
	if w.failAt >= 0 && len(w.events) >= w.failAt {
		return 0, errors.New("broken pipe")
	}
	w.events, w.flushed = append(w.events, string(p)), append(w.flushed, false)
	return len(p), nil
}
func (w *writes) Flush() { w.flushed[len(w.flushed)-1] = true }

func streamRequest(ctx context.Context) *http.Request {
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/v1/chat/completions", strings.NewReader(streamed))
	r.Header.Set("Authorization", "Bearer "+testKey)
	return r
}

// TestOneEventOneWrite: clients that split a stream by reads break on events that span two.
func TestOneEventOneWrite(t *testing.T) {
	w := newWrites()
	openai.NewHandler(config(fakefleet.New())).ServeHTTP(w, streamRequest(t.Context()))
	if len(w.events) != 6 {
		t.Fatalf("%d writes: %q", len(w.events), w.events)
	}
	for i, e := range w.events {
		if !strings.HasPrefix(e, "data: ") || !strings.HasSuffix(e, "\n\n") || strings.Count(e, "\n") != 2 || !w.flushed[i] {
			t.Errorf("write %d: flushed %v, %q", i, w.flushed[i], e)
		}
	}
}

// TestFailedWriteCutsTheConnection: returning would end the chunked body properly, which clients take for a whole answer.
func TestFailedWriteCutsTheConnection(t *testing.T) {
	for _, at := range []int{0, 2, 5} {
		f := fakefleet.New()
		w := newWrites()
		w.failAt = at
		func() {
			defer func() {
				if v := recover(); v != http.ErrAbortHandler {
					t.Errorf("write %d failed: handler ended with %v", at, v)
				}
			}()
			openai.NewHandler(config(f)).ServeHTTP(w, streamRequest(t.Context()))
		}()
		if f.Closed.Load() != 1 {
			t.Errorf("write %d failed: reply closed %d times", at, f.Closed.Load())
		}
	}
}

func TestKeepAliveAfterQuiet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakefleet.New()
		f.Step = make(chan struct{})
		w := newWrites()
		done := make(chan struct{})
		go func() {
			defer close(done)
			openai.NewHandler(config(f)).ServeHTTP(w, streamRequest(t.Context()))
		}()
		time.Sleep(25 * time.Second)
		synctest.Wait()
		if len(w.events) != 0 {
			t.Fatalf("before the first byte nothing may be sent, the status is not known: %q", w.events)
		}
		f.Step <- struct{}{}
		time.Sleep(25 * time.Second) // comments at 10 and 20 s
		f.Step <- struct{}{}
		time.Sleep(9 * time.Second)
		close(f.Step)
		<-done
		const comment = ": keep-alive\n\n"
		var kinds []string
		for _, e := range w.events {
			if e != comment {
				e = "data"
			}
			kinds = append(kinds, e)
		}
		if diff := cmp.Diff([]string{"data", comment, comment, "data", "data", "data", "data", "data"}, kinds); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		if len(w.events) != 8 {
			t.Error("written after the handler returned")
		}
	})
}

// TestChunksAreNotHeldBack: chunk k reaches the client before chunk k+1 exists.
func TestChunksAreNotHeldBack(t *testing.T) {
	f := fakefleet.New()
	f.Step = make(chan struct{})
	srv := httptest.NewServer(openai.NewHandler(config(f)))
	defer srv.Close()
	go func() { f.Step <- struct{}{} }()
	resp := post(t, t.Context(), srv.URL, streamed)
	defer resp.Body.Close()
	buf := make([]byte, 4096)
	for i := range 3 {
		n, err := resp.Body.Read(buf)
		if err != nil || !bytes.HasSuffix(buf[:n], []byte("\n\n")) {
			t.Fatalf("chunk %d: %v, %q", i, err, buf[:n])
		}
		f.Step <- struct{}{}
	}
	close(f.Step)
	if rest := events(t, resp.Body); rest[len(rest)-1] != "[DONE]" {
		t.Errorf("rest: %q", rest)
	}
}

func post(t *testing.T, ctx context.Context, url, body string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/v1/chat/completions", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	return resp
}
