package openai_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"flotilla/node/openai"
	"flotilla/node/openai/internal/fakefleet"
)

const (
	opening  = `{"role":"system","content":"Be brief."},{"role":"user","content":"Hi"}`
	answered = opening + `,{"role":"assistant","content":"Hello"},{"role":"user","content":"And in French?"}`
	calling  = opening + `,{"role":"assistant","content":null,"tool_calls":[{"id":"1"}]}`
)

// client talks to one handler, so that it remembers.
type client struct {
	t     *testing.T
	fleet *fakefleet.Fleet
	h     http.Handler
}

func newClient(t *testing.T) client {
	f := fakefleet.New()
	cfg := config(f)
	cfg.Keys = fakefleet.Keys(testKey, "another")
	return client{t, f, openai.NewHandler(cfg)}
}

// say sends a conversation and returns what the fleet was told of it.
func (c client) say(path, messages string, header ...string) openai.Conversation {
	c.t.Helper()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(`{"model":"auto","messages":[`+messages+`]}`))
	r.Header.Set("Authorization", "Bearer "+testKey)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	c.h.ServeHTTP(httptest.NewRecorder(), r)
	all := c.fleet.Requests()
	return all[len(all)-1].Conversation
}

const chatPath = "/v1/chat/completions"

// The gateway learns who answered a conversation last, live and in a dry run, and only from turns of that conversation.
func TestConversationIsRemembered(t *testing.T) {
	c := newClient(t)
	if got := c.say(chatPath, opening); got.Last != (openai.Session{}) || got.Continues || got.ToolLoop {
		t.Errorf("a first turn: %+v", got)
	}
	for _, path := range []string{"/v1/route", chatPath} {
		got := c.say(path, answered)
		if got.Last.Model != model || got.Last.Operator == "" || got.Last.CachedTokens == 0 || !got.Continues {
			t.Errorf("%s, second turn: %+v", path, got)
		}
	}
	for what, got := range map[string]openai.Conversation{
		"the same opening, nothing answered": c.say(chatPath, opening),
		"another opening":                    c.say(chatPath, strings.Replace(answered, "brief", "long", 1)),
		"another key":                        c.say(chatPath, answered, "Authorization", "Bearer another"),
		"a session of another name":          c.say(chatPath, answered, "X-Session-Id", "b"),
	} {
		if got.Last != (openai.Session{}) {
			t.Errorf("%s: %+v", what, got.Last)
		}
	}
	c.say(chatPath, opening, "X-Session-Id", "a")
	if got := c.say(chatPath, `{"role":"user","content":"shortened history"}`, "X-Session-Id", "a"); got.Last.Model != model {
		t.Errorf("a named session: %+v", got)
	}
}

func TestToolLoopIsSeen(t *testing.T) {
	c := newClient(t)
	for messages, want := range map[string]bool{
		calling: true,
		calling + `,{"role":"tool","content":"r"}`:                                                                      true,
		calling + `,{"role":"tool","content":"r"},{"role":"user","content":"and now?"}`:                                 false,
		calling + `,{"role":"tool","content":"r"},{"role":"assistant","content":"done"}`:                                false,
		opening + `,{"role":"assistant","content":"x","tool_calls":[]}`:                                                 false,
		opening + `,{"role":"assistant","content":null,"function_call":{"name":"f"}},{"role":"function","content":"r"}`: true,
	} {
		if got := c.say(chatPath, messages); got.ToolLoop != want {
			t.Errorf("%s: tool loop %v", messages, got.ToolLoop)
		}
	}
}

func TestBrokenAnswersAreNotRemembered(t *testing.T) {
	c := newClient(t)
	c.fleet.BreakAt, c.fleet.BreakWith = 1, errors.New("operator lost")
	for _, c.fleet.Signs = range []bool{false, true} {
		r := httptest.NewRequest(http.MethodPost, chatPath, strings.NewReader(`{"model":"auto","stream":true,"messages":[`+opening+`]}`))
		r.Header.Set("Authorization", "Bearer "+testKey)
		c.h.ServeHTTP(httptest.NewRecorder(), r)
		if got := c.say(chatPath, answered); got.Last != (openai.Session{}) {
			t.Errorf("after a broken answer, signed for %v: %+v", c.fleet.Signs, got.Last)
		}
	}
	if w := do(t, config(c.fleet), http.MethodPost, chatPath, `{"model":"auto",`+ask+`}`, "X-Session-Id", strings.Repeat("s", 257)); w.Code != 400 {
		t.Errorf("a session id of 257 bytes: %d", w.Code)
	}
}

// What a decision has to agree with is what the router would get.
func TestAskedOfABody(t *testing.T) {
	body := `{"messages":[` + answered + `]}`
	asked, err := openai.ReadAsked([]byte(body))
	if diff := cmp.Diff(openai.Asked{Text: parsed(t, `{"model":"auto",`+body[1:]).PromptText}, asked); diff != "" || err != nil {
		t.Errorf("%v (-router +asked):\n%s", err, diff)
	}
	dial := 2.5
	for body, want := range map[string]openai.Asked{
		`{"model":"auto","prompt":"Old times"}`:                                                                                    {Text: "Old times", Auto: true},
		`{"model":"llama3.1:8b","prompt":"Old times","cost_quality_tradeoff":2.5}`:                                                 {Text: "Old times", Named: []string{"llama3.1:8b"}, Dial: &dial},
		`{"model":"auto","instructions":"Be brief.","input":"Old times"}`:                                                          {Text: "Old times", Auto: true},
		`{"model":"a","cost_quality_tradeoff":2.5,"input":[{"role":"user","content":[{"type":"input_text","text":"Old times"}]}]}`: {Text: "Old times", Named: []string{"a"}, Dial: &dial},
		`{"model":"a","models":["b","auto"],"messages":[{"role":"user","content":"Old times"}]}`:                                   {Text: "Old times", Auto: true, Named: []string{"a", "b"}},
	} {
		if asked, err := openai.ReadAsked([]byte(body)); err != nil || !cmp.Equal(asked, want) {
			t.Errorf("%s: %+v (%v), want %+v", body, asked, err, want)
		}
	}
	if _, err := openai.ReadAsked([]byte(`{"messages":7}`)); err == nil {
		t.Error("no messages, no error")
	}
}
