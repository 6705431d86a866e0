package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"flotilla/settlement"
)

var errNotYet = errors.New("not yet")

// awaitDelivered gives the pieces that the model server has sent time to pass operator and gateway: they are three
// loopback hops away from the client, and there is nothing to observe in between.
func (f *fleet) awaitDelivered() { time.Sleep(500 * time.Millisecond) }

// openStream starts a streamed chat and returns once the first byte is there.
func (f *fleet) openStream(prompt string) *http.Response {
	f.t.Helper()
	body, err := json.Marshal(map[string]any{"model": testModel, "stream": true, "max_tokens": 50, "messages": []any{map[string]string{"role": "user", "content": prompt}}})
	if err != nil {
		f.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, "http://"+f.http+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		f.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+testKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp
}

func isAny(err error, want ...error) bool {
	for _, w := range want {
		if errors.Is(err, w) {
			return true
		}
	}
	return false
}

// reportHas says whether some check of the bundle's report failed with want.
func reportHas(t *testing.T, f *fleet, b settlement.Bundle, want error) bool {
	t.Helper()
	for _, c := range settlement.Verify(t.Context(), b, f.reader, settlement.VerifyOptions{Domain: f.domain}).Checks {
		if errors.Is(c.Err, want) {
			return true
		}
	}
	return false
}
