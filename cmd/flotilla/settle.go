package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"flotilla/node/admin"
)

// adminFlags name a running node's administration address.
type adminFlags struct {
	Admin string `help:"Administration URL of the running node; it answers on its own machine only." env:"FLOTILLA_ADMIN" default:"http://127.0.0.1:8421"`
}

const (
	// adminTimeout is longer than a node waits for the chain itself, so that its reason arrives.
	adminTimeout    = 6 * time.Minute
	maxAdminAnswer  = 64 << 20 // a batch file of 10,000 receipts is 1 MB, evidence of 1,000 faults 4 MB
	maxAdminFailure = 300
)

// ask sends one request without a body to the node and returns the answer's body.
func (a adminFlags) ask(ctx context.Context, method, path string) ([]byte, error) {
	return a.send(ctx, method, path, nil, maxAdminAnswer)
}

// send sends one request to the node and returns the answer's body, of at most most bytes.
func (a adminFlags) send(ctx context.Context, method, path string, body io.Reader, most int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, adminTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(a.Admin, "/")+path, body)
	if err != nil {
		return nil, fmt.Errorf("--admin: %w", err)
	}
	req.Header.Set(admin.Header, "1")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the node (is it running with --admin-listen?): %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the node's answer: %w", err)
	case int64(len(raw)) > most:
		return nil, fmt.Errorf("the node's answer is larger than %d bytes", most)
	case resp.StatusCode != http.StatusOK:
		var f admin.Failure
		if json.Unmarshal(raw, &f) != nil || f.Error == "" {
			return nil, fmt.Errorf("the node says %s: %s", resp.Status, raw[:min(len(raw), maxAdminFailure)])
		}
		return nil, fmt.Errorf("the node says: %s", f.Error)
	}
	return raw, nil
}

// settleCmd shows and hurries a running node's settlement.
type settleCmd struct {
	Status settleStatusCmd `cmd:"" help:"Show what is pending, which batch is on its way, and what waits for what."`
	Now    settleNowCmd    `cmd:"" help:"Bring everything pending on chain now, whatever it is worth, and wait for it."`
	Batch  settleBatchCmd  `cmd:"" help:"Print one settled batch as a file for 'flotilla verify'."`
}

type settleStatusCmd struct {
	adminFlags
	JSON bool `help:"Print the state as JSON." name:"json"`
}

// Run prints the state of settlement.
func (c *settleStatusCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodGet, "/settlement")
	if err != nil {
		return err
	}
	return printSettlement(s.out, raw, c.JSON)
}

type settleNowCmd struct {
	adminFlags
	JSON bool `help:"Print the state after it as JSON." name:"json"`
}

// Run settles and prints the state after it.
func (c *settleNowCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodPost, "/settlement/now")
	if err != nil {
		return err
	}
	return printSettlement(s.out, raw, c.JSON)
}

type settleBatchCmd struct {
	adminFlags
	Epoch uint64 `arg:"" help:"Number of the batch: 1, 2, 3 …"`
}

// Run prints the batch file.
func (c *settleBatchCmd) Run(ctx context.Context, s *streams) error {
	raw, err := c.ask(ctx, http.MethodGet, fmt.Sprintf("/batches/%d", c.Epoch))
	if err != nil {
		return err
	}
	_, err = s.out.Write(raw)
	return err
}
