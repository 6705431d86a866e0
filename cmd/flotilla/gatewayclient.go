package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// gatewayTimeout bounds a request that asks a gateway and no operator.
const gatewayTimeout = 30 * time.Second

// maxGatewayAnswer bounds what is read of its answer.
const maxGatewayAnswer = 1 << 20

// postGateway sends request as JSON to a path of the gateway's API and reads its answer into out.
func postGateway(ctx context.Context, gateway, apiKey, path string, request, out any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return askGateway(ctx, http.MethodPost, gateway, apiKey, path, body, out)
}

// getGateway reads what is at a path of the gateway's API into out.
func getGateway(ctx context.Context, gateway, apiKey, path string, out any) error {
	return askGateway(ctx, http.MethodGet, gateway, apiKey, path, nil, out)
}

func askGateway(ctx context.Context, method, gateway, apiKey, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, gatewayTimeout)
	defer cancel()
	raw, err := sendGateway(ctx, method, gateway, apiKey, path, body, maxGatewayAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}

// gatewayRefusal is an error that the gateway answered with.
type gatewayRefusal struct {
	status int
	says   string
}

func (e *gatewayRefusal) Error() string { return "the gateway says" + e.says }

// sendGateway sends one request to the gateway and returns the answer's body, of at most most bytes. Error: *gatewayRefusal
// where the gateway answered with one.
func sendGateway(ctx context.Context, method, gateway, apiKey, path string, body []byte, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(gateway, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--gateway: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, most+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("read the gateway's answer: %w", err)
	case int64(len(raw)) > most:
		return nil, fmt.Errorf("the gateway's answer is larger than %d bytes", most)
	case resp.StatusCode != http.StatusOK:
		var f struct{ Error struct{ Message string } }
		if json.Unmarshal(raw, &f) != nil || f.Error.Message == "" {
			return nil, &gatewayRefusal{resp.StatusCode, fmt.Sprintf(" %s: %.300s", resp.Status, raw)}
		}
		return nil, &gatewayRefusal{resp.StatusCode, ": " + f.Error.Message}
	}
	return raw, nil
}
