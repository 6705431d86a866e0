package main

import (
	"fmt"
	"io"
	"net/http"
)

// refusal is what a node or a gateway answers in place of what it was asked for.
type refusal struct {
	who    string
	status int
	line   string // the status in words, where the body gives no reason; else empty
	says   string
}

func (e *refusal) Error() string {
	if e.line != "" {
		return fmt.Sprintf("%s says %s: %s", e.who, e.line, e.says)
	}
	return fmt.Sprintf("%s says: %s", e.who, e.says)
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
		if why := reason(raw); why != "" {
			return nil, &refusal{who: who, status: resp.StatusCode, says: why}
		}
		return nil, &refusal{who: who, status: resp.StatusCode, line: resp.Status, says: fmt.Sprintf("%.300s", raw)}
	}
	return raw, nil
}
