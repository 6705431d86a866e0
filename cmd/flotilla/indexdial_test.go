package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// The dial is told of the models that the router chooses among: not of itself, nor of a model that makes vectors.
func TestDialOfAFleet(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `{"data":[
			{"id":"auto","architecture":{"output_modalities":["text"]},"pricing":{"prompt":"-1","completion":"-1"}},
			{"id":"gemma-3-270m","architecture":{"output_modalities":["text"]},"pricing":{"prompt":"0.000005","completion":"0.00001"}},
			{"id":"smollm2-135m-instruct","architecture":{"output_modalities":["text"]},"pricing":{"prompt":"0.000015","completion":"0.00003","request":"0.001"}},
			{"id":"other-7b","architecture":{"output_modalities":["text"]},"pricing":{"prompt":"0.000015","completion":"0.00003"}},
			{"id":"all-minilm-l6-v2","architecture":{"output_modalities":["embeddings"]},"pricing":{"prompt":"0","completion":"0"}}]}`)
	}))
	defer server.Close()
	var stdout, stderr bytes.Buffer
	if status := run(t.Context(), []string{"index", "dial", "--index", "built-in", "--gateway", server.URL, "--api-key", "k"}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, &stderr)
	}
	for _, want := range []string{"among gemma-3-270m, smollm2-135m-instruct.\n", "no outcomes of other-7b; ", "at 5.8757 USD per 1,000"} {
		if !strings.Contains(stdout.String(), want) {
			t.Errorf("want %q in:\n%s", want, &stdout)
		}
	}
}
