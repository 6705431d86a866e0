package node

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
)

// counting answers every chat with text, and with figures as members of the JSON that ends it.
func counting(text, figures string) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/v1/chat/completions" {
			fiveTokens(rw, r)
			return
		}
		body, _ := io.ReadAll(r.Body)
		if !strings.Contains(string(body), `"stream":true`) {
			rw.Header().Set("Content-Type", "application/json")
			fmt.Fprintf(rw, `{"choices":[{"index":0,"message":{"role":"assistant","content":%q},"finish_reason":"stop"}],%s}`, text, figures)
			return
		}
		rw.Header().Set("Content-Type", "text/event-stream")
		fmt.Fprintf(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":%q},\"finish_reason\":\"stop\"}]}\n\n", text)
		fmt.Fprintf(rw, "data: {\"choices\":[],%s}\n\ndata: [DONE]\n\n", figures)
	}
}

// A model server may count tokens that nobody sees, as a client can have it do. An operator charges no more than the gateway can
// believe, or it would be paid nothing and be blamed for it.
func TestOperatorChargesWhatCanBeBelieved(t *testing.T) {
	w := newWorld(t)
	// Thoughts that the client asked not to see, or ends of text that were passed over.
	w.operatorOf(counting("hi", `"usage":{"prompt_tokens":9,"completion_tokens":20}`), OperatorConfig{})
	for i, stream := range []bool{true, false} {
		resp, body, err := w.run(t.Context(), stream, "", "include_reasoning", false)
		receipts := w.receipts()
		if err != nil || resp.StatusCode != 200 || strings.Contains(body, `"error"`) || len(receipts) != i+1 {
			t.Fatalf("stream=%v: %v, %s, %d receipts, %v", stream, resp, body, len(receipts), err)
		}
		for _, b := range receipts {
			if b.Receipt.OutputTokens != 2+specialTokensPerAnswer {
				t.Errorf("stream=%v: %d tokens are charged for two bytes", stream, b.Receipt.OutputTokens)
			}
		}
	}
}
