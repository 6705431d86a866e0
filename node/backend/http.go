package backend

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

const (
	// queryTimeout bounds the small requests: model lists and properties.
	queryTimeout = 5 * time.Second
	// maxQueryBytes bounds their answers. llama.cpp's /props holds the chat template, Ollama's /api/show the licence;
	// a long list of models is some 100 KiB.
	maxQueryBytes = 4 << 20
)

// do sends a request with a body that can be sent again.
func (b *Backend) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, method, b.root+path, bytes.NewReader(body)) // sets GetBody
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	// Not sent, and tells net/http to send the request again where a server hangs up on an idle connection just when it comes:
	// as long as no byte was answered that costs at most some of the server's work.
	req.Header["Idempotency-Key"] = nil
	if b.opts.APIKey != "" {
		req.Header.Set("Authorization", "Bearer "+b.opts.APIKey)
	}
	if b.opts.NoStore {
		req.Header.Set("Cache-Control", "no-store")
	}
	return b.client.Do(req)
}

// query sends a small request and decodes its JSON answer into out.
func (b *Backend) query(ctx context.Context, method, path string, body []byte, out any) error {
	ctx, cancel := context.WithTimeout(ctx, queryTimeout)
	defer cancel()
	resp, err := b.do(ctx, method, path, body)
	if err != nil {
		return fmt.Errorf("ask %s: %w", path, err)
	}
	defer resp.Body.Close()
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxQueryBytes))
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("ask %s: %w", path, upstreamError(resp.StatusCode, data))
	}
	if err := json.Unmarshal(data, out); err != nil {
		return badAnswer("want JSON from "+path, data)
	}
	return nil
}
