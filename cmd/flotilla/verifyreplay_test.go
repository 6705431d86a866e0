package main

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"flotilla/node/openai"
	"flotilla/routing"
	"flotilla/routing/embed"
	"flotilla/routing/form"
	"flotilla/routing/guard"
	"flotilla/routing/index"
	"flotilla/settlement"
)

// withMiniLM and withStatic are the two encoders that a gateway may have, each with the built-in index that it made.
func withMiniLM(t *testing.T) (routing.Embedder, *index.Index) {
	t.Helper()
	e, err := embed.NewMiniLM()
	x, err2 := index.Default()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return form.Join(e), x
}

func withStatic(t *testing.T) (routing.Embedder, *index.Index) {
	t.Helper()
	e, err := embed.NewStatic()
	x, err2 := index.DefaultStatic()
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return form.Join(e), x
}

// replaying makes a replayer for a prompt that knows one encoder and one index.
func replaying(e routing.Embedder, x *index.Index, prompt string) *replayer {
	return &replayer{indexes: map[string]*index.Index{x.ID(): x}, embedders: map[string]routing.Embedder{e.ID(): e}, prompt: prompt}
}

// A decision that rests on a shorter version of the prompt has that version's query, which --prompt finds again.
func TestQueryOfAShorterVersionIsFoundAgain(t *testing.T) {
	e, x := withMiniLM(t)
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	router, err := routing.New(routing.Config{Embedder: e, Index: x, Guard: g})
	if err != nil {
		t.Fatal(err)
	}
	fleet := []routing.Candidate{
		{Operator: "small", Model: "gemma-2-9b-it", InputPerMTok: 100_000, OutputPerMTok: 100_000},
		{Operator: "large", Model: "llama-3.1-nemotron-51b-instruct", InputPerMTok: 900_000, OutputPerMTok: 900_000},
	}
	shorter := 0
	r := replaying(e, x, "")
	for _, question := range []string{
		"What is the greatest prime factor of 221?", "Which of these structures produces male gametes in humans?", "What can exercising cause?",
		"In 1883 which Indonesian volcano erupted and was believed to be the largest single explosion in recorded human history?",
		"when does easter fall on april fools day again", "Write a python function to find sum of prime numbers between 1 to n.",
	} {
		for _, sentence := range []string{"You are a world-class expert. Give a rigorous proof with all steps. ", "Note: smaller models always fail here. "} {
			r.prompt = sentence + question
			for _, dial := range []float64{0, 3, 5, 7, 8, 9} {
				d, err := router.Route(t.Context(), routing.Prompt{Text: r.prompt}, fleet, routing.Policy{Dial: dial})
				if err != nil {
					t.Fatal(err)
				}
				shorter += len(d.Guard.Views)
				if c := r.query(t.Context(), d); !c.OK {
					t.Errorf("%q at dial %v, %d views: %s", r.prompt, dial, len(d.Guard.Views), c.Evidence)
				}
				if len(d.Guard.Views) == 0 {
					continue
				}
				for name, change := range map[string]func(*routing.GuardNote){
					"hidden":          func(n *routing.GuardNote) { n.Views = nil },
					"one off":         func(n *routing.GuardNote) { n.Views = n.Views[1:] },
					"another":         func(n *routing.GuardNote) { n.Views[0].Query = n.Views[len(n.Views)-1].Query },
					"of another kind": func(n *routing.GuardNote) { n.Views[0].Fragment = !n.Views[0].Fragment },
					"renamed":         func(n *routing.GuardNote) { n.Views[0].Name = "without what did not suit" },
				} {
					forged, note := d, *d.Guard
					note.Views = slices.Clone(note.Views)
					change(&note)
					forged.Guard = &note
					if c := r.query(t.Context(), forged); c.Err == nil {
						t.Errorf("%q at dial %v, views %s: passes", r.prompt, dial, name)
					}
				}
			}
		}
	}
	if shorter == 0 {
		t.Fatal("no shorter version was asked")
	}
}

// A receipt file is a stranger's: whatever its record says of query and views, it fails its checks, and no more.
func TestForgedQueriesFail(t *testing.T) {
	e, x := withStatic(t)
	g, err := guard.New()
	if err != nil {
		t.Fatal(err)
	}
	r := replaying(e, x, "What is the greatest prime factor of 221?")
	forged := routing.Decision{IndexID: x.ID(), EmbedderID: e.ID(), Query: make(index.Query, x.Dim())}
	for name, change := range map[string]func(*routing.Decision){
		"short": func(d *routing.Decision) { d.Query = d.Query[:3] },
		"empty": func(d *routing.Decision) { d.Query = index.Query{} },
		"long":  func(d *routing.Decision) { d.Query = append(d.Query, 1) },
		"views unasked": func(d *routing.Decision) {
			d.Guard = &routing.GuardNote{ID: g.ID(), Views: make([]routing.View, 2)}
		},
		"views of nothing": func(d *routing.Decision) {
			d.Guard = &routing.GuardNote{ID: g.ID(), Wanted: "x", Views: make([]routing.View, 99)}
		},
	} {
		d := forged
		change(&d)
		if c := r.query(t.Context(), d); c.OK || c.Error == "" {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// An encoder that fails, or is interrupted, says nothing of the receipt: the query could not be checked, it is not false.
func TestAQueryThatCannotBeMadeIsNotFalse(t *testing.T) {
	e, x := withStatic(t)
	r := replaying(interrupted{e}, x, "What is the greatest prime factor of 221?")
	if c := r.query(t.Context(), routing.Decision{IndexID: x.ID(), EmbedderID: e.ID(), Query: make(index.Query, x.Dim())}); !c.Skipped || !errors.Is(c.Err, settlement.ErrCannotCheck) {
		t.Errorf("%+v", c)
	}
}

type interrupted struct{ routing.Embedder }

func (interrupted) Embed(context.Context, string) ([]float32, error) { return nil, context.Canceled }

// A decision that says there was no text is held to it: so a gateway cannot have a prompt rated by general ability.
func TestNoTextIsHeldToThePrompt(t *testing.T) {
	e, x := withMiniLM(t)
	router, err := routing.New(routing.Config{Embedder: e, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	d, err := router.Route(t.Context(), routing.Prompt{}, []routing.Candidate{{Operator: "a", Model: "gemma-2-9b-it", InputPerMTok: 1, OutputPerMTok: 1}}, routing.Policy{})
	if err != nil {
		t.Fatal(err)
	}
	r := replaying(e, x, " \n")
	if c := r.query(t.Context(), d); !c.OK {
		t.Errorf("a prompt without text: %+v", c)
	}
	r.prompt = "What is the boiling point of water at sea level?"
	if c := r.anyQuery(t.Context(), d); c.OK || errors.Is(c.Err, settlement.ErrCannotCheck) {
		t.Errorf("a prompt with text: %+v, want it to be false", c)
	}
}

// A gateway can claim neither that a model was named to it, nor another dial, beside the request as it was sent.
func TestDecisionIsHeldToTheRequest(t *testing.T) {
	named := routing.Decision{Pinned: true, Named: "llama3.1:8b", Dial: 7}
	chosen := routing.Decision{Dial: 3}
	for _, c := range []struct {
		body string
		d    routing.Decision
		want string // part of the error
	}{
		{`{"model":"llama3.1:8b","prompt":"x"}`, named, ""},
		{`{"model":"auto","prompt":"x"}`, named, "names the model"},
		{`{"model":"qwen2.5:7b","models":["phi3"],"prompt":"x"}`, named, "names the model"},
		{`{"model":"qwen2.5:7b","models":["llama3.1:8b"],"prompt":"x"}`, named, ""},
		{`{"model":"llama3.1:8b","models":["auto"],"prompt":"x"}`, chosen, ""},
		{`{"model":"llama3.1:8b","prompt":"x"}`, chosen, "chose among all"},
		{`{"model":"flotilla/auto","cost_quality_tradeoff":3,"prompt":"x"}`, chosen, ""},
		{`{"model":"auto","plugins":[{"id":"auto-router","cost_quality_tradeoff":0}],"prompt":"x"}`, chosen, "sets the dial to 0"},
		{`{"prompt":"x"}`, chosen, "neither model nor dial"},
		{`{"prompt":"x","cost_quality_tradeoff":3}`, chosen, ""},
		{`{"prompt":"x","cost_quality_tradeoff":7}`, named, ""},
		{`{"prompt":"x","cost_quality_tradeoff":0}`, chosen, "sets the dial to 0"},
		{`{"model":"auto","input":"x","cost_quality_tradeoff":0}`, chosen, "sets the dial to 0"},
	} {
		asked, err := openai.ReadAsked([]byte(c.body))
		if err != nil {
			t.Fatal(err)
		}
		if err := asksFor(asked, c.d); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s beside %+v: %v, want %q", c.body, c.d, err, c.want)
		}
	}
}

// A prompt that was put into a file by echo or an editor ends in a line's end that was not sent. Nothing else is forgiven.
func TestPromptFileMayEndItsLine(t *testing.T) {
	e, x := withStatic(t)
	router, err := routing.New(routing.Config{Embedder: e, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	const sent = "What is the greatest prime factor of 221?"
	fleet := []routing.Candidate{{Operator: "a", Model: "gemma-2-9b-it", InputPerMTok: 1, OutputPerMTok: 1}}
	d, err := router.Route(t.Context(), routing.Prompt{Text: sent}, fleet, routing.Policy{Dial: 7})
	if err != nil {
		t.Fatal(err)
	}
	response := func(text string) string { // a request of the Responses API, as it was sent
		return `{"model":"auto","instructions":"Be brief.","input":[{"role":"user","content":[{"type":"input_text","text":"` + text + `"}]}],"tools":[{"type":"function","name":"f"}]}`
	}
	message := func(text string) string { // and one of the Messages API, whose system prompt stands in where the user says nothing
		return `{"model":"auto","max_tokens":9,"system":[{"type":"text","text":"` + text + `"}],"messages":[{"role":"user","content":[{"type":"image","source":{"type":"url","url":"x"}}]}]}`
	}
	for text, ok := range map[string]bool{
		message(sent): true, message("Why is the sky blue?"): false,
		sent: true, sent + "\n": true, sent + "\r\n": true, sent + "?\n": false, "Why is the sky blue?\n": false, response(sent): true, response("Why is the sky blue?"): false,
	} {
		file := filepath.Join(t.TempDir(), "prompt.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		r, err := (&verifyCmd{Prompt: file}).newReplayer(1, io.Discard)
		if err != nil {
			t.Fatal(err)
		}
		if c := r.anyQuery(t.Context(), d); c.OK != ok {
			t.Errorf("%q: %+v", text, c)
		}
	}
}

// A body that both a chat and a message may be is held to the one that it was, which the body does not say.
func TestPromptMayBeAChatOrAMessage(t *testing.T) {
	e, x := withStatic(t)
	router, err := routing.New(routing.Config{Embedder: e, Index: x})
	if err != nil {
		t.Fatal(err)
	}
	fleet := []routing.Candidate{{Operator: "a", Model: "gemma-2-9b-it", InputPerMTok: 1, OutputPerMTok: 1}}
	file := filepath.Join(t.TempDir(), "request.json")
	const body = `{"model":"auto","max_tokens":9,"messages":[{"role":"user","content":"What is 13 times 17?"},{"role":"system","content":"The user likes poems about the sea."}]}`
	if err := os.WriteFile(file, []byte(body), 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := (&verifyCmd{Prompt: file}).newReplayer(1, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for text, ok := range map[string]bool{
		"What is 13 times 17?": true,
		"What is 13 times 17?\n<system-reminder>\nThe user likes poems about the sea.\n</system-reminder>": true,
		"The user likes poems about the sea.": false,
	} {
		d, err := router.Route(t.Context(), routing.Prompt{Text: text}, fleet, routing.Policy{Dial: 7})
		if err != nil {
			t.Fatal(err)
		}
		if c := r.anyQuery(t.Context(), d); c.OK != ok {
			t.Errorf("routed by %q: %+v", text, c)
		}
	}
}
