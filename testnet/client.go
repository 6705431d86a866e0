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

	"github.com/tmaxmax/go-sse"
)

const (
	answerTimeout = 2 * time.Minute
	maxAnswer     = 8 << 20
)

// client speaks to the gateway as any OpenAI client does: over its HTTP API, with streaming.
type client struct {
	url, key string
}

// chatAnswer is what a streamed answer said, and what the gateway said about it.
type chatAnswer struct {
	Text    string
	Header  http.Header
	Usage   usage
	Chunks  int
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
		BaselineMicroUSD uint64  `json:"baseline_micro_usd"`
	} `json:"flotilla"`
}

type chunk struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
	Usage *usage `json:"usage"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// chat streams one answer. A stream that ends without [DONE] is an error.
func (c client) chat(ctx context.Context, model, prompt string, maxTokens int) (chatAnswer, error) {
	body, err := json.Marshal(map[string]any{
		"model": model, "stream": true, "max_tokens": maxTokens, "temperature": 0,
		"stream_options": map[string]bool{"include_usage": true},
		"messages":       []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return chatAnswer{}, fmt.Errorf("encode chat: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	start := time.Now()
	resp, err := c.do(ctx, http.MethodPost, "/chat/completions", body)
	if err != nil {
		return chatAnswer{}, err
	}
	defer resp.Body.Close()
	a := chatAnswer{Header: resp.Header}
	var text strings.Builder
	done := false
	for ev, err := range sse.Read(resp.Body, &sse.ReadConfig{MaxEventSize: maxAnswer}) {
		if err != nil {
			return a, fmt.Errorf("read stream: %w", err)
		}
		if ev.Data == "[DONE]" {
			done = true
			break
		}
		var ch chunk
		if err := json.Unmarshal([]byte(ev.Data), &ch); err != nil {
			return a, fmt.Errorf("read chunk: %w", err)
		}
		if ch.Error != nil {
			return a, fmt.Errorf("gateway: %s", ch.Error.Message)
		}
		if ch.Usage != nil {
			a.Usage = *ch.Usage
		}
		for _, choice := range ch.Choices {
			text.WriteString(choice.Delta.Content)
		}
		a.Chunks++
	}
	if !done {
		return a, errors.New("stream ended without [DONE]")
	}
	a.Text, a.Elapsed = text.String(), time.Since(start)
	return a, nil
}

// receipt fetches one receipt with everything that verifies it.
func (c client) receipt(ctx context.Context, id string) ([]byte, error) {
	resp, err := c.do(ctx, http.MethodGet, "/receipts/"+id, nil)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return nil, fmt.Errorf("read receipt: %w", err)
	}
	return raw, nil
}

func (c client) do(ctx context.Context, method, path string, body []byte) (*http.Response, error) {
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
	if resp.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, 4<<10))
		_ = resp.Body.Close()
		return nil, fmt.Errorf("gateway says %s: %s", resp.Status, bytes.TrimSpace(raw))
	}
	return resp, nil
}
