package messages_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/openai/internal/messages"
)

const (
	usage  = `{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2},"cost":0.1,"flotilla":{"receipt_id":"0x1"}}`
	billed = `{"input_tokens":7,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":3,"prompt_tokens_details":{"cached_tokens":2},"cost":0.1,"flotilla":{"receipt_id":"0x1"}}`
	think  = `,"thinking":{"type":"adaptive"}`
)

// begin starts the answer of a request with these members.
func begin(t testing.TB, members string) dialect.Answer {
	t.Helper()
	req := new(messages.Request)
	if _, err := req.Chat(parse(t, `{"max_tokens":9,"messages":[{"role":"user","content":"x"}]`+members+`}`)); err != nil {
		t.Fatal(err)
	}
	return req.Begin("msg_abc", "m", 5)
}

func choices(raw ...string) (out []json.RawMessage) {
	for _, r := range raw {
		out = append(out, json.RawMessage(r))
	}
	return out
}

func TestWhole(t *testing.T) {
	const call = `{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\": 1}"}}`
	for name, c := range map[string]struct{ members, choice, content, stopped string }{
		"text":                 {"", `{"message":{"content":"Hi \ud83d\ude00"},"finish_reason":"stop"}`, `{"type":"text","text":"Hi \ud83d\ude00"}`, `"end_turn","stop_sequence":null`},
		"parts":                {"", `{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},"finish_reason":"stop"}`, `{"type":"text","text":"ab"}`, `"end_turn","stop_sequence":null`},
		"nothing":              {"", `{"message":{"content":null},"finish_reason":"stop"}`, `{"type":"text","text":""}`, `"end_turn","stop_sequence":null`},
		"too long":             {"", `{"message":{"content":"a"},"finish_reason":"length"}`, `{"type":"text","text":"a"}`, `"max_tokens","stop_sequence":null`},
		"filtered":             {"", `{"message":{"refusal":"no"},"finish_reason":"content_filter"}`, `{"type":"text","text":"no"}`, `"refusal","stop_sequence":null`},
		"a stop that is told":  {`,"stop_sequences":["END"]`, `{"message":{"content":"a"},"finish_reason":"stop","stop_reason":"END"}`, `{"type":"text","text":"a"}`, `"stop_sequence","stop_sequence":"END"`},
		"a stop of the server": {`,"stop_sequences":["END"]`, `{"message":{"content":"a"},"finish_reason":"stop","stop_reason":"<eos>"}`, `{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
		"a token's number":     {`,"stop_sequences":["END"]`, `{"message":{"content":"a"},"finish_reason":"stop","stop_reason":128009}`, `{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
		"a call":               {"", `{"message":{"content":"\n\n","tool_calls":[` + call + `]},"finish_reason":"stop"}`, `{"type":"tool_use","id":"c1","name":"f","input":{"a": 1}}`, `"tool_use","stop_sequence":null`},
		"text and calls": {
			"", `{"message":{"content":"I look.","tool_calls":[` + call + `,{"function":{"name":"g","arguments":""}},{"id":"c3","function":{"name":"h","arguments":{"b":2}}},{"id":"c4","function":{"name":"h","arguments":"{\"a"}}]},"finish_reason":"tool_calls"}`,
			`{"type":"text","text":"I look."},{"type":"tool_use","id":"c1","name":"f","input":{"a": 1}},{"type":"tool_use","id":"toolu_abc_1","name":"g","input":{}},{"type":"tool_use","id":"c3","name":"h","input":{"b":2}},{"type":"tool_use","id":"c4","name":"h","input":{"INVALID_JSON":"{\"a"}}`,
			`"tool_use","stop_sequence":null`,
		},
		"thoughts":                   {think, `{"message":{"reasoning_content":"hm","content":"a"},"finish_reason":"stop"}`, `{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
		"thoughts, their other name": {think, `{"message":{"reasoning":"hm","content":"a"},"finish_reason":"stop"}`, `{"type":"thinking","thinking":"hm","signature":""},{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
		"thoughts not asked for":     {"", `{"message":{"reasoning_content":"hm","content":"a"},"finish_reason":"stop"}`, `{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
		"thoughts not to be shown":   {`,"thinking":{"type":"adaptive","display":"omitted"}`, `{"message":{"reasoning_content":"hm","content":"a"},"finish_reason":"stop"}`, `{"type":"text","text":"a"}`, `"end_turn","stop_sequence":null`},
	} {
		got, err := begin(t, c.members).Whole(parse(t, `{"id":"up","object":"x","model":"y","choices":[],"usage":{},"timings":{"ms":1.50},"stop_reason":"z"}`), choices(c.choice, `{"index":1,"message":{"content":"another"}}`), json.RawMessage(usage), 6)
		want := `{"id":"msg_abc","type":"message","role":"assistant","model":"m","content":[` + c.content + `],"stop_reason":` + c.stopped + `,"usage":` + billed + `,"timings":{"ms":1.50}}`
		if diff := cmp.Diff(want, string(got)); diff != "" || err != nil || !json.Valid(got) {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	for _, bad := range []string{`5`, `{"message":{"content":5}}`, `{"message":{"tool_calls":5}}`} {
		if _, err := begin(t, "").Whole(parse(t, `{}`), choices(bad), nil, 6); !errors.Is(err, dialect.ErrAnswer) {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

// events are those of an answer's chunks in short: the block's number, its start, what is added, and its stop.
func events(t *testing.T, members string, deltas ...string) (string, error) {
	t.Helper()
	a := begin(t, members)
	var out []string
	note := func(list []dialect.Event) {
		for _, e := range list {
			var v struct {
				Type    string          `json:"type"`
				Index   int             `json:"index"`
				Block   json.RawMessage `json:"content_block"`
				Message json.RawMessage `json:"message"`
				Delta   map[string]any  `json:"delta"`
				Usage   json.RawMessage `json:"usage"`
			}
			if err := json.Unmarshal(e.Data, &v); err != nil || v.Type != e.Name {
				t.Fatalf("%s: %v: %s", e.Name, err, e.Data)
			}
			switch e.Name {
			case "content_block_start":
				out = append(out, string(rune('0'+v.Index))+"+"+string(v.Block))
			case "content_block_delta":
				for _, key := range []string{"text", "thinking", "partial_json"} {
					if s, ok := v.Delta[key].(string); ok {
						out = append(out, string(rune('0'+v.Index))+" "+v.Delta["type"].(string)+" "+s)
					}
				}
			case "content_block_stop":
				out = append(out, string(rune('0'+v.Index))+"-")
			case "message_start":
				if want := `{"id":"msg_abc","type":"message","role":"assistant","model":"m","content":[],"stop_reason":null,"stop_sequence":null,"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}`; string(v.Message) != want {
					t.Errorf("start %s", v.Message)
				}
				out = append(out, "start")
			case "message_delta":
				if string(v.Usage) != billed {
					t.Errorf("usage %s", v.Usage)
				}
				out = append(out, v.Delta["stop_reason"].(string))
			default:
				out = append(out, e.Name)
			}
		}
	}
	for _, d := range deltas {
		list, err := a.Chunk(choices(d))
		if err != nil {
			note(a.Fail("c", "m", []byte(`{"type":"error"}`), nil))
			return strings.Join(out, "\n"), err
		}
		note(list)
	}
	note(a.End(json.RawMessage(usage), 6))
	return strings.Join(out, "\n"), nil
}

func TestStream(t *testing.T) {
	text := func(s string) string { return `{"delta":{"content":"` + s + `"}}` }
	piece := func(n, id, name, arguments string) string {
		return `{"delta":{"tool_calls":[{"index":` + n + `,"id":"` + id + `","function":{"name":"` + name + `","arguments":"` + arguments + `"}}]}}`
	}
	const tool = `{"type":"tool_use","id":"c1","name":"f","input":{}}`
	const other = `{"type":"tool_use","id":"c2","name":"g","input":{}}`
	for name, c := range map[string]struct {
		members string
		deltas  []string
		want    []string
	}{
		"text":          {"", []string{`{"delta":{"role":"assistant","content":""}}`, text("Hel"), text("lo"), `{"delta":{},"finish_reason":"stop"}`}, []string{"start", `0+{"type":"text","text":""}`, "0 text_delta Hel", "0 text_delta lo", "0-", "end_turn", "message_stop"}},
		"nothing":       {"", []string{`{"delta":{},"finish_reason":"length"}`}, []string{"start", `0+{"type":"text","text":""}`, "0-", "max_tokens", "message_stop"}},
		"blank":         {"", []string{text(`\n`), text(`\n`)}, []string{"start", `0+{"type":"text","text":""}`, "0 text_delta \n\n", "0-", "end_turn", "message_stop"}},
		"blanks before": {"", []string{text(`\n`), text(`\nHi`), text(`\n`)}, []string{"start", `0+{"type":"text","text":""}`, "0 text_delta \n\nHi", "0 text_delta \n", "0-", "end_turn", "message_stop"}},
		"thoughts": {think, []string{`{"delta":{"reasoning_content":"h"}}`, `{"delta":{"reasoning":"m"}}`, text("a")},
			[]string{"start", `0+{"type":"thinking","thinking":"","signature":""}`, "0 thinking_delta h", "0 thinking_delta m", "0-", `1+{"type":"text","text":""}`, "1 text_delta a", "1-", "end_turn", "message_stop"}},
		"thoughts not asked for": {"", []string{`{"delta":{"reasoning_content":"h"}}`, text("a")}, []string{"start", `0+{"type":"text","text":""}`, "0 text_delta a", "0-", "end_turn", "message_stop"}},
		"a call": {"", []string{text(`\n`), piece("0", "c1", "f", ""), piece("0", "", "", `{\"a\":`), piece("0", "c1", "", `1}`), `{"delta":{},"finish_reason":"stop"}`},
			[]string{"start", `0+` + tool, `0 input_json_delta {"a":`, "0 input_json_delta 1}", "0-", "tool_use", "message_stop"}},
		"calls after text, one behind the other": {"", []string{text("I look."), piece("0", "c1", "f", `{}`), piece("1", "c2", "g", `{\"b\":`), piece("1", "", "", `2}`)},
			[]string{"start", `0+{"type":"text","text":""}`, "0 text_delta I look.", "0-", `1+` + tool, "1 input_json_delta {}", "1-", `2+` + other, `2 input_json_delta {"b":2}`, "2-", "tool_use", "message_stop"}},
		"calls by turns": {"", []string{piece("0", "c1", "f", `{`), piece("1", "c2", "g", `{`), piece("0", "", "", `}`), piece("1", "", "", `}`)},
			[]string{"start", `0+` + tool, "0 input_json_delta {", "0 input_json_delta }", "0-", `1+` + other, "1 input_json_delta {}", "1-", "tool_use", "message_stop"}},
		"calls of one number": {"", []string{piece("0", "c1", "f", `{}`), piece("0", "c2", "g", `{}`)},
			[]string{"start", `0+` + tool, "0 input_json_delta {}", "0-", `1+` + other, "1 input_json_delta {}", "1-", "tool_use", "message_stop"}},
		"a name that comes late": {"", []string{piece("0", "c1", "", `{`), piece("1", "c2", "g", `{}`), piece("0", "", "f", `}`)},
			[]string{"start", `0+` + other, "0 input_json_delta {}", "0-", `1+` + tool, "1 input_json_delta {}", "1-", "tool_use", "message_stop"}},
		"text behind a call": {"", []string{piece("0", "c1", "f", `{}`), piece("1", "c2", "g", ""), text(`\n`), text("So.")},
			[]string{"start", `0+` + tool, "0 input_json_delta {}", "0-", `1+` + other, "1-", `2+{"type":"text","text":""}`, "2 text_delta \nSo.", "2-", "tool_use", "message_stop"}},
		"a message in a chunk": {"", []string{`{"message":{"content":"a"},"finish_reason":"stop"}`, `{"index":1,"delta":{"content":"another"}}`}, []string{"start", `0+{"type":"text","text":""}`, "0 text_delta a", "0-", "end_turn", "message_stop"}},
	} {
		got, err := events(t, c.members, c.deltas...)
		if diff := cmp.Diff(strings.Join(c.want, "\n"), got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	got, err := events(t, "", piece("0", "c1", "f", `{`), text("So."), piece("0", "", "", `}`))
	if !errors.Is(err, dialect.ErrAnswer) || strings.Contains(got, "message_stop") || !strings.HasSuffix(got, "\nerror") {
		t.Errorf("a call that goes on behind a text: %v\n%s", err, got)
	}
	long := strings.Repeat(`\n`, 1<<20)
	for i, a := 0, begin(t, ""); ; i++ {
		if _, err := a.Chunk(choices(text(long))); err != nil {
			break
		} else if i > 32 {
			t.Fatal("line breaks are kept without a bound")
		}
	}
}
