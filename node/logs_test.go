package node

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
)

// logBook is a log at its most talkative.
type logBook struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *logBook) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *logBook) logger() *slog.Logger {
	return slog.New(slog.NewTextHandler(b, &slog.HandlerOptions{Level: slog.LevelDebug}))
}

func (b *logBook) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// Model servers quote what they refuse (FastAPI's "detail" has the whole input). The client is told; no log is.
func TestLogsQuoteNoPrompt(t *testing.T) {
	quoting := func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/v1/chat/completions" {
			fiveTokens(rw, r)
			return
		}
		quoted, _ := json.Marshal(string(body)) // a string always marshals
		if strings.Contains(string(body), "in-the-middle") {
			rw.Header().Set("Content-Type", "text/event-stream")
			fmt.Fprintf(rw, "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"t \"}}]}\n\ndata: {\"error\":{\"message\":%s}}\n\n", quoted)
			return
		}
		rw.WriteHeader(http.StatusUnprocessableEntity)
		fmt.Fprintf(rw, `{"detail":[{"type":"string_type","msg":"Input should be a valid string","input":%s}]}`, quoted)
	}
	for _, when := range []string{"before-the-first-byte", "in-the-middle"} {
		book := &logBook{}
		w := newEmptyWorld(t)
		cfg := w.gatewayConfig()
		cfg.Logger = book.logger()
		w.gateway = w.open(cfg)
		w.operatorLog = cfg.Logger
		w.operatorOf(quoting, OperatorConfig{})
		_, body, err := w.run(t.Context(), true, "secret-base "+when)
		if err != nil || !strings.Contains(body, "secret-base") {
			t.Errorf("%s: the client is not told what the model server says: %v, %s", when, err, body)
		}
		w.eventually("the request is logged", func() bool { return strings.Contains(book.String(), "http request") })
		for line := range strings.Lines(book.String()) {
			if strings.Contains(line, "secret-base") {
				t.Errorf("%s: logged: %s", when, line)
			}
		}
	}
}
