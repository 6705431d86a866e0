package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/ethereum/go-ethereum/common"

	"flotilla/node/backend"
	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/catalogue"
	"flotilla/routing/index"
	"flotilla/routing/probe"
)

type probeCmd struct {
	Ask       probeRunCmd       `cmd:"" name:"run" default:"withargs" help:"Ask one served model every probe and write its graded answers."`
	Study     probeStudyCmd     `cmd:"" help:"Measure, on a table of outcomes, how much of a new model's saving a few probes bring."`
	Impostors probeImpostorsCmd `cmd:"" help:"Measure, on a table of outcomes, how soon an operator that serves another model than it claims is caught."`
	Merge     probeMergeCmd     `cmd:"" help:"Join the answer files of several models into index rows; grades the stored answers anew."`
}

type probeRunCmd struct {
	Target  string    `arg:"" optional:"" help:"Operator (0x…) or model that a running gateway is to ask; each probe is paid like any request."`
	Gateway serverURL `help:"URL of the gateway." env:"FLOTILLA_GATEWAY" default:"http://127.0.0.1:8420"`
	Backend string    `help:"Base URL of an OpenAI-compatible server to ask instead of a gateway's fleet." env:"FLOTILLA_PROBE_BACKEND" placeholder:"URL"`
	Model   string    `help:"Model as the server or operator names it; without it, its only one." placeholder:"NAME"`
	APIKey  string    `help:"API key of the gateway, or of the server where it wants one." name:"api-key" env:"FLOTILLA_API_KEY" placeholder:"KEY"`
	Limit   int       `help:"Probes to ask, chosen to cover what the index covers; 0 asks all." default:"100"`
	Tokens  int       `help:"Most output tokens an answer may have." name:"max-tokens" default:"400" positive:""`
	Out     string    `help:"File for the answers, as JSON lines." type:"path" placeholder:"FILE"`
	Resume  bool      `help:"Go on with an earlier run's --out: ask only what it lacks."`
	Add     bool      `help:"Put the graded answers into the index, in place of earlier ones of this model."`
	indexTarget
}

// Help is shown above the flags.
func (c *probeRunCmd) Help() string {
	return "Either OPERATOR or MODEL is asked through a running gateway, or --backend directly. --out keeps the answers, --add makes index rows of them: in the running gateway (--admin), or in the file that --index names. Rows bear the source probe:MODEL@OPERATOR (probe:MODEL with --backend), by which 'index remove --source' takes them out; answers that are not those that other operators gave as this model are not added."
}

// probeTimeout bounds one probe's answer: some hundred tokens on a slow CPU.
const probeTimeout = 5 * time.Minute

// Run asks, grades and writes.
func (c *probeRunCmd) Run(ctx context.Context, s *streams) error {
	if c.Out == "" && !c.Add {
		return errors.New("nowhere to put the answers: give --out FILE, --add, or both")
	}
	if c.Out == "" && c.Resume {
		return errors.New("--resume goes on with --out FILE: name it")
	}
	asked, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer asked.backend.Close()
	emb, closeEmb, err := embedderFlags{}.openEmbedder()
	if err != nil {
		return err
	}
	defer closeEmb()
	probes, vectors, err := c.choose(ctx, emb)
	if err != nil {
		return err
	}
	model := catalogue.ID(asked.backend.Model())
	results, err := c.run(ctx, s, asked, model, probes)
	if err != nil {
		return err
	}
	if _, err := fmt.Fprint(s.out, probe.Table(probe.Rows(probes, map[string][]probe.Result{model: results}))); err != nil {
		return err
	}
	if n := len(probes) - len(results); n > 0 {
		fmt.Fprintf(s.err, "%d of %d prompts were not graded%s\n", n, len(probes), c.again())
	}
	if !c.Add {
		return nil
	}
	near := make(map[string][]float32, len(probes))
	for i, p := range probes {
		near[p.ID] = vectors[i]
	}
	return c.addRows(ctx, s, emb, model, near, results)
}

// again says how the prompts that were not graded are asked once more.
func (c *probeRunCmd) again() string {
	if c.Out == "" {
		return ""
	}
	return ": the same command with --resume asks them again"
}

// run asks what --resume does not find in --out, and adds each answer to that.
func (c *probeRunCmd) run(ctx context.Context, s *streams, asked asking, model string, probes []probe.Probe) ([]probe.Result, error) {
	left := ungraded{log: s.err, total: len(probes)}
	opts := probe.Options{MaxTokens: c.Tokens, Skip: left.goesOn, Progress: func(done, total int, r probe.Result) {
		left.inARow = 0
		fmt.Fprintf(s.err, "%3d/%d %-18s %.2f %4d tokens\n", done, total, r.ID, r.Score, r.OutputTokens)
	}}
	chat := asked.patient(s.err)
	if c.Out == "" {
		results, err := probe.Run(ctx, chat, probes, opts)
		return results, left.ended(err)
	}
	out, from := &lineFile{name: c.Out}, c.from(asked)
	if c.Resume {
		var err error
		if out, opts.Known, err = resumeLines[probe.Result](c.Out); err != nil {
			return nil, err
		}
		for _, r := range opts.Known {
			if r.Model != "" && (r.Model != model || from != "" && !strings.EqualFold(r.From, from)) {
				return nil, fmt.Errorf("resume %s: it has answers of %s, not of %s: give another --out", c.Out, giver(r.Model, r.From), giver(model, from))
			}
		}
	}
	opts.Keep = func(r probe.Result) error {
		r.Model, r.From = model, cmp.Or(r.From, from)
		return out.add(r)
	}
	results, err := probe.Run(ctx, chat, probes, opts)
	return results, out.finish(left.ended(err))
}

// from is the operator or server whose answers these are; "" where the gateway may ask any that serves the model.
func (c *probeRunCmd) from(asked asking) string {
	if c.Backend != "" {
		return asked.backend.URL()
	}
	return asked.operator
}

// giver names whose answers a file has.
func giver(model, from string) string {
	return strings.TrimSuffix(model+" by "+from, " by ")
}

// choose takes the probes that cover the index, with their vectors. Without --index, the built-in one stands for the
// gateway's: what it covers differs little.
func (c *probeRunCmd) choose(ctx context.Context, emb routing.Embedder) ([]probe.Probe, [][]float32, error) {
	all := probe.Default()
	vectors := make([][]float32, len(all))
	for i, p := range all {
		var err error
		if vectors[i], err = emb.Embed(ctx, p.Prompt); err != nil {
			return nil, nil, fmt.Errorf("embed probe %s: %w", p.ID, err)
		}
	}
	if c.Limit <= 0 || c.Limit >= len(all) {
		return all, vectors, nil
	}
	name := c.Index
	if name == builtIn {
		name = ""
	}
	x, err := openIndex(name)
	if errors.Is(err, fs.ErrNotExist) { // --add makes the file
		x, err = openIndex("")
	}
	if err != nil {
		return nil, nil, err
	}
	if err := x.CheckEmbedder(emb.ID()); err != nil {
		return nil, nil, err
	}
	chosen, err := probe.Choose(x, vectors, c.Limit, probe.DefaultRule)
	if err != nil {
		return nil, nil, err
	}
	slices.Sort(chosen)
	probes, near := make([]probe.Probe, len(chosen)), make([][]float32, len(chosen))
	for i, at := range chosen {
		probes[i], near[i] = all[at], vectors[at]
	}
	return probes, near, nil
}

// addRows replaces the probe rows that the model has of each operator that answered, in one edit for each. An operator's answers that
// are not those that others gave as this model are left out: they would be taken for the model's.
func (c *probeRunCmd) addRows(ctx context.Context, s *streams, emb routing.Embedder, model string, vectors map[string][]float32, results []probe.Result) error {
	there, err := c.indexTarget.open(ctx)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	bySource := map[string][]probe.Result{}
	for _, r := range results {
		source := probe.SourcePrefix + model
		if common.IsHexAddress(r.From) {
			source += "@" + common.HexToAddress(r.From).Hex()
		}
		bySource[source] = append(bySource[source], r)
	}
	var refused []error
	for _, source := range slices.Sorted(maps.Keys(bySource)) {
		rows, err := probeRows(emb, model, source, vectors, bySource[source])
		if err != nil {
			return err
		}
		if there != nil {
			all, each, err := probe.Served(there, rows, model, source)
			if err != nil {
				return err
			}
			for _, c := range each {
				fmt.Fprintln(s.err, plain(compared(c)))
			}
			if all.Finding.Verdict == probe.Substituted {
				refused = append(refused, fmt.Errorf("%s: after %d probes its answers are not those of the model that others serve as %s (in one case of 100 this is chance): its rows were not added. Where those of another are the false ones, take them out with 'flotilla index remove --source', and run the command again", source, all.Finding.Probes, model))
				continue
			}
			if unnamed := probe.SourcePrefix + model; source != unnamed && slices.Contains(there.Sources(), unnamed) {
				fmt.Fprintf(s.err, "rows of %s are of no operator (--backend, or an earlier flotilla) and stay: 'flotilla index remove --source %[1]s' takes them out\n", plain(unnamed))
			}
		}
		e, err := c.add(ctx, rows, source)
		if err != nil {
			return err
		}
		if err := printEdited(s, e, false); err != nil {
			return err
		}
	}
	return errors.Join(refused...)
}

// compared says in words how two sources' answers as one model stand to one another.
func compared(c probe.Comparison) string {
	verdict := "nothing speaks against one model"
	if c.Finding.Verdict == probe.Substituted {
		verdict = "not one model's"
	}
	return fmt.Sprintf("%s and %s: %.0f %% alike on %d probes that both answered as %s, %s", c.Source, c.Other, percent*c.Agreement, c.Shared, c.Model, verdict)
}

// probeRows are the graded answers as an index.
func probeRows(emb routing.Embedder, model, source string, vectors map[string][]float32, results []probe.Result) (*index.Index, error) {
	b, err := index.NewBuilder(emb.ID(), emb.Dim())
	if err != nil {
		return nil, err
	}
	for _, r := range results {
		if err := b.Add(index.Row{Vector: vectors[r.ID], Source: source, Outcomes: []index.Outcome{{Model: model, Score: r.Score, OutputTokens: uint32(max(r.OutputTokens, 0))}}}); err != nil {
			return nil, fmt.Errorf("probe %s: %w", r.ID, err)
		}
	}
	return b.Build()
}

// asking is the model under test and the way to it.
type asking struct {
	backend  *backend.Backend
	operator string // "": any
}

func (c *probeRunCmd) open(ctx context.Context) (asking, error) {
	if (c.Target == "") == (c.Backend == "") {
		return asking{}, errors.New("name an OPERATOR or MODEL for the gateway to ask, or --backend URL, and not both")
	}
	url := c.Backend
	if c.Target != "" {
		url = string(c.Gateway)
	}
	b, err := backend.New(url, backend.Options{APIKey: c.APIKey, NoStore: true})
	if err != nil {
		return asking{}, fmt.Errorf("%s: %w", url, err)
	}
	a := asking{backend: b}
	model := c.Model
	switch {
	case strings.HasPrefix(c.Target, "0x"):
		a.operator = c.Target
		if model == "" {
			model, err = c.onlyModel(ctx)
		}
	case c.Target != "":
		model = c.Target
	case model == "":
		model, err = onlyServed(ctx, b)
	}
	if err == nil && c.Target != "" && openai.IsAuto(model) {
		err = fmt.Errorf("%s lets the router choose, so the answers would be of no one model: name a model", model)
	}
	if err != nil {
		b.Close()
		return asking{}, err
	}
	a.backend = b.WithModel(model)
	return a, nil
}

// onlyServed is the one model of a server.
func onlyServed(ctx context.Context, b *backend.Backend) (string, error) {
	models, err := b.Models(ctx)
	if err != nil {
		return "", fmt.Errorf("list models of %s: %w", b.URL(), err)
	}
	if len(models) != 1 {
		return "", fmt.Errorf("%s serves %d models: name one with --model", b.URL(), len(models))
	}
	return models[0].ID, nil
}

// onlyModel is the one model that the operator offers, by what the gateway would consider.
func (c *probeRunCmd) onlyModel(ctx context.Context) (string, error) {
	var d routing.Decision
	err := postGateway(ctx, c.Gateway, c.APIKey, "/v1/route", map[string]any{
		"model": "auto", "provider": map[string]any{"only": []string{c.Target}}, "messages": []map[string]string{{"role": "user", "content": "hello"}},
	}, &d)
	if err != nil {
		return "", err
	}
	var models []string
	for _, o := range d.Considered {
		if !slices.Contains(models, string(o.Model)) {
			models = append(models, string(o.Model))
		}
	}
	if len(models) != 1 {
		return "", fmt.Errorf("operator %s offers %s: name one with --model", c.Target, strings.Join(models, ", "))
	}
	return models[0], nil
}

// ask sends what a normal client would send for a reproducible answer.
func (a asking) ask(ctx context.Context, prompt string, maxTokens int) (probe.Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request := map[string]any{
		"model": a.backend.Model(), "temperature": 0, "seed": 1, "max_tokens": maxTokens,
		"messages": []map[string]string{{"role": "user", "content": prompt}},
		"stream":   true, "stream_options": map[string]bool{"include_usage": true}, // every server of the API streams
	}
	if a.operator != "" {
		request["provider"] = map[string]any{"only": []string{a.operator}}
	}
	body, err := json.Marshal(request)
	if err != nil {
		return probe.Answer{}, fmt.Errorf("encode chat: %w", err)
	}
	s, err := a.backend.Chat(ctx, body, true)
	if err != nil {
		return probe.Answer{}, err
	}
	defer func() { _ = s.Close() }()
	var answer probe.Answer
	for {
		ev, err := s.Next(ctx)
		if errors.Is(err, io.EOF) {
			return answer, nil
		}
		if err != nil {
			return answer, err
		}
		answer.Text += ev.Text
		if ev.Usage != nil {
			answer.PromptTokens, answer.OutputTokens = int(ev.Usage.PromptTokens), int(ev.Usage.CompletionTokens)
			answer.From = operatorOf(ev.Data)
		}
	}
}

// operatorOf is the operator of which a gateway says that it answered; "" where no gateway does.
func operatorOf(chunk []byte) string {
	var said struct {
		Usage struct {
			Flotilla struct{ Operator string } `json:"flotilla"`
		} `json:"usage"`
	}
	if json.Unmarshal(chunk, &said) != nil {
		return ""
	}
	account, _, _ := strings.Cut(said.Usage.Flotilla.Operator, "/") // behind it one of its nodes
	if !common.IsHexAddress(account) {
		return ""
	}
	return common.HexToAddress(account).Hex()
}

type probeMergeCmd struct {
	Answers []string `arg:"" help:"Answer files, named MODEL.jsonl." type:"existingfile"`
	Out     string   `help:"File for the rows." required:"" type:"path" placeholder:"FILE"`
}

// Run grades the stored answers again, so a changed grader needs no new run of the models.
func (c *probeMergeCmd) Run(s *streams) error {
	probes := probe.Default()
	byModel, fileOf := map[string][]probe.Result{}, map[string]string{}
	for _, name := range c.Answers {
		model := catalogue.ID(strings.TrimSuffix(filepath.Base(name), filepath.Ext(name)))
		if other, ok := fileOf[model]; ok {
			return fmt.Errorf("%s and %s: both are of %s", other, name, model)
		}
		fileOf[model] = name
		raw, err := readBounded(name, maxAnswersBytes)
		if err != nil {
			return fmt.Errorf("read answers: %w", err)
		}
		results, err := probe.ReadLines[probe.Result](bytes.NewReader(raw))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		probe.Regrade(probes, results)
		byModel[model] = results
	}
	rows := probe.Rows(probes, byModel)
	if err := writeLines(c.Out, rows); err != nil {
		return err
	}
	_, err := fmt.Fprint(s.out, probe.Table(rows))
	return err
}
