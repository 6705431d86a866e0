package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"flotilla/node/admin"
)

// adminFlags name a running node's administration address.
type adminFlags struct {
	Admin serverURL `help:"Administration URL of the running node; it answers on its own machine only." env:"FLOTILLA_ADMIN" default:"http://127.0.0.1:8421"`
}

const (
	// adminTimeout is longer than a node waits for the chain itself, so that its reason arrives.
	adminTimeout   = 6 * time.Minute
	maxAdminAnswer = 64 << 20 // a batch file of 10,000 receipts is 1 MB, evidence of 1,000 faults 4 MB
)

// ask sends one request without a body to the node and returns the answer's body.
func (a adminFlags) ask(ctx context.Context, method, path string) ([]byte, error) {
	return a.send(ctx, method, path, nil, maxAdminAnswer)
}

// call sends request as JSON, or no body where it is nil, and reads the node's answer into out.
func (a adminFlags) call(ctx context.Context, method, path string, request, out any) error {
	if request == nil {
		return a.exchange(ctx, method, path, nil, out)
	}
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return a.exchange(ctx, method, path, body, out)
}

// exchange sends body and reads the node's answer into out.
func (a adminFlags) exchange(ctx context.Context, method, path string, body []byte, out any) error {
	raw, err := a.send(ctx, method, path, body, maxAdminAnswer)
	if err != nil {
		return err
	}
	return readAnswer(raw, out)
}

func readAnswer(raw []byte, out any) error {
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("read the node's answer: %w", err)
	}
	return nil
}

// send sends one request to the node and returns the answer's body, of at most most bytes.
func (a adminFlags) send(ctx context.Context, method, path string, body []byte, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, string(a.Admin)+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	req.Header.Set(admin.Header, "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the node (is it running with --admin-listen?): %w", err)
	}
	raw, err := readReply(resp, "the node", most, func(body []byte) string {
		var f admin.Failure
		_ = json.Unmarshal(body, &f) // what else listens there answers in another shape
		return f.Error
	})
	if line := notHere(err); line != "" {
		return nil, fmt.Errorf("%s is not where a node is administered (it says %s): give --admin the URL that a gateway prints as admin, of the address in --admin-listen", a.Admin, line)
	}
	return raw, err
}
