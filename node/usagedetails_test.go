package node

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// detailing counts as OpenAI's server does, and says more than the two figures that are billed.
func detailing(rw http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/v1/chat/completions" {
		fiveTokens(rw, r)
		return
	}
	const usage = `"usage":{"prompt_tokens":9,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4},"completion_tokens_details":{"reasoning_tokens":1}}`
	body, _ := io.ReadAll(r.Body)
	if !strings.Contains(string(body), `"stream":true`) {
		rw.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(rw, `{"choices":[{"index":0,"message":{"role":"assistant","content":"one two"},"finish_reason":"stop"}],%s}`, usage)
		return
	}
	rw.Header().Set("Content-Type", "text/event-stream")
	fmt.Fprint(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"one two\"},\"finish_reason\":\"stop\"}]}\n\n")
	fmt.Fprintf(rw, "data: {\"choices\":[],\"timings\":{\"n\":3},%s}\n\ndata: [DONE]\n\n", usage)
}

// What a model server counts beside the billed tokens reaches the client of a stream as it does that of a whole answer.
func TestUsageDetails(t *testing.T) {
	w := newWorld(t)
	w.operatorOf(detailing, OperatorConfig{})
	w.waitServing(1)
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
