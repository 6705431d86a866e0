package node

import (
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"flotilla/node/access"
	"flotilla/node/openai"
	"flotilla/node/postgres/pgtest"
	"flotilla/node/requestlog"
	"flotilla/node/requestlog/pglog"
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
		{"/v1/responses", `"max_output_tokens":9,"input":"@script tokens=4"`, "resp_", "stop"},
		{"/v1/responses", `"stream":true,"max_output_tokens":2,"input":"@script tokens=4 finish=length"`, "resp_", "length"},
		{"/v1/messages", `"max_tokens":9,"messages":[{"role":"user","content":"@script tokens=4"}]`, "msg_", "stop"},
		{"/v1/messages", `"stream":true,"max_tokens":2,"messages":[{"role":"user","content":"@script tokens=4 finish=length"}]`, "msg_", "length"},
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

// Who asks for an answer while the database of the log is away, or stalls, is told that it is the log, and to come again.
func TestGenerationWithoutItsLog(t *testing.T) {
	cluster := pgtest.Start(t)
	link := pgtest.NewLink(t, cluster)
	requests := pglog.Open(pgtest.Connect(t, link.URL(cluster.Database())), requestlog.Options{})
	defer requests.Close()
	g := &Gateway{gate: &gate{requests: requests}, log: slog.New(slog.DiscardHandler)}
	ask := func(when string) {
		t.Helper()
		_, err := g.generation(t.Context(), openai.KeyInfo{ID: "key_a"}, "req_1")
		var told *openai.APIError
		if !errors.As(err, &told) || told.Status != http.StatusServiceUnavailable || told.RetryAfter == 0 {
			t.Errorf("%s: %v", when, err)
		}
	}
	link.Stall(true)
	ask("stalled")
	link.Stall(false)
	cluster.Down()
	ask("away")
}
