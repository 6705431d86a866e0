package backend_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/backend"
)

const ask = `{"model":"auto","messages":[{"role":"user","content":"Hi there"}]}`

// serve starts a server that answers every chat with fn.
func serve(t *testing.T, fn http.HandlerFunc) *backend.Backend {
	t.Helper()
	srv := httptest.NewServer(fn)
	t.Cleanup(srv.Close)
	b, err := backend.New(srv.URL+"/v1/", backend.Options{Model: "own-name"})
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sse answers with the lines as they are.
func sse(stream string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
		_, _ = io.WriteString(w, stream)
	}
}

// collect reads a stream to its end; err is nil after io.EOF.
func collect(t *testing.T, b *backend.Backend, stream bool) (evs []backend.Event, err error) {
	t.Helper()
	s, err := b.Chat(t.Context(), []byte(ask), stream)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	for {
		ev, err := s.Next(t.Context())
		if errors.Is(err, io.EOF) {
			if _, again := s.Next(t.Context()); !errors.Is(again, io.EOF) {
				t.Errorf("after io.EOF comes %v", again)
			}
			return evs, nil
		}
		if err != nil {
			return evs, err
		}
		evs = append(evs, ev)
	}
}

func chunk(delta, rest string) string {
	return `data: {"choices":[{"index":0,"delta":` + delta + `,"finish_reason":null}]` + rest + "}\n\n"
}

const (
	finish  = `data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}` + "\n\n"
	usage   = `"usage":{"prompt_tokens":37,"completion_tokens":2,"total_tokens":39}`
	doneEnd = "data: [DONE]\n\n"
)

// TestStreamsOfRuntimes: the shapes that were measured on real servers.
func TestStreamsOfRuntimes(t *testing.T) {
	counted := &backend.Usage{PromptTokens: 37, CompletionTokens: 2}
	estimated := &backend.Usage{PromptTokens: 10, CompletionTokens: 2, Estimated: true} // 38 bytes of messages, 2 events
	const zeros = `"usage":{"prompt_tokens":0,"completion_tokens":0,"total_tokens":0}`
	for name, tc := range map[string]struct {
		stream string
		texts  []string
		usage  *backend.Usage
	}{
		"llama.cpp: null content first, usage chunk with timings": {
			chunk(`{"role":"assistant","content":null}`, "") + chunk(`{"content":"Pa"}`, "") + chunk(`{"content":"ris"}`, "") + finish +
				`data: {"choices":[],` + usage + `,"timings":{"x":1}}` + "\n\n" + doneEnd, []string{"", "Pa", "ris", "", ""}, counted},
		"a byte order mark first":              {"\ufeff" + chunk(`{"content":"Pa"}`, "") + chunk(`{"content":"ris"}`, ","+usage) + doneEnd, []string{"Pa", "ris"}, counted},
		"usage in a chunk with a choice":       {chunk(`{"content":"Pa"}`, "") + chunk(`{"content":"ris"}`, ","+usage) + doneEnd, []string{"Pa", "ris"}, counted},
		"no usage at all":                      {chunk(`{"role":"assistant"}`, "") + chunk(`{"content":"Pa"}`, "") + chunk(`{"content":"ris"}`, "") + finish + doneEnd, []string{"", "Pa", "ris", "", ""}, estimated},
		"zeros in each chunk":                  {chunk(`{"content":"Pa"}`, ","+zeros) + chunk(`{"content":"ris"}`, ","+zeros) + doneEnd, []string{"Pa", "ris", ""}, estimated},
		"the prompt was read before":           {chunk(`{"content":"Pa"}`, `,"usage":{"prompt_tokens":0,"completion_tokens":7}`) + doneEnd, []string{"Pa", ""}, &backend.Usage{PromptTokens: 10, CompletionTokens: 7, Estimated: true}},
		"CRLF, comments, no space, null usage": {strings.ReplaceAll(": hello\n\nevent: x\nid: 1\n"+strings.Replace(chunk(`{"content":"Pa"}`, `,"usage":null`), "data: ", "data:", 1)+chunk(`{"content":"ris"}`, ","+usage)+doneEnd, "\n", "\r\n"), []string{"Pa", "ris"}, counted},
		"reasoning, tools, parts": {chunk(`{"reasoning_content":"hm","reasoning":"hm"}`, "") + chunk(`{"tool_calls":[{"index":0,"function":{"name":"f","arguments":"{\"a\":"}}]}`, "") +
			chunk(`{"tool_calls":[{"function":{"arguments":"1}"}}],"content":[{"type":"text","text":"p"}]}`, ","+usage) + doneEnd, []string{"hm", `f{"a":`, "p1}"}, counted},
	} {
		evs, err := collect(t, serve(t, sse(tc.stream)), true)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var texts []string
		var got *backend.Usage
		for i, ev := range evs {
			texts = append(texts, ev.Text)
			if ev.Usage != nil {
				got = ev.Usage
			}
			if (ev.Data == nil) != (ev.Usage != nil && ev.Usage.Estimated) {
				t.Errorf("%s: event %d has data %q", name, i, ev.Data)
			}
			if ev.Data != nil && backend.TextBytes(ev.Data) != len(ev.Text) {
				t.Errorf("%s: TextBytes(%s) = %d", name, ev.Data, backend.TextBytes(ev.Data))
			}
		}
		if diff := cmp.Diff(tc.texts, texts); diff != "" {
			t.Errorf("%s: texts (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(tc.usage, got); diff != "" {
			t.Errorf("%s: usage (-want +got):\n%s", name, diff)
		}
	}
}

func TestBrokenStreams(t *testing.T) {
	good := chunk(`{"content":"Pa"}`, "")
	var upstream *backend.UpstreamError
	for name, tc := range map[string]struct {
		stream string
		is     func(error) bool
	}{
		"ends without [DONE]":    {good, func(err error) bool { return errors.Is(err, backend.ErrTruncated) }},
		"ends after finish":      {good + finish, func(err error) bool { return errors.Is(err, backend.ErrTruncated) }},
		"ends inside an event":   {good + `data: {"choices":[]`, func(err error) bool { return errors.Is(err, backend.ErrTruncated) }},
		"[DONE] without its end": {good + "data: [DONE]", func(err error) bool { return errors.Is(err, backend.ErrTruncated) }},
		"empty":                  {"", func(err error) bool { return errors.Is(err, backend.ErrTruncated) }},
		"error chunk": {good + `data: {"error":{"message":"out of memory","type":"server_error","code":500}}` + "\n\n" + doneEnd, func(err error) bool {
			return errors.As(err, &upstream) && upstream.Message == "out of memory" && upstream.Code == "500"
		}},
		"old llama.cpp error line": {good + `error: {"message":"slot lost"}` + "\n\n", func(err error) bool { return errors.As(err, &upstream) && upstream.Message == "slot lost" }},
		"no UTF-8":                 {good + "data: {\"choices\":[{\"delta\":{\"content\":\"\xff\"}}]}\n\n" + doneEnd, func(err error) bool { return errors.Is(err, backend.ErrBadAnswer) }},
		"junk":                     {good + "data: <html>\n\n" + doneEnd, func(err error) bool { return errors.Is(err, backend.ErrBadAnswer) }},
		"event too long":           {good + "data: " + strings.Repeat("x", 2<<20) + "\n\n" + doneEnd, func(err error) bool { return errors.Is(err, backend.ErrBadAnswer) }},
		"many lines too long":      {good + strings.Repeat("data: "+strings.Repeat("x", 1000)+"\n", 2000) + "\n" + doneEnd, func(err error) bool { return errors.Is(err, backend.ErrBadAnswer) }},
	} {
		evs, err := collect(t, serve(t, sse(tc.stream)), true)
		if err == nil || !tc.is(err) {
			t.Errorf("%s: error %v", name, err)
		}
		if want := 1; tc.stream != "" && len(evs) < want {
			t.Errorf("%s: %d events before the error", name, len(evs))
		}
	}
}

// TestConnectionLost: a server that dies closes the connection without the end of the chunked body.
func TestConnectionLost(t *testing.T) {
	for _, stream := range []bool{true, false} {
		b := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", map[bool]string{true: "text/event-stream", false: "application/json"}[stream])
			_, _ = io.WriteString(w, chunk(`{"content":"Pa"}`, ""))
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		})
		if _, err := collect(t, b, stream); !errors.Is(err, backend.ErrTruncated) {
			t.Errorf("stream %v: %v", stream, err)
		}
	}
}

// TestImageIsNoText: where the server counts no prompt, as some do of one that they had read before, an image is not billed by its bytes.
func TestImageIsNoText(t *testing.T) {
	b := serve(t, sse(chunk(`{"content":"A cat."}`, `,"usage":{"prompt_tokens":0,"completion_tokens":3}`)+doneEnd))
	image := `{"type":"image_url","image_url":{"url":"data:image/png;base64,` + strings.Repeat("A", 1<<20) + `"}}`
	s, err := b.Chat(t.Context(), []byte(`{"messages":[{"role":"user","content":[{"type":"text","text":"What is it?"},`+image+`]}]}`), true)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	var last backend.Event
	for ev, err := s.Next(t.Context()); !errors.Is(err, io.EOF); ev, err = s.Next(t.Context()) {
		if last = ev; err != nil {
			t.Fatal(err)
		}
	}
	if u := last.Usage; u == nil || !u.Estimated || u.PromptTokens < 500 || u.PromptTokens > 2000 {
		t.Errorf("usage of an image of 1 MiB: %+v", u)
	}
}

func TestWholeAnswer(t *testing.T) {
	body := `{"choices":[{"message":{"role":"assistant","content":"Paris","tool_calls":null},"finish_reason":"stop"}],` + usage + `,"timings":{"x":1.0}}`
	answer := func(body string) *backend.Backend {
		return serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, body)
		})
	}
	evs, err := collect(t, answer(body), false)
	if err != nil || len(evs) != 1 || string(evs[0].Data) != body || evs[0].Text != "Paris" || evs[0].FinishReason != "stop" || evs[0].UsageOnly {
		t.Fatalf("%+v, %v", evs, err)
	}
	if diff := cmp.Diff(&backend.Usage{PromptTokens: 37, CompletionTokens: 2}, evs[0].Usage); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}
	if evs, err = collect(t, answer(`{"choices":[{"message":{"content":"Paris"}}]}`), false); err != nil || evs[0].Usage == nil || !evs[0].Usage.Estimated || evs[0].Usage.CompletionTokens != 2 {
		t.Errorf("without usage: %+v, %v", evs, err)
	}
	zeros := answer(`{"choices":[{"message":{"content":"Paris"}}],"usage":{"prompt_tokens":0,"completion_tokens":0}}`)
	if evs, err = collect(t, zeros, false); err != nil || *evs[0].Usage != (backend.Usage{PromptTokens: 10, CompletionTokens: 2, Estimated: true}) {
		t.Errorf("with a usage of zeros: %+v, %v", evs, err)
	}
	for _, bad := range []string{`{}`, `{"choices":null}`, `{"choices":[ ]}`, `[]`, `<html>`, ``, `{"choices":7}`, "{\"choices\":[{\"message\":{\"content\":\"\xff\"}}]}"} {
		if _, err := collect(t, answer(bad), false); !errors.Is(err, backend.ErrBadAnswer) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, tc := range map[string]struct {
		status     int
		kind, body string
		want       *backend.UpstreamError
		notReady   bool
	}{
		"llama.cpp loading": {503, "application/json", `{"error":{"message":"Loading model","type":"unavailable_error","code":503}}`, &backend.UpstreamError{Status: 503, Type: "unavailable_error", Code: "503", Message: "Loading model", RetryAfter: 2 * time.Second}, true},
		"busy":              {503, "application/json", `{"error":{"message":"no slot","type":"server_error","code":null}}`, &backend.UpstreamError{Status: 503, Type: "server_error", Code: "", Message: "no slot", RetryAfter: 2 * time.Second}, false},
		"ollama":            {404, "application/json", `{"error":"model 'x' not found"}`, &backend.UpstreamError{Status: 404, Message: "model 'x' not found", RetryAfter: 2 * time.Second}, false},
		"fastapi":           {422, "application/json", `{"detail":[{"msg":"x"}]}`, &backend.UpstreamError{Status: 422, Message: `[{"msg":"x"}]`, RetryAfter: 2 * time.Second}, false},
		"old vllm":          {400, "application/json", `{"object":"error","message":"too long","type":"BadRequestError"}`, &backend.UpstreamError{Status: 400, Type: "BadRequestError", Message: "too long", RetryAfter: 2 * time.Second}, false},
		"html error":        {502, "text/html", `<h1>Bad</h1>`, &backend.UpstreamError{Status: 502, Message: "502 Bad Gateway", RetryAfter: 2 * time.Second}, false},
		"redirect":          {302, "text/html", ``, &backend.UpstreamError{Status: 302, Message: "302 Found", RetryAfter: 2 * time.Second}, false},
		"html with 200":     {200, "text/html", `<h1>Hello</h1>`, nil, false},
		"error with 200":    {200, "application/json", `{"error":{"message":"x"}}`, &backend.UpstreamError{Status: 200, Message: "x", RetryAfter: 2 * time.Second}, false},
	} {
		b := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", tc.kind)
			w.Header().Set("Retry-After", "2")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(tc.status)
			_, _ = io.WriteString(w, tc.body)
		})
		_, err := collect(t, b, true)
		var got *backend.UpstreamError
		errors.As(err, &got)
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", name, err, diff)
		}
		if tc.want == nil && !errors.Is(err, backend.ErrBadAnswer) || errors.Is(err, backend.ErrNotReady) != tc.notReady {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestRetryAfter: the three forms that OpenAI's libraries read.
func TestRetryAfter(t *testing.T) {
	in := func(d time.Duration) string { return time.Now().Add(d).UTC().Format(http.TimeFormat) }
	for _, c := range []struct {
		seconds, ms string
		least, most time.Duration
	}{
		{"", "", 0, 0}, {"2", "", 2 * time.Second, 2 * time.Second}, {"0.5", "", time.Second / 2, time.Second / 2}, {"7", "700", 700 * time.Millisecond, 700 * time.Millisecond},
		{in(30 * time.Second), "", 20 * time.Second, 30 * time.Second}, {in(-time.Minute), "", 0, 0}, {in(48 * time.Hour), "", time.Hour, time.Hour},
		{"-1", "", 0, 0}, {"1e300", "", time.Hour, time.Hour}, {"NaN", "soon", 0, 0},
	} {
		b := serve(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Retry-After", c.seconds)
			w.Header().Set("Retry-After-Ms", c.ms)
			w.WriteHeader(http.StatusTooManyRequests)
		})
		_, err := collect(t, b, true)
		var got *backend.UpstreamError
		if !errors.As(err, &got) || got.RetryAfter < c.least || got.RetryAfter > c.most {
			t.Errorf("%q, %q ms: %v, %+v; want %s to %s", c.seconds, c.ms, err, got, c.least, c.most)
		}
	}
}

// TestLeavingStopsTheServer: by Close, by the context of Chat and by that of Next, before and after the first event.
func TestLeavingStopsTheServer(t *testing.T) {
	for _, phase := range []string{"before headers", "mid-stream"} {
		for _, way := range []string{"close", "chat context", "next context"} {
			if phase == "before headers" && way != "chat context" {
				continue // there is no Stream yet
			}
			t.Run(phase+"/"+way, func(t *testing.T) {
				asked, stopped := make(chan struct{}), make(chan struct{})
				b := serve(t, func(w http.ResponseWriter, r *http.Request) {
					_, _ = io.Copy(io.Discard, r.Body)
					if phase == "mid-stream" {
						w.Header().Set("Content-Type", "text/event-stream")
						_, _ = io.WriteString(w, chunk(`{"content":"Pa"}`, ""))
						_ = http.NewResponseController(w).Flush()
					}
					close(asked)
					<-r.Context().Done()
					close(stopped)
				})
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				nextCtx, cancelNext := context.WithCancel(t.Context())
				defer cancelNext()
				leave := map[string]func(){"chat context": cancel, "next context": cancelNext}[way]
				if phase == "before headers" {
					go func() { <-asked; leave() }()
					if _, err := b.Chat(ctx, []byte(ask), true); !errors.Is(err, context.Canceled) {
						t.Errorf("Chat = %v", err)
					}
					<-stopped
					return
				}
				s, err := b.Chat(ctx, []byte(ask), true)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if _, err := s.Next(nextCtx); err != nil {
					t.Fatal(err)
				}
				want := context.Canceled
				if way == "close" {
					leave, want = func() { _ = s.Close() }, backend.ErrClosed
				}
				go leave()
				if _, err := s.Next(nextCtx); !errors.Is(err, want) {
					t.Errorf("Next = %v, want %v", err, want)
				}
				<-stopped
			})
		}
	}
}

// TestQuietServer uses an in-memory connection, so that time is fake.
func TestQuietServer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, after := range []int{0, 1} {
			srv := newPipeServer(func(w http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body) // only then does net/http watch for the client to leave
				w.Header().Set("Content-Type", "text/event-stream")
				if after > 0 {
					_, _ = io.WriteString(w, chunk(`{"content":"Pa"}`, ""))
					_ = http.NewResponseController(w).Flush()
				}
				<-r.Context().Done()
			})
			b := srv.backend(t)
			start := time.Now()
			evs, err := collect(t, b, true)
			want := map[int]time.Duration{0: 5 * time.Minute, 1: 2 * time.Minute}[after]
			if !errors.Is(err, backend.ErrIdle) || time.Since(start) != want || len(evs) != after {
				t.Errorf("%d events, %v after %v", len(evs), err, time.Since(start))
			}
			srv.close()
		}
	})
}

// TestConnectionIsReused: after a clean end the next request needs no new connection.
func TestConnectionIsReused(t *testing.T) {
	seen := map[string]bool{}
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		seen[r.RemoteAddr] = true
		sse(chunk(`{"content":"x"}`, ","+usage)+doneEnd)(w, r)
	})
	for range 5 {
		if _, err := collect(t, b, true); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 1 {
		t.Errorf("5 requests took %d connections", len(seen))
	}
}

func TestNewRefusesBadURLs(t *testing.T) {
	for _, u := range []string{"", "localhost:8080", "ftp://x", "http://", "http://u:p@x", "http://x/?k=v", "http://x/#f", "://"} {
		if b, err := backend.New(u, backend.Options{}); err == nil {
			t.Errorf("New(%q) = %s", u, b.URL())
		}
	}
	for in, want := range map[string]string{"http://x:1": "http://x:1/v1", " http://x:1/v1/ ": "http://x:1/v1", "https://x/api/v1": "https://x/api/v1"} {
		if b, err := backend.New(in, backend.Options{}); err != nil || b.URL() != want {
			t.Errorf("New(%q): %v, %v", in, b, err)
		}
	}
}

func ExampleBackend_Chat() {
	srv := httptest.NewServer(sse(chunk(`{"content":"Hello"}`, ","+usage) + doneEnd))
	defer srv.Close()
	b, _ := backend.New(srv.URL, backend.Options{Model: "llama3.2:1b"})
	s, _ := b.Chat(context.Background(), []byte(ask), true)
	defer s.Close()
	for {
		ev, err := s.Next(context.Background())
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(ev.Text, ev.Usage.CompletionTokens)
	}
	// Output:
	// Hello 2
	// EOF
}
