package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"

	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
	"flotilla/routing/probe"
)

type judgeCmd struct {
	Log     string    `help:"Answered prompts, JSON lines: {\"prompt\":…,\"answer\":…,\"model\":…} and, if known, output_tokens and reference (a right answer)." required:"" type:"existingfile" placeholder:"FILE"`
	Model   string    `help:"The judge: a model of the gateway, better than those it judges." required:"" placeholder:"NAME"`
	Gateway serverURL `help:"URL of the gateway, or of any OpenAI-compatible server." env:"FLOTILLA_GATEWAY" default:"http://127.0.0.1:8420"`
	APIKey  string    `help:"Its API key." name:"api-key" env:"FLOTILLA_API_KEY" placeholder:"KEY"`
	Out     string    `help:"File for the rows." required:"" type:"path" placeholder:"FILE"`
	Resume  bool      `help:"Go on with an earlier run's --out: judge only the answers that have no row in it."`
}

// Help is shown above the flags.
func (c *judgeCmd) Help() string {
	return "Your log stays on your machine but for what the judge is sent. Look through the rows, then put them into the index with 'flotilla index add FILE --source judge'; 'index remove --source judge' takes them out again. Answers on which the judge gives no readable verdict, or that it refuses (as one longer than its context), get no row."
}

// maxLogged bounds a log: at a second a verdict, some hours.
const maxLogged = 10_000

// Run judges one answer after the other.
func (c *judgeCmd) Run(ctx context.Context, s *streams) error {
	if openai.IsAuto(c.Model) {
		return fmt.Errorf("--model %s lets the router choose, so the verdicts would be of no one judge: name a model", c.Model)
	}
	logged, err := c.logged()
	if err != nil {
		return err
	}
	b, err := backend.New(string(c.Gateway), backend.Options{APIKey: c.APIKey, NoStore: true})
	if err != nil {
		return fmt.Errorf("--gateway: %w", err)
	}
	defer b.Close()
	out, judged := &lineFile{name: c.Out}, map[string]bool{}
	if c.Resume {
		var rows []judgedRow
		if out, rows, err = resumeLines[judgedRow](c.Out); err != nil {
			return err
		}
		for _, r := range rows {
			if r.Judge != "" && r.Judge != c.Model {
				return fmt.Errorf("resume %s: it has verdicts of %s, not of %s: give another --out", c.Out, r.Judge, c.Model)
			}
			judged[r.ID] = true
		}
	}
	n, err := judgeAll(ctx, s, asking{backend: b.WithModel(c.Model)}, logged, judged, out)
	if err := out.finish(err); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "%d of %d answers got a verdict\n", n, len(logged))
	return err
}

// judgeAll adds a row to out for each answer that gets a verdict and was not judged before, and counts those that have one. A judge
// that refuses all is an error.
func judgeAll(ctx context.Context, s *streams, judge asking, logged []probe.Logged, judged map[string]bool, out *lineFile) (verdicts int, err error) {
	bar := newProgressBar(s.err)
	defer bar.clear()
	log := bar.above(s.err)
	chat := judge.patient(log)
	var refused error
	replies := 0
	for i, l := range logged {
		bar.show("judge", i, len(logged))
		if judged[rowID(l)] {
			verdicts++
			continue
		}
		reply, err := chat(ctx, probe.JudgePrompt(l), probe.JudgeTokens)
		if refusesOne(err) {
			refused = fmt.Errorf("judge line %d: %w", i+1, err)
			fmt.Fprintf(log, "no verdict: %s\n", plain(refused.Error()))
			continue
		}
		if err != nil {
			return verdicts, fmt.Errorf("judge line %d: %w", i+1, err)
		}
		replies++
		if score, ok := probe.ParseVerdict(reply.Text); ok {
			verdicts++
			if err := out.add(judgedRow{rowOf(l, score), judge.backend.Model()}); err != nil {
				return verdicts, fmt.Errorf("keep verdict on line %d: %w", i+1, err)
			}
		}
	}
	if replies == 0 && verdicts == 0 { // it is asked wrongly
		return verdicts, refused
	}
	return verdicts, nil
}

// refusesOne: the judge refused this question, perhaps as longer than its context; it may answer the next. To end the run would end
// each --resume at the same line.
func refusesOne(err error) bool {
	var said *backend.UpstreamError
	return errors.As(err, &said) && slices.Contains([]int{http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity}, said.Status)
}

func (c *judgeCmd) logged() ([]probe.Logged, error) {
	raw, err := readBounded(c.Log, maxAnswersBytes)
	if err != nil {
		return nil, fmt.Errorf("read log: %w", err)
	}
	logged, err := probe.ReadLines[probe.Logged](bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Log, err)
	}
	if len(logged) == 0 || len(logged) > maxLogged {
		return nil, fmt.Errorf("%s: %d answers: want 1 to %d", c.Log, len(logged), maxLogged)
	}
	for i, l := range logged {
		if l.Prompt == "" || l.Answer == "" || l.Model == "" {
			return nil, fmt.Errorf("%s line %d: want prompt, answer and model", c.Log, i+1)
		}
	}
	return logged, nil
}

// judgedRow is a row of the file; who judged is of no use to the index.
type judgedRow struct {
	index.Sample
	Judge string `json:"judge,omitempty"`
}

// rowID tells an answer's row from those of other answers to the same prompt.
func rowID(l probe.Logged) string {
	raw, _ := json.Marshal(l) // strings and a number always encode
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:16])
}

func rowOf(l probe.Logged, score float64) index.Sample {
	id := catalogue.ID(l.Model)
	row := index.Sample{ID: rowID(l), Prompt: l.Prompt, Scores: map[string]float64{id: score}}
	if l.OutputTokens > 0 {
		row.OutputTokens = map[string]float64{id: float64(l.OutputTokens)}
	}
	return row
}
