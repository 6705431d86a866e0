package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"flotilla/routing/probe"
)

const (
	// chatTimeout bounds one answer: 128 tokens at 1 token per second, as on an overloaded machine.
	chatTimeout = 130 * time.Second
	// maxReply bounds a reply's body; 128 tokens with timings take about 2 kB.
	maxReply = 1 << 20
	// seed makes servers that sample in spite of temperature 0 repeatable.
	seed = 1
)

// client asks one model on an OpenAI-compatible server.
type client struct{ url, model string }

// chatReply is the part of a chat completion that is used here.
type chatReply struct {
	Choices []struct {
		Message struct {
			Content string `json:"content"`
		} `json:"message"`
	} `json:"choices"`
	Usage struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
	} `json:"usage"`
}

// chat implements probe.Chat: one plain user message and no system prompt, as an ordinary client
// sends it.
func (c client) chat(ctx context.Context, prompt string, maxTokens int) (probe.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, chatTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"model": c.model, "temperature": 0, "seed": seed, "max_tokens": maxTokens,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return probe.Answer{}, fmt.Errorf("encode chat request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url+"/v1/chat/completions", bytes.NewReader(body))
	if err != nil {
		return probe.Answer{}, fmt.Errorf("make chat request: %w", err)
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return probe.Answer{}, fmt.Errorf("send chat request: %w", err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, maxReply))
	if err != nil {
		return probe.Answer{}, fmt.Errorf("read chat reply: %w", err)
	}
	if res.StatusCode != http.StatusOK {
		return probe.Answer{}, fmt.Errorf("chat: server answered %s: %.200s", res.Status, text)
	}
	var reply chatReply
	if err := json.Unmarshal(text, &reply); err != nil {
		return probe.Answer{}, fmt.Errorf("decode chat reply: %w", err)
	}
	if len(reply.Choices) == 0 {
		return probe.Answer{}, fmt.Errorf("chat: reply has no choices")
	}
	return probe.Answer{
		Text: reply.Choices[0].Message.Content, PromptTokens: reply.Usage.PromptTokens, OutputTokens: reply.Usage.CompletionTokens,
	}, nil
}
