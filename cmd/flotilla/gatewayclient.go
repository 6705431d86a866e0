package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// gatewayTimeout bounds a request that asks a gateway and no operator.
const gatewayTimeout = 30 * time.Second

// maxGatewayAnswer bounds what is read of its answer.
const maxGatewayAnswer = 1 << 20

// postGateway sends request as JSON to a path of the gateway's API and reads its answer into out.
func postGateway(ctx context.Context, gateway serverURL, apiKey, path string, request, out any) error {
	body, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("encode request: %w", err)
	}
	return askGateway(ctx, http.MethodPost, gateway, apiKey, path, body, out)
}

// getGateway reads what is at a path of the gateway's API into out.
func getGateway(ctx context.Context, gateway serverURL, apiKey, path string, out any) error {
	return askGateway(ctx, http.MethodGet, gateway, apiKey, path, nil, out)
}

func askGateway(ctx context.Context, method string, gateway serverURL, apiKey, path string, body []byte, out any) error {
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

// sendGateway sends one request to the gateway and returns the answer's body, of at most most bytes. Error: *refusal
// where the gateway answered with one.
func sendGateway(ctx context.Context, method string, gateway serverURL, apiKey, path string, body []byte, most int64) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, string(gateway)+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("--gateway: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask the gateway: %w", err)
	}
	raw, err := readReply(resp, "the gateway", most, func(body []byte) string {
		var f struct{ Error struct{ Message string } }
		_ = json.Unmarshal(body, &f) // a proxy's answer has another shape
		return f.Error.Message
	})
	if notHere(err) != "" {
		return nil, fmt.Errorf("%w (is %s a gateway's API? Its administration is at another address, --admin-listen)", err, gateway)
	}
	return raw, err
}
