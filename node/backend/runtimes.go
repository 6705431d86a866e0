package backend

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"flotilla/node/rawjson"
)

// ollamaDefaultContext is what Ollama runs a model with when neither the model nor the server's user set num_ctx. It
// drops the beginning of longer prompts without an error, so that claiming the trained length would be wrong.
const ollamaDefaultContext = 4096

// describeLlamaCpp reads /props. The server runs one model under one or more aliases.
func (b *Backend) describeLlamaCpp(ctx context.Context, models []Model) error {
	var props struct {
		Settings struct {
			NCtx float64 `json:"n_ctx"`
		} `json:"default_generation_settings"`
		Path       string          `json:"model_path"`
		Ftype      string          `json:"model_ftype"`
		Template   string          `json:"chat_template"`
		Modalities map[string]bool `json:"modalities"`
	}
	if err := b.query(ctx, http.MethodGet, "/props", nil, &props); err != nil {
		return err
	}
	embeds := b.embeds(ctx)
	for i := range models {
		m := &models[i]
		if n := tokenCount(props.Settings.NCtx); n > 0 {
			m.ContextLength = n // of one slot, which is what one request gets
		}
		m.Quantization = firstOf(props.Ftype, m.Quantization, quantizationIn(props.Path))
		if embeds { // some chat too, most of those badly: what was started to embed is not offered for chats
			m.Features = []string{FeatureEmbeddings}
			continue
		}
		m.Features = []string{FeatureJSON} // grammars work with every model
		if strings.Contains(props.Template, "tools") {
			m.Features = append(m.Features, FeatureTools)
		}
		if props.Modalities["vision"] {
			m.Features = append(m.Features, FeatureVision)
		}
	}
	return nil
}

type ollamaTag struct {
	Name    string `json:"name"`
	Context uint32 `json:"context_length"` // in /api/ps only
	Details struct {
		Quantization string `json:"quantization_level"`
	} `json:"details"`
}

// describeOllama reads /api/tags, /api/ps and, per model, /api/show.
func (b *Backend) describeOllama(ctx context.Context, models []Model) error {
	var tags, running struct {
		Models []ollamaTag `json:"models"`
	}
	if err := b.query(ctx, http.MethodGet, "/api/tags", nil, &tags); err != nil {
		return err
	}
	if err := b.query(ctx, http.MethodGet, "/api/ps", nil, &running); err != nil {
		running.Models = nil // older servers; only the context of loaded models is lost
	}
	for i := range models {
		m := &models[i]
		byName := func(t ollamaTag) bool { return t.Name == m.ID }
		if j := slices.IndexFunc(tags.Models, byName); j >= 0 {
			m.Quantization = firstOf(tags.Models[j].Details.Quantization, m.Quantization)
		}
		if err := b.showOllama(ctx, m); err != nil {
			return err
		}
		if j := slices.IndexFunc(running.Models, byName); j >= 0 && running.Models[j].Context > 0 {
			m.ContextLength = running.Models[j].Context
		}
	}
	return nil
}

// showOllama fills in one model's context length and features.
func (b *Backend) showOllama(ctx context.Context, m *Model) error {
	var show struct {
		Parameters   string                     `json:"parameters"`
		Info         map[string]json.RawMessage `json:"model_info"`
		Capabilities []string                   `json:"capabilities"`
	}
	ask := fmt.Appendf(nil, `{"model":%s}`, rawjson.Quote(m.ID))
	if err := b.query(ctx, http.MethodPost, "/api/show", ask, &show); err != nil {
		return fmt.Errorf("show model %s: %w", m.ID, err)
	}
	m.ContextLength = ollamaDefaultContext
	for key, raw := range show.Info {
		var trained uint32
		if strings.HasSuffix(key, ".context_length") && json.Unmarshal(raw, &trained) == nil && trained > 0 {
			m.ContextLength = min(trained, ollamaDefaultContext)
		}
	}
	for line := range strings.Lines(show.Parameters) {
		if f := strings.Fields(line); len(f) == 2 && f[0] == "num_ctx" {
			if n, err := strconv.ParseUint(f[1], 10, 32); err == nil {
				m.ContextLength = uint32(n)
			}
		}
	}
	m.Features = []string{FeatureJSON}
	for _, c := range show.Capabilities {
		if c == "tools" || c == "vision" {
			m.Features = append(m.Features, c)
		}
	}
	switch {
	case len(show.Capabilities) == 0 || slices.Contains(show.Capabilities, "completion"):
	case slices.Contains(show.Capabilities, "embedding"):
		m.Features = []string{FeatureEmbeddings}
	default:
		m.Features = []string{useless}
	}
	return nil
}

// describeLMStudio reads its native list.
func (b *Backend) describeLMStudio(ctx context.Context, models []Model) error {
	var list struct {
		Data []struct {
			ID           string   `json:"id"`
			Type         string   `json:"type"` // llm, vlm, embeddings
			Quantization string   `json:"quantization"`
			Max          uint32   `json:"max_context_length"`
			Loaded       uint32   `json:"loaded_context_length"`
			Capabilities []string `json:"capabilities"`
		} `json:"data"`
	}
	if err := b.query(ctx, http.MethodGet, "/api/v0/models", nil, &list); err != nil {
		return err
	}
	for i := range models {
		m := &models[i]
		for _, d := range list.Data {
			if d.ID != m.ID {
				continue
			}
			m.Quantization = firstOf(d.Quantization, m.Quantization)
			if m.ContextLength = d.Loaded; d.Loaded == 0 {
				m.ContextLength = d.Max // of a model that is not loaded: what it could be loaded with
			}
			m.Features = []string{FeatureJSON}
			if slices.Contains(d.Capabilities, "tool_use") {
				m.Features = append(m.Features, FeatureTools)
			}
			switch d.Type {
			case "vlm":
				m.Features = append(m.Features, FeatureVision)
			case "embeddings":
				m.Features = []string{FeatureEmbeddings}
			}
		}
	}
	return nil
}
