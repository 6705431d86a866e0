package probe

import (
	"context"
	"fmt"
)

// DefaultMaxTokens bounds an answer: a short one fits into half of it, one that thinks aloud needs some hundred more.
const DefaultMaxTokens = 128

// Answer is what a model replied to one prompt.
type Answer struct {
	Text         string
	PromptTokens int // as the server counted them
	OutputTokens int
	From         string // who answered, where that is known
}

// Chat asks a model one prompt, as a single user message, at temperature 0.
type Chat func(ctx context.Context, prompt string, maxTokens int) (Answer, error)

// Options of [Run]. The zero value is good.
type Options struct {
	MaxTokens int                             // per answer; default DefaultMaxTokens
	Known     []Result                        // of an earlier run: probes with these ids and prompts are not asked again
	Keep      func(r Result) error            // called after each answer; an error ends the run
	Skip      func(err error) bool            // called where a probe gets no answer: true goes on without it; default: it ends the run
	Progress  func(done, total int, r Result) // called after each probe that was asked
}

// Result is one graded answer.
type Result struct {
	Model        string  `json:"model,omitempty"` // where it is kept with others
	From         string  `json:"from,omitempty"`  // the operator or server that answered, where it is known
	ID           string  `json:"id"`
	Category     string  `json:"category"`
	Prompt       string  `json:"prompt"`
	Answer       string  `json:"answer"`
	PromptTokens int     `json:"prompt_tokens"`
	OutputTokens int     `json:"output_tokens"`
	Score        float64 `json:"score"`
}

// Run asks every probe in order, one at a time, and grades the answers; those it skips have no result. On an error it
// returns the results so far with it.
func Run(ctx context.Context, chat Chat, probes []Probe, opts Options) ([]Result, error) {
	maxTokens := opts.MaxTokens
	if maxTokens == 0 {
		maxTokens = DefaultMaxTokens
	}
	known := map[string]Result{}
	for _, r := range opts.Known {
		known[r.ID] = r
	}
	results := make([]Result, 0, len(probes))
	for _, p := range probes {
		if r, ok := known[p.ID]; ok && r.Prompt == p.Prompt {
			r.Score = Grade(p, r.Answer)
			results = append(results, r)
			continue
		}
		answer, err := chat(ctx, p.Prompt, maxTokens)
		if err != nil {
			err = fmt.Errorf("ask probe %s: %w", p.ID, err)
			if opts.Skip == nil || !opts.Skip(err) {
				return results, err
			}
			continue
		}
		r := Result{
			From: answer.From, ID: p.ID, Category: p.Category, Prompt: p.Prompt, Answer: answer.Text,
			PromptTokens: answer.PromptTokens, OutputTokens: answer.OutputTokens, Score: Grade(p, answer.Text),
		}
		if opts.Keep != nil {
			if err := opts.Keep(r); err != nil {
				return results, fmt.Errorf("keep answer to probe %s: %w", p.ID, err)
			}
		}
		results = append(results, r)
		if opts.Progress != nil {
			opts.Progress(len(results), len(probes), r)
		}
	}
	return results, nil
}

// Regrade scores stored results again with the graders of probes.
func Regrade(probes []Probe, results []Result) {
	byID := make(map[string]Probe, len(probes))
	for _, p := range probes {
		byID[p.ID] = p
	}
	for i, r := range results {
		if p, ok := byID[r.ID]; ok {
			results[i].Score = Grade(p, r.Answer)
		}
	}
}
