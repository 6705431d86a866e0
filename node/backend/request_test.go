package backend_test

import (
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"flotilla/node/backend"
)

// TestForwardedBody: model, stream and stream_options are set, every other byte stays.
func TestForwardedBody(t *testing.T) {
	var got string
	b := serve(t, func(w http.ResponseWriter, r *http.Request) {
		data, _ := io.ReadAll(r.Body)
		got = string(data)
		http.Error(w, "{}", http.StatusTeapot)
	})
	for _, tc := range []struct {
		stream   bool
		in, want string
	}{
		{true, `{"model":"auto","seed":1.50,"messages":[ 1 ],"x":{"stream":false}}`, `{"model":"own-name","seed":1.50,"messages":[ 1 ],"x":{"stream":false},"stream":true,"stream_options":{"include_usage":true}}`},
		{true, `{"Model":"a","model":"b","stream":false,"stream_options":{"a":1,"include_usage":false}}`, `{"model":"own-name","stream":true,"stream_options":{"a":1,"include_usage":true}}`},
		{true, `{"stream_options":null}`, `{"stream_options":{"include_usage":true},"model":"own-name","stream":true}`},
		{false, `{"model":"auto","stream":true,"stream_options":{"include_usage":true},"n":1}`, `{"model":"own-name","stream":false,"n":1}`},
	} {
		if _, err := b.Chat(t.Context(), []byte(tc.in), tc.stream); err == nil {
			t.Fatal("no error for HTTP 418")
		}
		if got != tc.want {
			t.Errorf("%s\n got %s\nwant %s", tc.in, got, tc.want)
		}
	}
	if _, err := b.Chat(t.Context(), []byte(`[]`), true); err == nil {
		t.Error("a body that is no object was sent")
	}
}

func TestLimitOutput(t *testing.T) {
	for _, tc := range []struct {
		in, want string
		limit    uint32
		total    uint32
	}{
		{`{"a":1}`, `{"a":1,"max_tokens":100}`, 100, 100},
		{`{"max_tokens":7}`, `{"max_tokens":7}`, 100, 7},
		{`{"max_tokens":700,"n":3}`, `{"max_tokens":100,"n":3}`, 100, 300},
		{`{"max_completion_tokens":5,"max_tokens":null}`, `{"max_completion_tokens":5,"max_tokens":5}`, 100, 5},
		{`{"Max_Tokens":1000}`, `{"max_tokens":100}`, 100, 100},
	} {
		out, total, err := backend.LimitOutput([]byte(tc.in), tc.limit)
		if err != nil || string(out) != tc.want || total != tc.total {
			t.Errorf("LimitOutput(%s) = %s, %d, %v", tc.in, out, total, err)
		}
	}
	for _, bad := range []string{`[]`, `{"max_tokens":-1}`, `{"max_tokens":"5"}`, `{"n":1.5}`, `{"n":4000000000}`} {
		if out, total, err := backend.LimitOutput([]byte(bad), 100); err == nil {
			t.Errorf("LimitOutput(%s) = %s, %d", bad, out, total)
		}
	}
	if out, err := backend.SetModel([]byte(`{"messages":[],"model":"auto"}`), `a"b`); err != nil || string(out) != `{"messages":[],"model":"a\"b"}` {
		t.Errorf("SetModel = %s, %v", out, err)
	}
}

// FuzzTextBytes: no chunk makes the reader panic, and text is never longer than the data that carries it allows.
func FuzzTextBytes(f *testing.F) {
	f.Add([]byte(`{"choices":[{"delta":{"content":"x","tool_calls":[{"function":{"arguments":"{}"}}]}}],"usage":{"prompt_tokens":1e9}}`))
	f.Add([]byte(`{"choices":[{"message":{"content":[{"text":"a"}]},"finish_reason":"stop"}],"error":null}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := backend.TextBytes(data)
		if n > 0 && !json.Valid(data) {
			t.Errorf("text in what is no JSON: %q", data)
		}
		if n > 3*len(data) { // an invalid byte becomes the 3 bytes of U+FFFD
			t.Errorf("%d bytes of text in %d bytes of data", n, len(data))
		}
	})
}
