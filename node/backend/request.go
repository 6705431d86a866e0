package backend

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"flotilla/node/rawjson"
)

// SetModel returns body with its model set to name and every other byte as it was.
func SetModel(body []byte, name string) ([]byte, error) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		return nil, fmt.Errorf("read request body: %w", err)
	}
	return obj.Apply(rawjson.Edit{Key: "model", Value: rawjson.Quote(name)}), nil
}

// LimitOutput returns body with its output limited to at most limit tokens a choice, and the most output tokens that
// the limited request can produce in all its choices (n × the limit per choice). A lower limit of the client's own is
// kept. The limit is written as max_tokens, which every runtime reads; older ones ignore max_completion_tokens.
func LimitOutput(body []byte, limit uint32) ([]byte, uint32, error) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		return nil, 0, fmt.Errorf("read request body: %w", err)
	}
	edits := make([]rawjson.Edit, 0, 2)
	for _, key := range [...]string{"max_tokens", "max_completion_tokens"} {
		own, there, err := uintMember(obj, key)
		if err != nil {
			return nil, 0, err
		}
		if there && own > 0 {
			limit = min(limit, own)
		}
	}
	value := json.RawMessage(strconv.FormatUint(uint64(limit), 10))
	edits = append(edits, rawjson.Edit{Key: "max_tokens", Value: value})
	if _, there := obj.Get("max_completion_tokens"); there {
		edits = append(edits, rawjson.Edit{Key: "max_completion_tokens", Value: value})
	}
	n, there, err := uintMember(obj, "n")
	if err != nil {
		return nil, 0, err
	}
	if !there || n == 0 {
		n = 1
	}
	total := uint64(n) * uint64(limit)
	if total > math.MaxUint32 {
		return nil, 0, fmt.Errorf("n × max_tokens = %d is out of range: ask for less", total)
	}
	return obj.Apply(edits...), uint32(total), nil
}

// LimitTotal returns body with its output limited to at most total tokens in all its choices together.
func LimitTotal(body []byte, total uint32) ([]byte, error) {
	_, choices, err := LimitOutput(body, 1)
	if err != nil {
		return nil, err
	}
	if total < choices {
		return nil, fmt.Errorf("%d output tokens for %d choices", total, choices)
	}
	out, _, err := LimitOutput(body, total/choices)
	return out, err
}

// uintMember reads a non-negative whole number; null counts as absent.
func uintMember(obj rawjson.Object, key string) (v uint32, there bool, err error) {
	raw, ok := obj.Get(key)
	if !ok || rawjson.IsNull(raw) {
		return 0, false, nil
	}
	n, err := strconv.ParseUint(string(raw), 10, 32)
	if err != nil {
		return 0, false, fmt.Errorf("%s must be a whole number from 0 to %d", key, uint32(math.MaxUint32))
	}
	return uint32(n), true, nil
}

// upstreamBody is the body as the server gets it: model, stream and stream_options set, the rest as it came.
func upstreamBody(body []byte, model string, stream bool) (out []byte, messages json.RawMessage, err error) {
	obj, err := rawjson.Parse(body)
	if err != nil {
		return nil, nil, fmt.Errorf("read request body: %w", err)
	}
	edits := make([]rawjson.Edit, 0, 3)
	if model != "" {
		edits = append(edits, rawjson.Edit{Key: "model", Value: rawjson.Quote(model)})
	}
	options, there := obj.Get("stream_options")
	switch {
	case stream:
		edits = append(edits,
			rawjson.Edit{Key: "stream", Value: json.RawMessage("true")},
			rawjson.Edit{Key: "stream_options", Value: withUsage(options)})
	case there: // OpenAI and vLLM refuse stream_options on a request that is not streamed
		edits = append(edits, rawjson.Edit{Key: "stream", Value: json.RawMessage("false")}, rawjson.Edit{Key: "stream_options"})
	default:
		edits = append(edits, rawjson.Edit{Key: "stream", Value: json.RawMessage("false")})
	}
	messages, _ = obj.Get("messages")
	return obj.Apply(edits...), messages, nil
}

// withUsage asks for the usage chunk and keeps the client's other stream options.
func withUsage(options json.RawMessage) json.RawMessage {
	obj, err := rawjson.Parse(options)
	if err != nil { // absent, null or junk
		return json.RawMessage(`{"include_usage":true}`)
	}
	return obj.Apply(rawjson.Edit{Key: "include_usage", Value: json.RawMessage("true")})
}
