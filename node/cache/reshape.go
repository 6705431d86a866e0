package cache

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"flotilla/node/rawjson"
)

// errShape: an answer has members of which it is not known how they look in the other shape.
var errShape = errors.New("answer cannot be told in another shape")

// texts of a message that come in pieces when it is streamed.
var texts = [...]string{"content", "refusal", "reasoning", "reasoning_content"}

// wireChoice is a choice of a whole answer, or what a chunk adds to it. Logprobs and members that are not known here have
// no counterpart in the other shape.
type wireChoice struct {
	Index   int             `json:"index"`
	Message json.RawMessage `json:"message,omitempty"`
	Delta   json.RawMessage `json:"delta,omitempty"`
	Finish  *string         `json:"finish_reason"`
}

func readChoices(obj rawjson.Object) ([]wireChoice, error) {
	raw, _ := obj.Get("choices")
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("%w: %w", errShape, err)
	}
	out := make([]wireChoice, len(list))
	for i, raw := range list {
		c, err := rawjson.Parse(raw)
		if err != nil {
			return nil, errShape
		}
		for _, m := range c.Members() {
			switch m.Key {
			case "index", "message", "delta", "finish_reason":
			default:
				if !rawjson.IsNull(m.Value) {
					return nil, fmt.Errorf("%w: %q in a choice", errShape, m.Key)
				}
			}
		}
		if err := json.Unmarshal(raw, &out[i]); err != nil {
			return nil, fmt.Errorf("%w: %w", errShape, err)
		}
	}
	return out, nil
}

// text is a JSON string without its quotes. Pieces of it are put together as they came: one may end in half a character.
type text string

// UnmarshalJSON implements json.Unmarshaler; null is no text.
func (t *text) UnmarshalJSON(raw []byte) error {
	if rawjson.IsNull(raw) {
		return nil
	}
	if raw[0] != '"' {
		return errShape
	}
	*t = text(raw[1 : len(raw)-1])
	return nil
}

// MarshalJSON implements json.Marshaler.
func (t text) MarshalJSON() ([]byte, error) { return []byte(`"` + t + `"`), nil }

// said is a message, or what has arrived of it.
type said struct {
	role  string
	texts map[string]text
	calls map[int]*toolCall // by their index
}

type toolCall struct {
	Index    *int   `json:"index,omitempty"` // in streams only
	ID       string `json:"id"`
	Type     string `json:"type"`
	Function struct {
		Name      string `json:"name"`
		Arguments text   `json:"arguments"`
	} `json:"function"`
}

// add takes a message or a delta in.
func (s *said) add(raw json.RawMessage) error {
	if len(raw) == 0 || rawjson.IsNull(raw) {
		return nil
	}
	obj, err := rawjson.Parse(raw)
	if err != nil {
		return errShape
	}
	for _, m := range obj.Members() {
		switch {
		case rawjson.IsNull(m.Value):
		case m.Key == "role":
			err = json.Unmarshal(m.Value, &s.role)
		case slices.Contains(texts[:], m.Key):
			var more text
			err = json.Unmarshal(m.Value, &more)
			s.texts[m.Key] += more
		case m.Key == "tool_calls":
			err = s.addCalls(m.Value)
		default:
			err = fmt.Errorf("%w: %q in a message", errShape, m.Key)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *said) addCalls(raw json.RawMessage) error {
	var calls []toolCall
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields() // they would be lost
	if err := dec.Decode(&calls); err != nil {
		return fmt.Errorf("%w: %w", errShape, err)
	}
	for i, c := range calls {
		at := i
		if c.Index != nil {
			at = *c.Index
		}
		have := s.calls[at]
		if have == nil {
			have = &toolCall{Type: "function"}
			s.calls[at] = have
		}
		if have.ID != "" && c.ID != "" || have.Function.Name != "" && c.Function.Name != "" {
			return fmt.Errorf("%w: two calls under one index", errShape)
		}
		have.ID += c.ID
		if c.Type != "" {
			have.Type = c.Type
		}
		have.Function.Name += c.Function.Name
		have.Function.Arguments += c.Function.Arguments
	}
	return nil
}

// message is all that was said, as a message or as one delta.
func (s *said) message(delta bool) (json.RawMessage, error) {
	out := map[string]any{"role": "assistant"}
	if s.role != "" {
		out["role"] = s.role
	}
	for name, text := range s.texts {
		out[name] = text
	}
	if _, ok := out["content"]; !ok && !delta {
		out["content"] = nil
	}
	var calls []toolCall
	for _, at := range slices.Sorted(maps.Keys(s.calls)) {
		c := *s.calls[at]
		if delta {
			i := len(calls)
			c.Index = &i
		}
		calls = append(calls, c)
	}
	if calls != nil {
		out["tool_calls"] = calls
	}
	return json.Marshal(out)
}

// joined makes one answer of a stream's chunks.
func joined(chunks []json.RawMessage) ([]json.RawMessage, error) {
	choices, messages := map[int]*wireChoice{}, map[int]*said{}
	var first rawjson.Object
	var usage json.RawMessage
	for i, raw := range chunks {
		obj, err := rawjson.Parse(raw)
		if err != nil {
			return nil, errShape
		}
		if i == 0 {
			first = obj
		}
		if obj.Has("usage") {
			usage, _ = obj.Get("usage")
		}
		parts, err := readChoices(obj)
		if err != nil {
			return nil, err
		}
		for _, part := range parts {
			c := choices[part.Index]
			if c == nil {
				c = &wireChoice{Index: part.Index}
				choices[part.Index], messages[part.Index] = c, newSaid()
			}
			if part.Finish != nil {
				c.Finish = part.Finish
			}
			if err := messages[part.Index].add(part.Delta); err != nil {
				return nil, err
			}
		}
	}
	var out []wireChoice
	for _, i := range slices.Sorted(maps.Keys(choices)) {
		var err error
		if choices[i].Message, err = messages[i].message(false); err != nil {
			return nil, err
		}
		out = append(out, *choices[i])
	}
	return wrap(first, "chat.completion", out, usage)
}

func newSaid() *said { return &said{texts: map[string]text{}, calls: map[int]*toolCall{}} }

// split makes a stream of a whole answer: each choice in one chunk, its end in another, then the usage.
func split(whole []json.RawMessage) ([]json.RawMessage, error) {
	if len(whole) != 1 {
		return nil, errShape
	}
	obj, err := rawjson.Parse(whole[0])
	if err != nil {
		return nil, errShape
	}
	choices, err := readChoices(obj)
	if err != nil {
		return nil, err
	}
	var out []json.RawMessage
	for _, c := range choices {
		s := newSaid()
		if err := s.add(c.Message); err != nil {
			return nil, err
		}
		delta, err := s.message(true)
		if err != nil {
			return nil, err
		}
		for _, part := range []wireChoice{{Index: c.Index, Delta: delta}, {Index: c.Index, Delta: json.RawMessage("{}"), Finish: c.Finish}} {
			chunk, err := wrap(obj, "chat.completion.chunk", []wireChoice{part}, nil)
			if err != nil {
				return nil, err
			}
			out = append(out, chunk...)
		}
	}
	usage, ok := obj.Get("usage")
	if !ok {
		return out, nil
	}
	last, err := wrap(obj, "chat.completion.chunk", []wireChoice{}, usage)
	return append(out, last...), err
}

// wrap puts choices into an answer or chunk with all other members of like.
func wrap(like rawjson.Object, object string, choices []wireChoice, usage json.RawMessage) ([]json.RawMessage, error) {
	raw, err := json.Marshal(choices)
	if err != nil {
		return nil, err
	}
	return []json.RawMessage{like.Apply(
		rawjson.Edit{Key: "object", Value: rawjson.Quote(object)},
		rawjson.Edit{Key: "choices", Value: raw},
		rawjson.Edit{Key: "usage", Value: usage})}, nil
}
