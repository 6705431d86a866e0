package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"flotilla/node/backend"
	"flotilla/routing/catalogue"
	"flotilla/routing/probe"
)

type probeCmd struct {
	Ask   probeRunCmd   `cmd:"" name:"run" default:"withargs" help:"Ask one served model every probe and write its graded answers."`
	Merge probeMergeCmd `cmd:"" help:"Join the answer files of several models into index rows; grades the stored answers anew."`
}

type probeRunCmd struct {
	Backend string `help:"Base URL of an OpenAI-compatible server (or a gateway)." env:"FLOTILLA_BACKENDS" required:"" placeholder:"URL"`
	Model   string `help:"Model as the server names it; without it, the server's only one." placeholder:"NAME"`
	APIKey  string `help:"API key, where the server wants one." name:"api-key" env:"FLOTILLA_API_KEY" placeholder:"KEY"`
	Out     string `help:"File for the answers, as JSON lines." required:"" type:"path" placeholder:"FILE"`
	Limit   int    `help:"Ask only about this many probes, spread over all categories; 0 asks all." default:"0"`
}

// probeTimeout bounds one probe's answer: 128 tokens on a slow CPU.
const probeTimeout = 5 * time.Minute

// Run asks, grades and writes; what was answered before an error is kept.
func (c *probeRunCmd) Run(ctx context.Context, s *streams) error {
	b, model, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer b.Close()
	probes := spread(probe.Default(), c.Limit)
	results, err := probe.Run(ctx, func(ctx context.Context, prompt string, maxTokens int) (probe.Answer, error) {
		return askOnce(ctx, b, prompt, maxTokens)
	}, probes, probe.Options{Progress: func(done, total int, r probe.Result) {
		fmt.Fprintf(s.err, "%3d/%d %-18s %.2f %4d tokens\n", done, total, r.ID, r.Score, r.OutputTokens)
	}})
	if err := errors.Join(err, writeLines(c.Out, results)); err != nil {
		return err
	}
	_, err = fmt.Fprint(s.out, probe.Table(probe.Rows(probes, map[string][]probe.Result{catalogue.ID(model): results})))
	return err
}

func (c *probeRunCmd) open(ctx context.Context) (*backend.Backend, string, error) {
	b, err := backend.New(c.Backend, backend.Options{APIKey: c.APIKey})
	if err != nil {
		return nil, "", fmt.Errorf("--backend: %w", err)
	}
	model := c.Model
	if model == "" {
		models, err := b.Models(ctx)
		if err != nil {
			return nil, "", fmt.Errorf("list models of %s: %w", b.URL(), err)
		}
		if len(models) != 1 {
			return nil, "", fmt.Errorf("%s serves %d models: name one with --model", b.URL(), len(models))
		}
		model = models[0].ID
	}
	return b.WithModel(model), model, nil
}

// askOnce sends what a normal client would send for a reproducible answer.
func askOnce(ctx context.Context, b *backend.Backend, prompt string, maxTokens int) (probe.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	body, err := json.Marshal(map[string]any{
		"model": b.Model(), "temperature": 0, "seed": 1, "max_tokens": maxTokens,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
	})
	if err != nil {
		return probe.Answer{}, fmt.Errorf("encode chat: %w", err)
	}
	s, err := b.Chat(ctx, body, false)
	if err != nil {
		return probe.Answer{}, err
	}
	defer func() { _ = s.Close() }()
	var a probe.Answer
	for {
		ev, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return a, nil
		}
		if err != nil {
			return a, err
		}
		a.Text += ev.Text
		if ev.Usage != nil {
			a.PromptTokens, a.OutputTokens = int(ev.Usage.PromptTokens), int(ev.Usage.CompletionTokens)
		}
	}
}

// spread takes about limit probes, evenly over the ordered list and so over its categories.
func spread(all []probe.Probe, limit int) []probe.Probe {
	if limit <= 0 || limit >= len(all) {
		return all
	}
	out := make([]probe.Probe, 0, limit)
	for i := range limit {
		out = append(out, all[i*len(all)/limit])
	}
	return out
}

type probeMergeCmd struct {
	Answers []string `arg:"" help:"Answer files, named MODEL.jsonl." type:"existingfile"`
	Out     string   `help:"File for the rows." required:"" type:"path" placeholder:"FILE"`
}

// Run grades the stored answers again, so a changed grader needs no new run of the models.
func (c *probeMergeCmd) Run(s *streams) error {
	probes := probe.Default()
	byModel := map[string][]probe.Result{}
	for _, name := range c.Answers {
		raw, err := readBounded(name, maxAnswersBytes)
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		results, err := probe.ReadLines[probe.Result](bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		probe.Regrade(probes, results)
		byModel[catalogue.ID(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))] = results
	}
	rows := probe.Rows(probes, byModel)
	if err := writeLines(c.Out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprint(s.out, probe.Table(rows))
	return err
}

// maxAnswersBytes bounds an answer file: some hundred answers of some hundred bytes.
const maxAnswersBytes = 64 << 20

func writeLines[T any](file string, values []T) error {
	var buf bytes.Buffer
	if err := probe.WriteLines(&buf, values); err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return fmt.Errorf("make folder: %w", err)
	}
	if err := os.WriteFile(file, buf.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return nil
}
