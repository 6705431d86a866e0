package node

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"flotilla/node/access"
)

// LiteLLM, and agents that shorten a conversation which has become too long, know some errors by OpenAI's words alone.
func TestErrorsHaveOpenAIsWords(t *testing.T) {
	w := newWorld(t)
	w.honestOperator()
	long := `{"model":"` + worldModel + `","max_tokens":1000,"messages":[{"role":"user","content":"` + strings.Repeat("long ", 4000) + `"}]}`
	for _, tc := range []struct {
		key, body  string
		status     int
		code, want string
	}{
		{worldAPIKey, long, http.StatusBadRequest, "context_length_exceeded", "This model's maximum context length is 2048 tokens. However, you requested about "},
		{worldAPIKey, strings.Replace(long, worldModel, "auto", 1), http.StatusBadRequest, "context_length_exceeded", "This model's maximum context length is 2048 tokens. However, you requested about "},
		{"sk-flotilla-nobody", long, http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "},
		{w.newKey(access.Terms{Expires: time.Now().Add(-time.Hour)}).Secret, long, http.StatusUnauthorized, "invalid_api_key", "Incorrect API key provided: "},
	} {
		resp, raw := w.post(tc.key, "/v1/chat/completions", tc.body)
		wantError(t, resp, raw, tc.status, tc.code)
		if !strings.Contains(string(raw), `"message":"`+tc.want) {
			t.Errorf("%s: %s, want %q", tc.code, raw, tc.want)
		}
	}
}
