package responses_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai/internal/dialect"
	"flotilla/node/openai/internal/responses"
)

const usage = `{"prompt_tokens":7,"completion_tokens":3,"total_tokens":10,"prompt_tokens_details":{"cached_tokens":2,"x":1},"cost":0.1,"flotilla":{"receipt_id":"0x1"}}`

// begin starts the answer of a request with these members.
func begin(t testing.TB, members string) dialect.Answer {
	t.Helper()
	req := new(responses.Request)
	if _, err := req.Chat(parse(t, `{"input":"x"`+members+`}`)); err != nil {
		t.Fatal(err)
	}
	return req.Begin("resp_abc", "m", 5)
}

func choices(raw ...string) (out []json.RawMessage) {
	for _, r := range raw {
		out = append(out, json.RawMessage(r))
	}
	return out
}

func TestWhole(t *testing.T) {
	const repeated = `"background":false,"previous_response_id":null,"store":false,"truncation":"disabled","frequency_penalty":null,"instructions":null,"max_output_tokens":null,"max_tool_calls":null,"metadata":{},` +
		`"parallel_tool_calls":true,"presence_penalty":null,"prompt_cache_key":null,"reasoning":{"effort":null,"summary":null},"safety_identifier":null,"temperature":null,"text":{"format":{"type":"text"}},` +
		`"tool_choice":"auto","tools":[],"top_logprobs":0,"top_p":null,"user":null`
	const billed = `{"input_tokens":7,"input_tokens_details":{"cached_tokens":2,"x":1,"cache_write_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":10,"cost":0.1,"flotilla":{"receipt_id":"0x1"}}`
	response := func(status, incomplete, output string) string {
		ended := "null"
		if status == "completed" {
			ended = "6"
		}
		return `{"id":"resp_abc","object":"response","created_at":5,"model":"m","status":"` + status + `","completed_at":` + ended + `,"error":null,"incomplete_details":` + incomplete + `,` + repeated + `,"output":[` + output + `],"usage":` + billed + `,"timings":{"ms":1.50}}`
	}
	text := func(n int, status, text string) string {
		return fmt.Sprintf(`{"id":"msg_abc_%d","type":"message","status":%q,"role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[],"text":"%s"}]}`, n, status, text)
	}
	for name, c := range map[string]struct{ choice, want string }{
		"text":        {`{"message":{"role":"assistant","content":"a \u00e9\ud83d"},"finish_reason":"stop"}`, response("completed", "null", text(0, "completed", `a \u00e9\ud83d`))},
		"parts":       {`{"message":{"content":[{"type":"text","text":"a"},{"type":"text","text":"\"b"}]}}`, response("completed", "null", text(0, "completed", `a\"b`))},
		"nothing":     {`{"message":{"content":null},"finish_reason":"stop"}`, response("completed", "null", text(0, "completed", ""))},
		"cut":         {`{"message":{"content":"a"},"finish_reason":"length"}`, response("incomplete", `{"reason":"max_output_tokens"}`, text(0, "incomplete", "a"))},
		"filter":      {`{"message":{"content":"a"},"finish_reason":"content_filter"}`, response("incomplete", `{"reason":"content_filter"}`, text(0, "incomplete", "a"))},
		"only breaks": {`{"message":{"reasoning":"Hm.","content":" \n"}}`, response("completed", "null", `{"id":"rs_abc_0","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]},`+text(1, "completed", ` \n`))},
		"breaks beside a call": {`{"message":{"content":"\n\n","tool_calls":[{"id":"c1","function":{"name":"f","arguments":"{}"}}]}}`,
			response("completed", "null", `{"id":"fc_abc_0","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{}"}`)},
		"refusal": {`{"message":{"content":null,"refusal":"No."}}`, response("completed", "null", `{"id":"msg_abc_0","type":"message","status":"completed","role":"assistant","content":[{"type":"refusal","refusal":"No."}]}`)},
		"logprobs": {`{"message":{"content":"a"},"logprobs":{"content":[{"token":"a","logprob":-0.5}]}}`,
			response("completed", "null", strings.Replace(text(0, "completed", "a"), `"logprobs":[]`, `"logprobs":[{"token":"a","logprob":-0.5}]`, 1))},
		"thoughts, text and calls": {
			`{"message":{"reasoning_content":"Hm.","content":"Look.","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g","arguments":{"b":2}}}]},"finish_reason":"tool_calls"}`,
			response("completed", "null", `{"id":"rs_abc_0","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]},`+text(1, "completed", "Look.")+
				`,{"id":"fc_abc_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"a\":1}"},{"id":"fc_abc_3","type":"function_call","status":"completed","call_id":"call_abc_3","name":"g","arguments":"{\"b\":2}"}`),
		},
	} {
		got, err := begin(t, "").Whole(parse(t, `{"id":"up","object":"x","created":1,"model":"up","status":"theirs","choices":[],"usage":null,"timings":{"ms":1.50}}`), choices(c.choice, `{"index":1,"message":{"content":"another"}}`), json.RawMessage(usage), 6)
		if diff := cmp.Diff(c.want, string(got)); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got)\n%s", name, err, diff)
		}
	}
	for _, bad := range []string{`5`, `{"message":{"content":5}}`, `{"message":{"tool_calls":{}}}`, `{"message":{"content":["x"]}}`} {
		if got, err := begin(t, "").Whole(parse(t, `{}`), choices(bad), nil, 6); err == nil {
			t.Errorf("%s became %s", bad, got)
		}
	}
}

// TestUsageIsTheBills: what an operator says under a response's names does not stand beside what is billed, or in its place.
func TestUsageIsTheBills(t *testing.T) {
	const chat = `{"prompt_tokens":7,"input_tokens":99,"completion_tokens":3,"output_tokens":99,"total_tokens":10,"input_tokens_details":{"cached_tokens":99},"output_tokens_details":{"reasoning_tokens":99},"x":1}`
	const want = `{"input_tokens":7,"input_tokens_details":{"cached_tokens":0,"cache_write_tokens":0},"output_tokens":3,"output_tokens_details":{"reasoning_tokens":0},"total_tokens":10,"x":1}`
	if diff := cmp.Diff(want, string(responses.Usage(json.RawMessage(chat)))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// TestRepeated: the response shows the request as it was, and that what is not done was not done.
func TestRepeated(t *testing.T) {
	got, err := begin(t, `,"instructions":"i","store":true,"truncation":"auto","temperature":0.50,"tools":[{"type":"function","name":"f"}],"text":{"verbosity":"low"},"reasoning":{"effort":"high"}`).Whole(parse(t, `{}`), choices(`{"message":{}}`), nil, 6)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"instructions":"i"`, `"store":false`, `"truncation":"disabled"`, `"temperature":0.50`, `"tools":[{"type":"function","name":"f"}]`, `"text":{"verbosity":"low","format":{"type":"text"}}`, `"reasoning":{"effort":"high"}`, `"usage":null`} {
		if !strings.Contains(string(got), want) {
			t.Errorf("no %s: %s", want, got)
		}
	}
}

// stream collects the events of chunks with these choices.
func stream(t testing.TB, a dialect.Answer, raw ...string) []dialect.Event {
	t.Helper()
	var all []dialect.Event
	for _, r := range raw {
		events, err := a.Chunk(choices(r))
		if err != nil {
			t.Fatalf("%v: %s", err, r)
		}
		all = append(all, append([]dialect.Event{}, events...)...)
	}
	return append(all, a.End(json.RawMessage(usage), 6)...)
}

func names(events []dialect.Event) (out []string) {
	for _, e := range events {
		out = append(out, strings.TrimPrefix(e.Name, "response."))
	}
	return out
}

// TestEvents: what comes in which order, to the byte where it is not checked by the others.
func TestEvents(t *testing.T) {
	a := begin(t, "")
	events := stream(t, a, `{"delta":{"role":"assistant","content":""}}`, `{"delta":{"reasoning":"Hm."}}`, `{"delta":{"content":"a"}}`, `{"delta":{"content":"b"},"logprobs":{"content":[{"token":"b"}]}}`,
		`{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"f","arguments":""}}]}}`, `{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"g","arguments":"{}"}}]}}`,
		`{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"x\""}}]}}`, `{"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}`)
	want := []string{
		`created `, `in_progress `,
		`output_item.added "output_index":0,"item":{"id":"rs_abc_0","type":"reasoning","status":"in_progress","summary":[],"content":[]}`,
		`content_part.added "item_id":"rs_abc_0","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":""}`,
		`reasoning_text.delta "item_id":"rs_abc_0","output_index":0,"content_index":0,"delta":"Hm."`,
		`reasoning_text.done "item_id":"rs_abc_0","output_index":0,"content_index":0,"text":"Hm."`,
		`content_part.done "item_id":"rs_abc_0","output_index":0,"content_index":0,"part":{"type":"reasoning_text","text":"Hm."}`,
		`output_item.done "output_index":0,"item":{"id":"rs_abc_0","type":"reasoning","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"Hm."}]}`,
		`output_item.added "output_index":1,"item":{"id":"msg_abc_1","type":"message","status":"in_progress","role":"assistant","content":[]}`,
		`content_part.added "item_id":"msg_abc_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[],"text":""}`,
		`output_text.delta "item_id":"msg_abc_1","output_index":1,"content_index":0,"delta":"a","logprobs":[]`,
		`output_text.delta "item_id":"msg_abc_1","output_index":1,"content_index":0,"delta":"b","logprobs":[{"token":"b"}]`,
		`output_text.done "item_id":"msg_abc_1","output_index":1,"content_index":0,"text":"ab","logprobs":[{"token":"b"}]`,
		`content_part.done "item_id":"msg_abc_1","output_index":1,"content_index":0,"part":{"type":"output_text","annotations":[],"logprobs":[{"token":"b"}],"text":"ab"}`,
		`output_item.done "output_index":1,"item":{"id":"msg_abc_1","type":"message","status":"completed","role":"assistant","content":[{"type":"output_text","annotations":[],"logprobs":[{"token":"b"}],"text":"ab"}]}`,
		`output_item.added "output_index":2,"item":{"id":"fc_abc_2","type":"function_call","status":"in_progress","call_id":"c1","name":"f","arguments":""}`,
		`output_item.added "output_index":3,"item":{"id":"fc_abc_3","type":"function_call","status":"in_progress","call_id":"c2","name":"g","arguments":""}`,
		`function_call_arguments.delta "item_id":"fc_abc_3","output_index":3,"delta":"{}"`,
		`function_call_arguments.delta "item_id":"fc_abc_2","output_index":2,"delta":"{\"x\""`,
		`function_call_arguments.delta "item_id":"fc_abc_2","output_index":2,"delta":":1}"`,
		`function_call_arguments.done "item_id":"fc_abc_2","output_index":2,"name":"f","arguments":"{\"x\":1}"`,
		`output_item.done "output_index":2,"item":{"id":"fc_abc_2","type":"function_call","status":"completed","call_id":"c1","name":"f","arguments":"{\"x\":1}"}`,
		`function_call_arguments.done "item_id":"fc_abc_3","output_index":3,"name":"g","arguments":"{}"`,
		`output_item.done "output_index":3,"item":{"id":"fc_abc_3","type":"function_call","status":"completed","call_id":"c2","name":"g","arguments":"{}"}`,
		`completed `,
	}
	var got []string
	for i, e := range events {
		name := strings.TrimPrefix(e.Name, "response.")
		rest, ok := strings.CutPrefix(string(e.Data), fmt.Sprintf(`{"type":%q,"sequence_number":%d,`, e.Name, i))
		if !ok || !json.Valid(e.Data) {
			t.Errorf("event %d: %s", i, e.Data)
		}
		if strings.HasPrefix(rest, `"response":`) { // TestWhole has its members
			rest = "}"
		}
		got = append(got, name+" "+strings.TrimSuffix(rest, "}"))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	first, last := string(events[0].Data), string(events[len(events)-1].Data)
	if !strings.Contains(first, `"status":"in_progress"`) || !strings.Contains(first, `"output":[],"usage":null`) || !strings.Contains(last, `"status":"completed"`) || !strings.Contains(last, `"input_tokens":7`) {
		t.Errorf("first %s\nlast %s", first, last)
	}
}

// TestEventNames: the order for answers of each kind.
func TestEventNames(t *testing.T) {
	const start = "created in_progress output_item.added content_part.added "
	for name, c := range map[string]struct {
		members string
		chunks  []string
		want    string
	}{
		"nothing": {"", []string{`{"delta":{"role":"assistant","content":null}}`, `{"delta":{},"finish_reason":"stop"}`}, start + "output_text.done content_part.done output_item.done completed"},
		"cut":     {"", []string{`{"delta":{"content":"a"}}`, `{"delta":{},"finish_reason":"length"}`}, start + "output_text.delta output_text.done content_part.done output_item.done incomplete"},
		"refusal after text": {"", []string{`{"delta":{"content":"a"}}`, `{"delta":{"refusal":"No"}}`, `{"delta":{"refusal":"."}}`},
			start + "output_text.delta output_text.done content_part.done content_part.added refusal.delta refusal.delta refusal.done content_part.done output_item.done completed"},
		"a summary was asked for": {`,"reasoning":{"summary":"auto"}`, []string{`{"delta":{"reasoning_content":"a","reasoning":"a"}}`},
			"created in_progress output_item.added reasoning_summary_part.added reasoning_summary_text.delta reasoning_summary_text.done reasoning_summary_part.done output_item.done completed"},
		"two calls under one number": {"", []string{`{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}`, `{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"name":"f","arguments":"{}"}}]}}`},
			"created in_progress output_item.added function_call_arguments.delta output_item.added function_call_arguments.delta function_call_arguments.done output_item.done function_call_arguments.done output_item.done completed"},
		"a call whose id changes on its way": {"", []string{`{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":""}}]}}`, `{"delta":{"tool_calls":[{"index":0,"id":"b","function":{"arguments":"{"}}]}}`, `{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"","arguments":"}"}}]}}`},
			"created in_progress output_item.added function_call_arguments.delta function_call_arguments.delta function_call_arguments.done output_item.done completed"},
		"line breaks around a call": {"", []string{`{"delta":{"content":"\n"}}`, `{"delta":{"content":" \n"}}`, `{"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}}`, `{"delta":{"content":"\n"}}`},
			"created in_progress output_item.added function_call_arguments.delta function_call_arguments.done output_item.done completed"},
		"nothing but a line break": {"", []string{`{"delta":{"content":"\n"}}`}, start + "output_text.delta output_text.done content_part.done output_item.done completed"},
		"another choice":           {"", []string{`{"index":1,"delta":{"content":"a"}}`}, start + "output_text.done content_part.done output_item.done completed"},
	} {
		got := strings.Join(names(stream(t, begin(t, c.members), c.chunks...)), " ")
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (-want +got)\n%s", name, diff)
		}
	}
}

// TestTextThatBeginsWithBreaks: they come with the first letter, and with their logprobs.
func TestTextThatBeginsWithBreaks(t *testing.T) {
	events := stream(t, begin(t, ""), `{"delta":{"content":"\n"},"logprobs":{"content":[{"token":"\n"}]}}`, `{"delta":{"content":"\\n"},"logprobs":{"content":[{"token":"a"}]}}`, `{"delta":{"content":"\n"}}`)
	if got := strings.Join(names(events), " "); got != "created in_progress output_item.added content_part.added output_text.delta output_text.delta output_text.done content_part.done output_item.done completed" {
		t.Errorf("events %s", got)
	}
	if got := string(events[4].Data); !strings.HasSuffix(got, `"delta":"\n\\n","logprobs":[{"token":"\n"},{"token":"a"}]}`) {
		t.Errorf("first text %s", got)
	}
}

// TestBrokenStream: the end of an answer that broke is an error and a failed response, and no item is said to be done.
func TestBrokenStream(t *testing.T) {
	a := begin(t, "")
	if _, err := a.Chunk(choices(`{"delta":{"content":"a"}}`)); err != nil {
		t.Fatal(err)
	}
	events := a.Fail("operator_lost", "it is gone", []byte(`{"error":{"message":"it is gone","code":"operator_lost"}}`), json.RawMessage(usage))
	if got := strings.Join(names(events), " "); got != "error failed" {
		t.Errorf("events %s", got)
	}
	if want := `{"type":"error","sequence_number":5,"code":"operator_lost","message":"it is gone","param":null,"error":{"message":"it is gone","code":"operator_lost"}}`; string(events[0].Data) != want {
		t.Errorf("error %s", events[0].Data)
	}
	if got := string(events[1].Data); !strings.Contains(got, `"status":"failed","completed_at":null,"error":{"code":"server_error","message":"it is gone"}`) || !strings.Contains(got, `"output":[],"usage":{"input_tokens":7`) {
		t.Errorf("failed %s", got)
	}
}

// TestBounds: what an operator makes the gateway keep is bounded, in text and in items.
func TestBounds(t *testing.T) {
	for name, chunk := range map[string]string{
		"text":  `{"delta":{"content":"` + strings.Repeat("x", 1<<20) + `"}}`,
		"items": `{"delta":{"tool_calls":[` + strings.TrimSuffix(strings.Repeat(`{"index":0,"id":"a","function":{"name":"f"}},{"index":0,"id":"b","function":{"name":"f"}},`, 50), ",") + `]}}`,
		"parts": `{"delta":{"content":"` + strings.Repeat("x", 100_000) + `","refusal":"y"}}`,
	} {
		a := begin(t, "")
		n := 0
		for ; n < 1000; n++ {
			if _, err := a.Chunk(choices(chunk)); err != nil {
				break
			}
		}
		if n == 0 || n == 1000 {
			t.Errorf("%s: stopped after %d chunks", name, n)
		}
	}
}

// FuzzAnswer: whatever an operator sends in two chunks becomes events that fit together, or an error.
func FuzzAnswer(f *testing.F) {
	f.Add([]byte(`{"delta":{"content":"a","reasoning_content":"b"}}`), []byte(`{"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"n","arguments":"{}"}}]},"finish_reason":"length"}`))
	f.Add([]byte(`{"message":{"content":[{"text":"\ud83d"}],"refusal":"r"},"logprobs":{"content":[ ]}}`), []byte(`{"delta":{"tool_calls":[{"function":{"arguments":{}}}],"reasoning":"x"}}`))
	f.Fuzz(func(t *testing.T, first, second []byte) {
		if !json.Valid(first) || !json.Valid(second) {
			return
		}
		a := begin(t, "")
		var all []dialect.Event
		for _, raw := range [][]byte{first, second} {
			events, err := a.Chunk([]json.RawMessage{raw})
			if err != nil {
				return
			}
			all = append(all, append([]dialect.Event{}, events...)...)
		}
		all = append(all, a.End(nil, 6)...)
		said, done := map[string]string{}, 0
		for i, e := range all {
			var v struct {
				Type      string `json:"type"`
				Number    int    `json:"sequence_number"`
				ItemID    string `json:"item_id"`
				Delta     json.RawMessage
				Arguments json.RawMessage
				Response  struct {
					Output []struct{ ID string }
				}
			}
			if err := json.Unmarshal(e.Data, &v); err != nil || v.Type != e.Name || v.Number != i {
				t.Fatalf("event %d: %v: %s %s", i, err, e.Name, e.Data)
			}
			between := func(raw json.RawMessage) string { return string(raw[1 : len(raw)-1]) }
			switch e.Name {
			case "response.function_call_arguments.delta":
				said[v.ItemID] += between(v.Delta)
			case "response.function_call_arguments.done":
				if said[v.ItemID] != between(v.Arguments) {
					t.Fatalf("said %q, done %s", said[v.ItemID], v.Arguments)
				}
			case "response.output_item.done":
				done++
			case "response.completed", "response.incomplete":
				if i != len(all)-1 || len(v.Response.Output) != done || done == 0 {
					t.Fatalf("%d of %d events, %d items done: %s", i, len(all), done, e.Data)
				}
			}
		}
	})
}
