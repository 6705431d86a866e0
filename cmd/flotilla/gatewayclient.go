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
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(gateway, "/")+path, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("--gateway: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+apiKey)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("ask the gateway: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxGatewayAnswer))
	if err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		var f struct{ Error struct{ Message string } }
		if json.Unmarshal(raw, &f) != nil || f.Error.Message == "" {
			return fmt.Errorf("the gateway says %s: %.300s", resp.Status, raw)
		}
		return fmt.Errorf("the gateway says: %s", f.Error.Message)
	}
	if err := json.Unmarshal(raw, out); err != nil {
		return fmt.Errorf("read the gateway's answer: %w", err)
	}
	return nil
}
