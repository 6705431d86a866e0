package cache

import (
	"strings"
	"testing"
)

func read(t *testing.T, body string) Question {
	t.Helper()
	q, ok := Read([]byte(body), nil)
	if !ok {
		t.Fatalf("not read: %s", body)
	}
	return q
}

const plainBody = `{"model":"m","temperature":0,"messages":[{"role":"system","content":"Be brief."},{"role":"user","content":"What is the capital of France?"}]}`

// What cannot change an answer is left out, and nothing else.
func TestSameRequest(t *testing.T) {
	base := read(t, plainBody)
	for _, more := range []string{`"stream":true`, `"stream_options":{"include_usage":true}`, `"user":"u1"`, `"metadata":{"a":"b"}`, `"store":false`, `"safety_identifier":"x"`, `"prompt_cache_key":"k"`} {
		if q := read(t, `{`+more+`,`+plainBody[1:]); q != base {
			t.Errorf("%s makes another request of it", more)
		}
	}
	for _, more := range []string{
		`"seed":1`, `"n":2`, `"top_p":0.5`, `"max_tokens":5`, `"stop":"x"`, `"tools":[{"type":"function","function":{"name":"f"}}]`, `"response_format":{"type":"json_object"}`,
		`"logit_bias":{"1":2}`, `"x_unknown":1`, `"reasoning_effort":"low"`, `"User":"u"`,
	} {
		if q := read(t, `{`+more+`,`+plainBody[1:]); q.exact == base.exact || q.group == base.group {
			t.Errorf("%s makes no other request of it", more)
		}
	}
	if q, _ := Read([]byte(plainBody), []byte("dial 3")); q.exact == base.exact || q.group == base.group {
		t.Error("what else decides is not looked at")
	}
	if _, ok := Read([]byte(`{"messages":[],"seed":1,"seed":2}`), nil); ok {
		t.Error("a request that says two things was read")
	}
}

func TestQuestionsByMeaning(t *testing.T) {
	base := read(t, plainBody)
	other := read(t, strings.Replace(plainBody, "What is", "Tell me", 1))
	if base.Text != "What is the capital of France?" || other.group != base.group || other.exact == base.exact {
		t.Errorf("%+v and %+v differ in their text alone", base, other)
	}
	if q := read(t, strings.Replace(plainBody, "Be brief.", "Be rude.", 1)); q.group == base.group {
		t.Error("another system text is another group")
	}
	for _, body := range []string{
		`{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}]}`,
		`{"messages":[{"role":"user","content":"a"},{"role":"user","content":"c"}]}`,
		`{"messages":[{"role":"user","content":[{"type":"text","text":"a"}]}]}`,
		`{"messages":[{"role":"user","content":"a","Content":"b"}]}`,
		`{"messages":[{"role":"user","content":""}]}`,
		`{"messages":[{"role":"user","content":"Which?\nA. this\nB. that"}]}`,
		`{"messages":[{"role":"system","content":"a"}]}`,
		`{"messages":[{"role":"user","content":"a"}],"response_format":{"type":"json_object"}}`,
		`{"messages":[{"role":"user","content":"a"}],"tools":[]}`,
		`{"messages":[{"role":"user","content":"` + strings.Repeat("long ", 300) + `"}]}`,
	} {
		if q := read(t, body); q.Text != "" || q.group != (digest{}) {
			t.Errorf("compared by meaning: %s", body)
		}
	}
}

// Sentence encoders put these side by side; the answers differ.
func TestMarks(t *testing.T) {
	for _, pair := range [][2]string{
		{"What is 17 + 25?", "What is 17 + 26?"}, {"What is 17 + 25?", "What is 17 - 25?"}, {"Is it safe?", "Is it not safe?"},
		{"Why does it work?", "Why doesn't it work?"}, {"Translate from French to English", "Translate from English to French, from"},
		{"Who won in 1998?", "Who won in 1989?"}, {"Name the largest city", "Name the smallest city"}, {"Turn left.", "Turn right."}, {"Version v1.2", "Version v1.3"}, {"What is 5!", "What is 5"},
	} {
		if marksOf(pair[0]) == marksOf(pair[1]) {
			t.Errorf("%q and %q are told apart by nothing", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{{"What is 17 + 25?", "what is  17 + 25"}, {"Capital of France?", "The capital of France, please."}, {"Sing!", "Sing"}} {
		if marksOf(pair[0]) != marksOf(pair[1]) {
			t.Errorf("%q and %q are told apart", pair[0], pair[1])
		}
	}
}
