package testnet

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"flotilla/node/backend"
	"flotilla/routing"
)

const (
	answerTimeout = 2 * time.Minute
	maxAnswer     = 1 << 20 // a receipt or a decision
)

// client speaks to the gateway as any OpenAI client does: over its HTTP API, with streaming. To it a gateway is one
// more OpenAI-compatible server.
type client struct {
	url, key string
	chats    *backend.Backend
}

func newClient(url, key string) (client, error) {
	b, err := backend.New(url, backend.Options{APIKey: key})
	if err != nil {
		return client{}, fmt.Errorf("open gateway: %w", err)
	}
	return client{url, key, b}, nil
}

// chatAnswer is what a streamed answer said, and what the gateway said about it.
type chatAnswer struct {
	Text    string
	Usage   usage
	Elapsed time.Duration
}

// usage is the last chunk's usage object with the gateway's additions.
type usage struct {
	PromptTokens     uint32  `json:"prompt_tokens"`
	CompletionTokens uint32  `json:"completion_tokens"`
	Cost             float64 `json:"cost"`
	Flotilla         struct {
		Model            string  `json:"model"`
		Operator         string  `json:"operator"`
		Reason           string  `json:"reason"`
		Why              string  `json:"why"`
		PredictedQuality float64 `json:"predicted_quality"`
		InputPerMTok     uint64  `json:"input_micro_usd_per_mtok"`
		OutputPerMTok    uint64  `json:"output_micro_usd_per_mtok"`
		ReceiptID        string  `json:"receipt_id"`
		CostMicroUSD     uint64  `json:"cost_micro_usd"`
		BaselineModel    string  `json:"baseline_model"`
		BaselineQuality  float64 `json:"baseline_quality"`
		BaselineMicroUSD uint64  `json:"baseline_micro_usd"`
	} `json:"flotilla"`
}

// chat streams one answer. A stream that does not end cleanly is an error.
func (c client) chat(ctx context.Context, model, prompt string, maxTokens int) (chatAnswer, error) {
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": true, "max_tokens": maxTokens, "temperature": 0,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return chatAnswer{}, fmt.Errorf("encode chat: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	start := time.Now()
	s, err := c.chats.Chat(ctx, body, true)
	if err != nil {
		return chatAnswer{}, fmt.Errorf("ask gateway: %w", err)
	}
	defer func() { _ = s.Close() }()
	var a chatAnswer
	var text strings.Builder
	for {
		ev, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return a, fmt.Errorf("read answer: %w", err)
		}
		text.WriteString(ev.Text)
		if ev.Usage == nil {
			continue
		}
		var last struct {
			Usage usage `json:"usage"`
		}
		if err := json.Unmarshal(ev.Data, &last); err != nil {
			return a, fmt.Errorf("read usage: %w", err)
		}
		a.Usage = last.Usage
	}
	a.Text, a.Elapsed = text.String(), time.Since(start)
	return a, nil
}

// receipt fetches one receipt with everything that verifies it.
func (c client) receipt(ctx context.Context, id string) ([]byte, error) {
	return c.do(ctx, http.MethodGet, "/receipts/"+id, nil)
}

// route is a dry run: where the gateway would send a prompt, and why.
func (c client) route(ctx context.Context, prompt string, maxTokens int, dial float64) (routing.Decision, error) {
	body, err := json.Marshal(map[string]any{
		"model": autoModel, "max_tokens": maxTokens, "cost_quality_tradeoff": dial,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return routing.Decision{}, fmt.Errorf("encode dry run: %w", err)
	}
	raw, err := c.do(ctx, http.MethodPost, "/route", body)
	if err != nil {
		return routing.Decision{}, err
	}
	var d routing.Decision
	if err := json.Unmarshal(raw, &d); err != nil {
		return routing.Decision{}, fmt.Errorf("read decision: %w", err)
	}
	return d, nil
}

// do returns the body of a 200 answer.
func (c client) do(ctx context.Context, method, path string, body []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, c.url+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("make request: %w", err)
	}
	req.Header.Set("Authorization", "Bearer "+c.key)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("ask gateway: %w", err)
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("gateway says %s: %.400s", resp.Status, raw)
	}
	return raw, nil
}
