package cache

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func pieces(texts ...string) (out []json.RawMessage) {
	for _, s := range texts {
		out = append(out, json.RawMessage(s))
	}
	return out
}

func values(t *testing.T, raws []json.RawMessage) (out []any) {
	t.Helper()
	for _, raw := range raws {
		var v any
		if err := json.Unmarshal(raw, &v); err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		out = append(out, v)
	}
	return out
}

func TestStreamBecomesWhole(t *testing.T) {
	stream := pieces(
		`{"id":"x","object":"chat.completion.chunk","system_fingerprint":"f","choices":[{"index":0,"delta":{"role":"assistant","content":null,"reasoning_content":"hm"},"finish_reason":null,"logprobs":null}]}`,
		`{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"Hel\ud83d"}},{"index":1,"delta":{"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\"\ud83d"}}]}}]}`,
		`{"id":"x","object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"\ude00lo"},"finish_reason":"stop"},{"index":1,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\ude00\"}"}}]},"finish_reason":"tool_calls"}]}`,
		`{"id":"x","object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3}}`,
	)
	got, ok := Answer{Stream: true, Pieces: stream}.in(false)
	if !ok {
		t.Fatal("not told as a whole")
	}
	want := pieces(`{"id":"x","object":"chat.completion","system_fingerprint":"f","choices":[
		{"index":0,"message":{"role":"assistant","content":"Hel😀lo","reasoning_content":"hm"},"finish_reason":"stop"},
		{"index":1,"message":{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":\"😀\"}"}}]},"finish_reason":"tool_calls"}],
		"usage":{"prompt_tokens":3}}`)
	if d := cmp.Diff(values(t, want), values(t, got.Pieces)); d != "" {
		t.Error(d)
	}
	// And back, and here again.
	again, ok := got.in(true)
	if !ok || !again.Stream {
		t.Fatal("not told as a stream")
	}
	back, ok := again.in(false)
	if d := cmp.Diff(values(t, want), values(t, back.Pieces)); !ok || d != "" {
		t.Error(d)
	}
}

// What would be lost on the way is not told in the other shape.
func TestWhatHasNoOtherShape(t *testing.T) {
	for _, a := range []Answer{
		{Stream: true, Pieces: pieces(`{"choices":[{"index":0,"delta":{"content":"a"},"logprobs":{"content":[]},"finish_reason":"stop"}]}`)},
		{Stream: true, Pieces: pieces(`{"choices":[{"index":0,"delta":{"audio":{"id":"a"}},"finish_reason":"stop"}]}`)},
		{Stream: true, Pieces: pieces(`{"choices":[{"index":0,"delta":{"content":[1]},"finish_reason":"stop"}]}`)},
		{Stream: true, Pieces: pieces( // two calls under one index, as some versions of Ollama have them, or under none
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]}}]}`,
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c2","function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)},
		{Stream: true, Pieces: pieces(
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]}}]}`,
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c2","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)},
		{Stream: true, Pieces: pieces(
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]}}]}`,
			`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"name":"g","arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`)},
		{Pieces: pieces(`{"choices":[{"index":0,"message":{"tool_calls":[{"id":"c1","type":"custom","custom":{"name":"f","input":"x"}}]},"finish_reason":"tool_calls"}]}`)},
		{Pieces: pieces(`{"choices":[{"index":0,"message":{"content":"a","annotations":[]},"finish_reason":"stop"}]}`)},
		{Pieces: pieces(`{"choices":[{"index":0,"message":{"content":"a"},"x_extra":1,"finish_reason":"stop"}]}`)},
	} {
		if got, ok := a.in(!a.Stream); ok {
			t.Errorf("%s became %s", a.Pieces, got.Pieces)
		}
		if _, ok := a.in(a.Stream); !ok {
			t.Error("its own shape is refused")
		}
	}
}
