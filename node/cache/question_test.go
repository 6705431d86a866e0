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
		// The encoder folds case and accents, and knows no emoji: these have the same vector.
		{"What does grep -V do?", "What does grep -v do?"}, {"Decode SGVsbG8=", "Decode sgvsbg8="}, {"Is the US in it?", "Is the us in it?"},
		{"What does ano mean?", "What does año mean?"}, {"What does ano mean?", "What does an\u0303o mean?"}, {"What does 🍎 mean?", "What does 🍌 mean?"},
		{"Does the dog chase the cat?", "Does the cat chase the dog?"}, {"Does the dog chase the cat?", "Does a cat chase the dog?"},
		{"What is (2 + 3) * 4?", "What is 2 + (3 * 4)?"}, {"Is it a and (b or c)?", "Is it (a and b) or c?"}, {"A tank holds .5 litres", "A tank holds 5 litres"},
		{"Is it legal to own?", "Is it illegal to own?"}, {"Is it safe to mix?", "Is it unsafe to mix?"}, {"When was he born?", "Where was he born?"}, {"What does \\d match?", "What does d match?"},
		{"Fever and headache...not a cough. What is it?", "Fever and headache... a cough. What is it?"}, {"It hurts ...no fever. What is it?", "It hurts ... fever. What is it?"},
		{"Fever,not a cough. What is it?", "Fever, a cough. What is it?"}, {"Where's Ada Lovelace?", "Who's Ada Lovelace?"}, {"Where’s the eclipse?", "When’s the eclipse?"},
		{"What did she say about him?", "What did he say about her?"}, {"May I call them?", "May they call me?"}, {"It cant be undone. Why?", "It can be undone. Why?"},
		{"Why dont they melt?", "Why do they melt?"}, {"What is .NET?", "What is net?"},
	} {
		if wordingOf(pair[0]).like(wordingOf(pair[1])) {
			t.Errorf("%q and %q are told apart by nothing", pair[0], pair[1])
		}
	}
	for _, pair := range [][2]string{
		{"What is 17 + 25?", "what is  17 + 25"}, {"Capital of France?", "The capital of France, please."}, {"Sing!", "Sing"}, {"Who directed the film Jaws?", "who directed the movie Jaws"}, {"Is it NOT safe?", "is it not safe..."},
	} {
		if !wordingOf(pair[0]).like(wordingOf(pair[1])) {
			t.Errorf("%q and %q are told apart", pair[0], pair[1])
		}
	}
}
