package node

import (
	"encoding/json"
	"strings"
	"testing"

	"flotilla/node/access"
)

// The record of an answer has the id that the client got, on either route, and says how the answer ended.
func TestGenerationIsThatOfTheAnswer(t *testing.T) {
	w := newWorld(t)
	w.scriptedOperator(Price{InputPerMTok: 1_000_000, OutputPerMTok: 2_000_000})
	key := w.newKey(access.Terms{}).Secret
	record := func(id string) (g struct {
		ID           string  `json:"id"`
		FinishReason *string `json:"finish_reason"`
		ReceiptID    string  `json:"receipt_id"`
	}) {
		t.Helper()
		_, raw := w.get(key, "/v1/generation?id="+id)
		if err := json.Unmarshal(raw, &struct{ Data any }{&g}); err != nil {
			t.Fatalf("%v: %s", err, raw)
		}
		return g
	}
	for _, ask := range []struct{ path, body, prefix, finish string }{
		{"/v1/chat/completions", `"max_tokens":9,"messages":[{"role":"user","content":"@script tokens=4"}]`, "chatcmpl-", "stop"},
		{"/v1/chat/completions", `"stream":true,"max_tokens":9,"messages":[{"role":"user","content":"@script tokens=4"}]`, "chatcmpl-", "stop"},
		{"/v1/chat/completions", `"stream":true,"max_tokens":2,"messages":[{"role":"user","content":"@script tokens=4 finish=length"}]`, "chatcmpl-", "length"},
		{"/v1/completions", `"max_tokens":9,"prompt":"@script tokens=4"`, "cmpl-", "stop"},
		{"/v1/completions", `"stream":true,"max_tokens":9,"prompt":"@script tokens=4"`, "cmpl-", "stop"},
		{"/v1/chat/completions", `"stream":true,"max_tokens":9,"messages":[{"role":"user","content":"@script tokens=4 cut=2"}]`, "chatcmpl-", ""},
	} {
		resp, raw := w.post(key, ask.path, `{"model":"`+worldModel+`",`+ask.body+`}`)
		id := answerID(raw)
		if !strings.HasPrefix(id, ask.prefix) {
			t.Fatalf("%s: %s", ask.body, raw)
		}
		for _, by := range []string{id, resp.Header.Get("X-Request-Id")} {
			g := record(by)
			if g.ID != id {
				t.Errorf("%s: the answer is %s, its record by %s says %s", ask.body, id, by, g.ID)
			}
			if finish := g.FinishReason; (finish == nil) != (ask.finish == "") || finish != nil && *finish != ask.finish {
				t.Errorf("%s: finish_reason %v, want %q: %s", ask.body, finish, ask.finish, raw)
			}
		}
	}
}
