package messages_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/openai/internal/messages"
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
	const ask, asked = `"max_tokens":9,"messages":[{"role":"user","content":"x"}]`, `"max_tokens":9,"messages":[{"role":"user","content":"x"}]`
	const tool = `{"name":"f","description":"d","input_schema":{"z":1,"a":2.0},"cache_control":{"type":"ephemeral"},"eager_input_streaming":true}`
	const function = `{"type":"function","function":{"name":"f","description":"d","parameters":{"z":1,"a":2.0}}}`
	for name, c := range map[string]struct{ body, want string }{
		"text": {`{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Say \u0022hi\u0022"}]}`, `{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"Say \u0022hi\u0022"}]}`},
		"what has no other name goes through": {
			`{"temperature":0.50,"top_p":1e0,"top_k":40,"stream":true,"cost_quality_tradeoff":2,"plugins":[],"provider":{"sort":"price"},"models":["auto"],"x_new":[1, 2],` + ask + `}`,
			`{"temperature":0.50,"top_p":1e0,"top_k":40,"stream":true,"cost_quality_tradeoff":2,"plugins":[],"provider":{"sort":"price"},"models":["auto"],"x_new":[1, 2],` + asked + `}`,
		},
		"what has no meaning here goes away": {
			`{"metadata":{"user_id":"u"},"service_tier":"auto","inference_geo":"us","cache_control":{"type":"ephemeral"},"context_management":{"edits":[]},"mcp_servers":[],"container":null,"stop_sequences":[],"system":"","thinking":{"type":"enabled","budget_tokens":2000},"output_config":{"effort":"high"},"tools":[],"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` + ask + `}`,
			`{` + asked + `}`,
		},
		"stops and a system prompt": {`{"stop_sequences":["a","b"],"system":"S",` + ask + `}`, `{"max_tokens":9,"messages":[{"role":"system","content":"S"},{"role":"user","content":"x"}],"stop":["a","b"]}`},
		"a system prompt of blocks": {
			`{"system":[{"type":"text","text":"x-anthropic-billing-header: cch=1;"},{"type":"text","text":"A \ud83d\ude00","cache_control":{"type":"ephemeral"}},{"type":"text","text":"B"}],` + ask + `}`,
			`{"max_tokens":9,"messages":[{"role":"system","content":"A \ud83d\ude00\nB"},{"role":"user","content":"x"}]}`,
		},
		"tools":         {`{"tools":[` + tool + `,{"type":"custom","name":"g","input_schema":{},"strict":true}],"tool_choice":{"type":"auto"},` + ask + `}`, `{"tools":[` + function + `,{"type":"function","function":{"name":"g","parameters":{},"strict":true}}],"tool_choice":"auto",` + asked + `}`},
		"any tool":      {`{"tools":[` + tool + `],"tool_choice":{"type":"any","disable_parallel_tool_use":true},` + ask + `}`, `{"tools":[` + function + `],"tool_choice":"required",` + asked + `,"parallel_tool_calls":false}`},
		"this tool":     {`{"tools":[` + tool + `],"tool_choice":{"type":"tool","name":"f"},` + ask + `}`, `{"tools":[` + function + `],"tool_choice":{"type":"function","function":{"name":"f"}},` + asked + `}`},
		"no tool":       {`{"tools":[` + tool + `],"tool_choice":{"type":"none"},` + ask + `}`, `{"tools":[` + function + `],"tool_choice":"none",` + asked + `}`},
		"schema":        {`{"output_config":{"effort":"low","format":{"type":"json_schema","schema":{"b":1}}},` + ask + `}`, `{` + asked + `,"response_format":{"type":"json_schema","json_schema":{"name":"output","strict":true,"schema":{"b":1}}}}`},
		"schema before": {`{"output_format":{"type":"json_schema","schema":{}},` + ask + `}`, `{` + asked + `,"response_format":{"type":"json_schema","json_schema":{"name":"output","strict":true,"schema":{}}}}`},
		"what a user shows": {
			`{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image","source":{"type":"base64","media_type":"image/png","data":"eA=="}},{"type":"image","source":{"type":"url","url":"https://x/y"}},
			 {"type":"document","title":"t.pdf","source":{"type":"base64","media_type":"application/pdf","data":"eQ=="}},{"type":"document","source":{"type":"text","media_type":"text/plain","data":"plain"}},{"type":"document","source":{"type":"content","content":"said"}},
			 {"type":"search_result","title":"t","source":"s","content":[{"type":"text","text":"found"}]}]},{"role":"user","content":[]}]}`,
			`{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"image_url","image_url":{"url":"data:image/png;base64,eA=="}},{"type":"image_url","image_url":{"url":"https://x/y"}},{"type":"file","file":{"file_data":"data:application/pdf;base64,eQ==","filename":"t.pdf"}},{"type":"text","text":"plain"},{"type":"text","text":"said"},{"type":"text","text":"found"}]}]}`,
		},
		"an agent's turns": {
			`{"max_tokens":9,"messages":[{"role":"user","content":"q"},
			 {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""},{"type":"redacted_thinking","data":"x"},{"type":"text","text":"I \ud83d"},{"type":"text","text":"\ude00 look."},{"type":"tool_use","id":"c1","name":"look","input":{"a":"\n"}},{"type":"tool_use","id":"c2","name":"look"}]},
			 {"role":"user","content":[{"type":"text","text":"Both."},{"type":"tool_result","tool_use_id":"c1","content":"one"},{"type":"tool_result","tool_use_id":"c2","is_error":true,"content":[{"type":"text","text":"t"},{"type":"image","source":{"type":"url","url":"u"}},{"type":"text","text":"wo"}]}]},
			 {"role":"assistant","content":[{"type":"thinking","thinking":"hm","signature":""}]},
			 {"role":"assistant","content":[{"type":"tool_use","id":"c3","name":"look","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c3"}]},{"role":"assistant","content":"Done."}]}`,
			`{"max_tokens":9,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"I \ud83d\ude00 look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"look","arguments":"{\"a\":\"\\n\"}"}},{"id":"c2","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"one"},{"role":"tool","tool_call_id":"c2","content":"Error:\nt\n[image: in the next message]\nwo"},{"role":"user","content":[{"type":"text","text":"Both."},{"type":"image_url","image_url":{"url":"u"}}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c3","type":"function","function":{"name":"look","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c3","content":""},{"role":"assistant","content":"Done."}]}`,
		},
		"system texts amid messages": {
			`{"max_tokens":9,"system":"S","messages":[{"role":"system","content":"first"},{"role":"user","content":"q"},{"role":"system","content":"after q"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{}}]},
			 {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"r"}]},{"role":"system","content":[{"type":"text","text":"after"},{"type":"text","text":"r"}]},{"role":"assistant","content":"a"},{"role":"system","content":"after a"},{"role":"system","content":[]}]}`,
			`{"max_tokens":9,"messages":[{"role":"system","content":"S\nfirst"},{"role":"user","content":[{"type":"text","text":"q"},{"type":"text","text":"<system-reminder>\nafter q\n</system-reminder>"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"r\n<system-reminder>\nafter\nr\n</system-reminder>"},{"role":"assistant","content":"a"},{"role":"user","content":"<system-reminder>\nafter a\n</system-reminder>"}]}`,
		},
		"system texts behind the model's go to what follows": {
			`{"max_tokens":9,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":[{"type":"tool_use","id":"c1","name":"f","input":{}}]},{"role":"system","content":"one"},{"role":"system","content":"two"},
			 {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"r"}]},{"role":"assistant","content":"a"},{"role":"system","content":"three"},{"role":"user","content":"go"},{"role":"assistant","content":"b"},{"role":"system","content":"four"},{"role":"assistant","content":"c"}]}`,
			`{"max_tokens":9,"messages":[{"role":"user","content":"q"},{"role":"assistant","content":null,"tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"r\n<system-reminder>\none\n</system-reminder>\n<system-reminder>\ntwo\n</system-reminder>"},{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"text","text":"go"},{"type":"text","text":"<system-reminder>\nthree\n</system-reminder>"}]},{"role":"assistant","content":"b"},{"role":"user","content":"<system-reminder>\nfour\n</system-reminder>"},{"role":"assistant","content":"c"}]}`,
		},
		"what one side says in several messages is one turn": {
			`{"max_tokens":9,"messages":[{"role":"user","content":"a"},{"role":"user","content":"b"},{"role":"assistant","content":"c"},{"role":"assistant","content":[{"type":"text","text":"d"},{"type":"tool_use","id":"c1","name":"f","input":{}}]},{"role":"assistant","content":[{"type":"tool_use","id":"c2","name":"f","input":{}}]},
			 {"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","content":"1"}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c2","content":"2"}]},{"role":"user","content":"e"},{"role":"user","content":[]},{"role":"assistant","content":"f"},{"role":"assistant","content":""}]}`,
			`{"max_tokens":9,"messages":[{"role":"user","content":[{"type":"text","text":"a"},{"type":"text","text":"b"}]},{"role":"assistant","content":"c\nd","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}},{"id":"c2","type":"function","function":{"name":"f","arguments":"{}"}}]},{"role":"tool","tool_call_id":"c1","content":"1"},{"role":"tool","tool_call_id":"c2","content":"2"},{"role":"user","content":"e"},{"role":"assistant","content":"f"}]}`,
		},
	} {
		got, err := new(messages.Request).Chat(parse(t, c.body))
		if diff := cmp.Diff(c.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
}

func TestRefusals(t *testing.T) {
	const image = `"messages":[{"role":"user","content":[{"type":"image","source":`
	for body, want := range map[string]string{
		`"mcp_servers":[{"url":"x"}]`: "mcp_servers", `"container":"c"`: "container",
		`"stop":["x"]`: "stop", `"max_completion_tokens":1`: "max_completion_tokens", `"response_format":{}`: "response_format", `"functions":[]`: "functions", `"n":2`: "n", `"parallel_tool_calls":false`: "parallel_tool_calls",
		`"stop_sequences":"x"`: "stop_sequences", `"stop_sequences":[5]`: "stop_sequences", `"thinking":"on"`: "thinking", `"thinking":{"type":"deep"}`: "thinking",
		`"output_config":5`: "output_config", `"output_config":{"format":{"type":"text"}}`: "output_config.format", `"output_format":{"type":"json_schema"}`: "output_format",
		`"system":5`: "system", `"system":[{"type":"image"}]`: "system[0]", `"system":["x"]`: "system[0]",
		`"tools":{}`: "tools", `"tools":[1]`: "tools[0]", `"tools":[{"input_schema":{}}]`: "tools[0].name", `"tools":[{"name":"f"}]`: "tools[0].input_schema", `"tools":[{"type":"web_search_20250305","name":"web_search"}]`: "tools[0].type",
		`"tools":[{"name":"f","input_schema":{}},{"type":"bash_20250124","name":"bash"}]`: "tools[1].type",
		`"tool_choice":"auto"`: "tool_choice", `"tool_choice":{"type":"tool"}`: "tool_choice.name", `"tool_choice":{"type":"required"}`: "tool_choice.type",
		`"messages":null`: "messages", `"messages":"x"`: "messages", `"messages":[]`: "messages", `"messages":[null]`: "messages[0]", `"messages":["x"]`: "messages[0]", `"messages":[{"role":"user"}]`: "messages[0].content",
		`"messages":[{"role":"tool","content":"x"}]`: "messages[0].content", `"messages":[{"role":"user","content":{}}]`: "messages[0].content", `"messages":[{"role":"user","content":["x"]}]`: "messages[0].content[0]",
		`"messages":[{"role":"user","content":[{"type":"text"}]}]`: "messages[0].content[0].text", `"messages":[{"role":"user","content":[{"type":"tool_use"}]}]`: "messages[0].content[0].type", `"messages":[{"role":"user","content":[{"type":"tool_result","content":"x"}]}]`: "messages[0].content[0].tool_use_id",
		`"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"tool_reference"}]}]}]`: "messages[0].content[0].content[0].type",
		`"messages":[{"role":"assistant","content":[{"type":"server_tool_use","id":"c","name":"f"}]}]`:                            "messages[0].content[0].type", `"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"c"}]}]`: "messages[0].content[0]",
		`"messages":[{"role":"system","content":[{"type":"image"}]}]`: "messages[0].content[0]",
		image + `{"type":"file","file_id":"f"}}]}]`:                   "messages[0].content[0].source", image + `{"type":"base64","data":"x"}}]}]`: "messages[0].content[0].source", image + `5}]}]`: "messages[0].content[0].source",
		`"max_tokens":null`: "max_tokens",
	} {
		if !strings.Contains(body, `"messages"`) {
			body += `,"messages":[{"role":"user","content":"x"}]`
		}
		if !strings.Contains(body, `"max_tokens"`) {
			body += `,"max_tokens":9`
		}
		_, err := new(messages.Request).Chat(parse(t, "{"+body+"}"))
		var refusal *dialect.Refusal
		if !errors.As(err, &refusal) || refusal.Param != want || refusal.Message == "" || refusal.Code == "" {
			t.Errorf("%s: %+v, want param %s", body, err, want)
		}
	}
}

// TestIs: what a chat and a message say alike is taken for a chat, and nothing else.
func TestIs(t *testing.T) {
	for body, want := range map[string]bool{
		`{"messages":[{"role":"user","content":"x"}]}`: false, `{"messages":[{"role":"user","content":[{"type":"text","text":"x"},{"type":"image_url"}]}],"tools":[{"type":"function"}]}`: false,
		`{"messages":5}`: false, `{"messages":[{"role":"user","content":"x"}],"system":"s"}`: true, `{"messages":[],"stop_sequences":["x"]}`: true, `{"messages":[],"tools":[{"name":"f","input_schema":{}}]}`: true,
		`{"messages":[{"role":"user","content":"x"},{"role":"user","content":[{"type":"text"},{"type":"image"}]}]}`: true, `{"messages":[{"role":"user","content":[{"type":"tool_result"}]}]}`: true,
	} {
		if messages.Is(parse(t, body)) != want {
			t.Errorf("%s: want %v", body, want)
		}
	}
}

// FuzzChat: whatever object a client sends becomes the body of a chat or is refused.
func FuzzChat(f *testing.F) {
	for _, body := range []string{
		`{"model":"auto","max_tokens":9,"system":[{"type":"text","text":"y"}],"messages":[{"role":"user","content":"x"},{"role":"system","content":"z"}],"tools":[{"name":"f","input_schema":{}}],"tool_choice":{"type":"tool","name":"f"},"stop_sequences":["s"]}`,
		`{"max_tokens":1,"messages":[{"role":"user","content":[{"type":"text","text":"\ud83d"},{"type":"image","source":{"type":"base64","media_type":"m","data":"d"}}]},{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"n","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","is_error":true,"content":[{"type":"image","source":{"type":"url","url":"u"}}]}]}]}`,
		`{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"thinking"}]},{"role":"user","content":[]}],"thinking":{"type":"adaptive"},"output_config":{"format":{"type":"json_schema","schema":{}}},"System":"y"}`,
		`{"messages":[` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + `]}`,
	} {
		f.Add([]byte(body))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		obj, err := rawjson.Parse(body)
		if err != nil {
			return
		}
		_ = messages.Is(obj)
		req := new(messages.Request)
		chat, err := req.Chat(obj)
		var refusal *dialect.Refusal
		if err != nil {
			if !errors.As(err, &refusal) || refusal.Message == "" {
				t.Fatalf("%v is no refusal", err)
			}
			return
		}
		out := parse(t, string(chat))
		var said []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		}
		if raw, _ := out.Get("messages"); json.Unmarshal(raw, &said) != nil || len(said) == 0 {
			t.Fatalf("no messages: %s", chat)
		}
		for _, m := range said {
			if m.Role == "" || m.Content == nil {
				t.Fatalf("a message without role or content: %s", chat)
			}
		}
		for _, key := range []string{"system", "stop_sequences", "thinking", "metadata"} {
			if out.Has(key) {
				t.Fatalf("%s went on: %s", key, chat)
			}
		}
		whole, err := req.Begin("msg_1", "m", 1).Whole(parse(t, `{}`), nil, nil, 6)
		if err != nil || !json.Valid(whole) {
			t.Fatalf("the message is %v: %s", err, whole)
		}
	})
}
