package responses_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/openai/internal/responses"
	"flotilla/node/rawjson"
)

func parse(t testing.TB, body string) rawjson.Object {
	t.Helper()
	obj, err := rawjson.Parse([]byte(body))
	if err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return obj
}

func TestChat(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"text": {`{"model":"auto","input":"Say \u0022hi\u0022"}`, `{"model":"auto","messages":[{"role":"user","content":"Say \u0022hi\u0022"}]}`},
		"what has no other name goes through": {
			`{"temperature":0.50,"input":"x","top_p":1e0,"metadata":{"a":"b"},"user":"u","stream":true,"parallel_tool_calls":false,"cost_quality_tradeoff":2,"plugins":[],"provider":{"sort":"price"},"session_id":"s","x_new":[1, 2],"seed":null,"n":1}`,
			`{"temperature":0.50,"top_p":1e0,"metadata":{"a":"b"},"user":"u","stream":true,"parallel_tool_calls":false,"cost_quality_tradeoff":2,"plugins":[],"provider":{"sort":"price"},"session_id":"s","x_new":[1, 2],"seed":null,"n":1,"messages":[{"role":"user","content":"x"}]}`,
		},
		"what has no meaning here goes away": {
			`{"input":"x","store":true,"include":["reasoning.encrypted_content"],"truncation":"auto","background":false,"previous_response_id":null,"conversation":null,"prompt":null,"max_tool_calls":3,"stream_options":{"include_obfuscation":false},"context_management":[],"messages":null,"text":null,"reasoning":null,"tools":null,"max_output_tokens":null}`,
			`{"messages":[{"role":"user","content":"x"}],"tools":null}`,
		},
		"choice among no tools": {`{"input":"x","tools":[],"tool_choice":"auto","parallel_tool_calls":true}`, `{"parallel_tool_calls":true,"messages":[{"role":"user","content":"x"}]}`},
		"none of no tools":      {`{"input":"x","tool_choice":"none"}`, `{"messages":[{"role":"user","content":"x"}]}`},
		"one of no tools":       {`{"input":"x","tool_choice":"required"}`, `{"tool_choice":"required","messages":[{"role":"user","content":"x"}]}`},
		"none of the tools":     {`{"input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":"none"}`, `{"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"none","messages":[{"role":"user","content":"x"}]}`},
		"limits and effort": {
			`{"input":"x","max_output_tokens":9,"reasoning":{"effort":"low","summary":"auto"},"top_logprobs":2,"include":["message.output_text.logprobs"]}`,
			`{"top_logprobs":2,"max_tokens":9,"reasoning_effort":"low","logprobs":true,"messages":[{"role":"user","content":"x"}]}`,
		},
		"OpenRouter's reasoning": {`{"input":"x","reasoning":{"max_tokens":5,"effort":null}}`, `{"reasoning":{"max_tokens":5},"messages":[{"role":"user","content":"x"}]}`},
		"schema": {
			`{"input":"x","text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"b":1,"a":2.0}},"verbosity":"low"}}`,
			`{"verbosity":"low","response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"b":1,"a":2.0}}},"messages":[{"role":"user","content":"x"}]}`,
		},
		"any JSON": {`{"input":"x","text":{"format":{"type":"json_object"}}}`, `{"response_format":{"type":"json_object"},"messages":[{"role":"user","content":"x"}]}`},
		"tools": {
			`{"input":"x","tools":[{"type":"function","name":"f","description":"d","parameters":{"z":1,"a":2},"strict":false},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"function","name":"f"}}`,
			`{"tools":[{"type":"function","function":{"name":"f","description":"d","parameters":{"z":1,"a":2},"strict":false}},{"type":"function","function":{"name":"g"}}],"tool_choice":{"type":"function","function":{"name":"f"}},"messages":[{"role":"user","content":"x"}]}`,
		},
		"empty instructions": {`{"instructions":"","input":"x"}`, `{"messages":[{"role":"user","content":"x"}]}`},
		"who speaks": {
			`{"instructions":"Be brief.","input":[{"role":"developer","content":"And kind."},{"type":"message","role":"user","content":[{"type":"input_text","text":"a"},{"type":"input_image","image_url":"data:x","detail":"low","file_id":null},{"type":"input_file","file_data":"data:y","filename":"f.pdf"}]},{"role":"user","content":[]}]}`,
			`{"messages":[{"role":"system","content":"Be brief."},{"role":"system","content":"And kind."},{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:x","detail":"low"}},{"type":"file","file":{"file_data":"data:y","filename":"f.pdf"}}]},{"role":"user","content":""}]}`,
		},
		"an agent's turns": {
			`{"input":[{"role":"user","content":[{"type":"input_text","text":"q"}]},
			 {"type":"reasoning","id":"rs_1","summary":[]},{"type":"item_reference","id":"rs_2"},
			 {"type":"message","role":"assistant","id":"msg_1","status":"completed","content":[{"type":"output_text","text":"I \ud83d","annotations":[]},{"type":"refusal","refusal":"\ude00 look."}]},
			 {"type":"function_call","id":"fc_1","call_id":"c1","name":"look","arguments":"{\"a\":1}"},{"type":"function_call","call_id":"c2","name":"look","arguments":"{}"},
			 {"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":[{"type":"input_text","text":"t"},{"type":"input_text","text":"wo"}]},
			 {"type":"function_call","call_id":"c3","name":"look","arguments":""},{"type":"function_call_output","call_id":"c3","output":""},{"role":"assistant","content":"Done."}]}`,
			`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"I \ud83d\ude00 look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\":1}"}},{"id":"c2","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"two"},{"role":"assistant","content":null,"tool_calls":[{"id":"c3","type":"function","function":{"name":"look","arguments":""}}]},{"role":"tool","tool_call_id":"c3","content":""},{"role":"assistant","content":"Done."}]}`,
		},
		"text between calls and behind them": {
			`{"input":[{"role":"user","content":"q"},
			 {"type":"function_call","call_id":"c1","name":"look","arguments":"{}"},{"role":"assistant","content":[{"type":"output_text","text":"And \ud83d"}]},{"type":"function_call","call_id":"c2","name":"look","arguments":"{}"},{"role":"assistant","content":"\ude00 there."},
			 {"type":"function_call_output","call_id":"c1","output":"one"},{"type":"function_call_output","call_id":"c2","output":"two"},{"role":"assistant","content":"Done."},{"role":"assistant","content":"Bye."}]}`,
			`{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"And \ud83d\ude00 there.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"two"},{"role":"assistant","content":"Done."},{"role":"assistant","content":"Bye."}]}`,
		},
	} {
		got, err := new(responses.Request).Chat(parse(t, c.body))
		if diff := cmp.Diff(c.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	const call = `"type":"function_call","call_id":"c","name":"f"`
	for body, want := range map[string]string{
		`"previous_response_id":"resp_1"`: "previous_response_id", `"conversation":{"id":"c"}`: "conversation", `"background":true`: "background", `"prompt":{"id":"p"}`: "prompt",
		`"context_management":[{"type":"compaction"}]`: "context_management",
		`"messages":[]`: "messages", `"max_tokens":1`: "max_tokens", `"max_completion_tokens":1`: "max_completion_tokens", `"response_format":{}`: "response_format",
		`"reasoning_effort":"low"`: "reasoning_effort", `"verbosity":"low"`: "verbosity", `"functions":[]`: "functions", `"n":2`: "n",
		`"truncation":"middle"`: "truncation", `"max_output_tokens":0`: "max_output_tokens", `"max_output_tokens":4294967296`: "max_output_tokens", `"max_output_tokens":"5"`: "max_output_tokens",
		`"reasoning":"low"`: "reasoning", `"text":"json"`: "text", `"text":{"format":5}`: "text.format", `"text":{"format":{"type":"grammar"}}`: "text.format.type", `"text":{"format":{"type":"json_schema"}}`: "text.format.schema",
		`"include":"x"`: "include", `"instructions":["x"]`: "instructions",
		`"tools":{}`: "tools", `"tools":[1]`: "tools[0]", `"tools":[{"type":"function"}]`: "tools[0].name", `"tools":[{"type":"function","name":"f"},{"type":"web_search"}]`: "tools[1].type",
		`"tools":[{"type":"mcp","server_label":"x"}]`: "tools[0].type", `"tools":[{"type":"custom","name":"x"}]`: "tools[0].type", `"tools":[{}]`: "tools[0].type",
		`"tool_choice":{"type":"file_search"}`: "tool_choice.type", `"tool_choice":{"type":"allowed_tools"}`: "tool_choice.type", `"tool_choice":{"type":"function"}`: "tool_choice.name", `"tool_choice":[]`: "tool_choice",
		`"input":null`: "input", `"input":5`: "input", `"input":[]`: "input", `"input":[],"instructions":"x"`: "input", `"input":[{"type":"reasoning"}]`: "input",
		`"input":[null]`: "input[0]", `"input":["x"]`: "input[0]", `"input":[{"role":5}]`: "input[0]", `"input":[{}]`: "input[0].type", `"input":[{"role":"tool","content":"x"}]`: "input[0].role", `"input":[{"role":"user"}]`: "input[0].content",
		`"input":[{"role":"user","content":[5]}]`: "input[0].content[0]", `"input":[{"role":"user","content":[{"type":"input_text"}]}]`: "input[0].content[0].text", `"input":[{"role":"user","content":[{"type":"input_image","file_id":"f"}]}]`: "input[0].content[0].image_url",
		`"input":[{"role":"user","content":[{"type":"input_file","file_id":"f"}]}]`: "input[0].content[0].file_data", `"input":[{"role":"user","content":[{"type":"computer_screenshot"}]}]`: "input[0].content[0].type",
		`"input":[{"type":"item_reference","id":"msg_1"}]`: "input[0]", `"input":[{"type":"web_search_call","id":"ws_1"}]`: "input[0].type",
		`"input":[{"type":"function_call","name":"f","arguments":""}]`: "input[0].call_id", `"input":[{"type":"function_call","call_id":"c","arguments":""}]`: "input[0].name", `"input":[{` + call + `,"arguments":{}}]`: "input[0].arguments",
		`"input":[{"type":"function_call_output","output":"x"}]`: "input[0].call_id", `"input":[{"type":"function_call_output","call_id":"c","output":{}}]`: "input[0].output",
	} {
		if !strings.Contains(body, `"input"`) {
			body += `,"input":"x"`
		}
		_, err := new(responses.Request).Chat(parse(t, "{"+body+"}"))
		var refusal *dialect.Refusal
		if !errors.As(err, &refusal) || refusal.Param != want || refusal.Message == "" || refusal.Code == "" {
			t.Errorf("%s: %+v, want param %s", body, err, want)
		}
	}
}

// FuzzChat: whatever object a client sends becomes the body of a chat or is refused.
func FuzzChat(f *testing.F) {
	for _, body := range []string{
		`{"model":"auto","input":"x","instructions":"y","text":{"format":{"type":"json_schema","schema":{}}},"tools":[{"type":"function","name":"f"}],"tool_choice":"auto"}`,
		`{"input":[{"role":"user","content":[{"type":"input_text","text":"\ud83d"},{"type":"input_image","image_url":"u"}]},{"type":"function_call","call_id":"c","name":"n","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":"o"}]}`,
		`{"input":[{"type":"reasoning"},{"type":"message","role":"assistant","content":[]}],"reasoning":{"effort":"low","x":1},"Input":"y"}`,
		`{"input":[` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		obj, err := rawjson.Parse(body)
		if err != nil {
			return
		}
		req := new(responses.Request)
		chat, err := req.Chat(obj)
		var refusal *dialect.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Message == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		out := parse(t, string(chat))
		var messages []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if raw, _ := out.Get("messages"); json.Unmarshal(raw, &messages) != nil || len(messages) == 0 {
			t.Fatalf("no messages: %s", chat)
		}
		for _, m := range messages {
			if m.Role == "" || m.Content == nil {
				t.Fatalf("a message without role or content: %s", chat)
			}
		}
		if _, ok := out.Get("input"); ok {
			t.Fatalf("input went on: %s", chat)
		}
		whole, err := req.Begin("resp_1", "m", 1).Whole(parse(t, `{}`), nil, nil, 6)
		if err != nil || !json.Valid(whole) {
			t.Fatalf("the response is %v: %s", err, whole)
		}
	})
}
