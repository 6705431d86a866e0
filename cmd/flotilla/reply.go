package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"flotilla/node/backend"
)

// refusal is what a node or a gateway answers in place of what it was asked for.
type refusal struct {
	who    string
	status int
	line   string // the status in words, where the body gives no reason; else empty
	says   string

	retryAfter time.Duration // 0: it names no time
	final      bool          // it says that a repeat brings nothing
}

func (e *refusal) Error() string {
	if e.line != "" {
		return fmt.Sprintf("%s says %s: %s", e.who, e.line, e.says)
	}
	return fmt.Sprintf("%s says: %s", e.who, e.says)
}

// notHere is what err says of an address that nothing of ours is served under, as a URL of something else has it; empty for other errors.
func notHere(err error) string {
	var e *refusal
	if errors.As(err, &e) && e.status == http.StatusNotFound {
		return e.line
	}
	return ""
}

// readReply reads the body of who's answer, of at most most bytes, and closes it. reason finds in the body of a refusal why, or
// nothing. Error: *refusal for any status but 200.
func readReply(resp *http.Response, who string, most int64, reason func(body []byte) string) ([]byte, error) {
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read %s's answer: %w", who, err)
	case int64(len(raw)) > most:
		return nil, fmt.Errorf("%s's answer is larger than %d bytes", who, most)
	case resp.StatusCode != http.StatusOK:
		e := &refusal{who: who, status: resp.StatusCode, says: reason(raw)}
		e.retryAfter, e.final = backend.RetryAfter(resp.Header), resp.Header.Get("X-Should-Retry") == "false"
		if e.says == "" {
			e.line, e.says = resp.Status, strings.TrimSpace(fmt.Sprintf("%.300s", raw))
		}
		return nil, e
	}
	return raw, nil
}
