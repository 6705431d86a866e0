package node

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// unreadable answers as llama.cpp does to requests that it cannot read or serve: with its text under 500.
func unreadable(rw http.ResponseWriter, r *http.Request) {
	raw, _ := io.ReadAll(r.Body)
	for prompt, text := range map[string]string{
		"tools": `Failed to parse tools: Unsupported tool type: {\"type\":\"web_search\"}`, "calls": `Failed to parse messages: Missing tool call type: {\"id\":\"1\"}`,
		"audio": `audio input is not supported - hint: if this is unexpected, you may need to provide the mmproj`, "memory": "out of memory: audio input is not supported",
	} {
		if strings.Contains(string(raw), prompt) {
			rw.Header().Set("Content-Type", "application/json")
			rw.WriteHeader(http.StatusInternalServerError)
			_, _ = io.WriteString(rw, `{"error":{"code":500,"message":"`+text+`","type":"server_error"}}`)
			return
		}
	}
	r.Body = io.NopCloser(strings.NewReader(string(raw)))
	fiveTokens(rw, r)
}

// A request that llama.cpp cannot read is the client's own: told so in its words, and no model is paused for others by it.
func TestRefusedUnder500(t *testing.T) {
	w := newWorld(t)
	w.operatorOf(unreadable, OperatorConfig{})
	w.waitServing(1)
	for _, prompt := range []string{"tools", "calls", "audio", "tools"} { // one more than a model's faults are borne
		resp, raw := w.post(worldAPIKey, "/v1/chat/completions", strings.Replace(chatBody(worldModel, true, 20), "hello there", prompt, 1))
		wantError(t, resp, raw, http.StatusBadRequest, "invalid_request")
	}
	if resp, raw := w.ask(worldAPIKey); resp.StatusCode != http.StatusOK {
		t.Errorf("others get %s: %s", resp.Status, raw)
	}
	if resp, raw := w.post(worldAPIKey, "/v1/chat/completions", strings.Replace(chatBody(worldModel, true, 20), "hello there", "memory", 1)); resp.StatusCode != http.StatusBadGateway {
		t.Errorf("a failure is told as %s: %s", resp.Status, raw)
	}
}
