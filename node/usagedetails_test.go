package node

import (
	"net/http"
	"strings"
	"testing"
)

// What a model server counts beside the billed tokens reaches the client of a stream as it does that of a whole answer.
func TestUsageDetails(t *testing.T) {
	w := newWorld(t)
	w.operatorOf(counting("one two", `"timings":{"n":3},"usage":{"prompt_tokens":9,"completion_tokens":2,`+
		`"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}`), OperatorConfig{})
	for _, stream := range []bool{false, true} {
		body := chatBody(worldModel, stream, 20)
		if stream {
			body = strings.Replace(body, `"stream":true`, `"stream":true,"stream_options":{"include_usage":true}`, 1)
		}
		resp, raw := w.post(worldAPIKey, "/v1/chat/completions", body)
		for _, want := range []string{`"prompt_tokens":9,"completion_tokens":2`, `"prompt_tokens_details":{"cached_tokens":4}`, `"completion_tokens_details":{"reasoning_tokens":1}`} {
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(raw), want) {
				t.Errorf("stream %t: status %d, no %s in %s", stream, resp.StatusCode, want, raw)
			}
		}
		if stream && !strings.Contains(string(raw), `"timings":{"n":3}`) {
			t.Errorf("the usage chunk lost what else the server said in it: %s", raw)
		}
	}
	_, raw := w.post(worldAPIKey, "/v1/chat/completions", chatBody(worldModel, true, 20))
	if strings.Contains(string(raw), `"usage"`) {
		t.Errorf("a client that did not ask for usage got it: %s", raw)
	}
}
